"""What several runs may spend together: a file that the processes of all of them share."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from apo.calls.ending import Ending
from apo.errors import RunError, SettingsError, SharedBudgetExhausted
from apo.files import require_own_database

LOOK = 0.05
"""Seconds between two looks at whether calls under way elsewhere have left room."""
_TABLES = """
CREATE TABLE limits (max_calls INTEGER, max_usd REAL);
CREATE TABLE runs (run TEXT PRIMARY KEY, calls INTEGER, usd REAL, busy INTEGER, bound REAL);
"""


class Taken(NamedTuple):
    """Answered calls, and US dollars."""

    calls: int
    usd: float


@dataclass
class Slip:
    """What one attempt at a call took; filled in by whoever makes it."""

    calls: int = 0
    usd: float = 0.0


class Purse:
    """The limits that runs share, seen from one of them.

    A call is admitted when the limits hold even if it and all calls under way take their most. So
    answered calls never pass the limit, and dollars only where a call takes more than it can.

    Args:
        path: of the file, as `Purse.fill` made it.
        run: whose calls are counted here.
    """

    def __init__(self, path: Path, run: str) -> None:
        self._path, self._run = path, run

    @staticmethod
    def fill(
        path: Path, max_calls: int | None, max_usd: float | None, spent: Mapping[str, Taken]
    ) -> None:
        """Make the file anew, with what the runs have spent so far, by run; nothing is under way.

        Without a limit there is no file.

        Raises:
            RunError: what lies beside it is a link.
        """
        path.unlink(missing_ok=True)
        if max_calls is None and max_usd is None:
            return
        try:
            require_own_database(path)
        except OSError as error:
            raise RunError(f"{error.filename} cannot be used: {error.strerror}.") from error
        with closing(sqlite3.connect(path)) as db, db:
            db.executescript(_TABLES)
            db.execute("INSERT INTO limits VALUES (?, ?)", (max_calls, max_usd))
            rows = [(run, *taken, 0, 0.0) for run, taken in spent.items()]
            db.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", rows)

    def begin(self, spent: Taken) -> None:
        """Take up a run of which nothing is under way any more, whatever became of its process."""
        with self._open() as db:
            known = db.execute("SELECT usd FROM runs WHERE run = ?", (self._run,)).fetchone()
            usd = max(spent.usd, known[0] if known else 0.0)  # Lost attempts are in the latter.
            values = (self._run, spent.calls, usd)
            db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, 0, 0.0)", values)

    async def take(self, usd: float | None) -> None:
        """Set one call aside, and its bound; wait while calls under way may leave room.

        Raises:
            SharedBudgetExhausted: it does not fit, and nothing is under way.
            SettingsError: dollars are limited, and the price is unknown.
        """
        while not self._try(usd):  # noqa: ASYNC110 (it is another process that makes room)
            await asyncio.sleep(LOOK)

    def settle(self, usd: float | None, slip: Slip) -> None:
        """Count what the call took in place of what was set aside for it."""
        with self._open() as db:
            db.execute(
                "UPDATE runs SET calls = calls + ?, usd = usd + ?, busy = busy - 1, "
                "bound = CASE busy WHEN 1 THEN 0.0 ELSE bound - ? END WHERE run = ?",
                (slip.calls, slip.usd, usd or 0.0, self._run),
            )

    def _try(self, usd: float | None) -> bool:
        with self._open() as db:
            max_calls, max_usd = db.execute("SELECT max_calls, max_usd FROM limits").fetchone()
            calls, spent, busy, bound = db.execute(
                "SELECT TOTAL(calls), TOTAL(usd), TOTAL(busy), TOTAL(bound) FROM runs"
            ).fetchone()
            if max_usd is not None and usd is None:
                raise SettingsError("A shared limit in dollars needs a price for every model.")
            many = max_calls is not None and calls + busy + 1 > max_calls
            dear = max_usd is not None and spent + bound + (usd or 0.0) > max_usd
            if not (many or dear):
                db.execute(
                    "UPDATE runs SET busy = busy + 1, bound = bound + ? WHERE run = ?",
                    (usd or 0.0, self._run),
                )
                return True
            if busy:
                return False
        said = f"{calls:,.0f} of {max_calls:,} calls" if many else f"${spent:,.4f} of ${max_usd:,g}"
        more = "" if many else f", and one more call may take ${usd:,.4f}"
        raise SharedBudgetExhausted(f"{said} are spent by all runs together{more}.")

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        """The file, for this process alone meanwhile."""
        try:
            with closing(sqlite3.connect(self._path, timeout=60, isolation_level=None)) as db:
                # What a failing machine loses here stands in the journals.
                db.execute("PRAGMA synchronous = OFF")
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
        except sqlite3.Error as error:
            raise RunError(f"The shared budget in {self._path} cannot be kept: {error}.") from error


@asynccontextmanager
async def taken(purse: Purse | None, usd: float | None, ending: Ending) -> AsyncGenerator[Slip]:
    """Have one call paid from a purse, if there is one.

    Args:
        purse: the purse.
        usd: the most that the call can take, in US dollars; None where that is unknown.
        ending: breaks off the wait.

    Yields:
        Where what it took is written.
    """
    slip = Slip()
    if purse is None:
        yield slip
        return
    async with ending.breaks_off():
        await purse.take(usd)
    try:
        yield slip
    finally:
        purse.settle(usd, slip)
