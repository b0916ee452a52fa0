"""Time that passes at once: when nothing else can run, the clock jumps to the next timer."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


class _Jumping(selectors.DefaultSelector):
    """Selects what is ready now; where it would wait, the clock is put forward instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("Everything waits, and no timer is set: nothing can ever go on.")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock starts at 0 and jumps from timer to timer."""

    def __init__(self) -> None:
        self._clock = _Jumping()
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds since the start."""
        return self._clock.now


def run_virtually(work: Coroutine[Any, Any, R]) -> R:
    """Run to the end in virtual time.

    Raises:
        AssertionError: a task was left behind.
    """

    async def main() -> R:
        result = await work
        for _ in range(3):  # What was cancelled last may end.
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"left behind: {left}"
        return result

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())
