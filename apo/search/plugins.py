"""Optimizers by name, by path, or from other packages."""

import importlib
from dataclasses import fields, is_dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from apo.errors import SettingsError, near
from apo.user_code import is_python_reference, load_object

if TYPE_CHECKING:
    from apo.search.search import Optimizer

GROUP = "apo.optimizers"
OF_OTHERS = ("apo.bridges.dspy_optimizers",)
"""Modules with the optimizers of other libraries, which are imported when one of them runs."""


def optimizer_names() -> list[str]:
    """Names of all optimizers of apo's own kind that are installed, built-in ones first."""
    return [*_built_in(), *sorted(entry.name for entry in entry_points(group=GROUP))]


def all_names() -> list[str]:
    """Names of all optimizers, those of other libraries last, whether or not these are there."""
    return [*optimizer_names(), *_of_others()]


def make_optimizer(name: str, settings: dict[str, Any] | None = None) -> "Optimizer":
    """Make an optimizer from its name and settings.

    Args:
        name: a built-in name ("ape"), one of another library ("dspy:GEPA"), one that a package
            declares under the entry-point group `apo.optimizers`, or `file.py:ClassName`.
        settings: its settings by name; text is turned into the type of the setting's default.

    Raises:
        SettingsError: an unknown name or setting, or a value of the wrong type.
        TaskError: there is no such Python file or class, or the file fails when it is run.
    """
    kind = _find(name)
    if not (isinstance(kind, type) and is_dataclass(kind) and hasattr(kind, "run")):
        raise SettingsError(
            f"{name} is no optimizer: it must be a frozen dataclass of settings with a coroutine "
            "run(search)."
        )
    known = {field.name: field for field in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in (settings or {}).items():
        if key not in known:
            raise SettingsError(f"{name} has no setting {key!r}.{near(key, list(known))}")
        values[key] = _convert(name, key, value, known[key].default)
    try:
        return cast("Optimizer", kind(**values))
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{name} cannot be made with {values}: {error}.") from error


def optimizer_name(optimizer: "Optimizer") -> str:
    """The name of an optimizer: its built-in name, or that of its class in lower case."""
    kind = type(optimizer)
    known = {**_built_in(), **_of_others()}
    return next((n for n, k in known.items() if k is kind), kind.__name__.lower())


def _built_in() -> dict[str, type]:
    return _by_name("apo.optimizers")


def _of_others() -> dict[str, type]:
    return {name: kind for module in OF_OTHERS for name, kind in _by_name(module).items()}


def _by_name(module: str) -> dict[str, type]:
    kinds: dict[str, type] = importlib.import_module(module).BY_NAME
    return dict(kinds)


def _find(name: str) -> Any:
    if is_python_reference(name):
        return load_object(name)
    known = _built_in() if ":" not in name else _of_others()
    if name in known:
        return known[name]
    for entry in entry_points(group=GROUP, name=name):
        try:
            return entry.load()
        except Exception as error:  # Another package may fail in any way.
            raise SettingsError(
                f"The optimizer {name!r} cannot be loaded: {entry.value} raised "
                f"{type(error).__name__}: {error}"
            ) from error
    if name.endswith(".py"):
        raise SettingsError(f"{name!r} names a file, not an optimizer: write {name}:ClassName.")
    raise SettingsError(f"There is no optimizer {name!r}.{near(name, all_names())}")


def _convert(optimizer: str, key: str, value: Any, default: Any) -> Any:
    """Take a value of the type of the setting's default; text is read as that type."""
    kind = cast("type[Any]", default.__class__)
    if kind is tuple and isinstance(value, str):
        parts = (part.strip(" \"'") for part in value.strip("()[] ").split(","))
        value = [part for part in parts if part]
    if kind is tuple and hasattr(value, "__iter__"):
        return tuple(value)  # JSON has no tuples.
    if kind not in (bool, int, float, str):
        return value  # No default, or None: nothing tells the type.
    try:
        if isinstance(value, str) and kind is bool:
            value = {"true": True, "false": False}[value.lower()]
        elif isinstance(value, str):
            value = kind(value)
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ValueError
    except (KeyError, ValueError) as error:
        raise SettingsError(
            f"{optimizer}.{key} is {value!r}; it must be a {kind.__name__}, such as {default!r}."
        ) from error
    return value
