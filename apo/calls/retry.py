"""When a failed attempt is made again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from apo.errors import RETRIED, ModelError


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
