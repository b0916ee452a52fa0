"""The record of everything that a run paid for and found; also its checkpoint.

An SQLite database in write-ahead mode: what is committed survives `kill -9`, and a second
process may read while the run writes. `calls` holds one row per answered call, keyed by what was
asked; `events` holds candidates and evaluations in order, each under a key of its own, so that a
resumed run, which walks the same way again, adds nothing twice.
"""

import contextlib
import json
import os
import socket
import sqlite3
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from apo.errors import ContentFilterError, ContextLengthError, JournalError, ModelError
from apo.model import Usage

if TYPE_CHECKING:
    from filelock import FileLock

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY, role TEXT, model TEXT, request TEXT, reply TEXT, error TEXT,
    input_tokens INTEGER, output_tokens INTEGER, cached_tokens INTEGER,
    truncated INTEGER, retries INTEGER, seconds REAL, at REAL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, kind TEXT, key TEXT, body TEXT, UNIQUE (kind, key)
);
CREATE TABLE IF NOT EXISTS sessions (id INTEGER PRIMARY KEY, start REAL, last REAL);
"""
KEPT_ERRORS: dict[str, type[ModelError]] = {
    kind.__name__: kind for kind in (ContextLengthError, ContentFilterError)
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One answered call.

    Attributes:
        key: hash of what was asked.
        role: "task" or "optimizer".
        model: name of the model.
        request: what was asked, where it cannot be told from the candidate and the example.
        reply: the answer; None when the provider refused the request for good.
        error: class and text of that refusal.
        usage: tokens as the server counted them.
        truncated: the answer was cut short.
        retries: failed attempts before the answer.
        seconds: from the first attempt to the answer.
    """

    key: str
    role: str
    model: str
    request: str = ""
    reply: str | None = None
    error: str = ""
    usage: Usage = Usage()
    truncated: bool = False
    retries: int = 0
    seconds: float = 0.0

    def failure(self) -> ModelError:
        """Make the error that was recorded in place of an answer."""
        name, _, text = self.error.partition(": ")
        return KEPT_ERRORS[name](text)


class Event(NamedTuple):
    """Something that happened in the search; `body` holds JSON values."""

    seq: int
    kind: str
    key: str
    body: dict[str, Any]


class Journal:
    """A run's journal, open for writing by this process alone.

    Args:
        path: the database; None keeps it in memory.

    Raises:
        JournalError: another process holds it (its id is named), or it is damaged.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._ticked = time.time()
        try:
            self._lock = None if path is None else self._take(path)
        except OSError as error:
            raise JournalError(f"The journal {path} cannot be used: {error.strerror}.") from error
        try:
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
            try:
                self._session = self._set_up()
            except sqlite3.DatabaseError:
                self._db.close()
                raise
        except sqlite3.DatabaseError as error:
            self._release()
            raise JournalError(f"The journal {path} cannot be used: {error}.") from error

    def _set_up(self) -> int | None:
        """Make the tables where they are missing, and begin a session; returns its number."""
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        now = time.time()
        return self._db.execute(
            "INSERT INTO sessions (start, last) VALUES (?, ?)", (now, now)
        ).lastrowid

    def _take(self, path: Path) -> "FileLock":
        from filelock import FileLock, Timeout

        lock = FileLock(f"{path}.lock")
        owner = path.with_name(f"{path.name}.owner")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            who = owner.read_text(encoding="utf-8") if owner.exists() else "another process"
            raise JournalError(
                f"The run is in use by {who}. Wait for it to end, or stop it, and try again."
            ) from None
        owner.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        return lock

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def find(self, key: str) -> Entry | None:
        """Look up the answer to what has the key."""
        with _readable():
            row = self._db.execute(
                "SELECT key, role, model, request, reply, error, input_tokens, output_tokens, "
                "cached_tokens, truncated, retries, seconds FROM calls WHERE key = ?",
                (key,),
            ).fetchone()
        if row is None:
            return None
        return Entry(
            key=row[0], role=row[1], model=row[2], request=row[3], reply=row[4], error=row[5],
            usage=Usage(input_tokens=row[6], output_tokens=row[7], cached_tokens=row[8]),
            truncated=bool(row[9]), retries=row[10], seconds=row[11],
        )  # fmt: skip

    def add(self, entry: Entry) -> None:
        """Record an answered call; it is on its way to the disk when this returns.

        Raises:
            JournalError: the disk is full or cannot be written.
        """
        usage = entry.usage
        self._write(
            "INSERT OR IGNORE INTO calls VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (entry.key, entry.role, entry.model, _clean(entry.request), entry.reply, entry.error,
             usage.input_tokens, usage.output_tokens, usage.cached_tokens,
             entry.truncated, entry.retries, entry.seconds, time.time()),
        )  # fmt: skip

    def note(self, kind: str, key: str, body: dict[str, Any]) -> None:
        """Record an event, unless one of that kind and key is there already."""
        self._write(
            "INSERT OR IGNORE INTO events (kind, key, body) VALUES (?, ?, ?)",
            (kind, key, _json(body)),
        )

    def events(self) -> Iterator[Event]:
        """All events, in the order in which they happened."""
        return read_events(self._db)

    def lost(self) -> tuple[int, float]:
        """Tokens and dollars that failed attempts of all sessions may have taken."""
        lost = [event.body for event in self.events() if event.kind == "lost"]
        return sum(body["tokens"] for body in lost), sum(float(body["usd"]) for body in lost)

    def earlier_seconds(self) -> float:
        """Running time of the sessions before this one, in seconds."""
        with _readable():
            (seconds,) = self._db.execute(
                "SELECT TOTAL(MAX(last - start, 0)) FROM sessions WHERE id < ?", (self._session,)
            ).fetchone()
        return float(seconds)

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        try:
            self._db.execute(sql, values)
            self._tick()
        except sqlite3.Error as error:
            raise JournalError(
                f"The journal {self._path} cannot be written: {error}. "
                "All answers before this one are kept; free the disk and resume."
            ) from error

    def _tick(self, every: float = 1.0) -> None:
        """Note that the session is alive, so that a killed one has its running time counted."""
        now = time.time()
        if now - self._ticked >= every:
            self._ticked = now
            self._db.execute("UPDATE sessions SET last = ? WHERE id = ?", (now, self._session))

    def close(self) -> None:
        """Close the database and let go of the lock."""
        try:
            with contextlib.suppress(sqlite3.Error):  # Only the last moments' time is lost.
                self._tick(every=0)
            self._db.close()
        finally:
            self._release()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _clean(text: str) -> str:
    """Put a question mark for half a surrogate pair, which SQLite does not take."""
    return text.encode("utf-8", "replace").decode()


def _json(value: object) -> str:
    """Write JSON; halves of surrogate pairs, which SQLite does not take, as escapes."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text == _clean(text) else json.dumps(value)


def read_events(db: sqlite3.Connection, after: int = -1) -> Iterator[Event]:
    """Read events after a sequence number, in order, from a connection of one's own.

    Raises:
        JournalError: the journal is damaged.
    """
    with _readable():
        rows = db.execute(
            "SELECT seq, kind, key, body FROM events WHERE seq > ? ORDER BY seq", (after,)
        )
        for seq, kind, key, body in rows:
            yield Event(seq, kind, key, json.loads(body))


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a journal beside its writer.

    Raises:
        JournalError: there is none at the path.
    """
    if not path.exists():
        raise JournalError(f"There is no journal at {path}.")
    uri = f"{path.absolute().as_uri()}?mode=ro"  # as_uri, since "#" and "?" may be in a path.
    with _readable():
        return sqlite3.connect(uri, uri=True, check_same_thread=False)


@contextlib.contextmanager
def _readable() -> Generator[None]:
    """Say in words what sqlite and json raise over a damaged journal."""
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise JournalError(
            f"The journal is damaged and cannot be read: {error}. Start a new run."
        ) from error
