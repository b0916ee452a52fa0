"""The list of slow tests, and what a parallel run leaves out."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.conftest import pytest_sessionstart
from tests.slow import LIST

ROOT = Path(__file__).parents[1]


def test_each_slow_test_of_the_list_is_there() -> None:
    gone: list[str] = []
    for name in LIST.read_text(encoding="utf-8").splitlines():
        file, *_, function = name.split("::")
        path = ROOT / file
        if not path.exists() or f"def {function}(" not in path.read_text(encoding="utf-8"):
            gone.append(name)
    assert gone == [], "make slow measures them anew"


def test_a_process_of_a_parallel_run_leaves_out_what_is_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)  # What is ignored is named from where pytest was called.
    config = Mock(workerinput={"workerid": "gw1", "workercount": 2}, args=["tests"])
    config.getini.return_value = ["tests"]
    config.getoption.return_value = ["tests/e2e", "tests/test_slow.py"]
    pytest_sessionstart(Mock(config=config))
    files = [Path(name).relative_to(ROOT) for name in config.args]
    assert Path("tests/test_files.py") in files
    assert not [path for path in files if "e2e" in path.parts or path.name == "test_slow.py"]
