"""The paired race of CAPO: as published, and corrected."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from apo.select import better_p_value, race_losers
from apo.select.race import Statistics

STATISTICS: tuple[Statistics, ...] = ("authors", "corrected")
SCORES = st.lists(
    st.tuples(st.floats(0, 1).map(lambda x: round(x, 3)), st.sampled_from([0.0, 0.5, 1.0])),
    min_size=3,
    max_size=40,
)


def row(right: int, n: int = 30) -> list[float]:
    """Right on the first examples."""
    return [1.0] * right + [0.0] * (n - right)


# --- The test -------------------------------------------------------------------------------


@given(SCORES)
def test_it_is_the_one_sided_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    differences = [x - y for x, y in pairs]
    if max(differences) - min(differences) < 1e-6:
        return
    expected = float(ttest_rel(a, b, alternative="greater").pvalue)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType] (scipy's tuple)
    for statistics in STATISTICS:
        p = better_p_value(a, b, statistics=statistics)
        assert p == pytest.approx(expected, abs=1e-9)


def test_one_more_right_answer_in_thirty_is_significant_at_a_fifth() -> None:
    assert better_p_value(row(21), row(20)) == pytest.approx(0.163, abs=1e-3)


def test_differences_without_variance() -> None:
    same, n = row(20), 30
    assert math.isnan(better_p_value(same, same))
    assert better_p_value(same, same, handicap=0.001) == 1.0
    assert better_p_value(same, same, handicap=-0.001) == 0.0  # One token, and it is certain.
    assert better_p_value(same, same, statistics="corrected") == 1.0
    assert better_p_value(row(n), row(0), statistics="corrected") == 0.5**n
    assert better_p_value(row(0), row(n), statistics="corrected") == 1.0


def test_unknown_scores_leave_the_example_out() -> None:
    a: list[float | None] = [1.0, 1.0, None, 0.0, 1.0, 0.5]
    b: list[float | None] = [0.0, 1.0, 0.0, None, 0.5, 0.5]
    assert better_p_value(a, b) == better_p_value([1.0, 1.0, 1.0, 0.5], [0.0, 1.0, 0.5, 0.5])
    assert math.isnan(better_p_value([None, 1.0], [0.0, 0.0]))
    assert better_p_value([None, 1.0], [0.0, 0.0], statistics="corrected") == 1.0
    assert better_p_value([], [], statistics="corrected") == 1.0


# --- Who is out -----------------------------------------------------------------------------


def test_out_if_and_only_if_n_others_are_significantly_better() -> None:
    """Four are far above the last, which is far above nobody; the fourth is near the third."""
    table = [row(29), row(28), row(24), row(23), row(5)]
    better = [[better_p_value(other, one) < 0.2 for other in table].count(True) for one in table]
    assert better == [0, 1, 2, 3, 4]
    for n in range(1, 6):
        assert race_losers(table, n) == [i for i, found in enumerate(better) if found >= n]


def test_the_level_decides() -> None:
    table = [row(21), row(20)]
    assert race_losers(table, 1, alpha=0.2) == [1]
    assert race_losers(table, 1, alpha=0.16) == []


def test_the_penalty_decides_between_equals_as_published_and_not_when_corrected() -> None:
    table = [row(20), row(20), row(20)]
    penalties = [0.01, 0.0101, 0.0102]
    assert race_losers(table, 1, penalties=penalties) == [1, 2]
    assert race_losers(table, 2, penalties=penalties) == [2]
    assert race_losers(table, 1, penalties=penalties, statistics="corrected") == []
    assert race_losers(table, 1, penalties=[0.01] * 3) == []  # NaN is not worse.


def test_a_long_prompt_pays_in_the_test() -> None:
    short, long = row(20), row(21)
    assert race_losers([short, long], 1, penalties=[0.0, 0.0]) == [0]
    assert race_losers([short, long], 1, penalties=[0.0, 0.05]) == []


def test_corrected_asks_for_more_the_more_rivals_there_are() -> None:
    one = [row(25), row(20)]
    p = better_p_value(*one)
    assert race_losers(one, 1, alpha=p * 1.01, statistics="corrected") == [1]
    many = [row(25), *[row(20)] * 9]
    assert race_losers(many, 1, alpha=p * 1.01, statistics="corrected") == []
    assert race_losers(many, 1, alpha=p * 9.01, statistics="corrected") == list(range(1, 10))
    # With more places the n-th smallest of the nine has fewer beside it: 9 − 3 + 1.
    three = [*[row(25)] * 3, *[row(20)] * 7]
    assert race_losers(three, 3, alpha=p * 7.01, statistics="corrected") == list(range(3, 10))
    assert race_losers(three, 3, alpha=p * 6.99, statistics="corrected") == []


@pytest.mark.parametrize("statistics", STATISTICS)
def test_not_all_are_out_when_each_loses_to_another(statistics: Statistics) -> None:
    """Refused examples can make a circle of who is better than whom."""
    won, lost, none = [1.0] * 5, [0.0] * 5, [None] * 5
    table = [[*won, *none, *lost], [*lost, *won, *none], [*none, *lost, *won]]
    assert race_losers(table, 1, statistics=statistics) == [1, 2]


def test_equal_candidates_are_rarely_lost_when_corrected() -> None:
    """At a level of 0.2, for one of ten equals and one place; as published, more often."""
    rng, lost = random.Random(0), {"authors": 0, "corrected": 0}
    for _ in range(60):
        table = [[float(rng.random() < 0.6) for _ in range(30)] for _ in range(10)]
        for statistics in STATISTICS:
            losers = race_losers(table, 1, statistics=statistics)
            lost[statistics] += 0 in losers
    assert lost["corrected"] <= 0.2 * 60
    assert lost["authors"] > 0.5 * 60


@given(
    st.integers(1, 8).flatmap(
        lambda size: st.lists(
            st.lists(st.sampled_from([0.0, 1.0, None]), min_size=size, max_size=size), max_size=8
        )
    ),
    st.integers(1, 8),
    st.sampled_from(STATISTICS),
    st.floats(0.001, 0.499),
)
def test_as_many_as_there_are_places_stay(
    table: list[list[float | None]], n: int, statistics: Statistics, alpha: float
) -> None:
    losers = race_losers(table, n, alpha=alpha, statistics=statistics)
    assert losers == sorted(set(losers))
    assert len(table) - len(losers) >= min(n, len(table))
    assert not [i for i in losers if all(score is None for score in table[i])]
