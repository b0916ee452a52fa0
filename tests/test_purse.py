"""Limits that several runs share: never passed, whoever dies, and nobody waits for nothing."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from apo.calls.budget import Budget
from apo.calls.ending import Ending
from apo.calls.meter import Meter
from apo.calls.purse import Purse, Slip, Taken, taken
from apo.errors import Interrupted, SettingsError, SharedBudgetExhausted


def purses(path: Path, names: Iterable[str], **limits: float) -> list[Purse]:
    spent = {name: Taken(0, 0.0) for name in names}
    Purse.fill(path, limits.get("max_calls"), limits.get("max_usd"), spent)  # type: ignore[arg-type]
    return [Purse(path, name) for name in spent]


async def spend(purse: Purse, calls: int, usd: float = 0.0, took: float = 0.0) -> int:
    """Make calls until the purse refuses; gives how many were made."""
    for n in range(calls):
        try:
            async with taken(purse, usd, Ending(Meter(Budget()))) as slip:
                await asyncio.sleep(0)
                slip.calls, slip.usd = 1, took
        except SharedBudgetExhausted:
            return n
    return calls


def test_two_runs_at_once_never_pass_the_limit(tmp_path: Path) -> None:
    both = purses(tmp_path / "grid.db", "ab", max_calls=60)

    def work(purse: Purse) -> int:
        async def many() -> int:
            return sum(await asyncio.gather(*(spend(purse, 20) for _ in range(4))))

        return asyncio.run(many())

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(work, both)) == 60
    with pytest.raises(SharedBudgetExhausted, match="60 of 60 calls are spent by all runs"):
        asyncio.run(both[0].take(0.0))
    assert issubclass(SharedBudgetExhausted, Interrupted)  # The run stops in order, to be resumed.


def test_dollars_are_set_aside_at_their_bound_and_settled_at_what_it_was(tmp_path: Path) -> None:
    one, _ = purses(tmp_path / "grid.db", "ab", max_usd=1.0)
    assert asyncio.run(spend(one, 99, usd=0.5, took=0.125)) == 5  # 0.625 + 0.5 is above 1.
    with pytest.raises(SharedBudgetExhausted, match=r"\$0.6250 of \$1 .* may take \$0.5000"):
        asyncio.run(one.take(0.5))
    with pytest.raises(SettingsError, match="price for every model"):
        asyncio.run(one.take(None))


def test_who_finds_no_room_waits_for_calls_under_way_elsewhere(tmp_path: Path) -> None:
    one, other = purses(tmp_path / "grid.db", "ab", max_calls=1)

    async def meet(slip: Slip) -> bool:
        await one.take(0.0)
        waiting = asyncio.ensure_future(other.take(0.0))
        await asyncio.wait({waiting}, timeout=0.01)
        assert not waiting.done()
        one.settle(0.0, slip)
        try:
            await waiting
        except SharedBudgetExhausted:
            return False
        return True

    assert asyncio.run(meet(Slip()))  # It got no answer, and left its room.
    other.settle(0.0, Slip())
    assert not asyncio.run(meet(Slip(calls=1)))


def test_what_a_dead_process_set_aside_is_free_again(tmp_path: Path) -> None:
    one, other = purses(tmp_path / "grid.db", "ab", max_calls=3, max_usd=1.0)
    for _ in range(3):
        asyncio.run(one.take(0.25))
    one.begin(Taken(2, 0.5))  # Its journal has two answers.
    assert asyncio.run(spend(other, 9, usd=0.25, took=0.25)) == 1
    one.begin(Taken(2, 0.0))
    with pytest.raises(SharedBudgetExhausted, match="3 of 3 calls"):
        asyncio.run(other.take(0.0))


def test_a_stop_breaks_the_wait_off(tmp_path: Path) -> None:
    one, other = purses(tmp_path / "grid.db", "ab", max_calls=1)

    async def stopped() -> None:
        await one.take(0.0)
        ending = Ending(Meter(Budget()))

        async def wait() -> None:
            async with taken(other, 0.0, ending):
                raise AssertionError("there is no room")

        waiting = asyncio.ensure_future(wait())
        await asyncio.wait({waiting}, timeout=0.01)
        ending.stop()
        await waiting

    with pytest.raises(Interrupted, match="stopped by the user"):
        asyncio.run(stopped())


def test_without_limits_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "grid.db"
    purses(path, "a", max_calls=1)
    assert path.exists()
    purses(path, "a")
    assert not path.exists()
