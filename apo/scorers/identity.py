"""Whether a scorer is the one that it was: its settings, and the text of the user's own Python."""

import hashlib
import inspect
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import CodeType
from typing import Any


def mark_of(*judged_by: object) -> str:
    """Tell scorers and metrics from what they were before they were edited, by a short hash.

    Settings count, and of a function or class of the user's the whole file that it stands in. What
    that file imports does not, nor does another version of apo.
    """
    return hashlib.sha256(repr([_plain(one) for one in judged_by]).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool | bytes):
        return value
    if isinstance(value, Path):
        return value.name  # The folder may have moved.
    if isinstance(value, dict):
        return sorted((str(k), repr(_plain(v))) for k, v in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] (any dict)
    if isinstance(value, list | tuple | set | frozenset):
        found: list[str] = [repr(_plain(one)) for one in value]  # pyright: ignore[reportUnknownVariableType] (of anything)
        return sorted(found) if isinstance(value, set | frozenset) else found
    if inspect.isroutine(value) or inspect.isclass(value):
        return [value.__qualname__, _text_of(value)]
    inner = {f.name: getattr(value, f.name) for f in fields(value)} if is_dataclass(value) else {}
    return [type(value).__qualname__, _text_of(type(value)), _plain(inner)]


def _text_of(made: Any) -> str:
    """The text that a function or class is made from; "" for those of apo and of packages."""
    if str(getattr(made, "__module__", "")).partition(".")[0] in ("apo", "builtins"):
        return ""
    try:
        path = inspect.getsourcefile(made)
        if path is not None and "site-packages" not in Path(path).parts:
            return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except (TypeError, OSError):
        pass
    code = getattr(made, "__code__", None)  # Of a notebook, or of a prompt of Python.
    return "" if not isinstance(code, CodeType) else hashlib.sha256(code.co_code).hexdigest()
