"""PromptWizard (Agarwal et al., 2024): variants, streaks, critique; then examples and persona."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from apo import Evaluation, Example, Prompt, Rollout, Score, Search, SettingsError, Task
from apo.optimizers.parts.promptwizard_examples import listed, parsed, unfilled
from apo.optimizers.parts.promptwizard_streak import Streak, best, streak
from apo.optimizers.promptwizard import PromptWizard
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Seen, shown_inputs, tagged

MODULE = str(Path(__file__).parents[2] / "optimizers" / "promptwizard.py")
TAGS = ("instructions", "critique", "examples", "reasoning", "persona", "keywords")
QUICK = PromptWizard(n_rounds=1, n_refinements=0, n_requests=2, n_variants=3)


def wanted_tag(text: str) -> str:
    """The tag in which a meta-prompt asks for its reply: the last one that it names."""
    return str(re.findall(r"</(\w+)>", text)[-1])


def writer(n: int, text: str) -> str:
    """Three variants without any '+', or a text in the tag that is asked for."""
    tag = wanted_tag(text)
    if tag == "instructions":
        body = "".join(tagged(f"variant {n}.{i}") for i in range(3))
        return f"<instructions>{body}</instructions>"
    return f"<{tag}>{tag} {n}</{tag}>"


def asked(seen: Seen, tag: str) -> list[str]:
    return [text for text in seen.writer.texts if wanted_tag(text) == tag]


def candidates(text: str) -> list[str]:
    return re.findall(r"<candidate>\n(.*?)\n</candidate>", text, re.DOTALL)


def example(name: str) -> Example:
    return Example({"input": name}, (name,))


class Script:
    """Stands in for a search: answers batch after batch by a script of r(ight), w(rong), '-'."""

    def __init__(self, script: str) -> None:
        self.script = list(script)

    async def evaluate(self, prompt: Prompt, batch: Sequence[Example]) -> Evaluation:
        found = self.script.pop(0)
        score = None if found == "-" else Score(float(found == "r"))
        return Evaluation(prompt, tuple(Rollout(e, found, score) for e in batch))


@pytest.mark.parametrize(
    ("script", "score", "asked_batches"),
    [
        ("w", 0.0, 1),  # The first failure ends it …
        ("rw", 1 / 2, 2),
        ("rrw", 2 / 3, 3),
        ("rrr", 1.0, 3),  # … and so do three right ones: six batches are never reached,
        ("-r-r-r", 1.0, 3),  # but for those without an answer, which are no failures.
        ("---rw", 1 / 2, 2),
        ("------", 0.0, 0),
    ],
)
def test_a_streak_ends_at_the_first_failure_or_after_three(
    script: str, score: float, asked_batches: int
) -> None:
    search = Script(script)
    batches = [[example(f"x{i}")] for i in range(6)]
    found = asyncio.run(streak(cast(Search, search), Prompt("p"), batches, 3))
    assert found.score == pytest.approx(score)
    assert found.asked == asked_batches
    assert search.script == []


def test_the_best_streak_wins_and_length_decides_ties() -> None:
    def streak(text: str, right: int, of: int) -> Streak:
        return Streak(Prompt(text), right, of)

    found = [streak("aa", 1, 2), streak("b", 1, 2), streak("ccc", 0, 1), streak("unknown", 0, 0)]
    assert [s.prompt.instruction for s in best(found, "longer")] == ["aa", "b", "ccc"]
    assert [s.prompt.instruction for s in best(found, "shorter")] == ["b", "aa", "ccc"]
    with pytest.raises(SettingsError, match="prefer"):
        PromptWizard(prefer="longest")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("script", "shown"), [("w", "w"), ("rw", "r"), ("rrw", "rr")])
def test_a_good_streak_is_criticized_on_what_it_solved(script: str, shown: str) -> None:
    batches = [[example(f"x{i}")] for i in range(6)]
    found = asyncio.run(streak(cast(Search, Script(script)), Prompt("p"), batches, 3))
    assert "".join(rollout.output for rollout in found.evidence(3 / 6)) == shown


def test_budget_of_a_round(run: Run) -> None:
    """The mutator's requests, a question for each wrong prompt, and two calls to refine."""
    optimizer = replace(QUICK, n_requests=4, reasoning=False, persona=False)
    seen = run(optimizer, writer)
    assert [wanted_tag(text) for text in seen.writer.texts] == [
        *["instructions"] * 4, "critique", "instruction",
    ]  # fmt: skip
    streaks = [e for e in seen.evaluations(whole=False) if e.body["n"] == 1]
    assert len(streaks) == 1 + 4 * 3 + 1  # The old one, all variants, the refined one.
    assert [e.body["n"] for e in seen.evaluations(whole=False)][-1] == 10  # All that was seen.
    # Validation: the seed, the round's result, and that with examples.
    assert len({e.body["candidate"] for e in seen.evaluations(whole=True)}) == 3


def test_budget_of_the_later_steps(run: Run) -> None:
    """One reasoning for each example, one persona, one line of keywords."""
    seen = run(replace(QUICK, keywords=True), writer)
    tags = [wanted_tag(text) for text in seen.writer.texts]
    assert tags[4:] == [*["reasoning"] * 5, "persona", "keywords"]
    short = run(replace(QUICK, n_rounds=0, n_demos=2, reasoning=False), writer, seed=1)
    assert [wanted_tag(text) for text in short.writer.texts] == ["persona"]


def test_variants_are_asked_for_in_drawn_styles(run: Run) -> None:
    seen = run(replace(QUICK, n_requests=4, n_variants=5), writer)
    styles = [re.findall(r"<style>\n(.*?)\n</style>", t) for t in asked(seen, "instructions")]
    assert [len(set(found)) for found in styles] == [5] * 4
    assert len(set(map(tuple, styles))) > 1  # Not always the first five.
    candidates = [e.body for e in seen.events if e.kind == "candidate"]
    made = [c for c in candidates if c["operator"] == "promptwizard_mutate"]
    assert len(made) == 4 * 3


def test_each_draws_its_own_questions_unless_they_are_paired(run: Run) -> None:
    def questions(seen: Seen) -> list[str]:
        train = [last for _, last in seen.reader.asked if int(last[1:]) < 10]
        return train[:7]  # The first pool: the seed and six variants, all wrong at once.

    own, shared = (run(replace(QUICK, paired=paired), writer) for paired in (False, True))
    assert len(set(questions(own))) > 1
    assert len(set(questions(shared))) == 1


def test_the_best_of_a_round_is_criticized_and_refined(run: Run) -> None:
    def reply(n: int, text: str) -> str:
        return writer(n, text).replace("variant 1.2", "++++++++++ perfect")

    seen = run(replace(QUICK, n_demos=2), reply)
    [critic] = asked(seen, "critique")
    assert candidates(critic) == ["++++++++++ perfect"]
    assert "solved these examples" in critic
    assert len(shown_inputs(critic)) == 3
    assert seen.result.best.prompt.instruction == "++++++++++ perfect"
    [refiner] = asked(seen, "instruction")
    assert shown_inputs(refiner) == shown_inputs(critic)
    assert "<comment>\ncritique 2\n</comment>" in refiner
    assert len(seen.writer.texts) == 4  # Solved: there is nothing left to do.


def test_a_failed_streak_is_criticized_on_its_failure(run: Run) -> None:
    [critic] = asked(run(QUICK, writer), "critique")
    assert "failed on these examples" in critic
    assert len(shown_inputs(critic)) == 1
    assert "<answer>\nno\n</answer>" in critic
    assert "The answer was 'no'." in critic


def test_demos_are_what_went_wrong_filled_up_with_others(run: Run) -> None:
    seen = run(replace(QUICK, n_rounds=0, n_demos=5, reasoning=False), writer, seed_prompt="+" * 7)
    demos = seen.result.best.prompt.demos
    made = [e.body["prompt"] for e in seen.events if e.kind == "candidate"][1:]
    assert [len(prompt["demos"]) for prompt in made] == [5, 5]
    shown = [int(demo["user"][1:]) for demo in made[0]["demos"]]
    assert sorted(shown[:3]) == [7, 8, 9]
    assert all(number < 7 for number in shown[3:])
    assert demos == ()  # Nothing won by them here: the verdict is validation's.


def test_the_final_prompt_is_assembled(run: Run) -> None:
    seen = run(replace(QUICK, n_rounds=0, n_demos=2, keywords=True), writer)
    plain, whole = [e.body for e in seen.events if e.kind == "candidate"][1:]
    assert {plain["operator"], whole["operator"]} == {"promptwizard_assemble"}
    assert plain["prompt"]["instruction"] == "Seed"
    assert whole["prompt"]["instruction"] == "persona 2\n\nSeed\n\nkeywords 3"
    for i, (bare, reasoned) in enumerate(
        zip(plain["prompt"]["demos"], whole["prompt"]["demos"], strict=True)
    ):
        assert bare["user"] == bare["assistant"] == reasoned["user"]
        assert reasoned["assistant"] == f"reasoning {i}\n\n{bare['assistant']}"
    measured = {e.body["candidate"] for e in seen.evaluations(whole=True)}
    assert measured >= {Prompt.from_dict(body["prompt"]).id for body in (plain, whole)}


def test_refinement_or_synthesis_by_coin_flip(run: Run) -> None:
    optimizer = replace(QUICK, n_rounds=0, n_refinements=12, reasoning=False, persona=False)
    seen = run(optimizer, writer)
    tags = [wanted_tag(text) for text in seen.writer.texts]
    pairs = list(zip(tags[::2], tags[1::2], strict=True))
    # "examples 1" holds no example, so it was asked for in vain, and all goes on.
    assert set(pairs) == {("critique", "instruction"), ("critique", "examples")}
    assert len(pairs) == 12
    assert 2 <= pairs.count(("critique", "examples")) <= 10


NEW = (
    "<input>x900</input><output>x900</output>\n"
    "<input>\nx901\n</input>\n<output>\nx901\n</output>"
    "<input>x3</input><output>x3</output>"  # In the data already.
    "<input>x903</input> and <output>x903</output>"
    "<input></input><output></output>"
)


@pytest.mark.parametrize(("verify", "plus", "new"), [(False, 0, 2), (True, 0, 0), (True, 1, 1)])
def test_synthesized_examples_replace_the_old_ones(
    verify: bool, plus: int, new: int, run: Run
) -> None:
    def reply(n: int, text: str) -> str:
        return f"<examples>{NEW}</examples>" if wanted_tag(text) == "examples" else writer(n, text)

    optimizer = replace(
        QUICK, n_rounds=0, n_refinements=1, n_demos=4, verify=verify, reasoning=False
    )
    runs = (run(optimizer, reply, seed=s, seed_prompt="+" * plus + " Seed") for s in range(10))
    seen = next(seen for seen in runs if asked(seen, "examples"))  # The coin fell that way.
    made = [e.body["prompt"] for e in seen.events if e.kind == "candidate"]
    shown = [demo["user"] for demo in made[1]["demos"]]
    assert shown[:new] == ["x900", "x901"][:new]  # Only x900 is right with one '+'.
    assert len(shown) == 4
    assert all(int(name[1:]) < 10 for name in shown[new:])


def search_of(task: Task) -> Search:
    class Holder:
        def __init__(self) -> None:
            self.task, self.seed_prompts = task, task.seed_prompts

    return cast(Search, Holder())


def test_synthesized_examples_have_the_form_of_the_task() -> None:
    prompt = Prompt("Seed", template="From {{who}}:\n{{text}}")
    task = replace(
        fake_task(),
        seed_prompts=(prompt,),
        train=[],
        validation=[],
        input_fields=("who", "text"),
        labels=("yes", "no"),
    )
    reply = (
        "<input>From Ann:\nIs it\nso?</input><output>yes</output>"
        "<input>Is it so?</input><output>yes</output>"
        "<input>From Bo:\nWhy?</input><output>maybe</output>"
    )
    [found] = parsed(reply, search_of(task))
    assert found == Example({"who": "Ann", "text": "Is it\nso?"}, ("yes",))
    assert parsed("Here are some: none.", search_of(task)) == []


def test_the_scorer_must_take_a_synthesized_answer_for_right() -> None:
    def picky(output: str, example: Example) -> Score:
        if not example.target.isdigit():
            raise ValueError("This target is no number.")
        return Score(float(int(output) == int(example.target) < 100))

    reply = "".join(f"<input>q{a}</input><output>{a}</output>" for a in ("7", "seven", "700", ""))
    task = replace(fake_task(), scorer=picky)
    assert [e.target for e in parsed(reply, search_of(task))] == ["7"]


def test_templates_are_read_backwards() -> None:
    assert unfilled("{{ input }}", "any\n{{x}} text") == {"input": "any\n{{x}} text"}
    assert unfilled("Q: {{a}} ({{b}})", "Q: one (two)") == {"a": "one", "b": "two"}
    assert unfilled("Q: {{a}}", "A: one") == {}


def test_a_list_of_variants_may_lack_its_inner_tags() -> None:
    assert listed("<instruction>a</instruction>\n<instruction>\nb\n</instruction>") == ["a", "b"]
    assert listed("one alone") == ["one alone"]


def test_lost_replies_cost_no_more_than_themselves(run: Run) -> None:
    def reply(n: int, _: str) -> str:
        return "<instructions>Seed</instructions>" if n == 0 else "nothing in tags"

    seen = run(replace(QUICK, n_refinements=4), reply)
    made = [e.body["prompt"] for e in seen.events if e.kind == "candidate"]
    assert [prompt["instruction"] for prompt in made] == ["Seed", "Seed"]
    assert [len(prompt["demos"]) for prompt in made] == [0, 5]


def test_defaults_are_the_authors() -> None:
    found = PromptWizard()
    assert (found.n_rounds, found.n_requests, found.n_variants, found.n_kept) == (3, 4, 5, 1)
    assert (found.seen_size, found.minibatch_size, found.max_streak) == (25, 1, 3)
    assert (found.max_batches, found.n_demos, found.n_refinements) == (6, 5, 3)
    assert (found.verify, found.paired, found.keywords) == (False, False, False)


def test_styles_are_as_many_in_both_languages() -> None:
    texts = [render(MODULE, "promptwizard_styles", code, {}).strip() for code in ("en", "ko")]
    lines = [text.splitlines() for text in texts]
    assert len(lines[0]) == len(lines[1]) >= 12
    assert all(len(set(found)) == len(found) and all(found) for found in lines)


NAMES = {
    "mutate": "instructions", "criticize": "critique", "praise": "critique",
    "refine": "instruction", "criticize_examples": "critique", "synthesize": "examples",
    "reason": "reasoning", "persona": "persona", "keywords": "keywords",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_meta_prompts_show_the_same_in_both_languages(name: str) -> None:
    def shown(example: Example) -> str:
        return example.inputs["input"]

    examples = [Example({"input": f"in{i}"}, (f"gold{i}",)) for i in range(2)]
    values: dict[str, Any] = {
        "task": replace(fake_task(), labels=("yes", "no")), "shown": shown,
        "prompt": Prompt("now"), "examples": examples, "example": examples[0], "n": 5,
        "critique": "the critique", "styles": ["style one", "style two"],
        "rollouts": [Rollout(e, "said", Score(0.0, True, "feedback")) for e in examples],
    }  # fmt: skip
    english, korean = (
        render(MODULE, f"promptwizard_{name}", code, {}, **values) for code in ("en", "ko")
    )
    data = [re.findall(r"<(\w+)>\n(.*?)\n</\1>", text, re.DOTALL) for text in (english, korean)]
    assert data[0] == data[1]
    assert data[0][0] == ("candidate", "now")
    assert wanted_tag(english) == wanted_tag(korean) == NAMES[name]
    assert re.search("[가-힣]", korean)
    assert not re.search("[가-힣]", english)
