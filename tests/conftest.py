"""What holds for all tests: property tests draw the same examples on every machine.

Folders that tests write are trusted, and what is remembered of trust stays out of the user's
settings; `tests/test_trust.py` closes the gate again.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30
# Runs wait for the disk most of their time; where memory has a file system, it holds their folders.
# It comes first, and `tempfile` forgets what it found when pytest began to capture.
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

os.environ.pop("COLUMNS", None)  # Which the processes of a parallel run are given.
# Nobody's own keyring is asked.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
os.environ["APO_TRUST"] = "1"
os.environ["APO_LANG"] = "en"  # Whatever the locale of who runs them.
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="apo-settings-")
atexit.register(shutil.rmtree, os.environ["XDG_CONFIG_HOME"], ignore_errors=True)
settings.register_profile("apo", deadline=None, derandomize=True)
settings.load_profile("apo")


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors: tests wait for others a third of their time."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that run whole commands: they wait most, and others work meanwhile."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)
