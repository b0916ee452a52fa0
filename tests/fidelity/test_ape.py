"""APE (Zhou et al., 2022): instructions induced from examples, a bandit, and resampling.

Section numbers are the paper's.
"""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from apo import Budget, Completion, Example, Request, SettingsError, Usage
from apo.errors import ContentFilterError
from apo.optimizers import APE
from apo.optimizers import ape as ape_module
from apo.optimizers.parts.arms import ranks
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Seen, shown_candidates, shown_inputs, tagged


def proposal(n: int, _: str) -> str:
    return tagged("+" * (n % 4) + f" new {n}")


def small(**settings: Any) -> APE:
    return replace(APE(n_queries=2, n_samples=3, n_demos=4, n_iterations=0), **settings)


def pulls(seen: Seen) -> list[tuple[str, int]]:
    """Candidate and number of examples of each partial measurement, in order."""
    return [(e.body["candidate"], e.body["n"]) for e in seen.evaluations(whole=False)]


# --- §3.1, forward generation ---------------------------------------------------------------


def test_each_query_has_its_demonstrations_and_is_sampled_several_times(run: Run) -> None:
    seen = run(small(n_queries=3, n_samples=4, n_demos=5), proposal)
    texts = seen.writer.texts
    assert len(texts) == 3 * 4
    queries = [texts[start : start + 4] for start in range(0, 12, 4)]
    assert all(len(set(query)) == 1 for query in queries)
    shown = [shown_inputs(query[0]) for query in queries]
    assert all(len(inputs) == len(set(inputs)) == 5 for inputs in shown)
    assert len({tuple(inputs) for inputs in shown}) == 3
    assert all(shown_candidates(text) == [] for text in texts)


def test_more_demonstrations_than_there_are_examples(run: Run) -> None:
    seen = run(small(n_demos=500), proposal)
    assert len(shown_inputs(seen.writer.texts[0])) == 10


def test_the_pool_is_the_seed_and_the_new_ones_without_duplicates(run: Run) -> None:
    replies = ["A", "B", "A", "Seed", "C", "B"]
    optimizer = small(evaluation="flat", n_examples=2)
    seen = run(optimizer, lambda n, _: tagged(replies[n]))
    assert seen.instructions == ["Seed", "A", "B", "C"]
    assert len(pulls(seen)) == 4


# --- scoring: flat --------------------------------------------------------------------------


def test_flat_scoring_shows_all_prompts_the_same_examples(run: Run) -> None:
    seen = run(small(evaluation="flat", n_examples=4, n_leaders=1), proposal)
    validation = {example.inputs["input"] for example in seen.task.validation}
    asked = [
        sorted(x for x in seen.asked_for(name) if x not in validation) for name in seen.instructions
    ]
    assert len(asked) == 7
    assert all(inputs == asked[0] for inputs in asked)
    assert len(asked[0]) == 4


def test_unpaired_flat_scoring_draws_examples_for_each(run: Run) -> None:
    seen = run(small(evaluation="flat", n_examples=4, n_leaders=1, paired=False), proposal)
    validation = {example.inputs["input"] for example in seen.task.validation}
    asked = {
        tuple(sorted(x for x in seen.asked_for(name) if x not in validation))
        for name in seen.instructions
    }
    assert len(asked) > 3
    assert all(len(inputs) == 4 for inputs in asked)


def test_number_of_calls_of_flat_scoring(run: Run) -> None:
    """N · s rollouts, q · n proposals, and the leaders' validation."""
    seen = run(small(evaluation="flat", n_examples=4, n_leaders=1), lambda n, _: tagged(f"new {n}"))
    assert len(seen.writer.texts) == 6
    # All score 0: the leader is the first of the pool, the seed, whose validation is known.
    assert len(seen.reader.asked) == 10 + 7 * 4


# --- scoring: UCB ---------------------------------------------------------------------------


def test_the_bandit_spends_at_most_rounds_times_arms_times_examples(run: Run) -> None:
    optimizer = small(n_queries=4, ucb_rounds=6, ucb_share=0.334, ucb_examples=3, n_leaders=1)
    seen = run(optimizer, proposal, size=40)
    arms = round(0.334 * 13)
    found = pulls(seen)
    assert len(found) == 6 * arms
    assert all(n == 3 for _, n in found)
    train = {example.inputs["input"] for example in seen.task.train}
    rollouts = [last for _, last in seen.reader.asked if last in train]
    assert len(rollouts) <= 6 * arms * 3


def test_the_first_round_is_uniform_and_follows_the_seed(run: Run) -> None:
    first: set[tuple[str, ...]] = set()
    drawn: set[str] = set()
    for seed in range(12):
        optimizer = small(n_queries=4, ucb_rounds=1, ucb_share=0.25, n_leaders=1)
        seen = run(optimizer, lambda n, _: tagged(f"new {n}"), seed=seed)
        round_0 = [candidate for candidate, _ in pulls(seen)]
        assert len(set(round_0)) == round(0.25 * 13) == 3
        first.add(tuple(sorted(round_0)))
        drawn.update(round_0)
    assert len(first) > 8
    assert len(drawn) > 9


def test_new_arms_come_before_known_ones(run: Run) -> None:
    optimizer = small(n_queries=4, ucb_rounds=4, ucb_share=0.25, n_leaders=1)
    seen = run(optimizer, lambda n, _: tagged(f"new {n}"))
    found = [candidate for candidate, _ in pulls(seen)]
    assert len(found) == 12
    assert len(set(found)) == 12


def test_an_arm_never_sampled_is_unknown_and_not_zero(run: Run) -> None:
    """With one round of one arm, the leaders are that arm alone, however many may lead."""
    optimizer = small(n_queries=4, ucb_rounds=1, ucb_share=0.01, n_leaders=5)
    for seed in range(4):
        seen = run(optimizer, lambda n, _: tagged(f"new {n}"), seed=seed)
        sampled = {candidate for candidate, _ in pulls(seen)}
        assert len(sampled) == 1
        leaders = {event.body["candidate"] for event in seen.evaluations(whole=True)[1:]}
        assert leaders == sampled


def test_the_bandit_turns_to_the_better_arms(run: Run) -> None:
    optimizer = small(n_queries=4, ucb_rounds=30, ucb_share=0.1, ucb_examples=5, exploration=0.3)
    seen = run(optimizer, lambda n, _: tagged("+" * (8 if n == 7 else 1) + f" new {n}"))
    counts: dict[str, int] = {}
    for candidate, _ in pulls(seen):
        counts[candidate] = counts.get(candidate, 0) + 1
    assert max(counts, key=lambda c: counts[c]) == seen.result.best.prompt.id
    assert seen.result.best.prompt.instruction == "++++++++ new 7"


# --- §3.4, iterative search -----------------------------------------------------------------


@pytest.mark.parametrize("iterations", [0, 1, 3])
def test_a_variation_of_each_prompt_that_is_kept(iterations: int, run: Run) -> None:
    optimizer = small(evaluation="flat", n_examples=10, keep_share=0.5, n_iterations=iterations)
    seen = run(optimizer, proposal)
    rewording = seen.writer.texts[6:]
    pool, expected = 7, 0
    for _ in range(iterations):
        kept = max(1, round(0.5 * pool))
        expected += kept
        pool = 2 * kept
    assert len(rewording) == expected  # None is asked for after the last scoring.
    for text in rewording:
        assert "<candidate>" in text
        assert shown_inputs(text) == []


def test_the_kept_ones_are_the_best_and_their_variations_say_so(run: Run) -> None:
    optimizer = small(evaluation="flat", n_examples=10, keep_share=0.3, n_iterations=1)
    seen = run(optimizer, proposal)
    kept = [
        text.split("<candidate>\n")[1].split("\n</candidate>")[0] for text in seen.writer.texts[6:]
    ]
    assert kept == ["+++ new 3", "++ new 2"]
    bodies = [event.body for event in seen.events if event.kind == "candidate"]
    reworded = [body for body in bodies if body["operator"] == "reword"]
    assert [len(body["parents"]) for body in reworded] == [1, 1]
    ids = {body["prompt"]["instruction"]: event for body, event in zip(
        bodies, (e.key for e in seen.events if e.kind == "candidate"), strict=True)}  # fmt: skip
    assert [body["parents"][0] for body in reworded] == [ids[name] for name in kept]


def test_every_round_measures_its_leaders_on_all_of_validation(run: Run) -> None:
    optimizer = small(evaluation="flat", n_examples=10, n_leaders=2, n_iterations=2)
    seen = run(optimizer, proposal)
    whole = seen.evaluations(whole=True)
    assert len(whole) == 1 + 3 * 2
    assert all(event.body["n"] == 10 for event in whole)
    assert whole[1].body["mean"] == 0.3


def test_it_ends_when_the_task_is_solved(run: Run) -> None:
    optimizer = small(evaluation="flat", n_iterations=3)
    seen = run(optimizer, lambda n, _: tagged("+" * 10 + f" {n}"))
    assert len(seen.writer.texts) == 6
    assert seen.result.best.mean == 1


def test_a_task_model_that_refuses_everything_is_no_crash(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(self: object, request: object) -> object:
        raise ContentFilterError("!")

    monkeypatch.setattr("tests.fidelity.conftest.Reader.complete", refuse)
    for evaluation in ("ucb", "flat"):
        seen = run(small(evaluation=evaluation, n_iterations=2), proposal)
        assert seen.result.best.answered == ()


def test_the_budget_ends_it_with_a_measured_candidate(run: Run) -> None:
    optimizer = APE(n_queries=2, n_samples=5, ucb_rounds=50)
    seen = run(optimizer, proposal, budget=Budget(max_calls=120), size=10)
    assert seen.result.spent.calls <= 120
    assert len(seen.evaluations(whole=True)) >= 2


# --- §3.1, insert mode ----------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ko"])
def test_insert_mode_leaves_a_blank_above_the_demonstrations(language: str) -> None:
    task = replace(fake_task(5), language=language)

    def shown(example: Example) -> str:
        return example.inputs["input"]

    values: dict[str, Any] = {"task": task, "examples": task.train, "shown": shown}
    text = render(ape_module.__file__, "ape_insert", language, {}, **values)
    assert text.index("____") < text.index("<example>")
    assert shown_inputs(text) == [example.inputs["input"] for example in task.train]
    assert "<output>\nx3\n</output>" in text
    assert "<instruction>" in text[text.rindex("</example>") :]
    assert bool(re.search("[가-힣]", text)) == (language == "ko")


def test_insert_mode_differs_in_the_query_alone(run: Run) -> None:
    forward, insert = (run(small(mode=mode), proposal) for mode in ("forward", "insert"))
    assert all("____" in text for text in insert.writer.texts)
    assert not any("____" in text for text in forward.writer.texts)
    assert [*map(shown_inputs, insert.writer.texts)] == [*map(shown_inputs, forward.writer.texts)]
    assert sorted(insert.reader.asked) == sorted(forward.reader.asked)
    operators = {e.body["operator"] for e in insert.events if e.kind == "candidate"}
    assert operators == {"seed", "ape_insert"}


# --- scoring: likelihood --------------------------------------------------------------------


@dataclass
class Likely:
    """A task model that answers by its instruction's "+", and finds the right answer as likely
    as it has "-" in it: the fewer the likelier. "!" is refused, "?" on every second input.
    """

    size: int
    name: str = "likely"
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    scored: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    async def complete(self, request: Request) -> Completion:
        instruction, last = request.messages[0].content, request.messages[-1].content
        usage = Usage(input_tokens=1, output_tokens=1)
        if not request.continuation:
            self.asked.append((instruction, last))
            right = int(last[1:]) % self.size < instruction.count("+")
            return Completion(text=last if right else "no", usage=usage)
        self.scored.append((instruction, last, request.continuation))
        if "!" in instruction or ("?" in instruction and int(last[1:]) % 2):
            raise ContentFilterError("!")
        minus = -float(instruction.count("-")) - int(last[1:]) / 1000
        return Completion(text="", logprobs=(minus - 1, minus + 1), usage=usage)

    async def aclose(self) -> None:
        pass


@pytest.fixture
def likely(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("tests.fidelity.conftest.Reader", Likely)
    return run


def minus(n: int, _: str) -> str:
    return tagged("-" * (n + 1) + f" new {n}")


def scored(seen: Seen) -> list[tuple[str, str, str]]:
    return seen.reader.scored  # type: ignore[attr-defined,no-any-return] # set by the fixture


def leaders(seen: Seen) -> list[str]:
    """The instructions measured on the validation split, the seed's own measurement apart."""
    names = {e.key: e.body["prompt"]["instruction"] for e in seen.events if e.kind == "candidate"}
    return [names[event.body["candidate"]] for event in seen.evaluations(whole=True)[1:]]


def test_likelihood_scores_the_right_answer_and_writes_none(likely: Run) -> None:
    optimizer = small(score="likelihood", evaluation="flat", n_examples=4, n_leaders=2)
    seen = likely(optimizer, minus, seed_prompt="-------- seed")
    found = scored(seen)
    assert len(found) == 7 * 4
    assert all(last == answer for _, last, answer in found)
    train = {example.inputs["input"] for example in seen.task.train}
    assert {last for _, last, _ in found} <= train
    assert not {last for _, last in seen.reader.asked} & train
    assert leaders(seen) == ["- new 0", "-- new 1"]
    assert seen.result.spent.calls == 6 + 7 * 4 + 3 * 10


@pytest.mark.parametrize("evaluation", ["flat", "ucb"])
def test_the_final_choice_is_by_answers(likely: Run, evaluation: str) -> None:
    replies = ["+++ --", "-", "+ ---"]
    optimizer = small(
        n_queries=1, score="likelihood", evaluation=evaluation, n_leaders=3, ucb_share=1.0
    )
    seen = likely(optimizer, lambda n, _: tagged(replies[n]), seed_prompt="----")
    assert leaders(seen) == ["-", "+++ --", "+ ---"]
    assert seen.result.best.prompt.instruction == "+++ --"


def test_an_arm_without_a_likelihood_is_unknown_and_not_the_best(likely: Run) -> None:
    """A mean of 0 would be the highest of all log-probabilities."""
    optimizer = small(n_queries=4, score="likelihood", ucb_rounds=1, ucb_share=0.01, n_leaders=9)
    seen = likely(optimizer, minus)
    assert len({instruction for instruction, *_ in scored(seen)}) == 1
    assert set(leaders(seen)) == {instruction for instruction, *_ in scored(seen)}
    refused = likely(small(score="likelihood", evaluation="flat"), lambda n, _: tagged(f"! {n}"))
    assert leaders(refused) == ["Seed"]


def test_an_arm_does_not_gain_by_a_likelihood_that_is_refused(likely: Run) -> None:
    replies = ["?-", "--", "-----"]
    optimizer = small(
        n_queries=1, score="likelihood", evaluation="flat", n_examples=10, n_leaders=4
    )
    seen = likely(optimizer, lambda n, _: tagged(replies[n]), seed_prompt="------")
    # -1 on half of the rows, and on the others as bad as the worst of all arms, about -6.
    assert leaders(seen).index("--") < leaders(seen).index("?-")


def test_under_likelihood_the_bandit_turns_to_the_likelier_arms(likely: Run) -> None:
    optimizer = small(
        n_queries=4, score="likelihood", ucb_rounds=40, ucb_share=0.1, exploration=0.3
    )
    seen = likely(optimizer, minus, seed_prompt="-" * 20, size=60)
    counts = Counter(instruction for instruction, *_ in scored(seen))
    assert counts.most_common(1)[0][0] == "- new 0"
    assert len(counts) == 13


def test_ranks_have_a_scale_whatever_the_rewards() -> None:
    assert ranks([-9.0, None, -1.0, -500.0]) == [0.5, 0.0, 1.0, 0.0]
    assert ranks([-1.0, -1.0, -1.0]) == [0.5, 0.5, 0.5]
    assert ranks([-1.0, -2.0, -1.0]) == [0.75, 0.0, 0.75]
    assert ranks([-3.0]) == [0.5]
    assert ranks([None]) == [0.0]


@pytest.mark.parametrize("name", ["mode", "score", "evaluation"])
def test_choices_are_told(name: str) -> None:
    with pytest.raises(SettingsError, match=f"APE.{name} is 'x'; it is '"):
        APE(**cast("dict[str, Any]", {name: "x"}))
