"""What the calls of a search brought, and what was planned of them before."""

from collections import Counter

from apo import Evaluation, Example, Prompt, Rollout, Score
from apo.results.gains import gains
from apo.search.archive import Archive
from tests.test_search import Stage, on_stage

ROWS = [Example({"input": f"r{i}"}, ("t",)) for i in range(10)]


def measured(name: str, right: int, n: int = 10) -> Evaluation:
    scores = [Score(float(i < right)) for i in range(n)]
    rollouts = [Rollout(row, "", score) for row, score in zip(ROWS, scores, strict=False)]
    return Evaluation(Prompt(name), tuple(rollouts))


def test_points_go_to_who_raised_the_best_and_calls_to_who_took_them() -> None:
    archive = Archive(seed=Prompt("seed"))
    # As they came in, which is not the order in which they were proposed.
    for name, right in (("c", 9), ("seed", 4), ("a", 6), ("b", 5)):
        archive.add(measured(name, right))
    for name, n in (("a", 4), ("d", 4)):  # Of "a" the same rows as were measured whole.
        archive.add_part(measured(name, 2, n))
    steps = {"seed": "seed", "a": "demos", "b": "demos", "c": "improve", "d": "restate"}
    operators = {Prompt(name): step for name, step in steps.items()}
    assert gains(
        operators, Counter(improve=2, restate=1, induce=3), archive.whole, archive.parts, 1
    ) == [
        "By improve the search gained 30.0 points on validation in 12 calls, 2.50 a call.",
        "By demos the search gained 20.0 points on validation in 20 calls, 1.00 a call.",
        "Calls that gained nothing: restate (5), induce (3).",
    ]
    [first, *_] = gains(operators, Counter(), archive.whole, archive.parts, 2)
    assert first.endswith("in 20 calls, 1.50 a call.")


def test_one_call_is_told_as_one() -> None:
    archive = Archive(seed=Prompt("seed"))
    archive.add(measured("a", 4, 1))
    [told] = gains({Prompt("a"): "induce"}, Counter(), archive.whole, archive.parts, 1)
    assert told.endswith("in 1 call, 100.00 a call.")


def test_a_search_that_did_nothing_has_nothing_to_tell() -> None:
    archive = Archive(seed=Prompt("seed"))
    archive.add(measured("seed", 4))
    assert gains({Prompt("seed"): "seed"}, Counter(), archive.whole, archive.parts, 1) == []


def test_what_is_announced_is_in_the_journal_once() -> None:
    async def work(stage: Stage) -> None:
        stage.search.announce("A race comes first.")
        stage.search.announce("A race comes first.")
        assert [event.key for event in stage.events("plan")] == ["A race comes first."]

    on_stage(work)
