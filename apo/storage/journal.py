"""The record of everything that a run paid for and found; also its checkpoint.

An SQLite database in write-ahead mode: what is committed survives `kill -9`, and a second
process may read while the run writes. `calls` holds one row per answered call, keyed by what was
asked; `events` holds candidates and evaluations in order, each under a key of its own, so that a
resumed run, which walks the same way again, adds nothing twice.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson

from apo.errors import JournalError
from apo.secrecy import redact
from apo.storage.opening import set_up, share, sharing, take_lock
from apo.storage.rows import (
    Entry,
    Event,
    checksum,
    clean,
    open_for_reading,
    read_entry,
    read_events,
    readable,
    write_json,
)
from apo.storage.shapes import NUMBER, require
from apo.storage.tables import (
    ADD,
    FIND,
    LEAVE,
    REPLACE,
    REUSE,
)
from apo.usage import Usage

if TYPE_CHECKING:
    pass


class Journal:
    """A run's journal, open for writing by this process alone.

    Args:
        path: the database; None keeps it in memory.
        shared: a database of answers that runs leave each other; None for none.
        fresh: whether it may be empty; a run that had begun has something in its journal.

    Raises:
        JournalError: another process holds it (its id is named), it is damaged or empty, or
            another version of apo made it.
    """

    def __init__(
        self, path: Path | None = None, shared: Path | None = None, *, fresh: bool = True
    ) -> None:
        self._path, self._open = path, True
        self._begun = self._ticked = time.monotonic()
        self._came: dict[str, float] = {}
        try:
            self._lock = None if path is None else take_lock(path)
        except OSError as error:
            raise JournalError(f"The journal {path} cannot be used: {error.strerror}.") from error
        try:
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
            try:
                self._session = set_up(self._db, path, fresh=fresh)
                self._shared = shared
                if shared is not None:
                    share(self._db, shared)
            except BaseException:  # Whatever it was: no handle may stay open.
                self._db.close()
                raise
        except sqlite3.DatabaseError as error:
            self._release()
            raise JournalError(f"The journal {path} cannot be used: {error}.") from error
        except BaseException:  # Nor may the lock, which would keep others out.
            self._release()
            raise

    @classmethod
    def copy_of(cls, path: Path) -> "Journal":
        """A journal in memory with the answers of one that may be read only.

        Raises:
            JournalError: it is damaged, or another version of apo made it.
        """
        copy = cls()
        with contextlib.closing(open_for_reading(path)) as kept, readable():
            kept.backup(copy._db)
        copy._path, copy._session = path, set_up(copy._db, path, fresh=True)
        return copy

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def find(self, key: str) -> Entry | None:
        """Look up this run's answer to what has the key; what others left `find_all` takes over."""
        return self._find([key]).get(key)

    def find_all(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Look up the answers to what has these keys; those that are not there are left out."""
        if self._shared is not None:
            with sharing(self._shared):
                self._db.execute(REUSE, (orjson.dumps(keys).decode(),))
        return self._find(keys)

    def _find(self, keys: Sequence[str]) -> dict[str, Entry]:
        with readable():
            # In the order of the table, which takes half the time.
            rows = self._db.execute(FIND, (orjson.dumps(sorted(keys)).decode(),)).fetchall()
            return {row[0]: read_entry(row) for row in rows}

    def add(self, entry: Entry) -> Entry:
        """Record an answered call; it is on its way to the disk when this returns.

        Returns:
            The entry as it is kept, and as a resumed run finds it: without known keys.

        Raises:
            JournalError: the disk is full or cannot be written.
        """
        return self._put(ADD, entry)

    def replace(self, entry: Entry) -> Entry:
        """Record an answer in the place of one to the same that was cut; as for `add`."""
        return self._put(REPLACE, entry)

    def _put(self, sql: str, entry: Entry) -> Entry:
        usage = entry.usage
        entry = entry._replace(
            request=clean(entry.request),
            reply=None if entry.reply is None else redact(entry.reply),
            error=redact(entry.error),
            thinking=clean(entry.thinking),
            at=entry.at or time.time(),
            served=clean(entry.served),
        )
        self._came[entry.key] = time.monotonic() - self._begun
        self._write(
            sql,
            (entry.key, entry.role, entry.model, entry.request, entry.reply, entry.error,
             usage.input_tokens, usage.output_tokens, usage.cached_tokens,
             entry.truncated, entry.retries, entry.seconds, entry.at,
             checksum([entry.key, entry.model, entry.reply, entry.error, usage.input_tokens,
                   usage.output_tokens, usage.cached_tokens]),
             entry.thinking, usage.thinking_tokens, entry.served, entry.waited, entry.bound,
             entry.logprob),
        )  # fmt: skip
        return entry

    def note(self, kind: str, key: str, body: dict[str, Any]) -> None:
        """Record an event, unless one of that kind and key is there already."""
        text = write_json(body)
        self._write(
            "INSERT OR IGNORE INTO events (kind, key, body, crc) VALUES (?, ?, ?, ?)",
            (kind, key, text, checksum([kind, key, text])),
        )

    def forget(self, kind: str) -> None:
        """Take back the events of one kind, which no longer hold."""
        self._write("DELETE FROM events WHERE kind = ?", (kind,))

    def events(self, after: int = -1) -> Iterator[Event]:
        """All events after a sequence number, in the order in which they happened.

        Of a journal that was closed from its file; where it was in memory, there are none any more.
        """
        if self._open:
            yield from read_events(self._db, after)
        elif self._path is not None:
            with contextlib.closing(open_for_reading(self._path)) as kept:
                yield from read_events(kept, after)

    def lost(self) -> tuple[int, float]:
        """Tokens and dollars that failed attempts of all sessions may have taken."""
        lost = [event.body for event in read_events(self._db, kind="lost")]
        for body in lost:
            require(body, {"tokens": int, "usd": NUMBER}, "a lost call", JournalError)
        return sum(body["tokens"] for body in lost), sum(float(body["usd"]) for body in lost)

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of the events of one kind, in the order of their keys: whoever came first."""
        return [event.body for event in sorted(read_events(self._db, kind=kind), key=_key)]

    def taken(self) -> list[tuple[str, int, Usage]]:
        """By model, how many calls were answered, and the tokens that they took together."""
        with readable():
            rows = self._db.execute(
                "SELECT model, COUNT(*), TOTAL(input_tokens), TOTAL(output_tokens), "
                "TOTAL(cached_tokens) FROM main.calls GROUP BY model"
            ).fetchall()
        return [(row[0], row[1], Usage(*map(int, row[2:]))) for row in rows]

    def times(self) -> list[tuple[float | None, float]]:
        """When each call was answered here, and how long it took on the wire, in seconds.

        The first by a clock that nobody sets, from when the journal was opened; None if before.
        """
        with readable():
            rows = self._db.execute(
                "SELECT key, seconds FROM main.calls WHERE error = '' AND NOT reused"
            ).fetchall()
        return [(self._came.get(key), seconds) for key, seconds in rows]

    def earlier_seconds(self) -> float:
        """Running time of the sessions before this one, in seconds, without that of reviews."""
        with readable():
            (seconds,) = self._db.execute(
                "SELECT TOTAL(MAX(last - start, 0)) FROM sessions WHERE id < ?", (self._session,)
            ).fetchone()
        reviews = read_events(self._db, kind="review")
        return float(seconds) - sum(float(event.body["seconds"]) for event in reviews)

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
        """Note how long the session has run, so that the time of a killed one is counted.

        By a clock that nobody sets: `last` is as long after `start`, whatever the time of day is.
        """
        now = time.monotonic()
        if now - self._ticked >= every:
            self._ticked = now
            self._db.execute(
                "UPDATE sessions SET last = start + ? WHERE id = ?",
                (now - self._begun, self._session),
            )

    def close(self) -> None:
        """Close the database and let go of the lock."""
        try:
            with contextlib.suppress(sqlite3.Error):  # Only the last moments' time is lost.
                self._tick(every=0)
                if self._shared is not None:
                    self._db.execute(LEAVE)
            self._db.close()
            self._open = False
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


def _key(event: Event) -> str:
    return event.key
