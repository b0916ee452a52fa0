"""The form that answers must have: a JSON schema, asked for with the server's help or in words."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from apo.errors import PromptError, TaskError
from apo.prompts.prompt import Prompt
from apo.reading.json_text import as_list, as_object
from apo.scorers.files import text_of
from apo.user_code import is_python_reference, load_object

KEY = "output_schema"
FIELD = "response_format"
"""What OpenAI's protocol calls it."""
_WORDS = {
    "ko": "답은 다음 JSON 스키마에 맞는 JSON 하나로만 쓰세요:",
    "en": "Answer with one JSON value that fits this JSON schema, and nothing else:",
}


def schema_reference(given: Any) -> str:
    """The file that `output_schema` names, or the `file.py:Model`; "" for a schema in place."""
    inner, _ = _parts(given)
    return inner if isinstance(inner, str) else ""


def with_schema(prompt: Prompt, given: Any, folder: Path, language: str) -> Prompt:
    """Have a prompt ask for answers of a form.

    Args:
        prompt: what asks; of a program, its last step.
        given: a JSON schema, the path of a file with one, a pydantic model or `file.py:Model`; or
            a mapping of `schema` to one of these and `server` to whether the server is asked for
            the form (by default), or the model in words after the instruction.
        folder: where paths start.
        language: of the words.

    Raises:
        TaskError: there is no such file, or what it holds is no JSON schema.
        PromptError: decoding.extra has a form of answers already.
    """
    inner, server = _parts(given)
    schema = _read(inner, folder)
    *_, last = prompt.steps
    asking = prompt.steps[last]
    if server:
        if FIELD in asking.decoding.extra:
            raise PromptError(f"{KEY} is given, and decoding.extra has {FIELD}; leave one out.")
        changed = asking.with_extra({FIELD: response_format(schema)})
    else:
        words = _WORDS["ko" if language.split("-")[0] == "ko" else "en"]
        told = f"{words}\n{json.dumps(schema, ensure_ascii=False)}"
        changed = replace(asking, context="\n\n".join(filter(None, (asking.context, told))))
    return prompt.with_steps({last: changed})


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as a request names it; strict where all objects are closed and their keys needed."""
    name = re.sub(r"\W+", "_", str(schema.get("title") or "answer"), flags=re.ASCII)[:64]
    asked: dict[str, Any] = {"name": name, "schema": dict(schema)}
    if _is_closed(schema):
        asked["strict"] = True
    return {"type": "json_schema", "json_schema": asked}


def _is_closed(value: Any) -> bool:
    pairs, items = as_object(value), as_list(value)
    if pairs is None:
        return all(map(_is_closed, items or ()))
    properties = as_object(pairs.get("properties"))
    if pairs.get("type") == "object" or properties is not None:
        needed = {*(as_list(pairs.get("required")) or ())}
        if pairs.get("additionalProperties") is not False or needed != {*(properties or ())}:
            return False
    return all(map(_is_closed, pairs.values()))


def _parts(given: Any) -> tuple[Any, bool]:
    pairs = as_object(given)
    if pairs is not None and "schema" in pairs and pairs.keys() <= {"schema", "server"}:
        server: Any = pairs.get("server", True)
        if not isinstance(server, bool):
            raise TaskError(f"{KEY}.server is {server!r}; it must be true or false.")
        return pairs["schema"], server
    return given, True


def _read(given: Any, folder: Path) -> dict[str, Any]:
    from jsonschema import SchemaError, validators  # type: ignore[import-untyped]  # no types

    named, found = KEY, given
    if isinstance(found, str):
        named = f"{KEY}, {found}"
        if is_python_reference(found):
            found = load_object(found, folder)
        else:
            found = json_file(KEY, found, folder)
    if hasattr(found, "model_json_schema"):  # A pydantic model.
        found = found.model_json_schema()
    if not isinstance(found, Mapping):
        raise TaskError(
            f"{named} is a {type(cast('object', found)).__name__}; give a JSON schema, the path of "
            "a file with one, or a pydantic model (file.py:Model)."
        )
    schema = dict(cast("Mapping[str, Any]", found))
    try:
        kind: Any = validators.validator_for(schema)
        kind.check_schema(schema)
    except SchemaError as error:
        raise TaskError(f"{named} is no JSON schema: {error.message}") from error
    return schema


def json_file(key: str, name: str, folder: Path) -> Any:
    """Read the JSON file that a key names.

    Raises:
        TaskError: there is none, or it holds no JSON.
    """
    try:
        return json.loads(text_of(key, name, folder))
    except (ValueError, RecursionError) as error:
        raise TaskError(f"{key}, {name} is no JSON: {error}.") from error
