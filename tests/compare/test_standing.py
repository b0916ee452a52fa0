"""Rankings and their tables, on rows made by hand."""

import csv
import io
from collections.abc import Callable

import pytest

from apo.compare.collect import CellRow
from apo.compare.standing import Comparison, compare
from apo.compare.table import markdown, tables
from apo.results.csv_rows import rows_csv

MakeRow = Callable[..., CellRow]


@pytest.fixture
def rows(row: MakeRow) -> list[CellRow]:
    """On a, good is ahead with every seed; on b, all are alike."""
    scores = {"good": 0.8, "fair": 0.6, "poor": 0.5}
    return [
        row(task, name, seed, (score if task == "a" else 0.7) + 0.01 * seed)
        for task in ("a", "b")
        for name, score in scores.items()
        for seed in range(5)
    ]


def test_the_ranking_on_a_task(rows: list[CellRow]) -> None:
    ranking = compare("x", rows).tasks[0]
    assert [s.optimizer for s in ranking.standings] == ["good", "fair", "poor"]
    good, fair, poor = ranking.standings
    assert good.score == pytest.approx(0.82)
    assert good.gain == pytest.approx(0.42)
    assert good.n == 5
    assert good.p_value is None
    assert good.behind_interval is None
    assert fair.rank == 2
    assert fair.behind == pytest.approx(0.2)
    assert fair.behind_interval == pytest.approx((0.2, 0.2))
    assert poor.p_value == pytest.approx(2 * 2 / 2**5)  # corrected for two comparisons
    assert poor.favourable == pytest.approx(0.8)  # 0.50 is no gain, the other four are


def test_ties_share_a_rank(rows: list[CellRow]) -> None:
    assert {s.rank for s in compare("x", rows).tasks[1].standings} == {2.0}


def test_the_ranking_over_tasks(rows: list[CellRow]) -> None:
    found = compare("x", rows)
    assert [(s.optimizer, s.rank) for s in found.overall.standings] == [
        ("good", 1.5), ("fair", 2.0), ("poor", 2.5),
    ]  # fmt: skip
    assert found.overall.standings[1].behind == pytest.approx(0.1)
    assert found.overall.standings[0].n == 10
    assert found.friedman_p is not None
    assert found.critical_difference is not None
    assert not found.problems


def test_pairs_are_of_the_same_seed(row: MakeRow) -> None:
    """A seed that only one of two has says nothing of their difference."""
    rows = [row("a", "x", 0, 0.9), row("a", "x", 1, 0.5), row("a", "y", 1, 0.4)]
    x, y = compare("c", rows).tasks[0].standings
    assert x.optimizer == "x"
    assert y.behind == pytest.approx(0.1)


def test_who_lacks_a_task_is_left_out_of_the_whole(rows: list[CellRow], row: MakeRow) -> None:
    found = compare("x", [*rows, row("a", "late", 0, 0.99)])
    assert found.left_out == ("late",)
    assert "late" in [s.optimizer for s in found.tasks[0].standings]
    assert "late" not in [s.optimizer for s in found.overall.standings]
    assert "late" in markdown(found)


def test_unequal_test_examples_are_told(rows: list[CellRow], row: MakeRow) -> None:
    found = compare("x", [*rows, row("a", "good", 9, 0.5, n_test=90)])
    assert "90 to 100" in found.problems[0]
    assert found.problems[0] in markdown(found)


def test_one_seed_gives_no_interval_and_no_claim(row: MakeRow) -> None:
    found = compare("x", [row("a", "x", 0, 0.9), row("a", "y", 0, 0.4)])
    assert found.tasks[0].standings[0].score_interval is None
    assert "Too few" in tables(found)[0].note


def column(found: Comparison, name: str, place: int = 0) -> list[str]:
    table = tables(found)[place]
    return [row[table.headings.index(name)] for row in table.rows]


def test_two_tests_that_disagree_are_one_word(row: MakeRow) -> None:
    """Five seeds all below the first: the interval says so, and p cannot (0.06 at least)."""
    rows = [row("t", "a", s, 0.6 + s / 100) for s in range(5)]
    less = (0.03, 0.04, 0.05, 0.03, 0.01)
    rows += [row("t", "b", s, 0.6 + s / 100 - d) for s, d in enumerate(less)]
    rows += [row("t", "c", s, 0.6) for s in range(5)]
    found = compare("x", rows)
    assert column(found, "optimizer") == ["a", "c", "b"]
    assert column(found, "to first") == ["", "-2.0", "-3.2"]
    assert column(found, "worse") == ["", "perhaps", "perhaps"]
    assert tables(found)[0].note.endswith("a is perhaps better than c, b: more seeds would tell.")
    more = [row("t", o, s, v - s / 1000) for o, v in (("a", 0.9), ("b", 0.5)) for s in range(9)]
    assert column(compare("x", more), "worse") == ["", "yes"]
    assert "a is better than all others, beyond chance." in tables(compare("x", more))[0].note


def test_the_first_by_rank_may_have_fewer_points(row: MakeRow) -> None:
    scores = {"t0": (0.5, 0.4), "t1": (0.5, 0.4), "t2": (0.5, 0.9)}
    rows = [
        row(task, name, seed, score)
        for task, both in scores.items()
        for name, score in zip("ab", both, strict=True)
        for seed in range(5)
    ]
    found = compare("x", rows)
    assert column(found, "to first") == ["", "+6.7"]
    assert column(found, "worse") == ["", "no"]
    assert "a is first by rank, though b has more points" in tables(found)[0].note


def test_one_seed_is_one_seed(row: MakeRow) -> None:
    found = compare("x", [row("a", "x", 0, 0.9), row("a", "y", 0, 0.4)])
    assert tables(found)[0].note.startswith("100 test examples, 1 seed.\n")
    assert (column(found, "worse"), column(found, "p")) == (["", "?"], ["", ""])


def test_nothing_finished_is_no_error() -> None:
    found = compare("x", [], ["all failed"])
    assert tables(found) == []
    assert "all failed" in markdown(found)
    assert rows_csv([]) == ""


def test_the_tables(rows: list[CellRow]) -> None:
    whole, first, second = tables(compare("x", rows))
    assert (whole.title, first.title, second.title) == ("All tasks", "a", "b")
    assert all(len(cells) == len(first.headings) for cells in first.rows)
    line = dict(zip(first.headings, first.rows[0], strict=True))
    assert (line["best"], line["gain"], line["proven"]) == ("82.0", "+42.0", "100 %")
    assert "usd" not in first.headings
    assert 80 < first.width < 125
    assert "good is perhaps better than fair, poor: more seeds would tell." in first.note
    assert "Not to be told from" in second.note
    assert "100 test examples, 5 seeds" in first.note


def test_money_has_a_column_where_it_is_spent(row: MakeRow) -> None:
    rows = [row("a", "x", 0, 0.9, usd=0.25), row("a", "y", 0, 0.4, usd=None)]
    (table,) = tables(compare("x", rows))
    place = table.headings.index("usd")
    assert [cells[place] for cells in table.rows] == ["0.2500", "?"]


def test_a_line_for_each_cell(rows: list[CellRow]) -> None:
    lines = list(csv.DictReader(io.StringIO(rows_csv([row.to_dict() for row in rows]))))
    assert len(lines) == len(rows)
    assert float(lines[0]["gain"]) == pytest.approx(rows[0].gain)
