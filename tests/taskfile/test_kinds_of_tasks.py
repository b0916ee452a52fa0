"""The kinds of tasks that `apo init` knows: found from data, or named, each with what it needs."""

import csv
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apo.drafting.draft import draft_task
from apo.drafting.format import Wanted
from apo.drafting.kinds import KINDS, known_kind
from apo.drafting.prompt import Wording, seed_prompt
from apo.drafting.write import write_draft
from apo.errors import DataError, SettingsError
from apo.evaluation.room import answer_room
from apo.lint.checklist import lint
from apo.scorers.code import Code
from apo.task import Task
from apo.taskfile.load import load_task

TASKS = Path(__file__).parents[2] / "tasks"
Row = tuple[str, str]
WORDS = ("river", "stone", "cloud", "bread", "lamp", "paper", "green", "quiet", "seven", "market")
말 = ("강물", "돌담", "구름", "빵집", "등불", "종이", "초록", "조용한", "일곱", "시장", "창문")


def text(i: int, n: int = 6, words: tuple[str, ...] = WORDS) -> str:
    """So many words, which differ from row to row."""
    return " ".join(words[(i * 5 + k * (i % 7 + 1)) % len(words)] for k in range(n))


ROWS: dict[str, Callable[[int], Row]] = {
    "classification two": lambda i: (f"{text(i)} {i}", "yes" if i % 3 else "no"),
    "classification 분류": lambda i: (f"{text(i, 6, 말)} {i}", ["환불", "배송", "오류"][i % 3]),
    "several-labels": lambda i: (f"{text(i)} {i}", ["red; big", "red", "big; new", "new"][i % 4]),
    "extraction json": lambda i: (f"{text(i)} for {i}", f'{{"what": "{WORDS[i % 9]}", "n": {i}}}'),
    "extraction words": lambda i: (f"{text(i)} by Anna B{i}.", f"Anna B{i}"),
    "extraction 날짜": lambda i: (
        f"{text(i, 5, 말)} 3월 {i % 28 + 1}일",
        f"2026-03-{i % 28 + 1:02}",
    ),
    "question-answering": lambda i: (f"Where is the {text(i, 2)} {i}?", f"in hall {i}"),
    "question-answering 질문": lambda i: (
        f"{text(i, 3, 말)} {i}번은 어디에 있나요?",
        f"{i}층 창고",
    ),
    "summary": lambda i: (f"{text(i, 60)}. {i}", f"{text(i + 1, 9)} and nothing else {i}"),
    "generation": lambda i: (
        f"{text(i, 2)} {i}",
        f"Come and see our shop number {i}: {text(i, 9)}",
    ),
    "correction": lambda i: (f"teh {text(i)} was {i}", f"the {text(i)} was {i}"),
    "correction 교정": lambda i: (f"{text(i, 5, 말)} 안되요 {i}", f"{text(i, 5, 말)} 안 돼요 {i}"),
    "style": lambda i: (f"gonna see {text(i)} {i} lol", f"I am going to visit {text(i)} {i}."),
    "style 말투": lambda i: (f"{text(i, 3, 말)} {i} 봤어", f"{text(i, 3, 말)} {i} 보았습니다"),
    "dialogue": lambda i: (
        f"User: {text(i)}\nShop: {i}?\nUser: yes",
        f"Then we send number {i}",
    ),
    "dialogue 대화": lambda i: (
        f"손님: {text(i, 4, 말)} {i}\n점원: 네\n손님: 되나요",
        f"{i}번 됩니다",
    ),
    "code": lambda i: (f"Write add{i}(a, b).", f"assert add{i}(1, {i}) == {i + 1}"),
    "sql": lambda i: (f"Titles of year {i}", f"SELECT title FROM books WHERE year = {i}"),
    "reasoning": lambda i: (f"A pen costs {i + 3} and a pad 2. What do both cost?", f"{i + 5}"),
    "reasoning 문제": lambda i: (f"사과 {i + 3}개에 2개를 더하면 몇 개인가요?", f"{i + 5}"),
}
"""Rows of each kind, by its name and a word that says which."""


def save(path: Path, rows: list[Row], names: Row = ("given", "wanted")) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def drafted(path: Path, **wanted: Any) -> tuple[Task, str]:
    """The task that is drafted, and what was told."""
    draft = draft_task("t", path, Wanted(target="wanted", **wanted))
    return load_task(write_draft(draft, path.parent / "t")), "\n".join(draft.explanations)


def has(task: Task) -> set[str]:
    """What the checklist finds in the seed prompt; nothing in it may be to mind."""
    hints = lint(task.seed_prompts[0])
    assert not [hint for hint in hints if hint.level == "mind"]
    return {hint.technique for hint in hints if hint.level == "has"}


@pytest.mark.parametrize("name", ROWS)
def test_a_kind_is_found_and_its_task_is_sound(name: str, tmp_path: Path) -> None:
    if name == "sql":
        with closing(sqlite3.connect(tmp_path / "books.db")) as db:
            db.execute("CREATE TABLE books (title, year)")
    task, told = drafted(save(tmp_path / "d.csv", [ROWS[name](i) for i in range(48)]))
    assert f"The kind of task is taken to be {name.split()[0]}: " in told
    if not isinstance(task.scorer, Code):  # Whose targets are the tests.
        assert all(task.scorer(e.target, e).value == 1 for e in task.validation)
    assert {"instruction first", "specified output structure", "an out", "length"} <= has(task)
    assert answer_room(task, task.seed_prompts[0]) >= task.longest_target
    assert (task.language == "ko") == any("가" <= letter <= "힣" for letter in name)
    if name == "sql":
        assert "books(title, year)" in task.seed_prompts[0].instruction
        assert (tmp_path / "t/books.db").is_file()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("library-sql", "sql"),
        ("polite-ko", "style"),
        ("shop-chat-ko", "dialogue"),
        ("short-summaries", "summary"),
        ("small-functions", "code"),
        ("spelling-ko", "correction"),
        ("passages", "question-answering"),
        ("word-problems", "reasoning"),
        ("hotel-aspects", "several-labels"),
    ],
)
def test_the_kind_of_data_that_come_with_apo(name: str, kind: str) -> None:
    (data,) = (p for p in (TASKS / name).iterdir() if p.suffix == ".jsonl")
    told = draft_task("t", data).explanations
    assert any(f"taken to be {kind}: " in line for line in told), told


def test_a_kind_that_is_named_is_taken(tmp_path: Path) -> None:
    path = save(tmp_path / "d.csv", [ROWS["generation"](i) for i in range(48)])
    task, told = drafted(path, kind="summary")
    assert "kind of task" not in told
    assert "scorer 'reward': a quarter for at most " in told
    assert len(task.test) == 24


@pytest.mark.parametrize("kind", ["classification", "several-labels", "code", "sql"])
def test_a_kind_that_the_targets_cannot_be_is_refused(kind: str, tmp_path: Path) -> None:
    path = save(tmp_path / "d.csv", [ROWS["generation"](i) for i in range(48)])
    with pytest.raises(DataError, match=f"{kind} needs .*'wanted' has 48 different cells"):
        drafted(path, kind=kind)


def test_queries_need_a_database_where_the_kind_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "d.csv", [ROWS["sql"](i) for i in range(48)])
    with pytest.raises(DataError, match="name the database with --database"):
        drafted(path, kind="sql")
    (tmp_path / "mlflow.db").touch()  # Of earlier runs: no queries are meant for it.
    task, told = drafted(path)
    assert "are compared as texts, as no database is known" in told
    assert type(task.scorer).__name__ == "Exact"
    asked = task.seed_prompts[0].instruction
    assert asked.startswith("Write one SQL query")
    assert "the query only" in asked
    assert "few words" not in asked


def test_a_summary_is_bounded_as_its_seed_prompt_says(tmp_path: Path) -> None:
    rows = [(f"{text(i, 80)} {i}", f"{text(i, 29)} {i}") for i in range(48)]
    task, told = drafted(save(tmp_path / "d.csv", rows), kind="summary")
    most = len(rows[0][1].split())
    assert f"in at most {most} words" in task.seed_prompts[0].instruction
    assert f"a quarter for at most {most} words" in told
    example = replace(task.validation[0], targets=("none of these",))
    formed = [task.scorer(" ".join("x" * n), example).value for n in (1, most, most + 1)]
    assert formed == [0.25, 0.25, 0]


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["3", "4.5"], '"v": 0'),
        (["true", "null"], '"v": true'),
        (['["a"]', "[]"], '"v": ["…"]'),
        (['"3"', "4"], '"v": "…"'),
        (['{"a": 1}', "null"], '"v": "…"'),
    ],
)
def test_the_form_of_an_answer_shows_what_its_values_are(
    values: list[str], form: str, tmp_path: Path
) -> None:
    rows = [(f"{text(i, 9)} {i}", f'{{"who": "w{i}", "v": {values[i % 2]}}}') for i in range(48)]
    task, _ = drafted(save(tmp_path / "d.csv", rows))
    assert f'{{"who": "…", {form}}}' in task.seed_prompts[0].instruction


def test_kinds_by_their_names() -> None:
    assert known_kind("Several Labels") == "several-labels"
    assert known_kind("") == ""
    with pytest.raises(SettingsError, match="Did you mean 'summary'"):
        known_kind("sumary")
    assert {name.split()[0] for name in ROWS} == set(KINDS)


def test_a_question_beside_a_text_is_answered_from_the_text() -> None:
    words = Wording(inputs=("passage", "question"), target="answer", context="passage")
    assert "Go by the passage only." in seed_prompt("short", "en", words)
    assert "passage에 있는 내용만" in seed_prompt("short", "ko", words)


def test_tests_that_are_given_the_function_by_its_name(tmp_path: Path) -> None:
    path, head = tmp_path / "d.csv", ("prompt", "entry_point", "canonical_solution", "test")
    rows = [(f"def add{i}(a):", f"add{i}", "return a", f"def check(f):\n    assert f({i}) == {i}")
            for i in range(48)]  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    task = load_task(write_draft(draft_task("t", path), tmp_path / "t"))
    assert task.input_fields == ("prompt", "entry_point")
    assert task.scorer == Code(entry_point="entry_point")
