"""The process that logs a run, forked of the server that forks commands: it need not import MLflow.

A stand-in for `subprocess` in `apo.tracking.tracker`. That the process starts as it does for users
is proven by the tests of the follower itself.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing.connection import Connection, wait
from types import SimpleNamespace
from typing import Any, Self

from apo.environment import prepare_environment
from apo.models.prices import find_price
from apo.reading.numbers import numbers_in
from apo.tracking import follower, tracker

IMPORTED = (
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.models.model",
    "alembic.command",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "apo.display.picture",
    "apo.report.run_page",
    "apo.tracking.registry",
)
if multiprocessing.current_process().name == "MainProcess":  # The server, before it forks.
    prepare_environment()
    for name in IMPORTED:
        import_module(name)
    find_price("openai/any")  # What is read and compiled at the first use, a file and patterns.
    numbers_in("1")


class ForkedFollower:
    """What a tracker uses of `subprocess.Popen`."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], **_: Any) -> None:
        assert command[-1] == follower.__name__
        theirs, ours = multiprocessing.Pipe(duplex=False)
        mine, answers = multiprocessing.Pipe(duplex=False)
        given = (theirs, answers, os.getcwd(), dict(env))
        self._process = multiprocessing.get_context("forkserver").Process(
            target=_become, args=given
        )
        self._process.start()
        theirs.close()
        answers.close()
        self.stdin = os.fdopen(os.dup(ours.fileno()), "w", encoding="utf-8")
        self._stdout = os.fdopen(os.dup(mine.fileno()), encoding="utf-8")
        ours.close()
        mine.close()
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.join()
        self._stdout.close()

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """As `returncode`."""
        return self.returncode

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def communicate(self, line: str, timeout: float) -> tuple[str, None]:
        """Write a line, and wait for the end; give what was answered.

        Raises:
            TimeoutExpired: it has not ended within so many seconds.
        """
        with self.stdin:
            self.stdin.write(line)
        if not wait([self._process.sentinel], timeout):
            raise subprocess.TimeoutExpired(follower.__name__, timeout)
        return self._stdout.read(), None


def fork_followers() -> None:
    """Have this process, a fork itself, fork what logs its runs."""
    names = ("PIPE", "DEVNULL", "TimeoutExpired")
    kept = {name: getattr(subprocess, name) for name in names}
    setattr(tracker, "subprocess", SimpleNamespace(**kept, Popen=ForkedFollower))  # noqa: B010


def _become(told: Connection, answers: Connection, folder: str, env: dict[str, str]) -> None:
    """Log a run as `python -m apo.tracking.follower` would."""
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for number, end in enumerate((told.fileno(), answers.fileno(), quiet)):
        os.dup2(end, number)
    told.close()
    answers.close()
    sys.stdin = os.fdopen(0, encoding="utf-8")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:] = env["PYTHONPATH"].split(os.pathsep)
    follower.main()
