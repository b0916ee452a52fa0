"""Files in folders that may be of others: read only where they end, written only where they lie.

A pipe or a device in the place of a file would keep apo for ever, a file of terabytes of nothing
would fill the memory, and a link would lead what is written to another file of the user.
"""

import errno
import io
import os
import re
import secrets
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path

MB = 2**20
TEXT = 16 * MB
"""The longest file of settings, prompts or code that is read, in bytes."""
RESULTS = 256 * MB
"""The longest file of a run, or script or schema of a task, that is read, in bytes."""
DATA = 1024 * MB
"""The longest file of data that is read as a whole, in bytes."""
LINE = 64 * MB
"""The longest line of data, in characters."""


def require_file(path: Path, limit: int | None = None) -> None:
    """Make sure that a file, links followed, ends and is not too long.

    Args:
        path: the file.
        limit: in bytes; None for any size.

    Raises:
        OSError: there is none, it is no regular file or too long; `strerror` says it in words.
    """
    _require(os.stat(path), path, limit)


def _require(found: os.stat_result, path: Path, limit: int | None) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, and no file", str(path))
    if limit is not None and found.st_size > limit:
        said = f"it is {found.st_size / MB:,.0f} MB long, and the limit is {limit // MB:,} MB"
        raise OSError(errno.EFBIG, said, str(path))


def read_bytes(path: Path, limit: int = TEXT) -> bytes:
    """Read a file whole.

    Args:
        path: the file.
        limit: in bytes.

    Raises:
        OSError: it cannot be read, is no regular file or too long; `strerror` says it in words.
    """
    require_file(path)  # Before it is opened: to open a device may do something.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    with open(handle, "rb") as file:
        _require(os.fstat(handle), path, limit)
        return file.read(limit + 1)[:limit]


def read_text(
    path: Path, limit: int = TEXT, *, encoding: str = "utf-8", errors: str = "strict"
) -> str:
    """Read a text file whole; see `read_bytes`.

    Raises:
        OSError: as for `read_bytes`.
        UnicodeDecodeError: it is not of the encoding.
    """
    with io.TextIOWrapper(io.BytesIO(read_bytes(path, limit)), encoding, errors) as text:
        return text.read()


def write_whole(path: Path, text: str | bytes, *, errors: str = "strict") -> None:
    """Write a file whole or not at all, text in UTF-8; where a link lay, a file is afterwards.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    if path.name in ("", ".."):  # The root, the working folder, the one above it.
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(part, flags, 0o666)
    try:
        with open(handle, "wb") as file:
            file.write(text.encode(errors=errors) if isinstance(text, str) else text)
        os.replace(part, path)
    except BaseException:  # A cancellation too: no half of a file stays beside it.
        with suppress(OSError):
            part.unlink()
        raise


def write_out(path: Path, text: str) -> None:
    """Write a file that the user named: in the place of a link, too, but into a pipe or a device.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        path.write_text(text, encoding="utf-8")
    else:
        write_whole(path, text)


def require_own(path: Path) -> None:
    """Make sure that what will be written to in its place, such as a database, is no link or pipe.

    Raises:
        OSError: it is one; `strerror` says it in words.
    """
    require_no_link(path)
    with suppress(FileNotFoundError):
        require_file(path)


def require_no_link(path: Path) -> None:
    """Make sure that a path is no link, whatever else it is.

    Raises:
        OSError: it is one; `strerror` says it in words.
    """
    if path.is_symlink():
        raise OSError(
            errno.ELOOP, "it is a link, and apo writes to no file that one leads to", str(path)
        )


def require_own_database(path: Path) -> None:
    """Make sure that SQLite will write to no other file, neither in a database nor beside it.

    Raises:
        OSError: as for `require_own`.
    """
    for beside in ("", "-wal", "-shm", "-journal"):
        require_own(path.with_name(path.name + beside))


_PLAIN = re.compile(r"CREATE (TABLE|(UNIQUE )?INDEX) ", re.IGNORECASE)


def require_tables(
    database: sqlite3.Connection, schema: str = "main", *, besides: re.Pattern[str] | None = None
) -> None:
    """Make sure that a database holds rows, and nothing that computes when it is used.

    A view of a stranger's database may count for ever in the place of a table, a trigger may do
    so with each row that is written, and no signal ends it. Its cells are limited in length, too.

    Args:
        database: an open connection.
        schema: the name that an attached one has there.
        besides: what else it may hold, by the beginning of its SQL.

    Raises:
        sqlite3.DatabaseError: it holds something else, which is named, or is damaged.
    """
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, RESULTS)
    # What SQLite makes of an entry is decided by its text alone, whatever it says that it is.
    entries = database.execute(
        f"SELECT name, sql FROM {schema}.sqlite_master WHERE sql <> ''"  # noqa: S608 - apo's word
    )
    columns = "SELECT 1 FROM pragma_table_xinfo(?, ?) WHERE hidden > 1"
    for name, text in entries.fetchall():
        if besides is not None and besides.match(str(text)):
            continue
        plain = _PLAIN.match(str(text)) is not None
        if not plain or database.execute(columns, (name, schema)).fetchone() is not None:
            raise sqlite3.DatabaseError(
                f"{str(name)[:60]!r} in it computes when it is used, and only tables are read"
            )
