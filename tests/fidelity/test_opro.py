"""OPRO (Yang et al., 2023): a history of scores, worst first, from which the next ones are written.

Section and figure numbers are the paper's; the loop is that of its figure 2.
"""

from dataclasses import replace

import pytest

from apo import Evaluation, Example, Prompt, Rollout, Score
from apo.optimizers import OPRO
from tests.fidelity.conftest import Run, shown_candidates, shown_inputs, tagged


def climbing(n: int, _: str) -> str:
    """Instructions of scores 3, 1, 4, 1, 5, … tenths, each of its own."""
    return tagged("+" * [3, 1, 4, 1, 5, 2, 6, 5][n % 8] + f" new {n}")


def test_the_history_is_shown_worst_first_with_whole_percentages(run: Run) -> None:
    seen = run(OPRO(n_steps=4, n_samples=3), climbing)
    for step, text in enumerate(seen.writer.texts[::3]):
        shown = shown_candidates(text)
        assert [score for score, _ in shown] == sorted(score for score, _ in shown)
        assert len(shown) == 1 + 3 * step
        for score, instruction in shown:
            assert score == 10 * instruction.count("+")


def test_scores_are_rounded_to_whole_percentages(run: Run) -> None:
    seen = run(OPRO(n_steps=2, n_samples=1), lambda n, _: tagged(f"{'+' * 2} {n}"), size=3)
    assert shown_candidates(seen.writer.texts[1]) == [(0, "Seed"), (67, "++ 0")]


@pytest.mark.parametrize("history_size", [1, 2, 5, 20])
def test_the_history_is_cut_to_its_size_and_always_has_the_seed(
    history_size: int, run: Run
) -> None:
    seen = run(OPRO(n_steps=5, n_samples=3, history_size=history_size), climbing)
    scores = [0, *(10 * climbing(n, "").count("+") for n in range(15))]
    for step, text in enumerate(seen.writer.texts[::3]):
        shown = shown_candidates(text)
        known = scores[: 1 + 3 * step]
        assert len(shown) == min(history_size, len(known))
        assert shown[0] == (0, "Seed")
        best = sorted(known[1:])[::-1][: history_size - 1]
        assert sorted(score for score, _ in shown[1:]) == sorted(best)


def test_a_seed_among_the_best_is_shown_once_at_its_place(run: Run) -> None:
    optimizer = OPRO(n_steps=4, n_samples=2, history_size=3)
    seen = run(optimizer, climbing, seed_prompt="+++++++ Seed")
    for text in seen.writer.texts:
        shown = shown_candidates(text)
        assert [instruction for _, instruction in shown].count("+++++++ Seed") == 1
        assert shown[-1][1] == "+++++++ Seed"  # Nothing better was written.
        assert [score for score, _ in shown] == sorted(score for score, _ in shown)


def test_several_seeds_are_all_shown() -> None:
    def evaluation(name: str, value: float) -> Evaluation:
        rollout = Rollout(Example({"input": "x"}, ("x",)), "", Score(value))
        return Evaluation(Prompt(name), (rollout,))

    seeds = [evaluation("s1", 0.1), evaluation("s2", 0.9), evaluation("s3", 0.0)]
    history = [*seeds, *(evaluation(f"n{i}", i / 10) for i in range(9))]
    for size in range(3, 14):
        shown = OPRO(history_size=size).shown(seeds, history)
        assert len(shown) == min(size, 12)
        assert {e.prompt.instruction for e in seeds} <= {e.prompt.instruction for e in shown}
        assert [e.mean for e in shown] == sorted(e.mean for e in shown)
    low = OPRO(min_score=0.5).shown(seeds, history)
    assert [e.prompt.instruction for e in low] == ["s3", "s1", "n5", "n6", "n7", "n8", "s2"]


def test_the_samples_of_a_step_share_one_meta_prompt(run: Run) -> None:
    seen = run(OPRO(n_steps=3, n_samples=4, n_demos=3), climbing)
    texts = seen.writer.texts
    assert [len(set(texts[start : start + 4])) for start in range(0, 12, 4)] == [1, 1, 1]
    assert len(set(texts)) == 3
    shown = [tuple(shown_inputs(text)) for text in texts[::4]]
    assert all(len(set(inputs)) == 3 for inputs in shown)
    assert len(set(shown)) == 3
    train = {example.inputs["input"] for example in seen.task.train}
    assert {name for inputs in shown for name in inputs} <= train


def test_a_duplicate_is_not_scored_again(run: Run) -> None:
    replies = ["A+", "A+", "Seed", "B++", "A+", "B++", "C", "A+"]
    seen = run(OPRO(n_steps=2, n_samples=4), lambda n, _: tagged(replies[n]))
    assert seen.instructions == ["Seed", "A+", "B++", "C"]
    assert len(seen.reader.asked) == 4 * 10
    reasons = [event.body["reason"] for event in seen.events if event.kind == "refused"]
    assert reasons == ["seen before"] * 5


def test_long_instructions_are_not_scored(run: Run) -> None:
    replies = ["x" * 31, "x" * 30]
    seen = run(OPRO(n_steps=1, n_samples=2, max_length=30), lambda n, _: tagged(replies[n]))
    assert seen.instructions == ["Seed", "x" * 30]


@pytest.mark.parametrize(("steps", "samples"), [(1, 1), (3, 2), (4, 8)])
def test_number_of_calls(steps: int, samples: int, run: Run) -> None:
    """Init n_0 · n, then each step m optimizer calls and at most m · n rollouts."""
    optimizer = OPRO(n_steps=steps, n_samples=samples)
    seen = run(optimizer, lambda n, _: tagged(f"new {n}"))
    assert len(seen.writer.texts) == steps * samples
    assert len(seen.reader.asked) == 10 * (1 + steps * samples)
    assert seen.result.spent.calls == steps * samples + 10 * (1 + steps * samples)


def test_untagged_replies_cost_one_call_more_and_no_rollout(run: Run) -> None:
    # Of the first step's three replies the second fails; its second try fails too.
    replies = [tagged("A"), "raw", tagged("B"), "raw", *(tagged(f"n{n}") for n in range(3))]
    seen = run(OPRO(n_steps=2, n_samples=3), lambda n, _: replies[n])
    assert len(seen.writer.texts) == 3 + 1 + 3
    assert len(seen.reader.asked) == 10 * (1 + 2 + 3)


def test_steps_without_anything_new_end_the_search(run: Run) -> None:
    seen = run(OPRO(n_samples=2, max_stale_steps=3), lambda _, __: tagged("Seed"))
    assert len(seen.writer.texts) == 3 * 2
    shown = [tuple(shown_inputs(text)) for text in seen.writer.texts[::2]]
    assert len(set(shown)) == 3  # Each draws other examples.

    replies = ["Seed", "Seed", "A", *["Seed"] * 9]
    again = run(OPRO(n_samples=1, max_stale_steps=3), lambda n, _: tagged(replies[n]))
    assert len(again.writer.texts) == 6  # Something new starts the count anew.


def test_it_ends_when_the_task_is_solved(run: Run) -> None:
    seen = run(OPRO(n_samples=2), lambda n, _: tagged("+" * (5 * n) + f" {n}"))
    assert len(seen.writer.texts) == 4
    assert seen.result.best.mean == 1
    solved = run(OPRO(), climbing, seed_prompt="+" * 10)
    assert solved.writer.texts == []


def test_the_next_ones_take_their_other_parts_from_the_best(run: Run) -> None:
    seen = run(OPRO(n_steps=2, n_samples=2), climbing)
    candidates = [event.body for event in seen.events if event.kind == "candidate"]
    by_instruction = {body["prompt"]["instruction"]: body for body in candidates}
    best = Prompt.from_dict(by_instruction["+++ new 0"]["prompt"])
    assert by_instruction["++++ new 2"]["parents"] == [best.id]
    assert by_instruction["++++ new 2"]["operator"] == "improve"


def test_the_temperature_is_the_papers() -> None:
    assert OPRO().temperature == 1.0
    assert (OPRO().n_samples, OPRO().history_size, OPRO().n_demos) == (8, 20, 3)
    assert replace(OPRO(), n_steps=1) != OPRO()


def test_of_equal_instructions_the_newest_are_shown(run: Run) -> None:
    optimizer = OPRO(n_steps=4, n_samples=2, history_size=3)
    seen = run(optimizer, lambda n, _: tagged(f"+ new {n}"))
    shown = [text for _, text in shown_candidates(seen.writer.texts[-1])]
    assert shown == ["Seed", "+ new 4", "+ new 5"]
