"""The database of a joint search's study, by Optuna: how it is opened, and what if it restarts."""

import logging
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, urlsplit

from apo import RunError, Search, SettingsError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

_log = logging.getLogger(__name__)
T = TypeVar("T")
WAITS = (0.1, 0.3, 1.0, 3.0)
"""Seconds between tries to open a database whose tables others are making."""
PATIENCE = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 120.0)
"""Seconds between tries while a database does not answer: between four and five minutes."""
LOCK = 5_014_725_309
"""Key of the lock under which tables are made in PostgreSQL; any number that others do not take."""


def check_storage(storage: str) -> None:
    """Make sure that a storage's URL holds no password: it is written to the run's files.

    Raises:
        SettingsError: it holds one.
    """
    parts = urlsplit(storage)
    if parts.password or any("password" in key for key, _ in parse_qsl(parts.query)):
        raise SettingsError(
            f"JointSearch.storage holds the password of {parts.scheme}://…{parts.path}, and is "
            "written to the run's files. Leave the password out, and set PGPASSWORD or write it "
            "to ~/.pgpass (MySQL: an option file)."
        )


def is_away(error: BaseException | None) -> bool:
    """Whether a database did not answer, rather than refuse what was asked."""
    from sqlalchemy.exc import InterfaceError, OperationalError

    while error is not None:
        if isinstance(error, OperationalError | InterfaceError):
            return True
        error = error.__cause__ or error.__context__
    return False


async def patiently(search: Search, storage: str, do: Callable[[], T]) -> T:
    """Do something with a database again while it does not answer, as when it restarts.

    Args:
        search: the run, whose end or stop ends the waiting.
        storage: the database's URL.
        do: what is done; it may be done twice.

    It is told that it waits: where the run's time ends first, nothing else names the database.

    Raises:
        RunError: the database has not answered for minutes.
    """
    for wait in PATIENCE:
        try:
            return do()
        except Exception as error:  # Optuna wraps what the driver raises.
            if not is_away(error):
                raise
            _log.warning(
                "The database %s of the shared study does not answer, and is waited for: %s.",
                storage,
                first_line(error),
            )
        await search.wait(wait)
    try:
        return do()
    except Exception as error:
        if not is_away(error):
            raise
        raise RunError(
            f"The database {storage} of the shared study has not answered for "
            f"{sum(PATIENCE) / 60:.0f} minutes: {first_line(error)}. All answers are kept; when "
            "the database is back, go on with: "
            f"apo resume {search.folder.name if search.folder else 'RUN'}"
        ) from error


def first_line(error: BaseException) -> str:
    """What the driver said, without the SQL around it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().partition("\n")[0] or type(error).__name__


def open_database(url: str) -> "RDBStorage":
    """Open a database for Optuna, and make its tables where they are missing.

    Connections are tried before they are used, so that one from before a restart is replaced.
    Where processes that begin at once make tables at once all the same (not in PostgreSQL, where a
    lock keeps them apart), one of them fails, and finds the tables a moment later.

    Raises:
        SettingsError: there is no such database, or no way in.
    """
    from optuna.storages import RDBStorage

    checked = None if url.startswith("sqlite") else {"pool_pre_ping": True}
    with _alone(url):
        for wait in WAITS:
            try:
                return RDBStorage(url, engine_kwargs=checked)
            except Exception as error:
                if is_away(error) and not url.startswith("sqlite"):
                    raise
                time.sleep(wait)
        return RDBStorage(url, engine_kwargs=checked)


@contextmanager
def _alone(url: str) -> Generator[None]:
    """Hold PostgreSQL's lock for making tables; it goes with the connection."""
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SET lock_timeout = '60s'"))
                connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
            yield
    finally:
        engine.dispose()


def starting(error: BaseException | None) -> bool:
    """Whether a database said that it is starting or ending, and takes nobody yet or any more."""
    while error is not None:
        if str(getattr(error, "sqlstate", "")).startswith("57P0"):
            return True
        if any(word in str(error) for word in ("is starting up", "is shutting down")):
            return True
        error = error.__cause__ or error.__context__
    return False
