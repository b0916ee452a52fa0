"""Starts the processes that run a program and its tests, and ends them in good time.

Where bubblewrap works they start in it, with nothing of the machine but libraries to be seen. There
and elsewhere they close themselves in, too (`jail`). How the tests use the program is in `bridge`;
what they say, in `examiner`.
"""

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from apo.errors import TaskError
from apo.language.catalogue import message
from apo.scorers.jail import DEVICES, libraries

Result = TypeVar("Result")
_MODULES = ("jail", "remote", "bridge", "unit_tests", "examiner")
_CLIENT = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"),
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"),
    "CONTAINER_HOST",
)
START = """
import json, os, sys, types
def exactly(size):
    parts = b""
    while len(parts) < size:
        part = os.read(0, size - len(parts))
        if not part:
            os._exit(1)
        parts += part
    return parts
def read():
    return json.loads(exactly(int.from_bytes(exactly(8), "big")))
first = read()
for name in ("apo", "apo.scorers"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = first["paths"].get(name, [])
for name, source in first["sources"].items():
    sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), vars(sys.modules[name]))
from apo.scorers.examiner import main
main(read)
"""
"""What the new process is given to start: apo's own package is too much for it."""

_GRACE = 5.0
"""Seconds beyond its own limit until a child is killed from here; starting takes some."""


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """How programs are run.

    Attributes:
        seconds: of CPU for the program, and half of the seconds by the clock.
        memory: megabytes of address space for each process.
        disk: megabytes that may be written.
        allow: what goes without protection where there is none: "network", "files".
        command: starts Python in a container; empty runs it here.
    """

    seconds: float
    memory: float
    disk: float
    allow: tuple[str, ...] = ()
    command: str = ""

    async def run(self, program: str, tests: str, entry_point: str = "") -> list[dict[str, Any]]:
        """Run the tests of a program.

        Returns:
            What the tests' process said, line by line.

        Raises:
            TaskError: it could not be started, or the protection that is asked for is not there.
        """
        megabyte = 1024 * 1024
        job: dict[str, Any] = {
            "program": program,
            "entry_point": entry_point,
            "seconds": self.seconds,
            "memory": int(self.memory * megabyte),
            "disk": int(self.disk * megabyte),
            "packages": [] if self.command else _packages(),
            "held": [] if self.command or no_bubblewrap() else ["files", "network"],
            "allow": [*self.allow, *(("network", "files") if self.command else ())],
        }
        with TemporaryDirectory(prefix="apo-code-", ignore_cleanup_errors=True) as folder:
            job["folder"] = "" if self.command else folder
            given = _frame(_modules(local=not self.command)) + _frame(job) + _frame(tests)
            out, errors = await self._start(given, folder)
        lines: list[dict[str, Any]] = [
            json.loads(line) for line in out.splitlines() if line.startswith(b"{")
        ]
        if not lines:
            words = errors.decode("utf-8", "replace").strip()[-500:]
            raise TaskError(
                f"The code scorer could not run Python with {self.command or sys.executable!r}: "
                f"{words or 'it ended without a word'}"
            )
        if lines[0]["missing"]:
            raise TaskError(_unprotected(lines[0]["missing"]))
        return lines

    def told(self) -> str:
        """Say in what programs run here, and what it keeps them from.

        Raises:
            TaskError: they cannot be run, or not safely.
        """
        if self.command:
            return f"Programs run in what `{self.command}` starts."
        kept: list[str] = apart(self.run("", "assert True"))[0]["held"]
        why = no_bubblewrap()
        place = f"apo's own jail ({why})" if why else "bubblewrap"
        return message(f"Programs run in {place}, kept from: {', '.join(kept) or 'nothing'}.")

    async def _start(self, given: bytes, folder: str) -> tuple[bytes, bytes]:
        command = shlex.split(self.command) or (
            [sys.executable] if no_bubblewrap() else _in_bubblewrap(folder)
        )
        environment = _client_environment() if self.command else _environment(folder)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                *("-s", "-P", *(() if self.command else ("-S",)), "-c", START),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment,
                cwd=None if self.command else folder,
                start_new_session=True,
            )
        except OSError as error:
            raise TaskError(
                f"The code scorer cannot start {command[0]!r}: {error.strerror}. Install it, or "
                "change the scorer's `command`."
            ) from error
        try:
            async with asyncio.timeout(2 * self.seconds + _GRACE * (6 if self.command else 1)):
                return await process.communicate(given)
        except TimeoutError:
            return b"", b"it did not end in good time"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@cache
def no_bubblewrap() -> str:
    """Why programs do not start in bubblewrap on this machine; "" where they do. Tried once."""
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed"
    try:
        with TemporaryDirectory(prefix="apo-code-") as folder:
            tried = subprocess.run(  # noqa: S603 (our own words)
                [*_in_bubblewrap(folder), "-I", "-S", "-c", ""],
                env=_environment(folder),
                capture_output=True,
                timeout=10,
                check=False,
            )
    except (OSError, subprocess.SubprocessError) as error:
        return f"bubblewrap fails: {error}"
    words = tried.stderr.decode("utf-8", "replace").strip()[-200:]
    return f"bubblewrap fails: {words or tried.returncode}" if tried.returncode else ""


def _in_bubblewrap(folder: str) -> list[str]:
    """Start Python with no network, no other process and no file but those of libraries (bwrap(1)).

    The folder is empty there, and nothing can be written, until a file system is laid over it.
    """
    python = os.path.realpath(sys.executable)
    shown = dict.fromkeys([*libraries(), python, *_packages(), str(Path(__file__).parent)])
    binds = [part for path in shown for part in ("--ro-bind-try", path, path)]
    devices = [part for path in DEVICES for part in ("--dev-bind-try", path, path)]
    alone = ["--unshare-all", "--die-with-parent", "--proc", "/proc"]
    own = ["--dir", folder, "--remount-ro", "/", "--chdir", folder]
    return [shutil.which("bwrap") or "bwrap", *alone, *binds, *devices, *own, python]


def apart(work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for a coroutine, in a thread of its own: this one may have an event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def _environment(folder: str) -> dict[str, str]:
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return alone | {
        "PATH": "/usr/bin:/bin",
        "HOME": folder,
        "TMPDIR": folder,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",  # Sets have the same order each time: a score holds.
    }


def _client_environment() -> dict[str, str]:
    """What a container's client needs of ours; keys and passwords are not among it."""
    return {name: value for name, value in os.environ.items() if name in _CLIENT}


def _packages() -> list[str]:
    """Where installed packages stand; a folder of the user's may hold secrets, and is none."""
    named = ("site-packages", "dist-packages")
    return [path for path in sys.path if Path(path).name in named and Path(path).is_absolute()]


def _modules(*, local: bool) -> dict[str, Any]:
    here = Path(__file__).parent
    if local:
        return {"sources": {}, "paths": {"apo": [str(here.parent)], "apo.scorers": [str(here)]}}
    sources = {
        f"apo.scorers.{name}": (here / f"{name}.py").read_text(encoding="utf-8")
        for name in _MODULES
    }
    return {"sources": sources, "paths": {}}


def _frame(value: object) -> bytes:
    text = json.dumps(value).encode("ascii")
    return len(text).to_bytes(8, "big") + text


def _unprotected(missing: list[str]) -> str:
    lacking = " and ".join(missing)
    return (
        f"This machine cannot keep a program from {lacking}: that takes bubblewrap "
        f"({no_bubblewrap()}), or Linux 5.13 or later with Landlock and seccomp, on x86-64 or "
        "aarch64. Run programs in a container: scorer: "
        '{name: code, command: "docker run --rm -i --init --network none --memory 1g '
        'python:3.12-slim python"}. If you trust every program that the model may write, add '
        f"allow: [{', '.join(missing)}]."
    )
