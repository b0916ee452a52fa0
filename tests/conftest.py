"""What holds for all tests: property tests draw the same examples on every machine.

Folders that tests write are trusted, and what is remembered of trust stays out of the user's
settings; `tests/test_trust.py` closes the gate again.
"""

import atexit
import gc
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests import slow

gc.disable()  # Half of the time of a collection went to looking through ten thousand tests.

MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30
# Runs wait for the disk most of their time; where memory has a file system, it holds their folders.
# It comes first, and `tempfile` forgets what it found when pytest began to capture.
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# The processes of a parallel run are given it, and readline sets it where `os.environ` is not told.
os.environ.pop("COLUMNS", None)
os.unsetenv("COLUMNS")
# Nobody's own keyring is asked.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
os.environ["APO_TRUST"] = "1"
os.environ["APO_LANG"] = "en"  # Whatever the locale of who runs them.
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="apo-settings-")
atexit.register(shutil.rmtree, os.environ["XDG_CONFIG_HOME"], ignore_errors=True)
settings.register_profile("apo", deadline=None, derandomize=True)
settings.load_profile("apo")


@pytest.hookimpl(optionalhook=True)  # There is none with `-p no:xdist`, as debuggers want it.
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors: tests wait for others a third of their time."""
    return (os.cpu_count() or 1) + 1


def pytest_sessionstart(session: pytest.Session) -> None:
    """Each process of a parallel run collects from another file on, as all need what one compiles.

    Processes that began with the same file would compile every file side by side.
    """
    worker: dict[str, Any] | None = getattr(session.config, "workerinput", None)
    if worker and session.config.args == session.config.getini("testpaths"):
        # pytest would take a file that is named although its folder is left out.
        out = {Path(name).absolute() for name in session.config.getoption("ignore") or ()}
        here = Path(__file__).parent
        paths = (path for path in here.rglob("test_*.py") if not out & {path, *path.parents})
        files = sorted(map(str, paths))
        first = int(worker["workerid"].removeprefix("gw")) * len(files) // worker["workercount"]
        session.config.args = [*files[first:], *files[:first]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the tests that run whole commands: they wait most, and others work meanwhile."""
    if not config.pluginmanager.hasplugin("tests.slow"):  # Which measures them anew.
        slow.mark(items)
    items.sort(key=lambda item: ("e2e" not in item.path.parts, item.path))


@pytest.fixture(scope="session")
def with_tables(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """Put an MLflow database that has all its tables in a folder, as mlflow.db; gives its URI.

    To make the tables takes MLflow more than a second, so a whole test run makes them once.
    """
    base = tmp_path_factory.getbasetemp()
    made = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tables.db"

    def copied(folder: Path) -> str:
        if not made.exists():
            from apo.environment import prepare_environment
            from apo.tracking.connection import connect

            prepare_environment()
            connect(f"sqlite:///{made}", "other")
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / "mlflow.db"
        # With what stands in its write-ahead log.
        with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect(place)) as target:
            source.backup(target)
        return f"sqlite:///{place}"

    return copied


def pytest_collection_finish() -> None:
    """What the collection made stays to the end, so nothing of it is looked through again."""
    gc.freeze()
    gc.enable()
