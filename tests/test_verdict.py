"""The verdict: right by hand where a hand can work it out, and never fooled by chance."""

import json
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo import ApoError, Evaluation, Example, Prompt, Rollout, Score, Verdict
from apo.verdict import judge

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
    return judge(evaluation(seed, "seed"), evaluation(best, "best"))


# --- p-values by hand -----------------------------------------------------------------------


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
    assert p_value(before, after) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([0.5], 1.0),
        ([0.5, 0.5], 2 / 4),
        ([0.5, 0.25, 0.125], 2 / 8),
        ([0.5, 0.25, 0.125, 0.0, 0.0], 2 / 8),
        ([0.5, 0.25, -0.125], 4 / 8),  # Sums of 0.625 or more: 0.625, 0.875; and mirrored.
        ([0.5, -0.5], 1.0),
        ([0.1] * 6, 2 / 64),
        ([-0.1] * 6, 2 / 64),
    ],
)
def test_sign_flips_by_hand(differences: list[float], expected: float) -> None:
    assert p_value([0.5] * len(differences), [0.5 + d for d in differences]) == pytest.approx(
        expected
    )


def test_many_pairs_that_all_gain() -> None:
    before = [place / 400 for place in range(200)]
    assert (
        p_value(before, [value + 0.3 + place / 5000 for place, value in enumerate(before)]) < 0.001
    )


# --- intervals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([0.5] * 10, [0.5] * 10, (-0.3, 0.3)),
        ([0.0] * 10, [1.0] * 10, (0.7, 1.0)),
        ([1.0] * 100, [0.0] * 100, (-1.0, -0.97)),
        ([0.0], [1.0], (-1.0, 1.0)),
        ([0.5], [0.5], (-1.0, 1.0)),
        # Equal, though not to the last bit.
        ([0.1, 0.2, 0.3] * 10, [0.2, 0.3, 0.4] * 10, (0.0, 0.2)),
    ],
)
def test_equal_differences_are_widened_by_the_rule_of_three(
    before: list[float], after: list[float], expected: tuple[float, float]
) -> None:
    assert bootstrap_interval(before, after) == pytest.approx(expected)


def test_the_interval_is_about_that_of_the_normal_distribution() -> None:
    rng = random.Random(0)
    before = [rng.random() / 2 for _ in range(400)]
    after = [value + rng.gauss(0.1, 0.1) for value in before]
    differences = [b - a for a, b in zip(before, after, strict=True)]
    mean = sum(differences) / 400
    deviation = math.sqrt(sum((d - mean) ** 2 for d in differences) / 399)
    low, high = bootstrap_interval(before, after)
    assert low == pytest.approx(mean - 1.96 * deviation / 20, abs=0.002)
    assert high == pytest.approx(mean + 1.96 * deviation / 20, abs=0.002)


def test_many_examples_fit_in_memory() -> None:
    before = [float(place % 3 == 0) for place in range(6000)]
    after = [float(place % 2 == 0) for place in range(6000)]
    low, high = bootstrap_interval(before, after)
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


# --- chance ---------------------------------------------------------------------------------


def trials(n: int, gain: float, times: int, seed: int) -> float:
    """The share of favourable verdicts over pairs of prompts that differ by the gain."""
    rng = random.Random(seed)
    favourable = 0
    for _ in range(times):
        hard = [rng.random() for _ in range(n)]
        before = [float(h < 0.5 and rng.random() < 0.8) for h in hard]
        after = [float(h < 0.5 + gain and rng.random() < 0.8) for h in hard]
        if p_value(before, after) <= 0.05:  # Cheap, and needed in any case.
            favourable += compare([*before], [*after]).favourable
    return favourable / times


def test_chance_alone_is_seldom_favourable() -> None:
    assert trials(150, 0.0, 400, seed=1) <= 0.05


def test_twenty_points_are_seen() -> None:
    assert trials(150, 0.25, 60, seed=2) >= 0.9  # A quarter more, of which 80 % are answered.
