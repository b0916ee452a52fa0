"""The database of a shared study: one that restarts is waited for, within the run's limits."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from apo import BudgetExhausted, Interrupted, RunError, Search
from apo.calls.budget import Budget
from apo.calls.ending import Ending
from apo.calls.meter import Meter
from apo.optimizers.parts.joint_storage import PATIENCE, first_line, is_away, patiently, starting

AWAY = OperationalError("SELECT 1", {}, ConnectionError("connection refused\nIs it running?"))
URL = "postgresql+psycopg://apo@db/optuna"


def committed(error: Exception) -> Exception:
    """What Optuna raises where a commit fails."""
    wrapped = StorageInternalError("This typically happens due to invalid data in the commit")
    wrapped.__cause__ = error
    return wrapped


def failing(errors: Sequence[Exception]) -> tuple[Callable[[], int], list[int]]:
    """Something that fails so often, and then gives how often it was tried."""
    left, tried = [*errors], [0]

    def do() -> int:
        tried[0] += 1
        if left:
            raise left.pop(0)
        return tried[0]

    return do, tried


def waiting(waits: list[float], end: Exception | None = None) -> Search:
    """A run that waits without any time, and ends at the second wait where it is told to."""

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        if end is not None and len(waits) == 2:
            raise end

    return cast("Search", SimpleNamespace(wait=wait, folder=Path("tickets-joint-1")))


@pytest.mark.parametrize(
    "errors",
    [
        [AWAY],
        [committed(AWAY)] * 3,
        [InterfaceError("COMMIT", {}, ConnectionError("closed"))] * len(PATIENCE),
    ],
)
def test_a_database_that_comes_back_is_waited_for(errors: list[Exception]) -> None:
    waits: list[float] = []
    do, _ = failing(errors)
    assert asyncio.run(patiently(waiting(waits), URL, do)) == len(errors) + 1
    assert waits == list(PATIENCE[: len(errors)])


def test_one_that_stays_away_is_named_with_the_way_on() -> None:
    do, tried = failing([committed(AWAY)] * 99)
    with pytest.raises(RunError) as raised:
        asyncio.run(patiently(waiting([]), URL, do))
    text = str(raised.value)
    assert text.startswith(f"The database {URL} of the shared study has not answered for 5 minutes")
    assert "connection refused. All answers are kept" in text
    assert text.endswith("apo resume tickets-joint-1")
    assert "SELECT" not in text
    assert tried == [len(PATIENCE) + 1]


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), committed(ProgrammingError("x", {}, ValueError("no table")))]
)
def test_what_is_no_absence_is_not_tried_again(error: Exception) -> None:
    do, tried = failing([error])
    with pytest.raises(type(error)):
        asyncio.run(patiently(waiting([]), URL, do))
    assert tried == [1]
    assert not is_away(error)


@pytest.mark.parametrize(
    "error", [AWAY, committed(AWAY), InterfaceError("COMMIT", {}, ConnectionError("closed"))]
)
@pytest.mark.parametrize("end", [Interrupted("stopped"), BudgetExhausted("The time is over.")])
def test_the_end_of_the_run_ends_the_waiting_which_was_told(
    error: Exception, end: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    do, tried = failing([error] * 9)
    with pytest.raises(type(end)):
        asyncio.run(patiently(waiting([], end), URL, do))
    assert tried == [2]
    said = f"The database {URL} of the shared study does not answer, and is waited for: "
    assert [text.removeprefix(said).rstrip(".") for text in caplog.messages] == [
        first_line(error)
    ] * 2


def test_a_stop_breaks_off_a_wait() -> None:
    ending = Ending(Meter(Budget(max_calls=1)))

    async def stopped() -> None:
        async with ending.breaks_off():
            asyncio.get_running_loop().call_soon(ending.stop)
            await asyncio.Event().wait()

    with pytest.raises(Interrupted):
        asyncio.run(stopped())


@pytest.mark.parametrize(
    ("words", "is_starting"),
    [
        ("FATAL: the database system is starting up", True),
        ("FATAL: the database system is shutting down", True),
        ('FATAL: database "optuna" does not exist', False),
    ],
)
def test_a_database_that_starts_is_told_from_one_that_is_not_there(
    words: str, is_starting: bool
) -> None:
    assert starting(OperationalError("", {}, ConnectionError(words))) == is_starting
