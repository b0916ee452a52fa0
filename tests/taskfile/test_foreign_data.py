"""Data as other tools leave it: promptfoo's tests, OpenAI's batches, saved data sets, sheets."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from apo.data.cells import Row
from apo.data.promptfoo import Assertions, is_test
from apo.data.rows import read_rows
from apo.drafting.draft import draft_task
from apo.drafting.from_data import guessed_task
from apo.drafting.write import write_draft
from apo.errors import DataError
from apo.prompts.forms.promptfoo import write
from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import Prompt
from apo.taskfile.load import load_task

TEAMS = ("bug", "login", "bill")
TEXTS = [(f"my ticket {i}, please", TEAMS[i % 3]) for i in range(60)]


def drafted(path: Path, folder: Path, n: int = 60) -> dict[str, str]:
    """Draft and load a task; give what its rows say."""
    write_draft(draft_task("t", path), folder)
    task = load_task(folder / "task.yaml")
    rows = [*task.train, *task.validation, *task.test]
    assert len(rows) == n
    return {example.inputs["text"]: example.target for example in rows}


def saying(kind: str, value: Any) -> dict[str, Any]:
    return {"vars": {"text": "x"}, "assert": [{"type": kind, "value": value}]}


def test_tests_of_a_promptfoo_configuration(tmp_path: Path) -> None:
    tests = [{**saying("equals", label), "vars": {"text": text}} for text, label in TEXTS]
    judged = [saying("llm-rubric", "is polite"), {"vars": {"text": "x"}}]
    path = tmp_path / "promptfooconfig.yaml"
    path.write_text(yaml.safe_dump({"prompts": ["{{text}}"], "tests": [*tests, *judged]}), "utf-8")
    assert drafted(path, tmp_path / "t") == dict(TEXTS)
    assert "says the answer: 2." in draft_task("t", path).explanations[0]
    path.write_text("tests: file://rows.csv", "utf-8")
    with pytest.raises(DataError, match=r"stand in file://rows\.csv: give that file"):
        draft_task("t", path)
    path.write_text("a: 1", "utf-8")
    with pytest.raises(DataError, match="holds no tests of promptfoo"):
        draft_task("t", path)


def test_what_is_exported_for_promptfoo_comes_back(tmp_path: Path) -> None:
    rows = tuple(({"text": text}, (label,)) for text, label in TEXTS)
    path = tmp_path / "promptfooconfig.yaml"
    path.write_text(write(Prompt("Sort.", template="{{text}}"), Provenance(rows=rows)), "utf-8")
    assert drafted(path, tmp_path / "t") == dict(TEXTS)


def test_tests_of_promptfoo_in_a_table(tmp_path: Path) -> None:
    path = tmp_path / "tests.csv"
    lines = [f'"{text}",equals: {label},note' for text, label in TEXTS]
    lines += ["x,javascript: output.length < 5,", "y,icontains-json:,"]
    path.write_text("\n".join(["text,__expected,__description", *lines]), "utf-8")
    assert drafted(path, tmp_path / "t") == dict(TEXTS)


@pytest.mark.parametrize(
    ("kind", "value", "target"),
    [("equals", 7, "7"), ("icontains", "bug", "bug"), ("contains-any", ["a", "b"], '["a", "b"]'),
     ("equals", "file://x.txt", None), ("equals", "", None), ("contains-any", "a", None)],
)  # fmt: skip
def test_what_an_assertion_says(kind: str, value: Any, target: str | None) -> None:
    row: Row = {key: json.dumps(cell) for key, cell in saying(kind, value).items()}
    assert is_test(row)
    tests = Assertions()
    found = [made["target"] for made in tests.rows([row])]
    assert found == ([target] if target else [])
    assert tests.several == (target is not None and target.startswith("["))


def test_a_batch_of_openai(tmp_path: Path) -> None:
    asked, answered = list[str](), list[str]()
    for i, (text, label) in enumerate(TEXTS):
        turns = [{"role": "system", "content": "Sort it."}, {"role": "user", "content": text}]
        asked.append(json.dumps({"custom_id": f"r{i}", "body": {"messages": turns}}))
        body = {"choices": [{"message": {"role": "assistant", "content": label}}]}
        answer = {"response": {"status_code": 200, "body": body}, "error": None}
        if i == 59:  # A request that failed.
            answer = {"response": None, "error": {"code": "expired"}}
        answered.insert(0, json.dumps({"custom_id": f"r{i}", **answer}))
    requests, replies = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    requests.write_text("\n".join(asked), "utf-8")
    with pytest.raises(DataError, match="file of its answers, with the same custom_ids, must lie"):
        draft_task("t", requests)
    replies.write_text("\n".join(answered[1:]), "utf-8")
    (tmp_path / "other.jsonl").write_text('{"text": "x"}\n', "utf-8")
    (tmp_path / "again.jsonl").write_text(answered[5], "utf-8")
    with pytest.raises(DataError, match=r"several beside it fit: again\.jsonl, out\.jsonl"):
        draft_task("t", requests)
    (tmp_path / "again.jsonl").unlink()
    for path in (requests, replies):
        draft = draft_task("t", path)
        assert "Sort it." in draft.yaml
        assert "left out: 1." in draft.explanations[1]
        said = {row["input"]: row["target"] for row in draft.rows}
        assert said == dict(TEXTS[:59])
    assert len(guessed_task(replies).train) > 10


def test_data_sets_saved_on_disk(tmp_path: Path) -> None:
    datasets: Any = pytest.importorskip("datasets")
    whole = datasets.Dataset.from_list([{"text": text, "label": label} for text, label in TEXTS])
    whole.save_to_disk(str(tmp_path / "one"))
    assert drafted(tmp_path / "one", tmp_path / "t") == dict(TEXTS)
    parts: Any = {"train": whole.select(range(40)), "test": whole.select(range(40, 60))}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "two"))
    assert drafted(tmp_path / "two", tmp_path / "u") == dict(TEXTS)
    assert len(load_task(tmp_path / "u").test) == 20
    with pytest.raises(DataError, match="none that save_to_disk of datasets wrote"):
        draft_task("t", tmp_path)


def test_a_sheet_of_an_excel_file_by_its_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["notes"])
    sheet = book.create_sheet("Data 2.0")
    for row in [("text", "label"), *TEXTS]:
        sheet.append(row)
    book.save(tmp_path / "book.xlsx")
    named = tmp_path / "book.xlsx#Data 2.0"
    assert drafted(named, tmp_path / "t") == dict(TEXTS)
    assert (tmp_path / "t" / "book.rows.jsonl").is_file()
    assert len([*read_rows(named)]) == 60
    with pytest.raises(DataError, match=r"no sheet 'x'; its sheets are 'Sheet', 'Data 2\.0'"):
        draft_task("t", tmp_path / "book.xlsx#x")
    with pytest.raises(DataError, match=r"name it: book\.xlsx#Data 2\.0"):
        list(read_rows(tmp_path / "book.xlsx"))
