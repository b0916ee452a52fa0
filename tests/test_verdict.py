"""The verdict: right by hand where a hand can work it out, and never fooled by chance."""

import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo import ApoError, Evaluation, Example, Prompt, Rollout, Score, Verdict
from apo.results.verdict import reach_verdict
from apo.statistics import mcnemar_p

PURE = settings(deadline=None, derandomize=True, max_examples=40)


def evaluation(scores: list[float | None], name: str = "x") -> Evaluation:
    rollouts = [
        Rollout(
            Example({"input": str(place)}, ("a",)),
            "",
            None if value is None else Score(value),
            "ContentFilterError: !" if value is None else "",
        )
        for place, value in enumerate(scores)
    ]
    return Evaluation(Prompt(name), tuple(rollouts))


def compare(seed: list[float | None], best: list[float | None]) -> Verdict:
    return reach_verdict(evaluation(seed, "seed"), evaluation(best, "best"))


# --- by hand, and against the normal distribution -------------------------------------------


@pytest.mark.parametrize(
    ("wins", "losses", "expected"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (2, 0, 0.5),
        (5, 0, 2 / 32),
        (6, 0, 2 / 64),
        (0, 6, 2 / 64),
        (5, 5, 1.0),
        (9, 1, 2 * (1 + 10) / 1024),
        (8, 2, 2 * (1 + 10 + 45) / 1024),
        (15, 5, 2 * (1 + 20 + 190 + 1140 + 4845 + 15504) / 2**20),
    ],
)
def test_mcnemar_by_hand(wins: int, losses: int, expected: float) -> None:
    before = [0.0] * wins + [1.0] * losses + [1.0, 0.0] * 10
    after = [1.0] * wins + [0.0] * losses + [1.0, 0.0] * 10
    verdict = compare([*before], [*after])
    assert verdict.p_value == pytest.approx(expected)
    assert (verdict.interval[0] > 0 or verdict.interval[1] < 0) == (expected <= 0.05)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # The chance of a row that was not seen: 1 - 0.025^(1/n), about 3.7 / n.
        ([0.5] * 10, [0.5] * 10, (-0.3085, 0.3085)),
        ([0.0] * 10, [1.0] * 10, (1 - 2 * 0.3085, 1.0)),
        ([1.0] * 100, [0.0] * 100, (-1.0, -1 + 2 * 0.03622)),
        ([0.0], [1.0], (-0.95, 1.0)),
        ([0.5], [0.5], (-0.975, 0.975)),
        # Equal, though not to the last bit: 0.1 on all rows, and -1 or 1 on those not seen.
        ([0.1, 0.2, 0.3] * 10, [0.2, 0.3, 0.4] * 10, (0.1 - 1.1 * 0.1157, 0.1 + 0.9 * 0.1157)),
    ],
)
def test_equal_differences_are_widened_by_what_was_not_seen(
    before: list[float | None], after: list[float | None], expected: tuple[float, float]
) -> None:
    assert compare(before, after).interval == pytest.approx(expected, abs=1e-4)


def test_the_interval_is_about_that_of_the_normal_distribution() -> None:
    rng = random.Random(0)
    before = [rng.random() / 2 for _ in range(400)]
    after = [value + rng.gauss(0.1, 0.1) for value in before]
    differences = [b - a for a, b in zip(before, after, strict=True)]
    mean = sum(differences) / 400
    deviation = math.sqrt(sum((d - mean) ** 2 for d in differences) / 399)
    low, high = compare([*before], [*after]).interval
    assert low == pytest.approx(mean - 1.96 * deviation / 20, abs=0.005)
    assert high == pytest.approx(mean + 1.96 * deviation / 20, abs=0.005)


def test_many_examples_fit_in_memory() -> None:
    before: list[float | None] = [float(place % 3 == 0) for place in range(6000)]
    after: list[float | None] = [float(place % 2 == 0) for place in range(6000)]
    low, high = compare(before, after).interval
    assert 0.14 < low < 1 / 6 < high < 0.19


PAIRS = st.lists(
    st.tuples(*[st.sampled_from([0.0, 1.0]) | st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])] * 2),
    min_size=1,
    max_size=8,
)


@PURE
@given(PAIRS)
def test_any_scores_give_a_verdict_that_json_can_hold(pairs: list[tuple[float, float]]) -> None:
    verdict = compare([a for a, _ in pairs], [b for _, b in pairs])
    low, high = verdict.interval
    assert -1 <= low <= verdict.difference + 1e-9
    assert verdict.difference - 1e-9 <= high <= 1
    assert 0 <= verdict.p_value <= 1
    assert verdict.wins + verdict.losses <= verdict.n == len(pairs)
    assert json.loads(json.dumps(verdict.to_dict(), allow_nan=False)) == verdict.to_dict()
    if verdict.favourable:
        assert verdict.difference > 0
        assert verdict.wins > verdict.losses or {*pairs} - {(0.0, 1.0), (1.0, 0.0)}


@PURE
@given(PAIRS)
def test_a_verdict_turned_round_is_the_opposite(pairs: list[tuple[float, float]]) -> None:
    one = compare([a for a, _ in pairs], [b for _, b in pairs])
    other = compare([b for _, b in pairs], [a for a, _ in pairs])
    assert one.difference == pytest.approx(-other.difference)
    assert one.p_value == pytest.approx(other.p_value)
    assert (one.wins, one.losses) == (other.losses, other.wins)
    assert not (one.favourable and other.favourable)


# --- verdicts -------------------------------------------------------------------------------


@pytest.mark.parametrize("scores", [[1.0] * 50, [0.0] * 50, [0.0, 1.0, 0.5] * 30, [1.0], [0.0]])
def test_a_prompt_is_never_better_than_itself(scores: list[float | None]) -> None:
    verdict = compare(scores, scores)
    assert not verdict.favourable
    assert (verdict.difference, verdict.p_value, verdict.wins, verdict.losses) == (0, 1, 0, 0)
    assert verdict.interval[0] <= 0 <= verdict.interval[1]


def test_too_few_pairs_prove_nothing() -> None:
    for n in range(1, 6):
        assert not compare([0.0] * n, [1.0] * n).favourable
    assert compare([0.0] * 6, [1.0] * 6).favourable


def test_a_gain_and_a_loss() -> None:
    few, many = [1.0] * 30 + [0.0] * 70, [1.0] * 60 + [0.0] * 40
    better, worse = compare([*few], [*many]), compare([*many], [*few])
    assert better.favourable
    assert better.difference == pytest.approx(0.3)
    assert (better.seed_score, better.best_score, better.n) == (0.3, 0.6, 100)
    assert (better.wins, better.losses) == (30, 0)
    assert not worse.favourable
    assert worse.interval[1] < 0


def test_errors_are_left_out_by_pairs() -> None:
    seed: list[float | None] = [None, 0.0, 0.0, 1.0, 0.0]
    best: list[float | None] = [1.0, None, 1.0, 1.0, 1.0]
    verdict = compare(seed, best)
    assert verdict.n == 3
    assert verdict.seed_score == pytest.approx(1 / 3)
    assert verdict.best_score == 1
    assert (verdict.wins, verdict.losses) == (2, 0)
    assert verdict.seed_counts == {"right": 1, "wrong": 3, "malformed": 0, "error": 1}
    assert verdict.best_counts["error"] == 1


def test_nothing_but_errors_gives_no_verdict() -> None:
    for seed, best in (([None], [1.0]), ([None, 1.0], [1.0, None]), ([], [])):
        with pytest.raises(ApoError, match="there is no verdict"):
            compare([*seed], [*best])


def test_the_same_scores_give_the_same_verdict() -> None:
    rng = random.Random(3)
    seed: list[float | None] = [rng.random() for _ in range(40)]
    best: list[float | None] = [rng.random() for _ in range(40)]
    assert compare(seed, best) == compare(seed, best)


# --- what could have been seen --------------------------------------------------------------


def test_an_unfavourable_verdict_says_what_gain_could_have_been_seen() -> None:
    verdict = compare([*[0.0] * 30, *[1.0] * 30], [*[1.0] * 4, *[0.0] * 27, *[1.0] * 29])
    assert verdict.visible_gain == pytest.approx(0.13, abs=0.01)
    assert verdict.rows_needed == pytest.approx(280, abs=15)
    assert str(verdict).endswith(
        "4 won, 1 lost. The seed prompt stays the answer. With 60 test examples a gain under about "
        "13 points may well stay unseen; to see 5.0 points takes about 280."
    )
    document = verdict.to_dict()
    assert (document["visible_gain"], document["rows_needed"]) == (
        verdict.visible_gain,
        verdict.rows_needed,
    )


def test_a_favourable_one_does_not() -> None:
    assert str(compare([0.0] * 60, [1.0] * 60)).endswith("60 won, 0 lost.")


def test_too_few_examples_for_any_gain() -> None:
    verdict = compare([0.0] * 3, [1.0] * 3)
    assert verdict.visible_gain is None
    assert "With 3 test examples no gain can be seen; to see 100.0 points" in str(verdict)
    assert str(compare([1.0], [1.0])).endswith("With 1 test example no gain can be seen.")


def test_scores_between_0_and_1_get_the_same_advice() -> None:
    rng = random.Random(1)
    before = [rng.random() / 2 for _ in range(100)]
    after = [value + rng.gauss(0.0, 0.15) for value in before]
    verdict = compare([*before], [*after])
    assert not verdict.favourable
    assert verdict.visible_gain is not None
    assert 0.04 < verdict.visible_gain < 0.08
    assert verdict.rows_needed is not None
    assert verdict.rows_needed > 300
    assert compare([0.1, 0.9], [0.15, 0.85]).visible_gain is None


# --- a metric of all answers ----------------------------------------------------------------


@dataclass(frozen=True)
class MeanRecall:
    """A metric of one's own: the mean share of right answers over the targets."""

    by_class: bool = True

    def __call__(
        self, answers: Sequence[str], examples: Sequence[Example], weights: Sequence[float]
    ) -> float:
        right: dict[str, list[bool]] = {}
        for answer, example in zip(answers, examples, strict=True):
            right.setdefault(example.target, []).append(answer == example.target)
        return sum(sum(found) / len(found) for found in right.values()) / len(right)


def labelled(rates: dict[str, float], seed: int, n: int = 120) -> Evaluation:
    rng = random.Random(seed)
    rollouts: list[Rollout] = []
    for place in range(n):
        target = "불만" if place % 8 == 0 else "praise"
        output = target if rng.random() < rates[target] else "?"
        example = Example({"input": str(place)}, (target,))
        rollouts.append(Rollout(example, output, Score(float(output == target))))
    return Evaluation(Prompt(str(seed)), tuple(rollouts), MeanRecall())


def test_a_metric_takes_the_place_of_the_mean() -> None:
    seed = labelled({"불만": 0.1, "praise": 0.9}, 1)
    best = labelled({"불만": 0.9, "praise": 0.85}, 2)
    verdict = reach_verdict(seed, best)
    assert (verdict.seed_score, verdict.best_score) == (seed.value, best.value)
    assert verdict.difference > 0.2 > best.mean - seed.mean
    assert verdict.interval[0] < verdict.difference < verdict.interval[1]
    assert verdict.favourable
    assert reach_verdict(seed, best) == verdict
    assert not reach_verdict(best, seed).favourable


def test_a_prompt_is_no_better_than_itself_by_a_metric() -> None:
    same = labelled({"불만": 1.0, "praise": 1.0}, 3, n=24)
    verdict = reach_verdict(same, same)
    assert (verdict.difference, verdict.p_value) == (0, 1)
    assert verdict.interval[0] < -0.1
    assert verdict.interval[1] > 0.1
    assert not verdict.favourable


# --- chance ---------------------------------------------------------------------------------


def trials(n: int, gain: float, times: int, seed: int) -> float:
    """The share of favourable verdicts over pairs of prompts that differ by the gain."""
    rng = random.Random(seed)
    favourable = 0
    for _ in range(times):
        hard = [rng.random() for _ in range(n)]
        before = [float(h < 0.5 and rng.random() < 0.8) for h in hard]
        after = [float(h < 0.5 + gain and rng.random() < 0.8) for h in hard]
        wins = sum(b > a for a, b in zip(before, after, strict=True))
        losses = sum(b < a for a, b in zip(before, after, strict=True))
        if mcnemar_p(wins, losses) <= 0.05:  # Cheap, and needed in any case.
            favourable += compare([*before], [*after]).favourable
    return favourable / times


def test_chance_alone_is_seldom_favourable() -> None:
    assert trials(150, 0.0, 400, seed=1) <= 0.05


def test_twenty_points_are_seen() -> None:
    assert trials(150, 0.25, 30, seed=2) >= 0.9  # A quarter more, of which 80 % are answered.
