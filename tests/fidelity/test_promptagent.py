"""PromptAgent (Wang et al., 2023): Monte-Carlo tree search over prompts.

Section numbers are the paper's; rules of the tree are those of the authors' code.
"""

import asyncio
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from apo import Evaluation, Example, Prompt, Rollout, Score, Search, SettingsError, Task
from apo.optimizers.parts.search_tree import Node, Tree, back_propagate, output, uct
from apo.optimizers.promptagent import PromptAgent, rewarded
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, shown_inputs, tagged

CRITICS = ("promptagent_criticize", "promptagent_praise")
REWRITERS = ("promptagent_rewrite", "promptagent_extend")
MODULE = str(Path(__file__).parents[2] / "optimizers" / "promptagent.py")


def is_critic(text: str) -> bool:
    return "<critique>" in text


def agent(n: int, text: str, plus: Sequence[int] = (0,)) -> str:
    """A critique, or a new prompt with the next number of '+'."""
    if is_critic(text):
        return f"<critique>critique {n}</critique>"
    return tagged("+" * plus[n % len(plus)] + f" new {n}")


def candidates(text: str) -> list[str]:
    return re.findall(r"<candidate>\n(.*?)\n</candidate>", text, re.DOTALL)


def shown(example: Example) -> str:
    return example.inputs["input"]


def node(reward: float, parent: Node | None = None, returns: Sequence[float] = ()) -> Node:
    made = Node(Prompt(f"p{reward}"), reward, parent, returns=list(returns))
    if parent:
        parent.children.append(made)
    return made


def chain(*rewards: float) -> list[Node]:
    path: list[Node] = []
    for reward in rewards:
        path.append(node(reward, path[-1] if path else None))
    return path


def tree(settings: PromptAgent, root: Node) -> Tree:
    return Tree(root, max_depth=settings.max_depth, min_depth=settings.min_depth)


@pytest.mark.parametrize(("width", "new", "batch"), [(3, 1, 5), (2, 3, 4), (1, 1, 1)])
def test_budget_of_an_expansion(width: int, new: int, batch: int, run: Run) -> None:
    """w · (b + m · |D_eval|) rollouts, and for each batch a critique and m rewrites."""
    optimizer = PromptAgent(
        n_iterations=1, expand_width=width, n_new_prompts=new, minibatch_size=batch, max_depth=1
    )
    seen = run(optimizer, agent)
    assert [is_critic(text) for text in seen.writer.texts] == [True] * width + [False] * width * new
    parts = seen.evaluations(whole=False)
    assert [event.body["n"] for event in parts] == [batch] * width
    answered = {last for last in seen.asked_for("Seed") if int(last[1:]) < 10}
    assert len(seen.reader.asked) == 10 * (1 + width * new) + len(answered)


def test_a_batch_lends_its_errors_to_one_critique_and_its_rewrite(run: Run) -> None:
    seen = run(PromptAgent(n_iterations=1, max_depth=1), agent, seed_prompt="+++ Seed")
    critics, rewriters = seen.writer.texts[:3], seen.writer.texts[3:]
    for i, (critic, rewriter) in enumerate(zip(critics, rewriters, strict=True)):
        assert shown_inputs(critic) == shown_inputs(rewriter)
        assert all(int(name[1:]) >= 3 for name in shown_inputs(critic))  # Only wrong ones.
        assert critic.count("<answer>\nno\n</answer>") == len(shown_inputs(critic))
        assert critic.count("The answer was 'no'.") == len(shown_inputs(critic))
        assert f"<comment>\ncritique {i}\n</comment>" in rewriter


def test_a_batch_that_is_all_right_gets_the_ascent_pair(run: Run) -> None:
    optimizer = PromptAgent(n_iterations=1, expand_width=8, max_depth=1, minibatch_size=2)
    seen = run(optimizer, agent, seed_prompt="+++++++ Seed")
    operators = {e.body["operator"] for e in seen.events if e.kind == "candidate"}
    assert operators == {"seed", *REWRITERS}
    critics, rewriters = seen.writer.texts[:8], seen.writer.texts[8:]
    for critic, rewriter in zip(critics, rewriters, strict=True):
        right = all(int(name[1:]) < 7 for name in shown_inputs(critic))
        assert ("all of these examples right" in critic) == right
        assert ("all of these examples right" in rewriter) == right
        assert len(shown_inputs(critic)) == 2 or not right


def test_the_rewriter_sees_the_chain_of_ancestors_in_order(run: Run) -> None:
    optimizer = PromptAgent(n_iterations=1, expand_width=1, max_depth=3, minibatch_size=2)
    seen = run(optimizer, agent)
    rewriters = [text for text in seen.writer.texts if not is_critic(text)]
    assert [candidates(text) for text in rewriters] == [
        ["Seed"],
        ["new 1", "Seed"],
        ["new 3", "Seed", "new 1"],
    ]
    assert all(len(candidates(text)) == 1 for text in seen.writer.texts if is_critic(text))


@pytest.mark.parametrize(
    ("plus", "expansions"),
    [
        (range(9), 3),  # At depth 3 better than all before: early stop.
        ((0,), 5),  # Never better, never worse: to the depth limit.
        ((4, 4, 3, 3, 2, 2, 1, 1, 0, 0), 3),  # At depth 3 below the mean of root and parent.
    ],
)
def test_how_far_a_simulation_goes(plus: Sequence[int], expansions: int, run: Run) -> None:
    seed = "++++ Seed" if plus[0] == 4 else "Seed"
    seen = run(
        PromptAgent(n_iterations=1, expand_width=1, minibatch_size=1, eval_size=0),
        lambda n, text: agent(n, text, plus),
        seed_prompt=seed,
    )
    assert sum(map(is_critic, seen.writer.texts)) == expansions


def test_the_simulation_goes_on_from_the_best_child(run: Run) -> None:
    optimizer = PromptAgent(n_iterations=1, expand_width=3, max_depth=2, minibatch_size=1)
    plus = [0, 0, 0, 2, 5, 1, *[0] * 6]
    seen = run(optimizer, lambda n, text: agent(n, text, plus))
    assert {candidates(text)[0] for text in seen.writer.texts[6:]} == {"+++++ new 4"}


def test_terminal_by_depth_and_by_reward() -> None:
    path = chain(0.4, 0.1, 0.6, 0.49, 0.44, 0.5)
    on = tree(PromptAgent(max_depth=5, min_depth=2), path[0])
    # Depths 1 and 2 are never too bad; at 3 the bound is (0.4 + 0.6) / 2, at 4 (0.4 + 0.49) / 2.
    assert [on.is_terminal(found) for found in path] == [False, False, False, True, True, True]
    near = chain(0.4, 0.1, 0.6, 0.51)
    on = tree(PromptAgent(), near[0])
    on.best_seen = 0.9  # The bound is made of the root's reward, not of the best.
    assert not on.is_terminal(near[3])
    on = tree(PromptAgent(max_depth=8, min_depth=3), path[0])
    assert [on.is_terminal(found) for found in path] == [False, False, False, False, True, False]


def test_uct_on_a_hand_built_tree() -> None:
    root = node(0.2, returns=[1.0, 2.0, 1.5, 0.9])
    often = node(0.5, root, [0.6, 0.8, 0.7])
    once = node(0.4, root, [0.4])
    never = node(0.65, root)
    logs = math.log(5)
    assert uct(often, 2.5) == pytest.approx(0.7 + 2.5 * math.sqrt(logs / 3))
    assert uct(once, 2.5) == pytest.approx(0.4 + 2.5 * math.sqrt(logs))
    assert uct(never, 2.5) == pytest.approx(0.65 + 2.5 * math.sqrt(logs))  # Its reward for Q.
    assert uct(root, 2.5) == root.q == pytest.approx(1.35)  # Nobody walked past the root.


@pytest.mark.parametrize(("exploration", "chosen"), [(2.5, 0.65), (0.0, 0.5)])
def test_selection_follows_uct_to_a_leaf(exploration: float, chosen: float) -> None:
    root = node(0.2, returns=[1.0, 2.0, 1.5, 0.9])
    node(0.5, root, [0.6, 0.8, 0.7])
    node(0.65, root)
    path = tree(PromptAgent(), root).select(exploration)
    assert [found.reward for found in path] == [0.2, chosen]


def test_selection_stops_at_a_terminal_node() -> None:
    path = chain(0.1, 0.2, 0.3, 0.4)
    assert tree(PromptAgent(max_depth=2), path[0]).select(2.5) == path[:3]


def test_back_propagation_credits_the_sum_from_the_node_to_the_end() -> None:
    path = chain(0.1, 0.2, 0.6)
    back_propagate(path, "sum")
    back_propagate(path[:2], "sum")
    assert [found.returns for found in path] == [
        pytest.approx([0.9, 0.3]),
        pytest.approx([0.8, 0.2]),
        [0.6],
    ]
    assert path[0].q == pytest.approx(0.6)


def test_mean_returns_do_not_grow_with_depth() -> None:
    path = chain(0.5, 0.5, 0.5)
    back_propagate(path, "mean")
    assert [found.q for found in path] == [0.5] * 3
    with pytest.raises(SettingsError, match=r'PromptAgent.returns is .max.; it is "sum"'):
        PromptAgent(returns="max")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_the_output_is_the_best_node_of_the_best_path() -> None:
    good, lucky = chain(0.5, 0.6, 0.55), chain(0.5, 0.1, 0.9)
    assert output([lucky, good]).reward == 0.6
    assert output([lucky]).reward == 0.9


def test_rewards_come_from_a_fixed_part_of_validation_and_the_leaders_are_measured_whole(
    run: Run,
) -> None:
    optimizer = PromptAgent(
        n_iterations=2, expand_width=2, max_depth=2, eval_size=4, minibatch_size=2
    )
    seen = run(optimizer, lambda n, text: agent(n, text, [0, 3, 6, 9, 1, 4]))
    whole = {event.body["candidate"] for event in seen.evaluations(whole=True)}
    inputs = {
        name: {x for x in seen.asked_for(name) if int(x[1:]) >= 10} for name in seen.instructions
    }
    partly = [asked for asked in inputs.values() if len(asked) < 10]
    assert partly
    assert {frozenset(asked) for asked in partly} == {frozenset(partly[0])}
    assert len(partly[0]) == 4
    assert len(whole) == len(inputs) - len(partly)
    best = max(inputs, key=lambda name: name.count("+"))
    assert len(inputs[best]) == 10


def test_a_lost_critique_brings_no_rewrite(run: Run) -> None:
    def reply(n: int, text: str) -> str:
        return "lost" if is_critic(text) and n in (1, 3) else agent(n, text)  # 3 asks 1 again.

    seen = run(PromptAgent(n_iterations=1, expand_width=3, max_depth=1), reply)
    assert sum(not is_critic(text) for text in seen.writer.texts) == 2


def test_it_ends_without_new_prompts_and_when_solved(run: Run) -> None:
    dull = run(
        PromptAgent(n_iterations=4),
        lambda n, text: agent(n, text) if is_critic(text) else tagged("Seed"),
    )
    assert len(dull.writer.texts) == 4 * 6  # An expansion of the root in every iteration.
    solved = run(PromptAgent(), agent, seed_prompt="+" * 10)
    assert solved.writer.texts == []


def test_a_prompt_without_any_answer_has_no_reward() -> None:
    class Deaf:
        async def evaluate(self, prompt: Prompt, examples: Sequence[Example] | None) -> Evaluation:
            return Evaluation(prompt, (Rollout(Example({"input": "x"}, ("x",)), "", None, "no"),))

    assert asyncio.run(rewarded(cast(Search, Deaf()), Prompt("p"), None)) is None


def test_defaults_are_the_authors() -> None:
    found = PromptAgent()
    assert (found.n_iterations, found.expand_width, found.n_new_prompts) == (10, 3, 1)
    assert (found.max_depth, found.min_depth, found.exploration) == (5, 2, 2.5)
    assert (found.minibatch_size, found.temperature, found.returns) == (5, 1.0, "sum")


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", [*CRITICS, *REWRITERS])
def test_meta_prompts_show_the_same_in_both_languages(name: str, language: str) -> None:
    task: Task = fake_task()
    rollouts = [
        Rollout(Example({"input": f"in{i}"}, (f"gold{i}",)), f"said{i}", Score(0.0, True, f"fb{i}"))
        for i in range(2)
    ]
    text = render(
        MODULE,
        name,
        language,
        {},
        task=task,
        shown=shown,
        prompt=Prompt("now"),
        rollouts=rollouts,
        critique="the critique",
        lineage=[Prompt("oldest"), Prompt("older")],
    )
    wanted = ["now", "Repeat the word.", "in0", "gold0", "said0", "in1", "gold1", "said1"]
    wanted += ["the critique", "oldest", "older"] if name in REWRITERS else []
    places = [text.index(f"\n{part}\n") for part in wanted]
    assert places == sorted(places)
    assert ("fb0" in text) == (name in ("promptagent_criticize", "promptagent_rewrite"))
    tag = "critique" if name in CRITICS else "instruction"
    assert text.count(f"<{tag}>") == text.count(f"</{tag}>") == 1
    assert bool(re.search("[가-힣]", text)) == (language == "ko")
