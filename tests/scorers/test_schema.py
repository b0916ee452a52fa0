"""The scorer of JSON by a schema: what fits, what does not and why, and schemas that are wrong."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import TaskError
from apo.scorers.function import FunctionScorer
from apo.scorers.registry import JsonSchema, make_scorer
from apo.task import Example, Score

PERSON: dict[str, Any] = {
    "type": "object",
    "required": ["이름", "age"],
    "properties": {
        "이름": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0},
        "born": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
    },
    "additionalProperties": False,
}
EXAMPLE = Example({"input": "x"}, ("any",))


def score(answer: str, schema: Mapping[str, Any] = PERSON) -> Score:
    return JsonSchema(schema=schema)(answer, EXAMPLE)


@pytest.mark.parametrize(
    "answer",
    [
        '{"이름": "김", "age": 3}',
        '```json\n{"이름": "김", "age": 3, "tags": ["a", "b"]}\n```',
        'I think [1] it is {"이름": "{김}", "age": 3.0, "born": "2024-02-29"}. Good?',
        ' {"\\uc774\\ub984": "😀", "age": 0}\n',
    ],
)
def test_what_fits(answer: str) -> None:
    assert score(answer) == Score(1.0)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('{"이름": "김"}', r"\$: 'age' is a required property"),
        ('{"이름": "김", "age": "3"}', r"\$.age: '3' is not of type 'integer'"),
        ('{"이름": "김", "age": 3, "tags": ["c"]}', r"\$.tags\[0\]: 'c' is not one of"),
        ('{"이름": "김", "age": 3, "born": "2023-02-29"}', r"\$.born: .* is not a 'date'"),
        ('{"이름": "", "age": -1}', r"minimum of 0; \$"),
        ('{"이름": "김", "age": 3, "x": 1}', "'x' was unexpected"),
        ("[1]", "is not of type 'object'"),
        ("", "no complete JSON object"),
        ('{"이름": "김", "age": NaN}', "no complete JSON object"),
        ('{"이름": "김", "age": 3', "no complete JSON object"),
        ("[" * 100_000, "nested too deep"),
        ('{"age": ' + "9" * 5000 + "}", "no complete JSON object"),
    ],
)
def test_what_does_not_fit_is_not_well_formed(answer: str, words: str) -> None:
    found = score(answer)
    assert (found.value, found.well_formed) == (0, False)
    with pytest.raises(ValueError, match=words):
        raise ValueError(found.feedback)


def test_feedback_stays_short() -> None:
    answer = json.dumps({f"key{i}": "long " * 100 for i in range(50)})
    wide = {"additionalProperties": {"type": "integer"}}
    feedback = score(answer, wide).feedback
    assert "; and 45 more." in feedback
    assert len(feedback) < 1000


def test_a_list_may_be_asked_for() -> None:
    schema = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    assert score('Here: ["가", "b"] as you said.', schema) == Score(1.0)
    assert score("nothing", schema).feedback == "The answer holds no complete JSON list."


OBJECT: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        ('So: {"name": "Ann"} (sources: {"page": 3})', True),
        ('So: [{"name": "Ann"}, {"name": "Bob"}]', False),
        ('{"person": {"name": "Ann"},}', False),
        ('So: {"person": {"name": "Ann"}}', False),
        ('{"name": 3} was wrong. {"name": "Ann"}', True),
        ('{"name": "Ann"} or {"name": 3}', False),
        ('{"name": "Ann"} and {"name": "Bob"', False),
    ],
)
def test_the_outermost_value_counts(answer: str, fits: bool) -> None:
    assert (score(answer, OBJECT).value == 1) == fits


def test_a_list_within_an_object_is_no_list() -> None:
    schema = {"type": "array", "items": {"type": "string"}}
    assert "is not of type 'array'" in score('So: {"items": ["a"]}', schema).feedback


def test_references_within_the_schema_hold() -> None:
    tree = {"$ref": "#/$defs/node", "$defs": {"node": {"items": {"$ref": "#/$defs/node"}}}}
    assert score("[[], [[]]]", tree) == Score(1.0)
    parts = {"$id": "http://example.com/a", "items": {"$ref": "b"},
             "$defs": {"b": {"$id": "b", "type": "integer"}}}  # fmt: skip
    assert score("[1]", parts) == Score(1.0)
    assert score('["1"]', parts).value == 0


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "http://127.0.0.1:1/schema.json"}, "Nothing is fetched"),
        ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "which is not in it"),
        ({"allOf": [{"items": {"$ref": "file:///etc/passwd"}}]}, "Nothing is fetched"),
        ({"$ref": "#"}, "without an end"),
        ({"type": "objekt"}, "is no JSON schema"),
        ({"$schema": "http://example.com/mine"}, "unknown draft"),
        ({"$schema": 5}, "is no JSON schema"),
        ([], "must be a mapping"),
        ("missing.json", "there is no file"),
        ("broken.json", "is no JSON"),
        ("list.json", "must be a mapping"),
        ("latin.json", "is not UTF-8"),
        (".", "there is no file"),
    ],
)
def test_a_wrong_schema_is_explained(schema: Any, words: str, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "list.json").write_text("[1]", encoding="utf-8")
    (tmp_path / "latin.json").write_bytes(b'{"title": "\xe9"}')
    with pytest.raises(TaskError, match=words):
        make_scorer({"name": "json_schema", "schema": schema}, folder=tmp_path)


def test_a_schema_may_stand_in_a_file_beside_the_task(tmp_path: Path) -> None:
    text = json.dumps(PERSON, ensure_ascii=False)
    (tmp_path / "사람.json").write_text("\ufeff" + text, encoding="utf-8")
    scorer = make_scorer({"name": "json_schema", "schema": "사람.json"}, folder=tmp_path)
    assert isinstance(scorer, FunctionScorer)  # Targets need not have the form.
    assert scorer('{"이름": "김", "age": 3}', EXAMPLE) == Score(1.0)


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr("apo.scorers.files.read_text", fail)
    with pytest.raises(TaskError, match=r"a\.json cannot be read: Permission denied"):
        make_scorer({"name": "json_schema", "schema": "a.json"}, folder=tmp_path)


def test_a_schema_is_needed() -> None:
    with pytest.raises(TaskError, match="needs the setting 'schema'"):
        make_scorer("json_schema")


@given(st.text())
def test_any_text_has_a_score(answer: str) -> None:
    for schema in (PERSON, {"type": "array"}, {}):
        assert score(answer, schema).value in (0, 1)
