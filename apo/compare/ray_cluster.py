"""Whether a Ray cluster lives: before a grid is given to it, and while it runs.

Ray itself waits a minute for a part of it that died, longer for one that is frozen, and then ends
the process that asked.
"""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from apo.errors import RunError, SettingsError

CONNECT_SECONDS, PROBE_SECONDS = 10, 30
SILENT_SECONDS, WORKER_SECONDS = 30.0, 60.0  # The first less than the 60 s of Ray itself.
BEAT_SECONDS = 2.0
KEPT = (
    "What was finished or paid is kept: the same command goes on with the rest, also without --on."
)
START = "Start one with `ray start --head`, or let --on ray without an address start its own."
_MEND = "See what `ray status` says, then end and start it again: `ray stop`, `ray start`."
_AUTHENTICATE = (
    "The cluster asks for a token: set RAY_AUTH_MODE=token, and its token in ~/.ray/auth_token or "
    "RAY_AUTH_TOKEN; on every machine the same."
)
_PROBE = """
import logging, sys, ray
try:
    ray.init(sys.argv[1], log_to_driver=False, logging_level=logging.CRITICAL)
except Exception as error:
    sys.exit(f"{error}. {error.__cause__ or ''}")
"""


def check_cluster(address: str) -> None:
    """Knock at a cluster, and have a process of its own join it, which can be ended.

    Args:
        address: HOST:PORT, or "auto" for the one that runs on this machine.

    Raises:
        SettingsError: the address is none.
        RunError: nobody answers there, or not all of Ray does.
    """
    if address != "auto":
        _knock(address)
    # Ray reads these when it is imported; without them it waits a minute for a dead raylet.
    limits = {"RAY_gcs_server_request_timeout_seconds": "8", "RAY_NUM_REDIS_GET_RETRIES": "8"}
    started = time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603 (our own words)
            [sys.executable, "-P", "-c", _PROBE, address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            env={**limits, **os.environ},
            check=False,
        )
        said, works = done.stderr, done.returncode == 0
    except subprocess.TimeoutExpired as late:
        said, works = late.stderr or b"", False
    if not works:
        raise _half_dead(address, said.decode(errors="replace"), time.monotonic() - started)


def _knock(address: str) -> None:
    host, _, port = address.rpartition(":")
    if "/" in host or not host or not port.isdecimal():
        raise SettingsError(
            f"The address of Ray is {address!r}; it must be HOST:PORT, as `ray start --head` "
            "says it, or auto. A ray:// address is for clients outside of the cluster: run apo "
            "compare on one of its machines, which share the folder."
        )
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise RunError(f"No Ray answers at {address}: {error}. {START} {KEPT}") from error


def _half_dead(address: str, said: str, seconds: float) -> RunError:
    """Say what did not answer, from what Ray says of it."""
    if "Could not find any running Ray" in said:
        return RunError(f"No Ray runs on this machine. {START} {KEPT}")
    where = f"Ray at {address} cannot be used; tried for {seconds:.0f} s."
    if "AuthToken" in said or "authentication token" in said:
        return RunError(f"{where} {_AUTHENTICATE}")
    if "No node info found" in said:
        what = (
            "Its head answers, but no raylet of it lives on this machine, and a command is given "
            f"on a machine of the cluster. {_MEND}"
        )
    elif "Failed to connect to GCS" in said or not said.strip():
        what = f"Its port is open, but its head (the GCS) does not answer. {_MEND}"
    else:
        last = re.sub(r"^\[.*?\] ", "", said.strip().splitlines()[-1])
        what = f"Ray says: {last}"
    return RunError(f"{where} {what} {KEPT}")


class Pulse:
    """Asks a cluster's head all the time, in a thread, since an answer may never come.

    Args:
        ray: the module, connected.
        address: what the cluster is called.
        first: what a worker is to give that takes no CPU by Ray's count, so that a cluster that
            is only busy gives it.
    """

    def __init__(self, ray: Any, address: str, first: Any) -> None:
        self._ray, self._address = ray, address
        self._begun = self._answered = time.monotonic()
        self._first = first
        self._ended = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def check(self) -> None:
        """Make sure that the head answers, and that the cluster runs anything at all.

        Raises:
            RunError: not for so long that there is no hope.
        """
        now = time.monotonic()
        if now - self._answered > SILENT_SECONDS:
            raise RunError(
                f"The head (the GCS) of Ray at {self._address} has not answered for "
                f"{now - self._answered:.0f} s. {_MEND} {KEPT}"
            )
        if self._first is not None and now - self._begun > WORKER_SECONDS:
            raise RunError(
                f"Ray at {self._address} has started no worker for {now - self._begun:.0f} s. "
                f"{_MEND} {KEPT}"
            )

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                self._ray.nodes()
                if self._first is not None and self._ray.wait([self._first], timeout=0)[0]:
                    self._first = None
            except Exception:  # noqa: S112 - Whatever Ray raises, it is no answer.
                continue
            self._answered = time.monotonic()
