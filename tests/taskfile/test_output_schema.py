"""The form of answers that a task asks for."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from apo.errors import PromptError, TaskError, TrustError
from apo.models.dialect import Dialect
from apo.models.refusals import refused_option
from apo.prompts.prompt import Prompt
from apo.taskfile.load import load_task, task_from_data
from apo.taskfile.output_schema import response_format

ROWS = [{"text": f"송장 {i}", "answer": json.dumps({"total": i})} for i in range(20)]
OPEN = {"type": "object", "properties": {"total": {"type": "integer"}}, "title": "송장 Bill"}
CLOSED = {**OPEN, "required": ["total"], "additionalProperties": False}
FILE = """name: bills
inputs: [text]
target: answer
scorer: json
data: rows.jsonl
prompt: Read the bill.
output_schema: %s
"""


class Bill(BaseModel):
    model_config = ConfigDict(extra="forbid")
    total: int


def seed(schema: Any, **more: Any) -> Prompt:
    given: dict[str, Any] = {"prompt": "Read the bill.", "scorer": "json", **more}
    task = task_from_data(ROWS, inputs="text", target="answer", output_schema=schema, **given)
    return task.seed_prompts[0]


@pytest.mark.parametrize(
    ("schema", "strict", "name"),
    [(OPEN, None, "_Bill"), (CLOSED, True, "_Bill"), (Bill, True, "Bill")],
)
def test_the_server_is_asked_for_it(schema: Any, strict: bool | None, name: str) -> None:
    asked = seed(schema).decoding.extra["response_format"]
    assert asked["type"] == "json_schema"
    assert (asked["json_schema"]["name"], asked["json_schema"].get("strict")) == (name, strict)
    assert asked["json_schema"]["schema"]["properties"]["total"]["type"] == "integer"


def test_an_open_object_within_makes_it_not_strict() -> None:
    inner = {"type": "array", "items": OPEN}
    whole = {**CLOSED, "properties": {"lines": inner}, "required": ["lines"]}
    assert "strict" not in response_format(whole)["json_schema"]
    closed = {**whole, "properties": {"lines": {**inner, "items": CLOSED}}}
    assert response_format(closed)["json_schema"]["strict"] is True


@pytest.mark.parametrize(("language", "words"), [("en", "Answer with one JSON"), ("ko", "답은")])
def test_or_the_model_in_words(language: str, words: str) -> None:
    given = seed({"schema": CLOSED, "server": False}, language=language)
    shown = given.messages({"text": "송장"})[0].content
    assert words in shown
    assert json.dumps(CLOSED, ensure_ascii=False) in shown
    assert not given.decoding.extra


def test_of_a_program_the_last_step_has_it() -> None:
    steps = {"read": "Read {{text}}.", "write": "Write JSON of {{read}}."}
    made = seed(CLOSED, prompt=None, steps=steps)
    assert not made.steps["read"].decoding.extra
    assert "response_format" in made.steps["write"].decoding.extra


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "nonsense"}, "output_schema is no JSON schema: 'nonsense'"),
        ([1], "output_schema is a list; give a JSON schema"),
        (7, "output_schema is a int"),
        ("gone.json", r"output_schema is 'gone\.json', but there is no file"),
        ({"schema": OPEN, "server": "no"}, r"output_schema\.server is 'no'"),
    ],
)
def test_what_is_no_schema(schema: Any, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        seed(schema)


def test_two_forms_are_one_too_many() -> None:
    extra = {"response_format": {"type": "json_object"}}
    with pytest.raises((TaskError, PromptError), match="leave one out"):
        seed(OPEN, decoding={"extra": extra})


def write(folder: Path, schema: str) -> Path:
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (folder / "task.yaml").write_text(FILE % schema)
    return folder


def test_a_file_or_a_model_beside_the_task(tmp_path: Path) -> None:
    (tmp_path / "bill.json").write_text(json.dumps(CLOSED))
    (tmp_path / "bill.py").write_text(
        "from pydantic import BaseModel\n\nclass Bill(BaseModel):\n    total: int\n"
    )
    for reference in ("bill.json", "bill.py:Bill"):
        [prompt] = load_task(write(tmp_path, reference)).seed_prompts
        schema = prompt.decoding.extra["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["total"]["type"] == "integer"
    (tmp_path / "bill.json").write_text("{")
    with pytest.raises(TaskError, match=r"output_schema, bill\.json is no JSON"):
        load_task(write(tmp_path, "bill.json"))


def test_files_of_others_are_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APO_TRUST")
    (tmp_path / "task").mkdir()
    (tmp_path / "task/bill.py").write_text("Bill = 1")
    with pytest.raises(TrustError, match=r"run the Python file bill\.py \(output_schema\)"):
        load_task(write(tmp_path / "task", "bill.py:Bill"))
    with pytest.raises(TrustError, match=r"outside of its folder \(output_schema\)"):
        load_task(write(tmp_path / "task", "../secret.json"))


def test_a_server_that_refuses_it_is_asked_without() -> None:
    said = "Unsupported parameter: 'response_format' is not supported with this model."
    assert refused_option(400, {"message": said}, said) == "response_format"
    dialect = Dialect()
    extra = {"response_format": {"type": "json_object"}, "top_k": 3}
    assert dialect.further(extra) is extra
    assert dialect.learn("response_format")
    assert dialect.further(extra) == {"top_k": 3}
