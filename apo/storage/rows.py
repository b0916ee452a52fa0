"""What a journal holds: its tables, its entries and events, and reading them beside the writer."""

import contextlib
import json
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from apo.errors import FINAL, JournalError, ModelError
from apo.files import require_file, require_no_link, require_tables
from apo.secrecy import redact
from apo.storage.shapes import EVENTS, require
from apo.usage import Usage

NEW = "Start a new run."
KEPT_ERRORS: dict[str, type[ModelError]] = {kind.__name__: kind for kind in FINAL}


class Entry(NamedTuple):
    """One answered call; a tuple, since a replay makes tens of thousands of them a second.

    Attributes:
        key: hash of what was asked.
        role: "task", "optimizer", "fallback" or "judge".
        model: name of the model.
        request: what was asked, where it cannot be told from the candidate and the example.
        reply: the answer; None when the provider refused the request for good.
        error: class and text of that refusal.
        usage: tokens as the server counted them.
        truncated: the answer was cut short.
        retries: failed attempts before the answer.
        seconds: of the attempt that was answered, on the wire; where `waited` is None, as earlier
            versions of apo timed it: from asking on, with the time in apo's own queue.
        reused: the answer was paid for by another run.
        thinking: what the model thought before the answer.
        at: when it was answered, in seconds since the epoch; 0 before the journal has it.
        served: what the server said that answered: its name for the model, and the fingerprint of
            what runs it; "" where it does not say.
        waited: seconds from asking until that attempt was sent: for a turn, for the budget, and
            with attempts that failed; None where it was not told apart.
        bound: the longest answer that was asked for, in tokens, thinking included; None for the
            server's own limit, or where an earlier version of apo did not note it.
        logprob: the mean log-probability of the answer's tokens, in nats, where the prompt asked
            for them; None where it did not, or the server gave none.
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
    reused: bool = False
    thinking: str = ""
    at: float = 0.0
    served: str = ""
    waited: float | None = None
    bound: int | None = None
    logprob: float | None = None

    def failure(self) -> ModelError:
        """Make the error that was recorded in place of an answer."""
        name, _, text = self.error.partition(": ")
        kind = KEPT_ERRORS.get(name)
        if kind is None:
            raise JournalError(f"The journal holds an error of no known kind: {name!r:.80}.")
        return kind(text)


class Event(NamedTuple):
    """Something that happened in the search; `body` holds JSON values."""

    seq: int
    kind: str
    key: str
    body: dict[str, Any]


def checksum(values: list[Any]) -> int:
    """Tell whether a row is as it was written."""
    return zlib.crc32(repr(values).encode("utf-8", "surrogatepass"))


def read_entry(row: tuple[Any, ...]) -> Entry:
    """Read a row of `FIND`."""
    key, role, model, request, reply, error, read, written, cached, cut, tries, took, reused = row[
        :13
    ]
    thinking, thought, at, served, waited, bound, logprob = row[13:]
    return Entry(
        key, role, model, request, reply, error, Usage(read, written, cached, thought), bool(cut),
        tries, took, bool(reused), thinking, at, served, waited, bound,
        logprob,
    )  # fmt: skip


def clean(text: str) -> str:
    """Make a text fit to be kept: without the keys that are known here, and without halves of
    surrogate pairs, which SQLite does not take; for such a half stands a question mark.
    """
    return redact(text.encode("utf-8", "replace").decode())


def write_json(value: object) -> str:
    """Write JSON without known keys; halves of surrogate pairs as escapes."""
    text = json.dumps(value, ensure_ascii=False)
    whole = text == text.encode("utf-8", "replace").decode()
    return redact(text if whole else json.dumps(value))


def read_events(
    db: sqlite3.Connection, after: int = -1, kind: str | None = None
) -> Iterator[Event]:
    """Read events after a sequence number, in order, from a connection of one's own.

    Args:
        db: an open journal.
        after: the sequence number.
        kind: only events of this kind; None for all.

    Raises:
        JournalError: the journal is damaged.
    """
    with readable():
        rows = db.execute(
            "SELECT seq, kind, key, body FROM events "
            "WHERE seq > ? AND (? IS NULL OR kind = ?) ORDER BY seq",
            (after, kind, kind),
        )
        for seq, kind_, key, text in rows:
            body = json.loads(text)
            require(body, EVENTS.get(kind_, {}), f"event {seq}", JournalError)
            yield Event(seq, kind_, key, body)


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a journal beside its writer; also where nothing can be written, as on a CD.

    Raises:
        JournalError: there is none at the path, or it may not be read.
    """
    if not path.exists():
        raise JournalError(f"There is no journal at {path}.")
    try:
        require_file(path)
        for beside in ("-wal", "-shm"):  # SQLite may write there all the same.
            require_no_link(path.with_name(path.name + beside))
        path.open("rb").close()
        with readable():
            database = _connect(path)
            try:
                require_tables(database)
            except sqlite3.OperationalError as error:
                database.close()
                if error.sqlite_errorname.split("_")[1] not in ("CANTOPEN", "READONLY"):
                    raise
                return _copied(path)
            except BaseException:  # Whatever it was: no handle may stay open.
                database.close()
                raise
            return database
    except OSError as error:
        raise JournalError(f"The journal {path} cannot be read: {error.strerror}.") from error


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"  # as_uri, since "#" and "?" may be in a path.
    return sqlite3.connect(uri, uri=True, check_same_thread=False)


def _copied(path: Path) -> sqlite3.Connection:
    """Read a journal into memory: to read it in its place, SQLite would write beside it.

    The file beside it that a killed run has left holds answers as well, so it comes along.
    """
    with tempfile.TemporaryDirectory(prefix="apo-journal-") as folder:
        for beside in ("", "-wal"):
            source = path.with_name(path.name + beside)
            if source.exists():
                shutil.copyfile(source, Path(folder, "journal.db" + beside))
        found = sqlite3.connect(":memory:", check_same_thread=False)
        with contextlib.closing(sqlite3.connect(Path(folder, "journal.db"))) as copy:
            copy.backup(found)
    require_tables(found)
    return found


@contextlib.contextmanager
def readable() -> Generator[None]:
    """Say in words what sqlite and json raise over a damaged journal."""
    try:
        yield
    except (sqlite3.Error, ValueError, TypeError, RecursionError) as error:
        raise JournalError(
            f"The journal is damaged and cannot be read: {error}. Start a new run."
        ) from error
