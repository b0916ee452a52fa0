"""Means over seeds, ranks and their tests: by tables, other implementations, simple cases."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from apo.statistics import (
    critical_difference,
    friedman_p,
    holm,
    interval,
    ranks,
    signed_rank_p,
    within,
)


def test_ranks_share_places() -> None:
    assert ranks([0.3, 0.9, 0.3, 0.1]) == [2.5, 1.0, 2.5, 4.0]
    assert ranks([0.1 + 0.2, 0.3]) == [1.5, 1.5]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_ranks_add_up(scores: list[float]) -> None:
    assert sum(ranks(scores)) == pytest.approx(len(scores) * (len(scores) + 1) / 2)


def test_an_interval_needs_two_values() -> None:
    assert interval([]) is None
    assert interval([[0.5]]) is None
    assert interval([[0.5], [0.1]]) is None
    assert interval([[0.5, 0.5]]) == (0.5, 0.5)


def test_an_interval_covers_the_mean_and_is_the_same_each_time() -> None:
    groups = [[0.2, 0.4, 0.6, 0.3], [0.9, 0.8, 0.7, 0.9]]
    found = interval(groups)
    assert found is not None
    assert found[0] < (0.375 + 0.825) / 2 < found[1]
    assert interval(groups) == found


def test_the_interval_of_one_group_is_students() -> None:
    rng = random.Random(1)
    values = [rng.gauss(0.5, 0.1) for _ in range(5)]
    theirs = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert interval([values]) == pytest.approx((theirs.low, theirs.high))


def test_the_interval_of_two_groups_is_welchs() -> None:
    """Half of a sum is half of a difference with one group's sign turned."""
    a, b = [0.1, 0.5, 0.3, 0.35], [0.8, 0.81, 0.84, 0.7, 0.9]
    negative = [-value for value in b]
    theirs = stats.ttest_ind(a, negative, equal_var=False).confidence_interval(0.95)
    assert interval([a, b]) == pytest.approx((theirs.low / 2, theirs.high / 2))


def test_the_tasks_are_no_source_of_uncertainty() -> None:
    """Two tasks far apart, each without spread over seeds: nothing is uncertain."""
    assert interval([[0.1, 0.1], [0.9, 0.9]]) == pytest.approx((0.5, 0.5))


@given(st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=9, unique_by=abs))
def test_signed_ranks_are_those_of_scipy(differences: list[float]) -> None:
    if 0 in differences:
        differences.remove(0)
    theirs = stats.wilcoxon(differences, method="exact").pvalue if differences else 1.0
    assert signed_rank_p(differences) == pytest.approx(theirs)


def test_signed_ranks_of_five_seeds_can_prove_nothing_at_5_percent() -> None:
    assert signed_rank_p([0.1, 0.2, 0.3, 0.4, 0.5]) == pytest.approx(2 / 2**5)


def test_signed_ranks_of_many_pairs_are_drawn() -> None:
    rng = random.Random(0)
    differences = [rng.gauss(0.3, 1) for _ in range(40)]
    theirs = stats.wilcoxon(differences, method="approx").pvalue
    assert signed_rank_p(differences) == pytest.approx(theirs, abs=0.02)


def test_holm() -> None:
    assert holm([]) == []
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])


def test_friedman() -> None:
    assert friedman_p([[0.1, 0.2, 0.3]]) is None
    assert friedman_p([[0.1, 0.2], [0.3, 0.4]]) is None
    assert friedman_p([[0.5, 0.5, 0.5]] * 4) == 1.0
    # Three optimizers in the same order twice: one of the six orders of the second task.
    assert friedman_p([[0.1, 0.2, 0.3]] * 2) == pytest.approx(1 / 6, abs=0.02)
    rng = random.Random(2)
    table = [[rng.gauss(0.05 * j, 0.1) for j in range(4)] for _ in range(30)]
    theirs = stats.friedmanchisquare(*zip(*table, strict=True)).pvalue
    assert friedman_p(table) == pytest.approx(theirs, abs=0.02)


def test_the_critical_difference_is_that_of_the_paper() -> None:
    """Demšar 2006, §3.2.4: four classifiers on 14 data sets, 1.25; q of table 5(a)."""
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    for k, q in ((2, 1.960), (5, 2.728), (10, 3.164)):
        assert critical_difference(k, 6) == pytest.approx(q * (k * (k + 1) / 36) ** 0.5, abs=0.005)
    assert critical_difference(1, 5) is None
    assert critical_difference(3, 1) is None


def test_an_interval_is_cut_to_what_a_score_can_be() -> None:
    assert within(interval([[0.0, 1.0]]), 0.0, 1.0) == (0.0, 1.0)
    assert within((0.2, 0.3), 0.0, 1.0) == (0.2, 0.3)
    assert within(None, 0.0, 1.0) is None
