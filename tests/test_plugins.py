"""Optimizers by name, by path, or from other packages; what a user's files cannot break."""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apo import ApoError, Search, SettingsError, check_ranges
from apo.optimizers import APE, BY_NAME, OPRO, RandomSearch
from apo.search.plugins import make_optimizer, optimizer_name, optimizer_names

PURE = hypothesis_settings(deadline=None, derandomize=True)
MINE = """
from dataclasses import dataclass
from typing import Any, Literal
from apo import Prompt, Search

@dataclass(frozen=True, kw_only=True)
class Mine:
    count: int = 3
    share: float = 0.5
    strict: bool = False
    mode: Literal["a", "b"] = "a"
    steps: tuple[int, ...] = (1, 2)
    cap: int | None = None

    async def run(self, search: Search) -> None:
        pass

@dataclass(frozen=True)
class Needs:
    count: int

    async def run(self, search: Search) -> None:
        pass

@dataclass
class NoRun:
    count: int = 3

class NoDataclass:
    async def run(self, search: Search) -> None:
        pass

number = 5
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "내 것.py"
    path.write_text(MINE, encoding="utf-8")
    return f"{path}:Mine"


# --- by name --------------------------------------------------------------------------------


def test_built_in_names() -> None:
    assert optimizer_names()[: len(BY_NAME)] == list(BY_NAME)
    for name, kind in BY_NAME.items():
        made = make_optimizer(name)
        assert type(made) is kind
        assert made == kind()
        assert optimizer_name(made) == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("oprro", "Did you mean 'opro'"),
        ("", "Known: auto, portfolio, race-search"),
        ("OPRO:x", "no optimizer"),
        ("mine.py", r"mine\.py:ClassName"),
        ("tasks", "no optimizer"),
    ],
)
def test_unknown_names(name: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        make_optimizer(name)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("n_queries", "7", 7),
        ("ucb_share", "0.5", 0.5),
        ("ucb_share", "1", 1.0),
        ("ucb_share", 1, 1),
        ("paired", "False", False),
        ("paired", "true", True),
        ("evaluation", "flat", "flat"),
    ],
)
def test_settings_take_the_type_of_their_default(key: str, value: Any, expected: Any) -> None:
    found = getattr(make_optimizer("ape", {key: value}), key)
    assert found == expected
    assert type(found) is type(expected)


WRONG: list[tuple[str, Any, str]] = [
    ("n_querys", "7", "no setting 'n_querys'.*Did you mean 'n_queries'"),
    ("n_queries", "seven", "ape.n_queries is 'seven'; it must be a int, such as 5"),
    ("n_queries", "7.5", "must be a int"),
    ("n_queries", 7.5, "must be a int"),
    ("n_queries", None, "must be a int"),
    ("n_queries", True, "must be a int"),
    ("n_queries", [], "must be a int"),
    ("n_queries", "", "must be a int"),
    ("n_queries", 0, "n_queries is 0; it must be at least 1"),
    ("n_queries", "-3", "at least 1"),
    ("ucb_share", "much", "must be a float"),
    ("ucb_share", "nan", "from 0 to 1"),
    ("ucb_share", 1.5, "from 0 to 1"),
    ("exploration", "nan", "at least 0"),
    ("temperature", "3", "from 0 to 2"),
    ("paired", "yes", "must be a bool"),
    ("paired", 1, "must be a bool"),
    ("evaluation", "best", "'ucb' or 'flat'"),
    ("evaluation", 5, "must be a str"),
]


@pytest.mark.parametrize(("key", "value", "words"), WRONG)
def test_settings_that_are_refused(key: str, value: Any, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        make_optimizer("ape", {key: value})


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_no_count_of_a_built_in_optimizer_may_be_negative_or_nan(name: str) -> None:
    for key, value in vars(make_optimizer(name)).items():
        if type(value) in (int, float):
            with pytest.raises(SettingsError, match=key):
                make_optimizer(name, {key: -1})
        if type(value) is float:
            with pytest.raises(SettingsError, match=key):
                make_optimizer(name, {key: "nan"})


def test_settings_are_checked_in_python_too() -> None:
    for kind in (APE, OPRO, RandomSearch):
        with pytest.raises(SettingsError, match=rf"{kind.__name__}\.n_demos is -1"):
            kind(n_demos=-1)


@PURE
@given(st.floats(), st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_ranges(value: float, low: float, high: float) -> None:
    @dataclass(frozen=True)
    class Settings:
        x: float

    if low <= value <= high:
        check_ranges(Settings(value), x=(low, high))
    else:
        with pytest.raises(SettingsError, match=r"Settings\.x is "):
            check_ranges(Settings(value), x=(low, high))


# --- by path --------------------------------------------------------------------------------


def test_a_class_in_a_file(mine: str) -> None:
    made = make_optimizer(
        mine,
        {"count": "5", "share": "1", "strict": "true", "mode": "b", "steps": [3], "cap": 7},
    )
    values = {"count": 5, "share": 1.0, "strict": True, "mode": "b", "steps": (3,), "cap": 7}
    assert vars(made) == values
    hash(made)
    assert optimizer_name(made) == "mine"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Mien", "Did you mean 'Mine'"),
        ("NoRun", r"is no optimizer.*run\(search\)"),
        ("NoDataclass", "is no optimizer"),
        ("number", "is no optimizer"),
        ("Any", "is no optimizer"),
        ("Needs", "cannot be made with .*count"),
    ],
)
def test_other_things_in_a_file(name: str, words: str, mine: str) -> None:
    with pytest.raises(ApoError, match=words):
        make_optimizer(mine.replace(":Mine", f":{name}"))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:", "SyntaxError|invalid syntax"),
        ("import no_such_module_at_all", "no_such_module_at_all"),
        ("raise KeyError('한국어')", "한국어"),
    ],
)
def test_files_that_fail(source: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"\n\n{source}\n", encoding="utf-8")
    with pytest.raises(ApoError, match=rf"mine\.py, line 3.*({words})"):
        make_optimizer(f"{path}:Mine")
    path.unlink()
    with pytest.raises(ApoError, match="no Python file"):
        make_optimizer(f"{path}:Mine")


# --- from other packages --------------------------------------------------------------------


@dataclass(frozen=True)
class Elsewhere:
    size: int = 2

    async def run(self, search: Search) -> None:
        pass


def test_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = [
        EntryPoint("elsewhere", f"{__name__}:Elsewhere", "apo.optimizers"),
        EntryPoint("broken", "no_such_package:Thing", "apo.optimizers"),
    ]

    def entry_points(*, group: str, name: str | None = None) -> Iterable[EntryPoint]:
        assert group == "apo.optimizers"
        return [entry for entry in offered if name in (None, entry.name)]

    monkeypatch.setattr("apo.search.plugins.entry_points", entry_points)
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or module())
    assert optimizer_names()[-2:] == ["broken", "elsewhere"]
    assert vars(make_optimizer("elsewhere", {"size": "3"})) == {"size": 3}
    with pytest.raises(SettingsError, match=r"'broken' cannot be loaded.*no_such_package"):
        make_optimizer("broken")


def module() -> Any:
    """This module, which pytest may run under a name that cannot be imported."""
    from types import SimpleNamespace

    return SimpleNamespace(Elsewhere=Elsewhere)


# --- a user's own files ---------------------------------------------------------------------

CODE = """
import apo
from apo.optimizers import OPRO
import apo.tasks
from apo.search.plugins import make_optimizer
assert make_optimizer("opro") == OPRO()
print(apo.optimizers.__file__, apo.tasks.__file__)
"""


def test_files_named_like_ours_break_nothing(tmp_path: Path) -> None:
    names = ["tasks", "optimizers", "task", "prompt", "search", "select_", "plugins", "testing"]
    for name in names:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong file was imported')")
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "__init__.py").write_text("raise SystemExit('wrong')")
    for command in (["-c", CODE], ["-m", "apo", "--help"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert str(tmp_path) not in done.stdout
