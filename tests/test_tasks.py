"""The built-in tasks: they load, their scorers judge their targets, and nothing leaks."""

import json
import runpy
from pathlib import Path

import pytest

from apo.taskfile.load import load_task
from apo.taskfile.places import builtin_tasks

TASKS = Path(__file__).parent.parent / "tasks"


def test_all_are_there() -> None:
    assert builtin_tasks() == [
        "order-fields",
        "reviews-ko",
        "short-reviews",
        "support-tickets",
        "word-problems",
    ]


@pytest.mark.parametrize("name", builtin_tasks())
def test_loads_without_a_note_of_trouble(name: str) -> None:
    task = load_task(name)
    assert task.name == name
    assert len(task.notes) == 1, task.notes  # The sizes of the pools; no row lost or repeated.
    assert min(len(task.train), len(task.validation), len(task.test)) >= 30


@pytest.mark.parametrize("name", builtin_tasks())
def test_every_target_is_its_own_right_answer(name: str) -> None:
    task = load_task(name)
    for example in (*task.train, *task.validation, *task.test):
        assert task.scorer(example.target, example).value == 1


@pytest.mark.parametrize("name", builtin_tasks())
def test_the_seed_prompt_shows_the_input(name: str) -> None:
    task = load_task(name)
    example = task.train[0]
    text = "\n".join(message.content for message in task.seed_prompts[0].messages(example.inputs))
    assert all(value in text for value in example.inputs.values())


@pytest.mark.parametrize("name", ["support-tickets", "reviews-ko"])
def test_the_seed_prompt_names_the_labels(name: str) -> None:
    task = load_task(name)
    assert all(label in task.seed_prompts[0].instruction for label in task.labels)


@pytest.mark.parametrize("name", builtin_tasks())
def test_the_seed_split_is_always_the_same(name: str) -> None:
    assert load_task(name).fingerprint == load_task(name).fingerprint
    assert load_task(name).fingerprint != load_task(name, seed=1).fingerprint


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
