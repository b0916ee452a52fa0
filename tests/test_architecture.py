"""The shape of the tree: what may import what, what is installed, and what `import apo` costs."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import apo
from apo.optimizers import BY_NAME
from experiments.house import PAGE, PICTURE, House, page, picture, told

ROOT = Path(__file__).parents[1]
FLOORS = """
__main__
cli
assessment bridges checking compare testing
production run
tracking
report search
failures
audit drafting guards lint results
evaluation taskfile
scorers.metrics
calls data edits models.batches scorers
models prompts.forms storage task
programs
models.embedded models.local prompts
concurrency media model reading statistics trust user_code
body
display tools
errors
environment files language patterns secrecy select usage
"""
"""The rooms of apo/, the highest floor first: each imports from floors below its own alone."""
CODE = ("apo", "optimizers", "tasks")
HEAVY = (
    "mlflow",
    "dspy",
    "datasets",
    "pandas",
    "optuna",
    "openai",
    "scipy",
    "aiohttp",
    "litellm",
    "ray",
    "psycopg",
    "keyring",
)


def modules(top: str) -> list[Path]:
    """The Python files of a folder; apo's links to the other two are not followed."""
    found: list[Path] = []
    for folder, names, files in os.walk(ROOT / top):
        names[:] = [n for n in names if n != "__pycache__" and not (Path(folder) / n).is_symlink()]
        found += [Path(folder) / name for name in files if name.endswith(".py")]
    return sorted(found)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> list[tuple[str, str]]:
    """Module and name of every import in a file, wherever it stands; "" for a whole module."""
    package, found = path.relative_to(ROOT).with_suffix("").parts[:-1], list[tuple[str, str]]()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [(module, alias.name) for alias in node.names]
    return found


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_core_knows_no_optimizer_and_no_task() -> None:
    banned = ("apo.optimizers", "apo.tasks", "optimizers", "tasks")
    wrong = [
        f"{name_of(path)} imports {full}"
        for path in modules("apo")
        for full in sorted({f"{module}.{name}".strip(".") for module, name in imported(path)})
        if full in banned or full.startswith(tuple(f"{b}." for b in banned))
    ]
    assert not wrong, "dependencies point at the core"


def test_optimizers_and_tasks_use_public_names_alone() -> None:
    wrong = [
        f"{name_of(path)}: {fault}"
        for path in [*modules("optimizers"), *modules("tasks")]
        for module, name in imported(path)
        if (fault := _not_public(path, module, name))
    ]
    assert not wrong


def _not_public(path: Path, module: str, name: str) -> str | None:
    """What is wrong with an import of an optimizer or a task, in words; None for nothing."""
    top = module.split(".")[0]
    if top in ("optimizers", "tasks", "experiments", "tests"):
        return f"imports {module}"
    if top != "apo" or module.startswith("apo.optimizers.parts"):
        return None  # Parts are what optimizers share, where no optimizer stands.
    if path.name == "__init__.py" and module.startswith("apo.optimizers."):
        return None  # The package lists its own modules.
    if module != "apo":
        return f"imports {module}: write `from apo import …`"
    return None if name in dir(apo) else f"imports {name!r}, which is no public name"


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        ("apo", "Prompt", None),
        ("apo.optimizers.parts.draw", "some", None),
        ("json", "", None),
        ("apo", "Promt", "no public name"),
        ("apo", "", "no public name"),
        ("apo.search", "Search", "write `from apo import"),
        ("apo.optimizers.opro", "OPRO", "write `from apo import"),
        ("tests.conftest", "x", "imports tests"),
    ],
)
def test_the_search_for_such_imports_finds_them(module: str, name: str, fault: str | None) -> None:
    found = _not_public(ROOT / "optimizers" / "opro.py", module, name)
    assert (found is None) if fault is None else fault in str(found)


def test_rooms_import_from_lower_floors_alone() -> None:
    floors = [line.split() for line in reversed(FLOORS.strip().splitlines())]
    level = {room: at for at, rooms in enumerate(floors) for room in rooms}
    rests = House.standing().rests
    odd = sorted(rests.keys() ^ level.keys())
    assert not odd, f"{odd}: not in FLOORS of this file, or no room any more; see CONTRIBUTING.md"
    wrong = [
        f"{room} imports {other}"
        for room, others in rests.items()
        for other in sorted(others)
        if level[other] >= level[room]
    ]
    assert not wrong, "rooms import from lower lines of FLOORS alone: move code, or a room"


def test_rooms_name_the_module_that_they_import_from() -> None:
    wrong = [
        f"{name_of(path)}: {fault}"
        for path in modules("apo")
        for node in ast.walk(parsed(path))
        if (fault := _unseen(node))
    ]
    assert not wrong, "the floors see no other imports: write `from apo.room.module import …`"


def _unseen(node: ast.AST) -> str | None:
    """An import that hides which room it leads to, as written; None for any other code."""
    if isinstance(node, ast.Import):
        hidden = any(alias.name == "apo" for alias in node.names)
    else:
        hidden = isinstance(node, ast.ImportFrom) and bool(node.level or node.module == "apo")
    return ast.unparse(node) if hidden else None


@pytest.mark.parametrize(
    ("code", "hidden"),
    [
        ("from .cli.console import tell", True),
        ("from . import cli", True),
        ("from apo import Search", True),
        ("import apo", True),
        ("import apo.usage", False),
        ("from apo.usage import Usage", False),
    ],
)
def test_an_import_that_hides_its_room_is_found(code: str, hidden: bool) -> None:
    assert _unseen(ast.parse(code).body[0]) == (code if hidden else None)


def test_no_modules_import_in_a_circle() -> None:
    list(TopologicalSorter(House.standing().imports).static_order())  # Raises, and names a circle.


def test_a_circle_is_found(tmp_path: Path) -> None:
    for name, code in {"a": "from apo.b import x", "b": "def f():\n    import apo.a"}.items():
        (tmp_path / "apo").mkdir(exist_ok=True)
        (tmp_path / "apo" / f"{name}.py").write_text(code)
    house = House.standing(tmp_path)
    assert house.rests == {"a": {"b"}, "b": {"a"}}
    with pytest.raises(CycleError):
        house.floors  # noqa: B018 (the property raises)


def test_a_module_is_of_the_house_whatever_it_is_called(tmp_path: Path) -> None:
    for name in ("apo/calls/tasks.py", "apo/optimizers/opro.py", "apo/tasks/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [*House.standing(tmp_path).files] == ["apo.calls.tasks"]


@pytest.mark.parametrize("code", ["", "X = 1\n", '# Ours.\n\n"""A room."""\n', "'''A room.'''\n"])
def test_a_room_that_says_nothing_is_told_to(tmp_path: Path, code: str) -> None:
    (tmp_path / "apo" / "cellar").mkdir(parents=True)
    (tmp_path / "apo" / "cellar" / "__init__.py").write_text(code)
    with pytest.raises(SystemExit, match=r"apo/cellar/__init__.py .*docstring"):
        told(House.standing(tmp_path), "cellar", code)


def test_the_map_is_as_the_house_stands() -> None:
    house = House.standing()
    old = [
        room
        for room in house.rests
        if (path := house.files[f"apo.{room}"]).name == "__init__.py"
        and told(house, room, path.read_text("utf-8")) != path.read_text("utf-8")
    ]
    again = "python -m experiments.house"
    assert not old, f"what these rooms say of themselves is old: {again}"
    assert PICTURE.read_text("utf-8") == picture(house), again
    assert page(house, PAGE.read_text("utf-8")) == PAGE.read_text("utf-8"), again


def test_files_that_the_map_names_are_there() -> None:
    named = re.findall(r"`((?:apo|optimizers)/[\w/]+\.py)`", PAGE.read_text("utf-8"))
    assert len(named) > 12
    assert not [name for name in named if not (ROOT / name).is_file()]


def test_no_optimizer_imports_another() -> None:
    for path in modules("optimizers"):
        if path != ROOT / "optimizers" / "__init__.py":
            found = [m for m, _ in imported(path) if m.startswith("apo.optimizers")]
            assert not [m for m in found if not m.startswith("apo.optimizers.parts")]


def test_no_optimizer_stands_among_the_parts() -> None:
    kinds = {kind.__module__ for kind in BY_NAME.values()}
    assert not [name for name in kinds if name.startswith("apo.optimizers.parts")]


def test_every_folder_of_code_is_installed() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {
        path.parent.relative_to(ROOT)
        for top in CODE
        for path in modules(top)
        if path.name == "__init__.py"
    }
    mapped = {Path(config["package-dir"].get(p, p.replace(".", "/"))) for p in config["packages"]}
    assert folders == mapped, "packages and package-dir of pyproject.toml name each folder of code"
    alone = {path.parent.relative_to(ROOT) for top in ("apo",) for path in modules(top)} - folders
    assert not alone, f"{alone} hold code and no __init__.py"


def test_all_data_files_are_installed() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    listed: set[Path] = set()
    for package, patterns in config["package-data"].items():
        folder = ROOT / config["package-dir"].get(package, package.replace(".", "/"))
        listed |= {path for pattern in patterns for path in folder.glob(pattern)}
    for top in CODE:
        for folder, names, files in os.walk(ROOT / top):
            names[:] = [
                n for n in names if n[0] not in "._" and not (Path(folder) / n).is_symlink()
            ]
            for name in files:
                path = Path(folder) / name
                if path.suffix not in (".py", ".pyc") and name[0] != ".":
                    assert path in listed, f"{name_of(path)} is in no package-data"


def test_the_links_lead_to_the_folders() -> None:
    for name in ("optimizers", "tasks"):
        link = ROOT / "apo" / name
        assert link.is_symlink()
        assert os.readlink(link) == f"../{name}"
        assert link.resolve() == ROOT / name


def test_every_module_says_what_it_is_for() -> None:
    paths = [path for top in CODE for path in modules(top)]
    assert len(paths) > 200
    assert not [name_of(path) for path in paths if not ast.get_docstring(parsed(path))]


SEEN = f"""
import json, sys
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""
CHEAP = {
    "import": "import apo",
    "public names": "import apo; apo.Prompt, apo.Search, apo.Budget, apo.Task, apo.optimize",
    "optimizers": "import apo.optimizers",
    "help": "import contextlib, io, apo.cli\n"
    "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:\n"
    "    sys.argv = ['apo', '--help']; apo.cli.main()\n"
    "assert 'optimize' in out.getvalue()",
}


@pytest.mark.parametrize("code", CHEAP.values(), ids=CHEAP.keys())
def test_heavy_packages_are_imported_late(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{SEEN}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
