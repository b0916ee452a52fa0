"""Pareto fronts: GEPA's, and non-dominated sorting."""

from hypothesis import given
from hypothesis import strategies as st

from apo.select import nondominated_sort, pareto_fronts, pareto_weights, undominated

TABLES = st.integers(0, 6).flatmap(
    lambda width: st.lists(
        st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), min_size=width, max_size=width),
        max_size=7,
    )
)


def mean(row: list[float | None]) -> float:
    known = [score for score in row if score is not None]
    return sum(known) / len(known) if known else 0.0


def test_two_specialists_and_a_dominated_generalist() -> None:
    table = [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0], [0.9, 0.9, 0.9, 0.9], [1.0, 0.0, 0.0, 1.0]]
    fronts = pareto_fronts(table)
    assert fronts == [{0, 3}, {0}, {1}, {1, 3}]
    kept = undominated(fronts, [mean([*row]) for row in table])
    # The generalist has the highest mean and is best nowhere; the last is never best alone.
    assert kept == [0, 1]
    assert pareto_weights(fronts, kept) == [2, 2]


def test_unknown_scores_are_not_zeros() -> None:
    assert pareto_fronts([[None, 0.0], [None, None], [None, 0.0]]) == [set(), {0, 2}]
    assert pareto_fronts([]) == []
    assert undominated([set()], []) == []


def test_of_equal_ones_one_stays() -> None:
    table = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    assert undominated(pareto_fronts(table), [0.5, 0.5, 0.5]) == [1, 2]
    assert undominated(pareto_fronts(table), [0.6, 0.5, 0.5]) == [0, 2]


def test_the_lower_mean_goes_first() -> None:
    """Each of 0, 1, 2 can be done without for the other two; only one may go for a pair."""
    fronts = [{0, 1}, {1, 2}, {0, 2}]
    assert undominated(fronts, [0.1, 0.2, 0.3]) == [1, 2]
    assert undominated(fronts, [0.3, 0.2, 0.1]) == [0, 1]


@given(TABLES)
def test_every_front_keeps_one_and_none_is_idle(table: list[list[float | None]]) -> None:
    fronts = pareto_fronts(table)
    kept = undominated(fronts, [mean(row) for row in table])
    assert kept == sorted(set(kept))
    assert all(set(kept) & front for front in fronts if front)
    for i in kept:  # A fixed point: nobody is left that the others make idle.
        others = set(kept) - {i}
        assert not all(others & front for front in fronts if i in front)
    assert all(weight > 0 for weight in pareto_weights(fronts, kept))
    for column, front in zip(zip(*table, strict=True), fronts, strict=True):
        known = [score for score in column if score is not None]
        assert {column[i] for i in front} == ({max(known)} if known else set())


def test_non_dominated_layers_by_hand() -> None:
    # Accuracy, and length negated.
    points = [
        (0.9, -100.0),
        (0.8, -50.0),
        (0.8, -120.0),
        (0.9, -100.0),
        (0.5, -60.0),
        (0.4, -130.0),
    ]
    assert nondominated_sort(points) == [[0, 1, 3], [2, 4], [5]]
    assert nondominated_sort([]) == []


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), max_size=15))
def test_non_dominated_sorting(points: list[tuple[int, int, int]]) -> None:
    layers = nondominated_sort(points)
    assert sorted(i for layer in layers for i in layer) == list(range(len(points)))

    def dominates(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        return a != b and all(x >= y for x, y in zip(a, b, strict=True))

    for depth, layer in enumerate(layers):
        assert layer == sorted(layer)
        for i in layer:
            assert not any(dominates(points[j], points[i]) for j in layer)
            if depth:
                assert any(dominates(points[j], points[i]) for j in layers[depth - 1])
