"""Refused requests score 0 wherever two prompts are compared; missing grades never prove a gain."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from apo import (
    Budget,
    Completion,
    Example,
    Prompt,
    Request,
    Rollout,
    Score,
    Task,
    Verdict,
)
from apo.assessment.gate import Gate, agate
from apo.errors import ContentFilterError, ContextLengthError, ModelError
from apo.evaluation.evaluation import Evaluation, pair_line
from apo.results.paired import Pairs
from apo.results.verdict import reach_verdict
from apo.search.archive import Archive
from apo.statistics.counts import mcnemar_p
from apo.testing import fake_task
from experiments.benchmarks.refusals import BY, KINDS, Side, null_line, nulls, proven

SEED, BEST = Prompt("Seed"), Prompt("Best")
RIGHT, WRONG, REFUSED, UNGRADED = "right", "wrong", "refused", "ungraded"


def rollout(i: int, outcome: str) -> Rollout:
    example = Example({"input": str(i)}, ("a",))
    if outcome == REFUSED:
        return Rollout.of_refusal(example, "ContentFilterError: no")
    score = None if outcome == UNGRADED else Score(float(outcome == RIGHT))
    return Rollout(example, "a" if outcome == RIGHT else "b", score, "?" * (score is None))


def evaluation(prompt: Prompt, *parts: tuple[int, str]) -> Evaluation:
    outcomes = [outcome for n, outcome in parts for _ in range(n)]
    return Evaluation(prompt, tuple(rollout(i, o) for i, o in enumerate(outcomes)))


def verdict(seed: list[tuple[int, str]], best: list[tuple[int, str]]) -> Verdict:
    return reach_verdict(evaluation(SEED, *seed), evaluation(BEST, *best))


# --- the verdict ------------------------------------------------------------------------------


def test_a_prompt_that_is_refused_where_the_seed_is_right_or_wrong_gains_nothing() -> None:
    """100 of 200 against 90 of 200 and 40 refused: favourable by 18.8 points, pairs dropped."""
    seed = [(30, WRONG), (60, RIGHT), (70, WRONG), (40, RIGHT)]
    best = [(90, RIGHT), (70, WRONG), (40, REFUSED)]
    found = verdict(seed, best)
    assert (found.n, found.seed_score, found.best_score) == (200, 0.5, 0.45)
    assert not found.favourable
    assert (found.wins, found.losses) == (30, 40)
    assert found.p_value == pytest.approx(mcnemar_p(30, 40))
    assert found.best_counts == {
        "right": 90, "wrong": 70, "malformed": 0, "error": 0, "refused": 40,
    }  # fmt: skip


def test_a_seed_prompt_that_is_refused_loses_those_examples() -> None:
    found = verdict([(60, RIGHT), (40, REFUSED)], [(100, RIGHT)])
    assert found.favourable
    assert found.wins == 40
    assert found.difference == pytest.approx(0.4)
    assert found.form_wins == 0  # No answer is no answer in another form.
    assert found.refused_wins == 40
    assert "40 of 40 won are requests that the provider refused for the seed prompt" in str(found)


@pytest.mark.parametrize(
    ("seed", "told"),
    [
        ([(60, WRONG), (1, REFUSED)], "1 of 61 won is a request that the provider refused"),
        ([(60, WRONG), (5, REFUSED)], "5 of 65 won are requests that the provider refused"),
        ([(60, WRONG)], ""),
    ],
)
def test_wins_where_the_seed_was_refused_are_told(seed: Any, told: str) -> None:
    found = str(verdict(seed, [(sum(n for n, _ in seed), RIGHT)]))
    assert told in found
    assert ("refused" in found) is bool(told)


def test_who_is_refused_altogether_is_worth_nothing() -> None:
    assert not verdict([(50, WRONG)], [(50, REFUSED)]).favourable
    found = verdict([(50, RIGHT)], [(50, REFUSED)])
    assert (found.difference, found.interval[1] < 0) == (-1, True)


# --- grades that are missing --------------------------------------------------------------------


def test_a_gain_that_holds_for_any_grade_is_proven() -> None:
    found = verdict([(2, UNGRADED), (98, WRONG)], [(98, RIGHT), (2, UNGRADED)])
    assert found.favourable
    assert (found.n, found.ungraded) == (96, 4)
    # At the worst, 4 examples are alike.
    assert found.p_value == pytest.approx(mcnemar_p(96, 0))
    assert found.interval[0] == pytest.approx(
        verdict([(2, RIGHT), (98, WRONG)], [(98, RIGHT), (2, WRONG)]).interval[0]
    )
    assert "Nobody could grade 4 examples" in str(found)


def test_a_gain_that_hangs_on_missing_grades_is_not() -> None:
    """80 of 100 graded are ahead by 20 points; the 20 that are missing would turn it round."""
    found = verdict(
        [(20, WRONG), (60, RIGHT), (20, RIGHT)], [(20, RIGHT), (60, RIGHT), (20, UNGRADED)]
    )
    assert found.difference == pytest.approx(0.25)
    assert not found.favourable
    assert (found.p_value, found.rows_needed) == (1.0, None)
    assert found.interval[0] < 0 < found.difference < found.interval[1]


def test_missing_grades_of_the_seed_are_as_good_as_can_be() -> None:
    found = verdict([(30, UNGRADED), (20, WRONG), (50, RIGHT)], [(30, WRONG), (70, RIGHT)])
    assert found.difference > 0.2
    assert not found.favourable


def test_old_results_without_the_count_are_told() -> None:
    assert verdict([(5, RIGHT)], [(5, RIGHT)]).to_dict()["ungraded"] == 0


# --- measured, gated, drawn ---------------------------------------------------------------------


@dataclass
class Filtered:
    """Refuses a request by what it asks for, and answers others rightly."""

    refuses: Callable[[str, str], ModelError | None]
    name: str = "filtered"
    asked: list[Request] = field(default_factory=list[Request])

    async def complete(self, request: Request) -> Completion:
        *before, last = [message.content for message in request.messages]
        error = self.refuses("".join(before), last)
        if error is not None:
            raise error
        return Completion("?" if "Weak" in "".join(before) and int(last[1:]) % 4 == 0 else last)

    async def aclose(self) -> None:
        """Nothing is open."""


def rows(n: int) -> Task:
    made = [Example({"input": f"w{i}"}, (f"w{i}",)) for i in range(n)]
    return replace(fake_task(), test=tuple(made))


def gate(model: Filtered, n: int = 200) -> Gate:
    old, new = Prompt("Weak"), Prompt("Strong")
    return asyncio.run(agate(rows(n), old, new, model=model, budget=Budget()))


@pytest.mark.parametrize("error", [ContentFilterError("no"), ContextLengthError("too long")])
def test_the_gate_counts_what_is_refused_against_the_prompt(error: ModelError) -> None:
    """The new prompt is right on all that it answers, and refused where the old one is right."""

    def refuses(instruction: str, text: str) -> ModelError | None:
        return error if "Strong" in instruction and int(text[1:]) % 4 in (1, 2) else None

    found = gate(Filtered(refuses))
    assert found.decision == "worse"
    assert found.refused[0] == 0
    assert found.refused[1] > 0
    assert found.new_score < found.old_score
    assert gate(Filtered(lambda _, __: None)).decision == "better"


def test_parts_of_an_archive_hold_what_was_refused() -> None:
    archive = Archive()
    archive.add(evaluation(SEED, (5, RIGHT), (5, WRONG)))
    archive.add_part(evaluation(BEST, (5, RIGHT), (5, REFUSED)))
    archive.add_part(evaluation(Prompt("Other"), (6, RIGHT), (4, WRONG)))
    assert [prompt.instruction for prompt, _ in archive.promising()] == ["Other", "Best"]


def test_a_refused_answer_is_lost_in_the_table_of_examples() -> None:
    lost, won = (json.loads(pair_line(rollout(0, a), rollout(0, b))) for a, b in (
        (RIGHT, REFUSED), (REFUSED, RIGHT)))  # fmt: skip
    assert (lost["flip"], lost["best_outcome"], lost["best_score"]) == ("lost", "refused", 0.0)
    assert (won["flip"], won["seed_feedback"]) == ("won", "ContentFilterError: no")
    assert json.loads(pair_line(rollout(0, RIGHT), rollout(0, UNGRADED)))["flip"] == "same"


def test_pairs_hold_the_worst_and_the_best_that_grades_could_be() -> None:
    first = evaluation(SEED, (1, UNGRADED), (1, RIGHT), (1, UNGRADED), (1, REFUSED))
    pairs = Pairs().add(first, evaluation(BEST, (1, RIGHT), (2, UNGRADED), (1, RIGHT)))
    assert (pairs.lowest, pairs.highest) == ([0, -1, -1, 1], [1, 0, 1, 1])
    assert (pairs.differences, pairs.ungraded, pairs.refused) == ([1], 3, (1, 0))


# --- by simulation ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("by", BY)
def test_nobody_gains_by_what_is_refused_or_ungraded(kind: str, by: str) -> None:
    """A small part of the table in experiments/results/engine/refusals.md."""
    seed = Side(kind, 0.5, 0.0, by)
    best = Side(kind, 0.5, 0.3, by).worth_as(seed.worth)
    found = null_line("worth as much", seed, best, 12)
    shares = {name: float(found[name].rstrip("%")) for name in ("favourable", "gate")}
    assert max(shares.values()) < 10, found
    if (kind, by) == ("refused", "chance"):
        assert found["pairs dropped"] == "100.0%"  # So the simulation would tell.


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_simulation_finds_what_the_verdict_finds(kind: str) -> None:
    rng = np.random.default_rng(1)
    found: list[bool] = []
    for _ in range(12):
        hard, shared = rng.random(200), rng.random(200) < 0.7
        seed, best = (Side(kind, right, 0.02, "chance").draw(rng, hard, shared)
                      for right in (0.5, 0.6))  # fmt: skip
        found.append(proven(Pairs().add(seed, best).lowest))
        assert reach_verdict(seed, best).favourable == found[-1]
    assert len({*found}) == 2


def test_the_simulation_has_no_pair_with_a_gain() -> None:
    pairs = list(nulls())
    assert len(pairs) > 100
    assert all(best.worth <= seed.worth + 1e-9 for _, seed, best in pairs)
