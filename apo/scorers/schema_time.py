"""A limit of time on checking JSON by a schema, whose patterns and references may have no end.

The package jsonschema matches with Python's `re`, which cannot be stopped. Here every keyword
looks at the clock, and patterns are matched by the package regex, which can.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib import import_module
from typing import Any, cast

from apo.errors import TaskError

SECONDS = 1.0
"""For checking one answer, all patterns together."""
_end: ContextVar[float] = ContextVar("end", default=float("inf"))


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Let the checks in this block take so long; after that they raise TimeoutError."""
    token = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def _left() -> float:
    left = _end.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@lru_cache(maxsize=64)
def bounded(kind: Any) -> Any:
    """A validator class of jsonschema whose checks keep to the time of `within`."""
    jsonschema: Any = import_module("jsonschema")
    own: dict[str, Any] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    known: Mapping[str, Any] = kind.VALIDATORS
    checks = {name: _timed(own.get(name, check)) for name, check in known.items()}
    return jsonschema.validators.extend(kind, checks)


def check_patterns(schema: object) -> None:
    """Make sure that all patterns of a schema can be used, and be stopped.

    Raises:
        TaskError: one is no regular expression, or stands where it could not be stopped.
    """
    import regex  # type: ignore[import-untyped]  # has no types

    words = set[str]()
    patterns = list[str]()
    places: list[object] = [schema]
    while places:
        place = places.pop()
        if isinstance(place, Mapping):
            given = cast("Mapping[str, object]", place)
            words.update(str(key) for key in given)
            named: Any = given.get("patternProperties")
            patterns += [str(key) for key in named] if isinstance(named, dict) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            patterns += [text for text in (given.get("pattern"),) if isinstance(text, str)]
            places += given.values()
        elif isinstance(place, list):
            places += cast("list[object]", place)
    for pattern in patterns:
        try:
            _compiled(pattern)
        except (regex.error, RecursionError, OverflowError) as error:
            raise TaskError(
                f"json_schema.schema has the pattern {pattern!r:.200}, which is no regular "
                f"expression: {error}."
            ) from error
    if {"patternProperties", "unevaluatedProperties"} <= words:
        raise TaskError(
            "json_schema.schema has patternProperties and unevaluatedProperties, whose patterns "
            "could not be stopped in time. Write additionalProperties in place of the latter."
        )


Errors = Iterator[Any]


def _timed(check: Callable[..., Any]) -> Callable[..., Errors]:
    def run(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
        _left()
        yield from check(validator, value, instance, schema) or ()

    return run


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    import regex

    return regex.compile(pattern, regex.VERSION0)


def _found(pattern: str, text: str) -> bool:
    left = _left()
    return _compiled(pattern).search(text, timeout=min(left, 60.0)) is not None


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Errors:
    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield _error(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _: Any) -> Errors:
    if validator.is_type(instance, "object"):
        for pattern, inner in patterns.items():
            for key, value in instance.items():
                if _found(pattern, key):
                    yield from validator.descend(value, inner, path=key, schema_path=pattern)


def _additional_properties(validator: Any, inner: Any, instance: Any, schema: Any) -> Errors:
    if not validator.is_type(instance, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [k for k in instance if k not in known and not any(_found(p, k) for p in patterns)]
    if validator.is_type(inner, "object"):
        for extra in extras:
            yield from validator.descend(instance[extra], inner, path=extra)
    elif not inner and extras:
        names = ", ".join(repr(extra) for extra in sorted(extras))
        was = "was" if len(extras) == 1 else "were"
        yield _error(f"Additional properties are not allowed ({names} {was} unexpected)")


def _error(message: str) -> Any:
    from jsonschema import ValidationError  # type: ignore[import-untyped]  # no types

    return ValidationError(message)
