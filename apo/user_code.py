"""Take a named object from a user's Python file: `path/to/file.py:name`."""

import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from apo.errors import USERS_ERRORS, TaskError, near

_REFERENCE = re.compile(r"(?P<file>.+\.py):(?P<name>[^\W\d]\w*)", re.DOTALL)
_folders: set[Path] = set()
"""Where users' files lie that were run: bytecode in them is never run."""


def is_python_reference(text: str) -> bool:
    """Whether a text reads like `file.py:name`."""
    return _REFERENCE.fullmatch(text) is not None


def load_object(reference: str, folder: Path = Path()) -> Any:
    """Run a Python file and give the object with the name after the colon.

    The file runs as a private module, so that a user's `tasks.py` is never taken for a module of
    apo, nor the other way round. Its folder does not become a place to import from. What runs is
    its source, and that of the modules beside it, where it imports them: never their bytecode,
    which may be of another source.

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
    _without_bytecode(path.parent)
    spec = importlib.util.spec_from_file_location(name, path, loader=_Source(name, str(path)))
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


def importable(folder: Path) -> Iterator[Path]:
    """The files that Python could import from a folder: modules, and those of its packages.

    A folder whose name is no word, such as `.venv`, is no package. A link that leads out may be
    one; it is given, and not looked into.
    """
    waiting, seen, top = [folder], set[Path](), folder.resolve()
    while waiting:
        place = waiting.pop()
        if place.resolve() in seen:
            continue
        seen.add(place.resolve())
        for path in sorted(place.iterdir()):
            if path.name.endswith((*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)):
                yield path
            elif path.name.isidentifier() and path.name != "__pycache__":
                if not path.resolve().is_relative_to(top):
                    yield path
                elif path.is_dir():
                    waiting.append(path)


class _Source(SourceFileLoader):
    """Compiles the source, whatever lies in `__pycache__`, and writes nothing there."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _without_bytecode(folder: Path) -> None:
    """Let imports from a folder and its packages take source alone, from now on."""
    if _finder not in sys.path_hooks:
        sys.path_hooks.insert(0, _finder)
    if folder not in _folders:
        _folders.add(folder)
        for place in [*sys.path_importer_cache]:  # Finders of before know bytecode.
            if _is_users(Path(place)):
                del sys.path_importer_cache[place]


def _finder(place: str) -> FileFinder:
    if not _is_users(Path(place)):
        raise ImportError(f"{place} is for Python's own finder.")
    loaders = ((ExtensionFileLoader, EXTENSION_SUFFIXES), (_Source, SOURCE_SUFFIXES))
    return FileFinder(place, *((kind, [*suffixes]) for kind, suffixes in loaders))


def _is_users(place: Path) -> bool:
    """Whether a folder is that of a user's file, or of a package in it."""
    path = place.resolve()
    return any(
        path.is_relative_to(folder)
        and all(part.isidentifier() for part in path.relative_to(folder).parts)
        for folder in _folders
    )
