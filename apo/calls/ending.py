"""The end of a run's calls: a stop by the user, or the end of its time, whatever it waits for."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from apo.calls.meter import Meter
from apo.errors import Interrupted


class Ending:
    """Ends the waits of a run: for a turn, a reservation, another attempt, a provider's batch.

    Args:
        meter: knows how much time is left.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter, self._stopped = meter, False
        self._waits: set[asyncio.Timeout] = set()

    def stop(self) -> None:
        """Let no call begin any more, and break off all waits for one."""
        self._stopped = True
        for wait in self._waits:
            wait.reschedule(asyncio.get_running_loop().time())

    def check_stop(self) -> None:
        """Make sure that nobody has stopped the run.

        Raises:
            Interrupted: somebody has.
        """
        if self._stopped:
            raise Interrupted("The run was stopped by the user.")

    @asynccontextmanager
    async def breaks_off(self) -> AsyncGenerator[None]:
        """Break off what is awaited within when the run ends.

        Raises:
            Interrupted: it was stopped.
            BudgetExhausted: its time is over.
        """
        self.check_stop()
        self._meter.check_time()
        wait = asyncio.timeout(self._meter.seconds_left)
        try:
            async with wait:
                self._waits.add(wait)
                try:
                    yield
                finally:
                    self._waits.discard(wait)
        except TimeoutError as error:
            if not wait.expired():  # It is the model's own.
                raise
            self.check_stop()
            raise self._meter.time_over() from error
