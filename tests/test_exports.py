"""The public names: listed once, sorted, importable, and visible to type checkers."""

import ast
import importlib
import inspect
import pydoc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import apo
import apo.optimizers
import apo.testing

STUB = Path(apo.__file__).with_name("__init__.pyi")


def stub() -> tuple[dict[str, str], list[str]]:
    """Each name that the stub imports with its module, and its __all__."""
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    listed: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name: f"apo.{node.module}" for alias in node.names}
        elif isinstance(node, ast.Assign):
            listed = ast.literal_eval(node.value)
    return names, listed


NAMES, LISTED = stub()


def test_the_list_is_sorted_and_complete() -> None:
    assert sorted(LISTED) == LISTED
    assert len(LISTED) == len(set(LISTED))
    assert set(LISTED) < set(NAMES)
    assert apo.__all__ == LISTED
    assert sorted(NAMES) == sorted(dir(apo))


def test_help_is_short_and_names_the_rest() -> None:
    shown = pydoc.plain(pydoc.render_doc(apo)).splitlines()
    assert len(shown) < 600
    assert any("Everything else in `dir(apo)` is a building block" in line for line in shown)


@pytest.mark.parametrize(
    ("function", "coroutine"),
    [
        (apo.optimize, apo.aoptimize),
        (apo.resume, apo.aresume),
        (apo.optimize_folds, apo.aoptimize_folds),
        (apo.resume_folds, apo.aresume_folds),
    ],
)
def test_an_editor_completes_what_is_stated(
    function: Callable[..., object], coroutine: Callable[..., object]
) -> None:
    stated, whole = (inspect.signature(f).parameters for f in (function, coroutine))
    assert list(stated.values()) == list(whole.values())
    assert {"home", "progress"} <= set(stated)
    assert all(f"{name}: " in (coroutine.__doc__ or "") for name in stated)


def test_every_name_is_what_its_module_has() -> None:
    found = {name: getattr(apo, name) for name in NAMES}
    module = {name: importlib.import_module(NAMES[name]) for name in NAMES}
    assert not [name for name, it in found.items() if it is not getattr(module[name], name)]
    assert not [name for name, it in found.items() if isinstance(it, type) and not it.__doc__]
    assert not [name for name in found if name.startswith("_")]


def test_a_star_import_gives_them_all() -> None:
    space: dict[str, object] = {}
    exec("from apo import *", space)
    assert set(LISTED) <= set(space)


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="Promt"):
        _ = apo.Promt  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType] (that is what is tested)


@pytest.mark.parametrize("module", [apo.optimizers, apo.testing], ids=lambda m: m.__name__)
def test_lists_of_the_packages(module: ModuleType) -> None:
    listed: list[str] = vars(module)["__all__"]
    assert len(set(listed)) == len(listed)  # Their order is ruff's to check.
    assert all(getattr(module, name).__doc__ for name in listed if name != "BY_NAME")


def test_built_in_optimizers_are_all_listed() -> None:
    kinds = {name for name in apo.optimizers.__all__ if name != "BY_NAME"}
    assert {kind.__name__ for kind in apo.optimizers.BY_NAME.values()} == kinds


def test_the_type_marker_is_there() -> None:
    assert STUB.with_name("py.typed").exists()


def test_the_command_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "apo", "--help"], capture_output=True, text=True, check=True
    )
    assert "optimize" in done.stdout
