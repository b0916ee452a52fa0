"""Labels that are many, long, with commas, or alike to the eye; and files without a header."""

from dataclasses import replace
from pathlib import Path

import pytest

from apo.checking.check import check
from apo.drafting.draft import Draft, draft_task
from apo.drafting.write import write_draft
from apo.errors import TaskError
from apo.prompts.prompt import Prompt
from apo.scorers.registry import Choice, Exact
from apo.task import Example, Task
from apo.taskfile.load import load_task


def drafted(labels: list[str], folder: Path, header: str = "text,kind", n: int = 300) -> Draft:
    lines = [f'ticket number {i} says,"{labels[i % len(labels)]}"' for i in range(n)]
    path = folder / "d.csv"
    path.write_text("\n".join([header, *lines]), "utf-8")
    return draft_task("t", path)


@pytest.mark.parametrize(
    "labels",
    [
        [f"intent_{i}" for i in range(77)],
        ["Other", "The customer wants a refund for something that was bought by mistake"],
        ["a" * 79, "b"],
    ],
)
def test_many_and_long_labels_are_named(labels: list[str], tmp_path: Path) -> None:
    task = load_task(write_draft(drafted(labels, tmp_path), tmp_path / "t"))
    assert set(task.labels) == set(labels)
    assert all(label in task.seed_prompts[0].text() for label in labels)


@pytest.mark.parametrize("labels", [["Arts", "Finance, Tax"], ["a,b", "c"], ["가, 나", "다"]])
def test_labels_with_commas_are_quoted(labels: list[str], tmp_path: Path) -> None:
    text = load_task(write_draft(drafted(labels, tmp_path), tmp_path / "t")).seed_prompts[0].text()
    assert all(f'"{label}"' in text for label in labels)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("ticket number 900 says,bug", "'bug'"),
        ("ticket number 3 says,kind", "'ticket number 3 says'"),
        ("ticket number 900 says,17", "'17'"),
    ],
)
def test_a_first_row_that_reads_like_data_is_told(header: str, said: str, tmp_path: Path) -> None:
    words = " ".join(drafted(["bug", "login"], tmp_path, header).explanations)
    assert f"and reads like data: {said}. If it is data, put a row of names above it." in words


def test_a_header_is_not_told(tmp_path: Path) -> None:
    assert "reads like data" not in " ".join(drafted(["bug", "login"], tmp_path).explanations)


def task_of(labels: tuple[str, ...], *, named: bool = True) -> Task:
    def pool(start: int) -> tuple[Example, ...]:
        return tuple(
            Example({"input": f"text number {i}"}, (labels[i % len(labels)],))
            for i in range(start, start + 60)
        )

    return Task(
        name="t",
        scorer=Choice(labels=labels, ignore_case=False),
        seed_prompts=(Prompt(f"One of {', '.join(labels) if named else 'them'}."),),
        train=pool(0),
        validation=pool(1000),
        test=pool(2000),
        labels=labels,
    )


def warnings(task: Task) -> str:
    return " ".join(finding.text for finding in check(task) if finding.level == "warning")


@pytest.mark.parametrize("other", ["b\u200bug", "bug\ufeff", "bug\u2060"])
def test_labels_that_nobody_can_tell_apart_are_refused(other: str) -> None:
    with pytest.raises(TaskError, match=r"'bug' and '.*<U\+.*only in signs that nobody sees"):
        task_of(("bug", other, "login"))


@pytest.mark.parametrize("other", ["BUG", "Bug", "bUg"])
def test_labels_that_look_alike_are_told(other: str) -> None:
    said = warnings(task_of(("bug", other, "login")))
    assert "Labels that differ only in upper and lower case: 'bug', " in said
    assert repr(other) in said
    assert "Labels that differ" not in warnings(task_of(("bug", "login")))


def test_labels_that_differ_in_case_and_at_their_end() -> None:
    said = warnings(task_of(("Bug", "bug", "bug.", "login")))
    assert "differ only in upper and lower case and a sign at the end: 'Bug', 'bug', 'bug.'" in said
    assert "Labels that differ" not in warnings(task_of((".", ";", "login")))


@pytest.mark.parametrize("n", [2, 40, 60])
def test_answers_that_no_prompt_names_are_told(n: int) -> None:
    labels = tuple(f"intent {i} x" for i in range(n))
    task = replace(task_of(labels, named=False), scorer=Exact(), labels=())
    assert f"does not name the answers that are allowed: {n} different" in warnings(task)
    named = replace(task_of(labels), scorer=Exact(), labels=())
    assert "answers that are allowed" not in warnings(named)
