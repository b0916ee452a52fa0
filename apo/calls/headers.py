"""What a provider's headers say is left of its limits, as long as nothing shows them wrong."""

from collections.abc import Iterable, Mapping

from apo.calls.limits import TokenBucket
from apo.model import Allowance

TRIED_AGAIN = 60.0
"""Seconds without a call after which one goes whatever the headers said: they may be wrong. Where
they say that nothing is left for longer than this, one goes at once, and then each so many seconds.
"""
NOTHING = frozenset[str]()


class Headers:
    """Holds calls back as the headers say, and tries whether they are right.

    A limit of which nothing is left for more than a minute is tried out: a call goes against it,
    one a minute. If that is served the limit is none, and is not looked at any more; gateways
    state such, and a run would stand still for a day. A provider that means it refuses one call.
    """

    def __init__(self) -> None:
        self._buckets = dict[str, TokenBucket]()
        self._spent_until = dict[str, float]()
        self._disbelieved = set[str]()
        self._tried_at = -TRIED_AGAIN

    def learn(self, allowances: Iterable[Allowance], now: float) -> None:
        """Believe what an answer's headers say, but for limits that were shown to be none."""
        for said in allowances:
            if said.unit in self._disbelieved:
                continue
            if said.unit not in self._buckets:
                self._buckets[said.unit] = TokenBucket(said.unit, 1.0, said.limit)
            self._buckets[said.unit].learn(said, now)
            self._spent_until[said.unit] = now + said.reset if said.remaining < 1 else 0.0

    def wait(self, amounts: Mapping[str, float], went_at: float, now: float) -> float:
        """Seconds until a call may go.

        Args:
            amounts: what it takes, by unit.
            went_at: when the last call went, whatever the headers said.
            now: by the loop's clock.
        """
        waits = {unit: b.ready_in(amounts[unit], now) for unit, b in self._buckets.items()}
        for unit in self._spent(now):
            waits[unit] = min(waits[unit], self._tried_at + TRIED_AGAIN - now)
        return min(max(waits.values(), default=0.0), went_at + TRIED_AGAIN - now)

    def take(self, amounts: Mapping[str, float], now: float) -> frozenset[str]:
        """Let a call go.

        Returns:
            Units of which nothing is left for long, as the headers say, though the call goes.
        """
        spent, buckets = self._spent(now), self._buckets
        against = frozenset(u for u in spent if buckets[u].ready_in(amounts[u], now) > 0)
        self._tried_at = now if against else self._tried_at
        self.count(amounts)
        return against

    def count(self, amounts: Mapping[str, float]) -> None:
        """Count what was taken, or put it back where it is negative."""
        for unit, bucket in self._buckets.items():
            bucket.take(amounts[unit])

    def disprove(self, against: frozenset[str]) -> frozenset[str]:
        """Look no more at limits of which nothing was left, as a call was served all the same.

        Args:
            against: what `take` returned for the call.

        Returns:
            Those that were believed until now.
        """
        shown = against & self._buckets.keys()
        self._disbelieved |= shown
        for unit in shown:
            del self._buckets[unit], self._spent_until[unit]
        return frozenset(shown)

    def whole_in(self, now: float) -> tuple[str, float]:
        """What nothing is left of for long, and the seconds until it is whole; "", 0 for none."""
        left = ((unit, self._spent_until[unit] - now) for unit in self._spent(now))
        return max(left, key=lambda one: one[1], default=("", 0.0))

    def _spent(self, now: float) -> list[str]:
        return [unit for unit, until in self._spent_until.items() if until - now > TRIED_AGAIN]
