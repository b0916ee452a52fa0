"""The settings of a scorer, held against what its class declares."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field
from typing import Any, cast, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from apo.errors import TaskError, near

_STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True)
_WORDS = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "item": "a list of texts; put each in quotes",
    "mapping_type": "a mapping",
    "string_type": "a text, in quotes if need be",
    "tuple_type": "a list of texts; put each in quotes",
}
"""What a setting must be, by pydantic's kinds of errors."""


def checked(
    name: str,
    made: type,
    known: Mapping[str, Field[Any]],
    settings: dict[str, Any],
    labels: Sequence[str],
) -> dict[str, Any]:
    """Settings of the right names and kinds, with the task's labels where they are wanted.

    Raises:
        TaskError: an unknown setting, a value of another kind, or no labels where they are needed.
    """
    kinds = _kinds(made)
    for key, value in settings.items():
        if key not in known:
            allowed = near(key, list(known)) if known else " It has no settings."
            raise TaskError(f"The scorer {name} has no setting {key!r}.{allowed}")
        settings[key] = _checked_value(f"{name}.{key}", kinds.get(key, Any), value)
    if "labels" in known and "labels" not in settings:
        if not labels:
            raise TaskError(
                f"The scorer {name} needs labels: list the allowed answers in the task."
            )
        settings["labels"] = tuple(labels)
    return settings


def require(name: str, known: Mapping[str, Field[Any]], settings: Mapping[str, Any]) -> None:
    """Make sure that each setting without a default was given.

    Raises:
        TaskError: one was not.
    """
    for key, setting in known.items():
        needed = setting.init and setting.default is setting.default_factory is MISSING
        if needed and key not in settings:
            raise TaskError(f"The scorer {name} needs the setting {key!r}.")


def _kinds(made: type) -> dict[str, Any]:
    """What a class declares of its settings; nothing where a name in it stands for nothing."""
    try:
        return get_type_hints(made)
    except (NameError, TypeError):
        return {}


def _checked_value(path: str, kind: Any, value: Any) -> Any:
    """A setting as the class declares it: a list may stand, as in files, for a tuple."""
    try:
        TypeAdapter[Any](kind, config=_STRICT).validate_python(value)
    except PydanticUserError:  # A class of others may declare what pydantic does not know.
        return value
    except ValidationError as error:
        if isinstance(value, list):
            return _checked_value(path, kind, tuple(cast("list[object]", value)))
        raise TaskError(
            f"The setting {path} is {value!r:.80}; it must be {_wanted(error)}."
        ) from None
    return value


def _wanted(error: ValidationError) -> str:
    """What a setting must be: its items, where one of them is wrong, else itself."""
    found = [
        ("item" if any(isinstance(part, int) for part in e["loc"]) else e["type"], e["msg"])
        for e in error.errors()
    ]
    return " or ".join(dict.fromkeys(_WORDS.get(kind, told.lower()) for kind, told in found))
