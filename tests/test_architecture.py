"""The shape of the tree: what may import what, what is installed, and what `import apo` costs."""

import ast
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import apo
from apo.optimizers import BY_NAME

ROOT = Path(__file__).parents[1]
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


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of every import in a file, wherever it stands; "" for a whole module."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules("apo"), ids=name_of)
def test_the_core_knows_no_optimizer_and_no_task(path: Path) -> None:
    found = {f"{module}.{name}".strip(".") for module, name in imported(path)}
    banned = ("apo.optimizers", "apo.tasks", "optimizers", "tasks")
    wrong = sorted(n for n in found if n in banned or n.startswith(tuple(f"{b}." for b in banned)))
    assert not wrong, f"{name_of(path)} imports {wrong}: dependencies point at the core"


@pytest.mark.parametrize("path", [*modules("optimizers"), *modules("tasks")], ids=name_of)
def test_optimizers_and_tasks_use_public_names_alone(path: Path) -> None:
    for module, name in imported(path):
        if module.split(".")[0] in ("optimizers", "tasks", "experiments", "tests"):
            pytest.fail(f"{name_of(path)} imports {module}")
        if module.split(".")[0] != "apo":
            continue
        if path.name == "__init__.py" and module.startswith("apo.optimizers."):
            continue  # The package lists its own modules.
        if module.startswith("apo.optimizers.parts"):
            continue  # What optimizers share, where no optimizer stands.
        assert module == "apo", f"{name_of(path)} imports {module}: write `from apo import …`"
        assert name in dir(apo), f"{name_of(path)} imports {name!r}, which is no public name"


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
    assert folders == mapped
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


@pytest.mark.parametrize("path", [p for top in CODE for p in modules(top)], ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), name_of(path)


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
