"""When a failed attempt is made again, and how many calls run at once."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from apo.errors import MalformedReplyError, ModelError, RateLimitError, TransportError

RETRIED = (RateLimitError, TransportError, MalformedReplyError)


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Exponential waits with full jitter, capped; Retry-After is honoured up to the same cap.

    Attributes:
        max_attempts: attempts at one call, the first included.
        first_wait: upper bound of the first wait, in seconds; doubles each time.
        max_wait: no wait is longer, in seconds, whatever the server asks.
        sleep: waits the given seconds; tests give one that does not.
    """

    max_attempts: int = 8
    first_wait: float = 0.5
    max_wait: float = 60.0
    sleep: Callable[[float], Awaitable[object]] = field(default=asyncio.sleep, compare=False)

    def wait(self, attempt: int, error: ModelError) -> float | None:
        """Seconds to wait after a failed attempt, or None when it must not be made again.

        Args:
            attempt: how many attempts have failed, from 1.
            error: what the last one ended with.
        """
        if attempt >= self.max_attempts or not isinstance(error, RETRIED):
            return None
        doublings = min(attempt - 1, 64)  # More would be no float any more.
        wait = random.uniform(0, min(self.max_wait, self.first_wait * 2**doublings))
        asked = getattr(error, "retry_after", None)
        return wait if asked is None else min(self.max_wait, max(0.0, asked) + wait)


class Slots:
    """A limit on calls under way that falls when the server says "too fast", and recovers.

    Additive increase, multiplicative decrease (Chiu and Jain, 1989): a 429 halves the limit,
    at most once per round of calls; every full round of answers raises it by one.

    Args:
        max_concurrency: the most calls under way at once.

    Attributes:
        limit: calls allowed under way now.
        busy: calls under way now.
    """

    def __init__(self, max_concurrency: int) -> None:
        self.max_concurrency = max_concurrency
        self.limit = float(max_concurrency)
        self.busy = 0
        self._calm = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        """Take a slot, in the order of asking."""
        self._waiting.append(turn := asyncio.get_running_loop().create_future())
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free()
            raise

    async def __aexit__(self, *_: object) -> None:
        """Give the slot back."""
        self._free()

    def slower(self) -> None:
        """The server said "too fast"."""
        if self._calm >= 0:
            self.limit = max(1.0, self.limit / 2)
            self._calm = -self.busy
        else:  # One of the round that was under way then: it ends without another halving.
            self._calm += 1

    def faster(self) -> None:
        """The server answered."""
        self._calm += 1
        self.limit = min(self.max_concurrency, self.limit + 1 / self.limit)

    def _free(self) -> None:
        self.busy -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.busy < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.busy += 1
                turn.set_result(None)
