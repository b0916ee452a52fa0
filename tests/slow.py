"""Which tests take long: `make slow` measures them, and `make quick` leaves them out."""

from collections.abc import Generator, Iterable
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import pytest

LIST = Path(__file__).with_suffix(".txt")
LIMIT = 0.3
"""Seconds of processor time of one test function, with all of its parameters."""


def function(item: pytest.Item) -> str:
    """The place of a test without its parameters."""
    return item.nodeid.partition("[")[0]


def mark(items: Iterable[pytest.Item]) -> None:
    """Mark as slow what was measured to be."""
    listed = set(LIST.read_text(encoding="utf-8").splitlines())
    for item in items:
        if function(item) in listed:
            item.add_marker("slow")


class Clock:
    """Adds up what each test function takes, and writes those over the limit into the list."""

    def __init__(self) -> None:
        self._taken: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        before = _seconds()
        result = yield
        taken = self._taken.get(function(item), 0.0)
        self._taken[function(item)] = taken + _seconds() - before
        return result

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return  # What was not run is not quick.
        listed = sorted(name for name, taken in self._taken.items() if taken > LIMIT)
        LIST.write_text("".join(f"{name}\n" for name in listed), encoding="utf-8")


def _seconds() -> float:
    used = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
    return sum(part.ru_utime + part.ru_stime for part in used)


def pytest_configure(config: pytest.Config) -> None:
    """As a plugin (`-p tests.slow`), in one process alone, measure."""
    config.pluginmanager.register(Clock())
