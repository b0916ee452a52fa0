"""What SQL of a task or of an answer may do: build tables in memory, or read, for so long."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

_ALLOWED: Final = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
# What they give changes from call to call, or reaches out of the database.
_FORBIDDEN_FUNCTIONS: Final = {"random", "randomblob", "load_extension", "fts3_tokenizer"}
_PRAGMAS: Final = {"foreign_keys", "user_version", "application_id", "encoding"}
_TABLES: Final = {"fts3", "fts4", "fts5", "rtree"}  # Virtual ones that stay in the database.
_OUTSIDE: Final = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}
_BUILD_SECONDS = 60.0  # for a schema script
_MAX_PAGES = 65_536  # of 4 kB: 256 MB
_MAX_CELL = 1_000_000  # bytes
_STEPS = 1000  # of SQLite's machine between two looks at the clock


@contextmanager
def building(db: sqlite3.Connection) -> Generator[None]:
    """Let a script build tables in memory, and do nothing else, for so long."""
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute(f"PRAGMA max_page_count = {_MAX_PAGES}")
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10 * _MAX_CELL)
    db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    end = time.monotonic() + _BUILD_SECONDS
    db.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    db.set_authorizer(_authorize_building)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            most = _MAX_PAGES * 4096 // 2**20
            raise sqlite3.OperationalError(f"it takes more than {most} MB") from error
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        raise sqlite3.OperationalError(f"it takes longer than {_BUILD_SECONDS:g} s") from error
    except sqlite3.DatabaseError as error:
        if "authoriz" not in str(error):
            raise
        raise sqlite3.DatabaseError(
            f"{error}: it may build tables in memory, but not ATTACH files, load extensions, or "
            f"set pragmas other than {', '.join(sorted(_PRAGMAS))}"
        ) from error
    finally:
        db.set_progress_handler(None, 0)
        db.set_authorizer(None)


def _authorize_building(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    refused = (
        action in _OUTSIDE
        or (action == sqlite3.SQLITE_PRAGMA and (first or "").lower() not in _PRAGMAS)
        or (action == sqlite3.SQLITE_CREATE_VTABLE and (second or "").lower() not in _TABLES)
        or (
            action == sqlite3.SQLITE_FUNCTION
            and (second or "").lower() in ("load_extension", "fts3_tokenizer")
        )
    )
    return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK


def _authorize(action: int, _: str | None, function: str | None, *__: str | None) -> int:
    if action not in _ALLOWED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (function or "").lower() in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


@contextmanager
def reading(db: sqlite3.Connection, seconds: float) -> Generator[None]:
    """Let a connection only read, for so long."""
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_CELL)
    db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    db.text_factory = _text
    end = time.monotonic() + seconds
    db.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    db.set_authorizer(_authorize)
    try:
        yield
    except ValueError as error:  # Half of a surrogate pair in the query.
        raise sqlite3.DataError(str(error)) from error
    except sqlite3.OperationalError as error:
        if str(error) != "interrupted":
            raise
        raise sqlite3.OperationalError(f"it takes longer than {seconds:g} s") from error


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
