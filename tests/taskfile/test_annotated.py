"""Exports of tools for annotation as data: what was shown, and the label given."""

import json
from pathlib import Path
from typing import Any

from apo.data.annotated import annotated
from apo.data.cells import cell
from apo.drafting.draft import draft_task
from apo.drafting.from_data import guessed_task
from apo.drafting.prompt import spoken
from apo.drafting.write import write_draft
from apo.taskfile.load import load_task

TEAMS = ("bug", "login", "bill")


def studio(i: int, *choices: str, cancelled: bool = False) -> dict[str, Any]:
    results = [{"from_name": "c", "type": "choices", "value": {"choices": [c]}} for c in choices]
    annotations = [{"id": n, "was_cancelled": cancelled, "result": [r]}
                   for n, r in enumerate(results)]  # fmt: skip
    return {"id": i, "data": {"text": f"my ticket {i}"}, "annotations": annotations}


def prodigy(i: int, answer: str = "accept", *accept: str) -> dict[str, Any]:
    options = [{"id": team, "text": team} for team in TEAMS]
    row = {"text": f"my ticket {i}", "_input_hash": i, "options": options}
    return {**row, "accept": list(accept or [TEAMS[i % 3]]), "answer": answer}


def test_label_studio(tmp_path: Path) -> None:
    rows = [studio(i, TEAMS[i % 3]) for i in range(60)]
    rows += [studio(60), studio(61, "bug", cancelled=True), studio(62, "bug", "bill")]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(rows), "utf-8")
    draft = draft_task("t", path)
    said = " ".join(draft.explanations)
    assert "export of Label Studio" in said
    assert "no annotation holds: 2." in said
    assert "differ on 1:" in said
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert task.labels == tuple(sorted(TEAMS))
    assert task.input_fields == ("text",)
    assert sum(map(len, (task.train, task.validation, task.test))) == 61


def test_prodigy_leaves_out_what_was_not_accepted() -> None:
    rows = [*map(prodigy, range(60)), prodigy(60, "reject"), prodigy(61, "ignore")]
    task = guessed_task(rows)
    assert task.labels == tuple(sorted(TEAMS))
    assert sum(map(len, (task.train, task.validation, task.test))) == 60


def test_several_choices_are_a_list_and_other_rows_are_no_export() -> None:
    row = {name: cell(value) for name, value in prodigy(0, "accept", "bug", "bill").items()}
    form = annotated(row)
    assert form is not None
    assert [*form.rows([row])] == [{"text": "my ticket 0", "label": '["bug", "bill"]'}]
    assert annotated({"text": "a", "answer": "accept"}) is None
    assert annotated({"data": "a", "annotations": "b"}) is None


def test_objects_are_the_input_where_all_else_is_labels() -> None:
    rows = [{"payload": {"body": f"my ticket {i}"}, "dept": TEAMS[i % 3]} for i in range(60)]
    assert guessed_task(rows).labels == tuple(sorted(TEAMS))


def test_paths_have_a_name_that_can_be_said() -> None:
    paths = ("annotations.0.result.0.value.choices.0", "data.text", "dept.name", "0")
    assert [*map(spoken, paths)] == ["choices", "text", "dept", "0"]
