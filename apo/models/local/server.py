"""A child process that serves one GGUF file, shared by all that ask the same file in a process."""

import asyncio
import json
import os
import re
import secrets
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from apo.concurrency import n_cpus
from apo.errors import SettingsError, TransportError

SLOTS = 4
"""Answers written at once."""
CONTEXT = 8192
"""The most tokens of a request with its answer; less where the model was trained on less."""
PREFIXES = 512
"""MiB of memory for the prefixes of prompts that no slot holds any more."""
AT_ONCE = 1.0
"""Seconds after a broken connection in which a child that died is known to have ended."""
_WORDS = re.compile(r"^[\d.]+ E +(?:\S+ +)?\S+: (.+)$", re.MULTILINE)
"""An error in llama.cpp's log: time, level, part and function come before it."""


class Place(NamedTuple):
    """Where the child serves, and the key that it asks for."""

    url: str
    key: str


class Server:
    """llama.cpp's server over one file.

    Args:
        path: the file.

    Attributes:
        users: models that ask it.
        failure: why it does not run; "" as long as it does.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.users, self.failure = path, 0, ""
        self._key, self._url = secrets.token_urlsafe(24), ""
        self._begun = time.monotonic()
        self._log: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed with the child.
        paths = os.pathsep.join(filter(None, sys.path))  # What is imported here is found there.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "apo.models.local.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            # Threads that wait must not spin: on a busy machine that made answers ten times slower.
            env={"OMP_WAIT_POLICY": "passive", **os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C in the terminal is for the run alone.
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def waiting(self) -> str:
        """How far the model is loaded, in words; "" once it is."""
        if self._url or self.failure:
            return ""
        size = self.path.stat().st_size
        share = min(99, 100 * _resident(self._process.pid) // max(1, size))
        seconds = time.monotonic() - self._begun
        return f"loading {self.path.name} ({size / 2**20:,.0f} MiB, {share} %, {seconds:.0f} s)"

    @property
    def pid(self) -> int:
        """The child's process."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the child has ended."""
        return self._process.poll() is not None

    def ends(self) -> bool:
        """Whether the child has ended or is about to: its connections break a moment before."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(AT_ONCE)
        return self.ended

    async def place(self) -> Place:
        """Wait until the model is loaded.

        Raises:
            SettingsError: llama.cpp cannot load it.
        """
        await asyncio.to_thread(self._listener.join)
        if not self._url:
            raise SettingsError(self.failure)
        return Place(self._url, self._key)

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text, as the model reads it.

        Raises:
            TransportError: the child does not answer.
        """
        url = f"{self._url.removesuffix('/v1')}/tokenize"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        # Not through a proxy: the environment's is not for this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        asked = urllib.request.Request(url, json.dumps({"content": text}).encode(), headers)  # noqa: S310 - http
        try:
            with opener.open(asked, timeout=60) as reply:
                found: list[int] = json.load(reply)["tokens"]
        except (OSError, ValueError, KeyError) as error:
            raise TransportError(f"llama.cpp gave no tokens ({error}).") from None
        return found

    def last_words(self) -> str:
        """What the child said before it ended, and how it did."""
        if self._log.closed:
            return "it was closed"
        self._log.seek(0)
        log = self._log.read().decode(errors="replace")
        said = _WORDS.search(log)
        lines = log.strip().splitlines()
        reason = said[1] if said else lines[-1] if lines else ""
        code = self._process.wait()
        if code < 0:
            reason += f" (killed by signal {-code}; 9 often means that there is no memory left)"
        return reason.strip() or f"exit status {code}"

    def close(self) -> None:
        """End the child."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            with suppress(OSError):  # What it never read cannot be written any more.
                if pipe is not None:
                    pipe.close()

    def _listen(self) -> None:
        """Hand over the settings, and take the URL, or the reason why there is none."""
        settings = {
            "path": str(self.path),
            "slots": SLOTS,
            "context": CONTEXT,
            "threads": n_threads(n_cpus()),
            "prefixes": PREFIXES,
            "key": self._key,
            "parent": os.getpid(),
        }
        url = b""
        with suppress(OSError):  # It ended at once.
            assert self._process.stdin is not None  # noqa: S101 - it is a pipe
            assert self._process.stdout is not None  # noqa: S101 - it is a pipe
            self._process.stdin.write(f"{json.dumps(settings)}\n".encode())
            self._process.stdin.flush()
            url = self._process.stdout.readline()
        if url.startswith(b"http"):
            self._url = url.decode().strip() + "/v1"
        else:
            self.failure = f"llama.cpp cannot load {self.path}: {self.last_words()}."


def n_threads(cpus: int) -> int:
    """Threads to count with: of many CPUs half, as two of them share one core's arithmetic."""
    return cpus if cpus <= 4 else cpus // 2


def _resident(pid: int) -> int:
    """Bytes of a process that are in memory; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


_servers: dict[Path, Server] = {}
_turn = threading.Lock()


def join(path: Path) -> Server:
    """Get the server of a file, starting it where none runs; `leave` it once for each."""
    with _turn:
        server = _servers.get(path)
        if server is None or server.failure or server.ended:
            users = server.users if server else 0
            if server:
                server.close()
            server = _servers[path] = Server(path)
            server.users = users
        server.users += 1
        return server


def leave(path: Path) -> None:
    """Be done with the server of a file; the last one ends it."""
    with _turn:
        server = _servers.get(path)
        if server is None:
            return
        server.users -= 1
        if server.users <= 0:
            del _servers[path]
            server.close()
