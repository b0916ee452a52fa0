"""Cells on machines that do not share the comparison's folder: their journals are sent home.

A cell there has a folder of its own. What it has written goes home every few seconds, whole, so
that the loss of its machine costs what was answered since; the next try begins with that.
"""

import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from apo.compare.cell import CellOutcome, run_cell
from apo.compare.flag import Flag
from apo.compare.grid import Cell, read_task
from apo.compare.spending import purse_path
from apo.files import write_whole
from apo.run.fit import fit_pools
from apo.storage.rows import open_for_reading

LOOK_SECONDS, SEND_SECONDS = 1.0, 5.0
HOME_SECONDS = 60
_JOURNAL = "journal.db"
Packed = dict[str, bytes]
"""Files by their path below a comparison's folder."""


class Home:
    """The comparison's folder, as an actor of Ray on the machine where the command was given.

    Args:
        root: the folder.
        flag: says whether cells go on.
    """

    def __init__(self, root: Path, flag: Flag) -> None:
        self._root, self._flag = root, flag

    def is_up(self) -> bool:
        """Whether cells go on."""
        return self._flag.is_up()

    def is_limited(self) -> bool:
        """Whether there are limits over all cells, which are counted in a file here."""
        return purse_path(self._root).exists()

    def give(self, run: str) -> Packed:
        """What a cell needs elsewhere: how data are split, and the run so far."""
        splits = self._root / "splits"
        kept = {
            str(path.relative_to(self._root)): path.read_bytes()
            for path in splits.rglob("*")
            if path.is_file()
        }
        return {**kept, **pack(self._root, run)}

    def take(self, packed: Packed) -> None:
        """Keep a run as it is elsewhere by now."""
        unpack(packed, self._root)


def pack(root: Path, run: str) -> Packed:
    """Read a run's files, the journal as it is at one moment; none if there is no run yet."""
    folder = root / "runs" / run
    packed = {
        str(path.relative_to(root)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(_JOURNAL)
    }
    if (folder / _JOURNAL).exists():
        with (
            closing(open_for_reading(folder / _JOURNAL)) as journal,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            journal.backup(copy)
            packed[f"runs/{run}/{_JOURNAL}"] = copy.serialize()
    return packed


def unpack(packed: Packed, root: Path) -> None:
    """Write files as `pack` gave them, each whole or not at all, the journals first."""
    for name in sorted(packed, key=lambda name: not name.endswith(_JOURNAL)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name == _JOURNAL:  # What lies beside it belongs to the one that it replaces.
            for end in ("-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
        write_whole(path, packed[name])


def run_away(cell: Cell, home: Any) -> CellOutcome:
    """Run a cell in a folder of this machine, and send home what it writes.

    Args:
        cell: its task and optimizer must be here as they are at home.
        home: the actor.
    """
    ray: Any = import_module("ray")
    if not ray.get(home.is_up.remote(), timeout=HOME_SECONDS):
        return CellOutcome("interrupted")
    if ray.get(home.is_limited.remote(), timeout=HOME_SECONDS):
        return CellOutcome(
            "failed",
            f"{os.uname().nodename} does not share the comparison's folder, where --grid-max-calls "
            "and --grid-max-usd are counted: share it, or leave these limits out.",
        )
    with tempfile.TemporaryDirectory(prefix="apo-cell-") as place:
        root, flag = Path(place), Flag.of(Path(place))
        given: Packed = ray.get(home.give.remote(cell.id), timeout=HOME_SECONDS)
        unpack(given, root)
        if other := _differs(cell, root):
            return CellOutcome("failed", other)
        with flag.up(), _sent(ray, home, cell.id, root, flag):
            return run_cell(cell, root, flag)


def _differs(cell: Cell, root: Path) -> str:
    """What is wrong with the task on this machine; "" for nothing."""
    where = f"on {os.uname().nodename} in {Path.cwd()}"
    try:
        task = fit_pools(read_task(cell.task, root), cell.budget.max_calls)
    except Exception as error:  # A user's own scorer may fail in any way.
        return f"The task cannot be read {where}: {error}"
    if task.fingerprint != cell.fingerprint:
        return f"The task {cell.task} holds other data {where} than where the command was given."
    return ""


@contextmanager
def _sent(ray: Any, home: Any, run: str, root: Path, flag: Flag) -> Generator[None]:
    """Send the run home meanwhile and at the end, and stop it when home says so or is gone."""
    over = threading.Event()
    last: list[Packed] = [{}]

    def send() -> None:
        packed = pack(root, run)
        if packed and packed != last[0]:
            ray.get(home.take.remote(packed), timeout=HOME_SECONDS)
            last[0] = packed

    def look() -> None:
        due = time.monotonic() + SEND_SECONDS
        while not over.wait(LOOK_SECONDS):
            try:
                if not ray.get(home.is_up.remote(), timeout=HOME_SECONDS):
                    flag.take_down()
                if (begun := time.monotonic()) >= due:
                    send()
                    now = time.monotonic()  # A large journal is sent less often.
                    due = now + max(SEND_SECONDS, 10 * (now - begun))
            except Exception:  # Whatever Ray raises: its head is out of reach.
                flag.take_down()  # Nobody keeps what is paid from here on.

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        send()
