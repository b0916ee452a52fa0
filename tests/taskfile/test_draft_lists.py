"""Cells with several items: what `apo init` takes them for, and what `apo check` says of them."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from apo.checking.check import check
from apo.drafting.draft import draft_task
from apo.drafting.format import Wanted
from apo.drafting.write import write_draft
from apo.errors import TaskError
from apo.taskfile.load import load_task, task_from_data

TAGS = [["urgent", "bug"], ["bug"], ["question"], ["urgent", "question"], ["bug", "question"]]
FORMS: dict[str, Callable[[list[str]], str]] = {
    "json": json.dumps,
    "python": repr,
    "numpy": lambda tags: "[" + " ".join(map(repr, tags)) + "]",
    "semicolons": "; ".join,
    "bars": "|".join,
    "commas": ", ".join,
}


def tagged(path: Path, form: str, column: str = "tags") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", column])
        for i in range(100):
            writer.writerow([f"ticket number {i} says", FORMS[form](TAGS[i % len(TAGS)])])
    return path


@pytest.mark.parametrize("form", FORMS)
def test_lists_of_labels_become_sets(form: str, tmp_path: Path) -> None:
    draft = draft_task("t", tagged(tmp_path / "d.csv", form))
    settings = yaml.safe_load(draft.yaml)
    assert settings["scorer"] == {"name": "label_set", "score": "f1"}
    assert settings["labels"] == ["bug", "question", "urgent"]
    assert "give all tags that apply, out of: bug, question, urgent" in settings["prompt"]
    assert FORMS[form](TAGS[0]) in settings["prompt"]
    said = " ".join(draft.explanations)
    assert "all labels of a cell are taken to be right together" in said
    assert "say --lists any" in said
    task = load_task(write_draft(draft, tmp_path / "t"))
    (example,) = [e for e in task.train if "bug" in e.target and "urgent" in e.target][:1]
    assert task.scorer("bug, urgent", example).value == 1
    assert task.scorer("urgent", example).value == pytest.approx(2 / 3)
    texts = [finding.text for finding in check(task) if finding.level != "note"]
    assert any("A target is a set of labels, all right together: " in text for text in texts)
    assert not any("has no example of" in text for text in texts)


@pytest.mark.parametrize(("column", "lists"), [("answers", None), ("tags", "any")])
def test_lists_of_which_any_is_right(column: str, lists: None, tmp_path: Path) -> None:
    data = tagged(tmp_path / "d.csv", "json", column)
    draft = draft_task("t", data, Wanted(target=column, lists=lists))
    assert yaml.safe_load(draft.yaml)["scorer"] == "choice"
    assert "any one of them is taken to be a right answer" in " ".join(draft.explanations)
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert any("any one of them scores 1" in finding.text for finding in check(task))


def test_lists_of_ever_other_items_are_sets_of_items(tmp_path: Path) -> None:
    rows = [{"text": f"from A{i} to B{i}", "cities": [f"A{i}", f"B{i}"]} for i in range(60)]
    path = tmp_path / "d.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    draft = draft_task("t", path, Wanted(target="cities"))
    settings = yaml.safe_load(draft.yaml)
    assert settings["scorer"] == "set"
    assert "labels" not in settings
    assert "list all cities" in settings["prompt"]


@pytest.mark.parametrize("cells", [["Seoul, Korea", "Busan, Korea"], ["yes; sure", "no; never"]])
def test_signs_within_an_answer_part_nothing(cells: list[str], tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    rows = [{"text": f"what is it {i}", "place": cells[i % 2]} for i in range(60)]
    path.write_text(json.dumps(rows), encoding="utf-8")
    settings = yaml.safe_load(draft_task("t", path, Wanted(target="place")).yaml)
    assert settings["labels"] == sorted(cells)


COMMAS = ["{},{}", "{},{} %", "-{},{}"]


@pytest.mark.parametrize("form", COMMAS)
def test_a_decimal_comma_is_told_and_makes_no_list(form: str, tmp_path: Path) -> None:
    rows = [
        {"text": f"wine number {i}", "points": form.format(i % 7, i % 10 or 1)} for i in range(90)
    ]
    path = tmp_path / "d.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    draft = draft_task("t", path)
    assert "label_set" not in draft.yaml
    assert "one number each, with a decimal comma" in " ".join(draft.explanations)
    lists = draft_task("t", path, Wanted(lists="all"))
    assert "label_set" in lists.yaml


def test_labels_made_of_labels_are_told() -> None:
    labels = ["bug", "urgent", "urgent; bug"]
    rows = [{"x": f"text {i}", "y": labels[i % 3]} for i in range(60)]
    task = task_from_data(rows, inputs="x", target="y", labels=labels, prompt="Choose.")
    (told,) = [f.text for f in check(task) if f.text.startswith("Labels that are made")]
    assert "'urgent; bug'" in told


def test_a_metric_of_single_labels_is_refused() -> None:
    rows = [{"x": f"text {i}", "y": json.dumps(TAGS[i % 5])} for i in range(60)]
    with pytest.raises(TaskError, match="the metric macro_f1 is of answers with one label each"):
        task_from_data(
            rows,
            inputs="x",
            target="y",
            labels=["bug", "question", "urgent"],
            prompt="Tags?",
            scorer="label_set",
            metric="macro_f1",
        )
