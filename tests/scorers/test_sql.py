"""The scorer of SQL: the rows count, and a query can do nothing but read, for so long."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import TaskError
from apo.scorers.registry import SqlRows, make_scorer
from apo.scorers.sql_text import is_ordered, query_in
from apo.task import Example, Score

SCRIPT = """
CREATE TABLE 고객 (id INTEGER PRIMARY KEY, name TEXT, city TEXT, spent REAL);
INSERT INTO 고객 VALUES (1, '김', '서울', 10.1), (2, '이', '부산', 20.2), (3, '박', '서울', 30.3);
CREATE VIEW seoul AS SELECT * FROM 고객 WHERE city = '서울';
"""
SQL = SqlRows(schema=SCRIPT)
ALL = "SELECT name, city FROM 고객"


def score(answer: str, *targets: str, scorer: SqlRows = SQL) -> Score:
    return scorer(answer, Example({"input": "x"}, targets or (ALL,)))


@pytest.mark.parametrize(
    ("answer", "target"),
    [
        (ALL, ALL),
        ("select name as n, city as c from 고객 order by id desc;", ALL),
        (f"Here you are:\n```sql\n{ALL};\n```\nIt lists all.", ALL),
        (f"Use `{ALL}` for that.", ALL),
        (f"{ALL}; This lists all.", ALL),
        ("WITH a AS (SELECT * FROM 고객) SELECT name, city FROM a", ALL),
        ("SELECT 0.1 + 0.2", "SELECT 0.3"),
        ("SELECT count(*) FROM seoul", "SELECT 2.0"),
        ("SELECT NULL", "SELECT max(id) FROM 고객 WHERE id > 9"),
        ("SELECT id FROM 고객 ORDER BY spent DESC", "SELECT id FROM 고객 ORDER BY id DESC"),
        ("SELECT ';' || name FROM seoul", "SELECT ';김' UNION SELECT ';박'"),
        ("SELECT 1 WHERE 1 = 2", "SELECT 5 WHERE 1 = 2"),
    ],
)
def test_the_same_rows_are_right(answer: str, target: str) -> None:
    assert score(answer, "SELECT 'another'", target) == Score(1.0)


@pytest.mark.parametrize(
    ("answer", "target", "words"),
    [
        ("SELECT name FROM 고객", ALL, "expected 2 columns, it gives 1"),
        ("SELECT city FROM 고객", "SELECT DISTINCT city FROM 고객", "not asked for: ('서울',)"),
        ("SELECT name, city FROM seoul", ALL, "gives 2; missing: ('이', '부산')"),
        ("SELECT id FROM 고객", "SELECT id FROM 고객 ORDER BY id DESC", "their order is not"),
        ("SELECT '1'", "SELECT 1", "missing: (1,); not asked for: ('1',)"),
    ],
)
def test_other_rows_are_wrong(answer: str, target: str, words: str) -> None:
    found = score(answer, target)
    assert (found.value, found.well_formed) == (0, True)
    assert words in found.feedback


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "holds no SELECT query"),
        ("DROP TABLE 고객", "holds no SELECT query"),
        ("PRAGMA table_info(고객)", "holds no SELECT query"),
        ("SELECT nme FROM 고객", "no such column: nme"),
        ("SELECT FROM", "syntax error"),
        ("```\nSELECT 1; DROP TABLE 고객\n```", "one statement at a time"),
        ("WITH a AS (SELECT 1) DELETE FROM 고객", "can only read"),
        ("WITH a AS (SELECT 1) INSERT INTO 고객(name) SELECT 1", "can only read"),
        ("```\nATTACH 'x.db' AS x; -- select\n```", "can only read"),
        ("```\nPRAGMA user_version -- select\n```", "can only read"),
        ("```\nVACUUM INTO 'x.db' -- select\n```", "can only read"),
        ("SELECT * FROM pragma_table_info('고객')", "can only read"),
        ("SELECT load_extension('x')", "can only read"),
        ("SELECT name FROM 고객 ORDER BY random()", "can only read"),
        ("SELECT zeroblob(2000000)", "too big"),
        ("SELECT 'a\x00b'", "null character"),
        ("SELECT '\ud800'", "surrogates not allowed"),
        ("SELECT 1" + "+1" * 5000, "Expression tree is too large"),
    ],
)
def test_what_does_not_run_is_not_well_formed(answer: str, words: str) -> None:
    found = score(answer)
    assert (found.value, found.well_formed) == (0, False)
    assert words in found.feedback
    assert len(found.feedback) < 250
    assert score(ALL) == Score(1.0)  # Nothing was changed.


COUNT = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "


def test_a_query_ends_in_time() -> None:
    quick = SqlRows(schema=SCRIPT, seconds=0.05)
    found = score(COUNT + "SELECT count(*) FROM c", scorer=quick)
    assert not found.well_formed
    assert "it takes longer than 0.05 s" in found.feedback


def test_a_query_gives_so_much_and_no_more() -> None:
    few = SqlRows(schema=SCRIPT, max_rows=3)
    assert score(ALL, scorer=few) == Score(1.0)
    found = score(COUNT + "SELECT x FROM c", scorer=few)
    assert "more than 3 rows" in found.feedback
    found = score(COUNT + "SELECT hex(zeroblob(400000)) FROM c")
    assert "or 20 MB" in found.feedback


def test_a_target_that_fails_says_so() -> None:
    found = score(ALL, "SELECT nme FROM 고객")
    assert found.value == 0
    assert "The target's query 'SELECT nme FROM 고객' fails: no such column" in found.feedback


# --- where the data comes from


def test_a_database_file_is_only_read(tmp_path: Path) -> None:
    path = tmp_path / "가게 #1?.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(SCRIPT)
    before = path.read_bytes()
    scorer = make_scorer({"name": "sql", "database": path.name}, folder=tmp_path)
    assert scorer(ALL, Example({"input": "x"}, (ALL,))) == Score(1.0)
    assert not scorer("WITH a AS (SELECT 1) DELETE FROM 고객", Example({}, (ALL,))).well_formed
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_script_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "shop.sql").write_text(SCRIPT, encoding="utf-8")
    scorer = make_scorer({"name": "sql", "schema": "shop.sql"}, folder=tmp_path)
    assert scorer(ALL, Example({"input": "x"}, (ALL,))) == Score(1.0)


def test_bytes_that_are_no_text_are_compared() -> None:
    assert score("SELECT CAST(x'ff41' AS TEXT)", "SELECT CAST(x'ff41' AS TEXT)") == Score(1.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "one of schema"),
        ({"schema": SCRIPT, "database": "x"}, "one of schema"),
        ({"schema": "CREATE TABEL t (a)"}, "fails: near"),
        ({"schema": "SELECT 1"}, "makes no table"),
        ({"schema": "shop.sql"}, "there is no file"),
        ({"schema": 5}, "must be a text"),
        ({"database": "shop.db"}, "there is no file"),
        ({"database": "text.db"}, "cannot be read as a SQLite database"),
        ({"schema": SCRIPT, "max_rows": 0}, "whole number from 1"),
        ({"schema": SCRIPT, "max_rows": 1.5}, "whole number from 1"),
        ({"schema": SCRIPT, "max_rows": "9"}, "must be a number"),
        ({"schema": SCRIPT, "seconds": -1}, "a number above 0"),
        ({"schema": SCRIPT, "folder": "/"}, "no setting 'folder'"),
    ],
)
def test_a_wrong_setting_is_explained(settings: dict[str, Any], words: str, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all " * 100, encoding="utf-8")
    with pytest.raises(TaskError, match=words):
        make_scorer({"name": "sql", **settings}, folder=tmp_path)


# --- reading


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT 1 ORDER\nBY 1", True),
        ("SELECT 1 order by (2) LIMIT 3", True),
        ("SELECT * FROM (SELECT 1 ORDER BY (1))", False),
        ("SELECT rank() OVER (ORDER BY id) FROM t", False),
        ("SELECT 'order by' -- order by\n", False),
        ("SELECT 1 /* order by */", False),
        ('SELECT "order by", [order by], `order by`', False),
        ("SELECT 'it''s' ORDER BY 1", True),
    ],
)
def test_an_order_is_seen_where_it_holds(query: str, expected: bool) -> None:
    assert is_ordered(query) is expected


@pytest.mark.parametrize(
    ("answer", "query"),
    [
        ("select 1", "select 1"),
        ("First:\n```\nSELECT 1\n```\nBetter:\n```sqlite\nSELECT 2\n```", "SELECT 2"),
        ("```\nno query\n```\nSELECT 3;", "SELECT 3;"),
        ("```sql\nSELECT 4", "SELECT 4"),
        ("With this query you select it:\nSELECT 5", "SELECT 5"),
        ("VALUES (1), (2)", "VALUES (1), (2)"),
        ("with recursive a(x) as (select 1) select * from a", None),
        ("no query", ""),
    ],
)
def test_the_query_of_an_answer(answer: str, query: str | None) -> None:
    assert query_in(answer) == (answer if query is None else query)


@pytest.mark.parametrize(
    "piece",
    [
        "select ",
        "with a(",
        "with ",
        "values(",
        "```\n",
        "; ",
        'select ";',
        "`select ",
        "/*",
        "'",
        "(",
    ],
)
def test_a_long_answer_is_read_in_good_time(piece: str) -> None:
    score("select " + piece * 20_000)
    is_ordered(piece * 500)


@given(st.text("SELECTselect 1,*()';`\n가", max_size=40))
def test_any_text_has_a_score(answer: str) -> None:
    assert score(answer).value in (0, 1)


def test_a_schema_that_takes_too_much_memory_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apo.scorers.sql_limits._MAX_PAGES", 512)
    schema = (
        "CREATE TABLE t AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
        "SELECT x FROM n;"
    )
    with pytest.raises(TaskError, match="takes more than 2 MB"):
        make_scorer({"name": "sql", "schema": schema})
