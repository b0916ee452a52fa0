"""Take a named object from a user's Python file: `path/to/file.py:name`."""

import hashlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from apo.errors import USERS_ERRORS, TaskError, near

_REFERENCE = re.compile(r"(?P<file>.+\.py):(?P<name>[^\W\d]\w*)", re.DOTALL)


def is_python_reference(text: str) -> bool:
    """Whether a text reads like `file.py:name`."""
    return _REFERENCE.fullmatch(text) is not None


def load_object(reference: str, folder: Path = Path()) -> Any:
    """Run a Python file and give the object with the name after the colon.

    The file runs as a private module, so that a user's `tasks.py` is never taken for a module of
    apo, nor the other way round. Its folder does not become a place to import from.

    Args:
        reference: `file.py:name`; the path may be relative to folder.
        folder: where a relative path starts.

    Raises:
        TaskError: no such file or name, or the file fails when it is run.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise TaskError(f"{reference!r} does not read like file.py:name.")
    path = folder / match["file"]
    if not path.is_file():
        raise TaskError(f"There is no Python file {path} (asked for by {reference!r}).")
    module = _run(path.resolve())
    if not hasattr(module, match["name"]):
        known = [name for name in vars(module) if not name.startswith("_")]
        raise TaskError(f"{path} has no name {match['name']!r}.{near(match['name'], known)}")
    return getattr(module, match["name"])


def _run(path: Path) -> ModuleType:
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    name = f"_apo_user_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TaskError(f"Python cannot load {path}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Dataclasses look their module up while the file runs.
    try:
        spec.loader.exec_module(module)
    except USERS_ERRORS as error:
        del sys.modules[name]
        raise TaskError(f"{path}{_line(error, path)}: {type(error).__name__}: {error}") from error
    return module


def _line(error: BaseException, path: Path) -> str:
    """Where in the user's file it went wrong, as ", line 3"."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}" if line else ""
