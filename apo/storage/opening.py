"""Opening a journal for writing: its lock, its tables, and the answers that other runs left."""

import contextlib
import itertools
import os
import socket
import sqlite3
import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from apo.errors import JournalError
from apo.files import read_text, require_own_database, require_tables, write_whole
from apo.storage.rows import NEW, checksum
from apo.storage.tables import ALL_CALLS, ALL_EVENTS, LATER, SCHEMA, VERSION

if TYPE_CHECKING:
    from filelock import FileLock

_PATIENCE = 30.0
"""Seconds that processes wait for one another when they open the same answers."""


def take_lock(path: Path) -> "FileLock":
    """Keep other processes out of a journal.

    Raises:
        JournalError: one is in it already; it is named.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(f"{path}.lock")
    owner = path.with_name(f"{path.name}.owner")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        try:
            who = read_text(owner)
        except (OSError, ValueError):
            who = "another process"
        raise JournalError(
            f"The run is in use by {who}. Wait for it to end, or stop it, and try again."
        ) from None
    try:
        write_whole(owner, f"process {os.getpid()} on {socket.gethostname()}")
        require_own_database(path)
    except BaseException:  # Whatever it was: a lock of nobody would keep others out.
        lock.release()
        raise
    return lock


def set_up(db: sqlite3.Connection, path: Path | None, *, fresh: bool) -> int | None:
    """Make the tables where they are missing, and begin a session.

    Args:
        db: the journal.
        path: of it, for messages.
        fresh: whether it may be empty.

    Returns:
        The number of the session.

    Raises:
        JournalError: it is damaged or empty, or another version of apo made it.
    """
    require_tables(db)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'calls'").fetchone() is not None:
        _check(db, path)
    elif not fresh:
        raise JournalError(f"The journal {path} is empty, though the run had begun. {NEW}")
    db.executescript(f"{SCHEMA} PRAGMA user_version = {VERSION};")
    _add_later_columns(db, "main")
    now = time.time()
    return db.execute("INSERT INTO sessions (start, last) VALUES (?, ?)", (now, now)).lastrowid


def _check(db: sqlite3.Connection, path: Path | None) -> None:
    """Make sure that it is whole: an altered byte would be a wrong score, or paid again."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        raise JournalError(
            f"The journal {path} is of another version of apo ({version} for {VERSION}) "
            f"and cannot be gone on with. Its results can be read. {NEW}"
        )
    (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
    rows = itertools.chain(db.execute(ALL_CALLS), db.execute(ALL_EVENTS))
    if said != "ok" or any(crc != checksum(values) for crc, *values in rows):
        raise JournalError(f"Bytes of the journal {path} were altered. {NEW}")


def _add_later_columns(db: sqlite3.Connection, schema: str) -> None:
    """Give the calls of an earlier version of apo the columns that came later."""
    there = {row[1] for row in db.execute(f"PRAGMA {schema}.table_info(calls)")}
    for name in LATER.keys() - there:
        db.execute(f"ALTER TABLE {schema}.calls ADD COLUMN {name} {LATER[name]}")


def _into_wal(db: sqlite3.Connection) -> None:
    """Let the answers be read while they are written; others may be doing so at this moment.

    SQLite does not wait for them here, whatever its time-out says.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            db.execute("PRAGMA shared.journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def share(db: sqlite3.Connection, path: Path) -> None:
    """Open the answers that other runs left beside a journal; several processes may, at once.

    Raises:
        JournalError: they are damaged, or another version of apo left them.
    """
    calls = SCHEMA.partition(";")[0].replace("calls", "shared.calls", 1)
    db.execute("PRAGMA busy_timeout = 30000")
    with sharing(path):
        require_own_database(path)
        db.execute("ATTACH ? AS shared", (str(path),))
        require_tables(db, "shared")
        _into_wal(db)
        (version,) = db.execute("PRAGMA shared.user_version").fetchone()
        made = db.execute("SELECT 1 FROM shared.sqlite_master").fetchone()
        if made and version != VERSION:
            raise sqlite3.DatabaseError(f"of another version of apo: {version}, not {VERSION}")
        db.execute("BEGIN IMMEDIATE")  # Both or neither, whoever else makes them now.
        db.execute(calls)
        db.execute(f"PRAGMA shared.user_version = {VERSION}")
        _add_later_columns(db, "shared")
        db.execute("COMMIT")


@contextlib.contextmanager
def sharing(path: Path) -> Generator[None]:
    """Say in words what sqlite raises over damaged answers of other runs."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise JournalError(
            f"The answers of earlier runs in {path} cannot be used: {said}. Go on without "
            "--reuse, or delete the file: each run keeps its own answers all the same."
        ) from error
