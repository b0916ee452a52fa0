"""Cohen's κ: the value of other libraries, and an interval that has a width."""

import random

import pytest

from apo import ApoError
from apo.statistics import kappa
from apo.statistics.agreement import Weights


@pytest.mark.parametrize(
    ("weights", "theirs"), [("same", None), ("linear", "linear"), ("quadratic", "quadratic")]
)
def test_the_value_is_that_of_scikit_learn(weights: Weights, theirs: str | None) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = random.Random(1)
    a = [rng.randint(1, 5) for _ in range(80)]
    b = [x if rng.random() < 0.6 else rng.randint(1, 5) for x in a]
    expected = metrics.cohen_kappa_score(a, b, weights=theirs)
    value, (low, high) = kappa(a, b, weights=weights)
    assert value == pytest.approx(expected, abs=1e-9)
    assert -1 <= low < value < high <= 1
    assert kappa(a, b, weights=weights) == (value, (low, high))


def test_the_interval_is_about_that_of_statsmodels_where_rows_are_many() -> None:
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    n = [[220, 60], [80, 240]]
    a = ["예"] * 280 + ["아니요"] * 320
    b = ["예"] * 220 + ["아니요"] * 60 + ["예"] * 80 + ["아니요"] * 240
    theirs = rater.cohens_kappa(n)
    value, (low, high) = kappa(a, b)
    assert value == pytest.approx(theirs.kappa, abs=1e-9)
    assert (low, high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=0.01)


def test_perfect_agreement_of_few_rows_proves_little() -> None:
    value, (low, high) = kappa("abab", "abab")
    assert value == 1
    assert high == pytest.approx(1)
    assert low < 0.5
    assert kappa("ab" * 100, "ab" * 100)[1][0] > 0.9


def test_one_label_throughout_is_what_chance_gives() -> None:
    assert kappa([True] * 30, [True] * 30) == (0.0, (-1.0, 1.0))
    value, (low, high) = kappa([True] * 30, [True] * 29 + [False])
    assert value == pytest.approx(0)
    assert low < 0 < high


def test_labels_of_mixed_kinds_and_any_text() -> None:
    assert kappa([1, "a", None, "{}"], [1, "a", None, "\x00"])[0] > 0


@pytest.mark.parametrize(("a", "b"), [([], []), ("ab", "a")])
def test_ratings_must_pair(a: str, b: str) -> None:
    with pytest.raises(ApoError, match="two ratings of each row"):
        kappa(a, b)


def test_grades_that_nobody_gave_keep_the_others_apart() -> None:
    a, b = [1, 1, 5, 5, 4, 1], [1, 4, 5, 4, 4, 1]
    whole = kappa(a, b, weights="quadratic", labels=range(1, 6))[0]
    assert whole == pytest.approx(cohen_kappa_score_of(a, b))
    assert whole != pytest.approx(kappa(a, b, weights="quadratic")[0])
    with pytest.raises(ApoError, match="lacks"):
        kappa(a, b, labels=[1, 2])


def cohen_kappa_score_of(a: list[int], b: list[int]) -> float:
    table = [[sum(x == i and y == j for x, y in zip(a, b, strict=True)) for j in range(1, 6)]
             for i in range(1, 6)]  # fmt: skip
    n = len(a)
    rows, columns = [sum(row) for row in table], [sum(c) for c in zip(*table, strict=True)]
    cells = [(i, j) for i in range(5) for j in range(5)]
    found = sum(table[i][j] * (i - j) ** 2 for i, j in cells) / n
    chance = sum(rows[i] * columns[j] * (i - j) ** 2 for i, j in cells) / n**2
    return float(1 - found / chance)
