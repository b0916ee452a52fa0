"""Optimizers by name, by path, or from other packages."""

import importlib
from dataclasses import fields, is_dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from apo.errors import SettingsError, near
from apo.python_file import is_python_reference, load_object

if TYPE_CHECKING:
    from apo.session import Optimizer

GROUP = "apo.optimizers"


def optimizer_names() -> list[str]:
    """Names of all optimizers that are installed, built-in ones first."""
    return [*_built_in(), *sorted(entry.name for entry in entry_points(group=GROUP))]


def make_optimizer(name: str, settings: dict[str, Any] | None = None) -> "Optimizer":
    """Make an optimizer from its name and settings.

    Args:
        name: a built-in name ("ape"), one that a package declares under the entry-point group
            `apo.optimizers`, or `file.py:ClassName`.
        settings: its settings by name; text is turned into the type of the setting's default.

    Raises:
        SettingsError: an unknown name or setting, or a value of the wrong type.
        TaskError: there is no such Python file or class, or the file fails when it is run.
    """
    kind = _find(name)
    if not isinstance(kind, type) or not is_dataclass(kind):
        raise SettingsError(f"{name} is no optimizer: it must be a frozen dataclass of settings.")
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
    return next((n for n, k in _built_in().items() if k is kind), kind.__name__.lower())


def _built_in() -> dict[str, type]:
    module = importlib.import_module("apo.optimizers")
    kinds: dict[str, type] = module.BY_NAME
    return dict(kinds)


def _find(name: str) -> Any:
    if is_python_reference(name):
        return load_object(name)
    built_in = _built_in()
    if name in built_in:
        return built_in[name]
    for entry in entry_points(group=GROUP, name=name):
        return entry.load()
    raise SettingsError(f"There is no optimizer {name!r}.{near(name, optimizer_names())}")


def _convert(optimizer: str, key: str, value: Any, default: Any) -> Any:
    """Read a value given as text the way the setting's default is typed."""
    if not isinstance(value, str) or isinstance(default, str):
        return value
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[value.lower()]
        return type(default)(value)
    except (KeyError, ValueError, TypeError) as error:
        raise SettingsError(
            f"{optimizer}.{key} is {value!r}; it must be a {type(default).__name__}, "
            f"such as {default!r}."
        ) from error
