"""The scorer `json_schema`: whether the answer's JSON has the asked form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from apo.errors import TaskError
from apo.reading.json_text import JsonValue, answer_json, as_object, json_values
from apo.scorers.files import text_of
from apo.scorers.schema_time import SECONDS, bounded, check_patterns, within
from apo.task import Example, Score

_MAX_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class JsonSchema:
    """The JSON in the answer must fit a JSON schema; its values are not compared with a target.

    The whole answer counts, with or without ``` around it, else the outermost JSON value in it: of
    several the last one with a field that the schema names. By the package jsonschema, draft
    2020-12 unless the schema says another in $schema. `format` is checked for what that package
    knows by itself, such as date, email, ipv4 and uuid. An answer that does not fit is not well
    formed and scores 0; so does one whose check takes over a second, patterns included. A $ref may
    point within the schema only: nothing is fetched.

    Attributes:
        schema: the schema itself, or the path of a JSON file that holds it.
        folder: the task's, where such a path starts.
    """

    schema: Mapping[str, Any] | str
    folder: Path = Path()

    def __post_init__(self) -> None:
        _ = self._validator  # Made now, so that a wrong schema is told at once.

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the JSON fits, and else name the paths that do not."""
        validator = self._validator
        try:
            value = self._read(output)
            with within(SECONDS):
                errors = sorted(validator.iter_errors(value), key=lambda e: str(e.json_path))
        except TimeoutError:
            return Score(
                0.0, False, f"Its JSON found no end in the schema's check in {SECONDS:g} s."
            )
        except ValueError:
            asked = "list" if self._wants_list else "object"
            return Score(0.0, False, f"The answer holds no complete JSON {asked}.")
        except RecursionError:
            return Score(0.0, False, "The answer's JSON is nested too deep.")
        if not errors:
            return Score(1.0)
        told = "; ".join(_told(error) for error in errors[:_MAX_SHOWN])
        more = f"; and {len(errors) - _MAX_SHOWN} more" if len(errors) > _MAX_SHOWN else ""
        return Score(0.0, False, f"The answer's JSON does not fit: {told}{more}.")

    def _read(self, output: str) -> Any:
        try:
            return json.loads(_unfenced(output), parse_constant=_refuse)
        except ValueError:
            found = self._outermost(output)
            if found is None or found.broken:
                raise
            return found.value

    def _outermost(self, output: str) -> JsonValue | None:
        """The last value that has a field of the schema, else the last one; none from within."""
        fields = {*(as_object(self._validator.schema.get("properties")) or ())}
        asked = [f for f in json_values(output) if fields & {*(as_object(f.value) or ())}]
        last = answer_json(output, notes=self._wants_list)
        return asked[-1] if asked and last is not None and not last.broken else last

    @property
    def _wants_list(self) -> bool:
        return bool(self._validator.schema.get("type") == "array")

    @cached_property
    def _validator(self) -> Any:
        from jsonschema import SchemaError, validators  # type: ignore[import-untyped]  # no types
        from jsonschema_specifications import (  # type: ignore[import-untyped]  # no types
            REGISTRY as SPECIFICATIONS,
        )

        schema = self._load()
        kind: Any = validators.Draft202012Validator
        draft = schema.get("$schema", "")
        if draft and isinstance(draft, str):
            find: Any = validators.validator_for  # Its types want a default that is a class.
            kind = find(schema, default=None)
        if kind is None:
            raise TaskError(
                f"json_schema.schema is of an unknown draft, {schema['$schema']!r:.100}; such as "
                "https://json-schema.org/draft/2020-12/schema is known."
            )
        kind = bounded(kind)
        try:
            check_patterns(schema)
            with within(SECONDS):
                kind.check_schema(schema)
        except TimeoutError:
            raise TaskError(f"json_schema.schema takes more than {SECONDS:g} s to check.") from None
        except SchemaError as error:
            raise TaskError(
                f"json_schema.schema is no JSON schema: {_told(error)}. It needs what "
                'json-schema.org describes, such as {"type": "object", "required": ["name"]}.'
            ) from None
        _check_references(schema, kind.META_SCHEMA.get("$schema", ""), SPECIFICATIONS)
        made = kind(schema, registry=SPECIFICATIONS, format_checker=kind.FORMAT_CHECKER)
        try:
            with within(SECONDS):
                made.is_valid({})
        except TimeoutError:
            raise TaskError(f"json_schema.schema takes more than {SECONDS:g} s to check.") from None
        except RecursionError:
            raise TaskError("json_schema.schema refers to itself without an end.") from None
        return made

    def _load(self) -> dict[str, Any]:
        schema: Any = self.schema
        if isinstance(schema, str):
            text = text_of("json_schema.schema", schema, self.folder)
            try:
                schema = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise TaskError(f"{self.schema} is no JSON: {error}.") from None
        if not isinstance(schema, Mapping):
            raise TaskError(
                f"json_schema.schema is {schema!r:.80}; it must be a mapping, or the path of a "
                "JSON file that holds an object."
            )
        return dict(cast("Mapping[str, Any]", schema))


def _check_references(schema: dict[str, Any], dialect: str, registry: Any) -> None:
    """Make sure that every $ref points within the schema.

    Raises:
        TaskError: one points elsewhere.
    """
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    resource: Any = specification_with(dialect).create_resource(schema)
    places = [(resource, registry.resolver_with_root(resource))]
    while places:
        resource, resolver = places.pop()
        for key in ("$ref", "$dynamicRef"):
            # A subschema may also be true or false.
            reference: Any = (
                None if isinstance(resource.contents, bool) else resource.contents.get(key)
            )
            try:
                if isinstance(reference, str):
                    resolver.lookup(reference)
            except Unresolvable:
                raise TaskError(
                    f"json_schema.schema refers to {reference!r:.200}, which is not in it. "
                    'Nothing is fetched: put that part under "$defs" and refer to "#/$defs/NAME".'
                ) from None
        places += [(sub, resolver.in_subresource(sub)) for sub in resource.subresources()]


def _unfenced(text: str) -> str:
    text = text.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        return text[text.index("\n") : -3]
    return text


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _told(error: Any) -> str:
    line = " ".join(str(error.message).split())
    return f"{error.json_path}: {line[:119]}…" if len(line) > 120 else f"{error.json_path}: {line}"
