"""apo's commands in processes of their own that need not import apo, each of them.

A server process (that of `multiprocessing`) imports what commands need, once; a command is a fork
of it. Its environment, folder, outputs, signals and death are its own, as those of `python -m apo`
are, and it takes a third of the time. So is the process that logs its run.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import wait
from pathlib import Path

IMPORTED = (
    "apo.cli.live",
    "apo.cli.report",
    "apo.models.embedded",
    "apo.models.http",
    "apo.optimizers",
    "apo.run.folds",
    "apo.taskfile.load",
    "apo.tracking",
    "experiments.benchmarks.faults.forked_follower",
    "aiohttp",
    "jinja2.sandbox",
    "rapidfuzz.fuzz",
    "scipy.stats",
)
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["__main__", "pytest", *IMPORTED])
_LOCK = threading.Lock()  # Of two threads that look how a process ended, one would see nothing.


class Forked:
    """A command under way; its methods are those of `subprocess.Popen`.

    Args:
        main: what the process runs, a function of a module.
        arguments: of the command `apo`.
        folder: the working directory.
        environment: all of its environment.
    """

    def __init__(
        self,
        main: Callable[[], None],
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="apo-forked-")
        outputs = [f"{self._place.name}/{name}" for name in ("out", "err")]
        given = (main, list(arguments), str(folder), dict(environment), outputs)
        self._process = _SERVER.Process(target=_become, args=given)
        with _LOCK:
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.returncode: int | None = None

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; give its exit code, negative for a signal.

        Raises:
            TimeoutExpired: it has not ended within so many seconds.
        """
        if not wait([self._process.sentinel], timeout):
            raise subprocess.TimeoutExpired("apo", timeout or 0.0)
        with _LOCK:
            self._process.join()
        assert self._process.exitcode is not None
        self.returncode = self._process.exitcode
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; give what it wrote to its standard output and error.

        Raises:
            TimeoutExpired: see `wait`.
        """
        self.wait(timeout)
        with self._place:
            out, err = (
                Path(self._place.name, name).read_text(encoding="utf-8", errors="replace")
                for name in ("out", "err")
            )
        return out, err


def _become(
    main: Callable[[], None],
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    outputs: list[str],
) -> None:
    """Run a command as `python -m apo` in the folder would."""
    from experiments.benchmarks.faults.forked_follower import fork_followers
    from experiments.benchmarks.faults.forked_workers import fork_workers

    # It forks of the server that it is a fork of itself, which it would start anew.
    vars(forkserver)["_forkserver"].ensure_running = lambda: None
    fork_followers()
    fork_workers()
    for number, path in enumerate(outputs, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # Whoever started all this may have ignored it.
    sys.argv = ["apo", *arguments]
    sys.path.insert(0, folder)
    main()
