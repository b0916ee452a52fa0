"""The built-in tasks: they load, their scorers judge their targets, and nothing leaks."""

import csv
import json
import runpy
import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from apo.scorers.awaited import AwaitedScorer
from apo.task import Task
from apo.taskfile.load import load_task
from apo.taskfile.places import builtin_kinds, builtin_tasks

TASKS = Path(__file__).parent.parent / "tasks"


@pytest.fixture(scope="module")
def built_in() -> dict[str, Task]:
    return {name: load_task(name) for name in builtin_tasks()}


def test_each_has_a_kind_data_and_a_card() -> None:
    assert sorted(builtin_kinds()) == builtin_tasks()
    assert builtin_tasks() == sorted(folder.parent.name for folder in TASKS.glob("*/task.yaml"))
    cards = {folder.parent.name for folder in TASKS.glob("*/SOURCE.md")}
    assert cards | {"word-problems"} == set(builtin_tasks())  # Its generator says it.
    told = (TASKS.parent / "docs" / "tasks.md").read_text(encoding="utf-8")
    assert [name for name in builtin_tasks() if f"`{name}`" not in told] == []


@pytest.mark.parametrize("name", builtin_tasks())
def test_loads_without_a_note_of_trouble(name: str, built_in: dict[str, Task]) -> None:
    task = built_in[name]
    assert task.name == name
    sizes = [note for note in task.notes if "the pools:" in note or "of one group" in note]
    assert list(task.notes) == sizes  # No row is lost or repeated.
    assert min(len(task.train), len(task.validation), len(task.test)) >= 20
    assert len(task.train) + len(task.validation) + len(task.test) >= 100


@pytest.mark.parametrize("name", builtin_tasks())
def test_every_target_is_its_own_right_answer(name: str, built_in: dict[str, Task]) -> None:
    task = built_in[name]
    if isinstance(task.scorer, AwaitedScorer):
        return  # Its targets are tests and no answer; they have a test of their own below.
    for example in (*task.train, *task.validation, *task.test):
        assert task.scorer(example.target, example).value == 1


@pytest.mark.parametrize("name", builtin_tasks())
def test_the_seed_prompt_shows_the_input(name: str, built_in: dict[str, Task]) -> None:
    task = built_in[name]
    example = task.train[0]
    first = next(iter(task.seed_prompts[0].steps.values()))
    text = "\n".join(message.content for message in first.messages(example.inputs))
    assert all(value in text for value in example.inputs.values())


@pytest.mark.parametrize("name", ["support-tickets", "reviews-ko", "hotel-aspects"])
def test_the_seed_prompt_names_the_labels(name: str, built_in: dict[str, Task]) -> None:
    task = built_in[name]
    assert all(label in task.seed_prompts[0].instruction for label in task.labels)


@pytest.mark.parametrize("name", builtin_tasks())
def test_the_seed_split_is_always_the_same(name: str, built_in: dict[str, Task]) -> None:
    assert load_task(name).fingerprint == built_in[name].fingerprint
    assert load_task(name).fingerprint != load_task(name, seed=1).fingerprint


def test_routed_tickets_are_the_support_tickets() -> None:
    teams = load_task("ticket-routing").description
    rows = [
        list(csv.DictReader(StringIO((TASKS / name).read_text("utf-8"), newline="")))
        for name in ("support-tickets/tickets.csv", "ticket-routing/routes.csv")
    ]
    for ticket, routed in zip(*rows, strict=True):
        assert (ticket["ticket"], ticket["kind"]) == (routed["ticket"], routed["kind"])
        [line] = [line for line in teams.splitlines() if ticket["intent"] in line.split(": ")[-1]]
        assert line.startswith(f"- {routed['team']}:")


def test_word_problems_are_what_their_generator_makes() -> None:
    folder = TASKS / "word-problems"
    generator = runpy.run_path(str(folder / "generate.py"))
    text = (folder / "problems.jsonl").read_text(encoding="utf-8")
    assert generator["generate"]() == text
    rows = [json.loads(line) for line in text.splitlines()]
    assert len({row["problem"] for row in rows}) == len(rows) == 400
    assert len({row["shape"] for row in rows}) >= 25
    assert {row["steps"] for row in rows} == {1, 2, 3}
    assert not any("{" in row["problem"] for row in rows)
    assert all(float(row["answer"]) > 0 for row in rows)


def test_word_problem_answers_by_hand() -> None:
    """Answers worked out apart from the generator, one for each of some shapes."""
    rows = (TASKS / "word-problems" / "problems.jsonl").read_text(encoding="utf-8").splitlines()
    answers = {row["problem"]: row["answer"] for row in map(json.loads, rows)}
    by_hand = {
        "At one stall 2 kg of cherries cost $32, at another 8 kg cost $60. "
        "How many dollars more is a kilogram at the dearer stall?": "8.50",
        "Emre and Kofi live 105 km apart and start at the same time to ride towards each other, "
        "at 21 km/h and 14 km/h. After how many hours do they meet?": "3",
        "On a farm there are only hens and goats. Carlos counts 59 heads and 182 legs. "
        "How many goats are there?": "32",
    }
    assert {problem: answers.get(problem) for problem in by_hand} == by_hand


def rows_of(task: str, file: str) -> list[dict[str, Any]]:
    text = (TASKS / task / file).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_the_solution_of_each_function_passes_its_tests() -> None:
    for row in rows_of("small-functions", "problems.jsonl"):
        space: dict[str, Any] = {}
        exec(row["solution"], space)
        exec(row["tests"], space)
        for name in [name for name in space if name.startswith("test_")]:
            space[name]()


def test_programs_are_judged_by_the_tests_of_their_row(built_in: dict[str, Task]) -> None:
    task = built_in["small-functions"]
    solutions = {r["problem"]: r["solution"] for r in rows_of("small-functions", "problems.jsonl")}
    for example in task.train[:2]:
        solution = solutions[example.inputs["problem"]]
        assert task.scorer(f"```python\n{solution}\n```", example).value == 1
        assert task.scorer("def other(): return 0", example).value == 0


def test_each_question_on_the_library_has_an_answer() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript((TASKS / "library-sql" / "library.sql").read_text(encoding="utf-8"))
        rows = rows_of("library-sql", "questions.jsonl")
        assert [r for r in rows if not database.execute(r["query"]).fetchall()] == []


def test_some_korean_sentences_are_right_already() -> None:
    rows = rows_of("spelling-ko", "sentences.jsonl")
    assert sum(row["sentence"] in row["right"] for row in rows) == 14


def test_wrong_politeness_costs_its_points(built_in: dict[str, Task]) -> None:
    task = built_in["polite-ko"]
    for example in task.train:
        casual = task.scorer(example.inputs["text"], example)
        assert casual.value < 0.6
        assert not casual.well_formed


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("passages", "The passage says a lot of things, and among them is what you asked for."),
        ("short-summaries", "A summary."),
        ("shop-chat-ko", "**무엇을 도와드릴까요**"),
        ("bookings-ko", '{"이름": "없음"}'),
        ("hotel-aspects", "Nothing of note."),
        ("library-sql", "SELECT 1"),
    ],
)
def test_an_answer_beside_the_point_scores_little(
    name: str, answer: str, built_in: dict[str, Task]
) -> None:
    task = built_in[name]
    scores = [task.scorer(answer, example).value for example in task.validation]
    assert sum(scores) / len(scores) < 0.3
