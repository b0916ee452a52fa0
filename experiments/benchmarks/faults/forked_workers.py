"""Worker processes of a forked command, forked of the server that forked it: none imports apo anew.

A stand-in for the context "spawn" in `multiprocessing`. That workers start as they do for users is
proven by `tests/compare/test_runner.py`.
"""

import multiprocessing
import os
from collections.abc import Mapping
from multiprocessing.context import BaseContext, ForkServerContext, ForkServerProcess
from typing import Any


class ForkedWorker(ForkServerProcess):
    """A worker that has the folder and environment of the process that starts it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._environment: Mapping[str, str] = dict(os.environ)

    def run(self) -> None:
        """Work, in the environment that was given."""
        os.environ.clear()
        os.environ.update(self._environment)
        super().run()


class ForkedContext(ForkServerContext):
    """What makes them."""

    Process = ForkedWorker


def fork_workers() -> None:
    """Have this process, a fork itself, fork its workers."""

    def context(_: str | None = None) -> BaseContext:
        return ForkedContext()

    setattr(multiprocessing, "get_context", context)  # noqa: B010
