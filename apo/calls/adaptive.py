"""How many calls to one model may be under way at once: a limit that finds the provider's own."""

import asyncio
from collections import Counter

ROUND = 16
"""The fewest attempts that a change of the limit rests on."""
TROUBLED = 0.25
"""The share of refused attempts from which a limit, and not chance, is taken to be the reason."""
HELPED = 0.9
"""The share of the refusals before a fall of the limit that there may be after it, if it helped."""
HALF = 0.5
"""Where a fall did not help, the next one goes no lower than this part of the limit."""
SLOW = 2.0
"""How many times slower than usual answers may get before fewer are asked for."""


class Concurrency:
    """A limit on calls under way that adapts.

    After each round of as many attempts as the limit is, it falls when a quarter or more were
    refused (429, 503, time-outs): to as many calls as were really being answered at a time, by
    Little's law, which is the provider's own limit whether that is on calls at once or on calls a
    second, and is no fall at all when refusals come by chance. It falls in proportion when answers
    take more than twice as long as usual. After two good rounds it grows by a tenth, at least by
    one.

    Attributes:
        limit: calls allowed under way now.
        most: calls that are ever allowed.
        busy: calls under way now.
        troubled: whether the last round met a limit of the provider.
    """

    def __init__(self, most: int) -> None:
        self.limit, self.most, self.busy, self.troubled = float(most), most, 0, False
        self._served = self._refused = 0
        self._slowness = self._work = self._closed = 0.0
        self._counted_at = self._began = self._closed_until = 0.0
        self._fell_at = 1.0
        self._usual: dict[str, float] = {}
        self._answers = Counter[str]()

    @property
    def full(self) -> bool:
        """Whether no more may go."""
        return self.busy >= int(self.limit)

    def allow(self, most: int) -> None:
        """Change what is ever allowed; a limit that was found stays."""
        free = self.limit >= self.most
        self.most = most
        self.limit = float(most if free else min(self.limit, most))

    def usual(self, role: str) -> float | None:
        """Seconds that answers of a role take; None as long as too few have come to tell."""
        return self._usual[role] if self._answers[role] >= ROUND else None

    def served(self, role: str, seconds: float) -> None:
        """Count an answer, and how long it took; answers of one role take about equally long."""
        self._answers[role] += 1
        usual = self._usual.get(role, 0.0)
        usual += (seconds - usual) / min(self._answers[role], 50)
        self._usual[role] = usual
        self._slowness += seconds / usual if usual > 0 else 1.0
        self._served += 1

    def refused(self, seconds: float) -> None:
        """Count an attempt that was refused after so many seconds."""
        self._refused += 1
        self._work -= seconds
        self.adapt()

    def close_until(self, until: float) -> None:
        """Note that no call goes out until then, which says nothing about the provider's limit."""
        now = asyncio.get_running_loop().time()
        until = max(self._closed_until, until)
        self._closed += until - max(self._closed_until, now)
        self._closed_until = until

    def adapt(self) -> None:
        """Change the limit, if a round is over."""
        total = self._served + self._refused
        if total < max(ROUND, int(self.limit)):
            return
        since = asyncio.get_running_loop().time() - self._began
        if self.troubled and since < max(self._usual.values(), default=0.0):
            return  # In less time than an answer takes it does not show what the last fall did.
        share = self._refused / total
        slowness = self._slowness / self._served if self._served else 1.0
        self.troubled = share >= TROUBLED
        well = not self.troubled and slowness <= SLOW
        if well and total < 2 * max(ROUND, int(self.limit)):
            return  # To grow takes twice as long: else half of all calls would meet the limit.
        answering = self._answering()
        if self.troubled:
            # Fewer calls at once that were refused as often: perhaps that is not what limits them.
            helped = share <= HELPED * self._fell_at
            least = 1 - share if helped else max(HALF, 1 - share)
            self.limit = min(self.limit, max(self.limit * least, answering))
            self._fell_at = share
        elif slowness > SLOW:
            self.limit *= SLOW / slowness
        else:
            self.limit += max(1.0, self.limit / 10)
        if not self.troubled:
            self._fell_at = 1.0
        self.limit = min(max(1.0, self.limit), float(self.most))
        self._served = self._refused = 0
        self._slowness = 0.0

    def _answering(self) -> float:
        """Calls that were being answered at a time in this round, on average; begins the next."""
        self.count(0)
        now = self._counted_at
        to_come = max(0.0, self._closed_until - now)
        seconds = now - self._began - (self._closed - to_come)  # While it was open.
        work, self._work, self._began, self._closed = self._work, 0.0, now, to_come
        return work / seconds if seconds > 0 else 0.0

    def count(self, change: int) -> None:
        """Count calls under way, and the seconds that they took together."""
        now = asyncio.get_running_loop().time()
        self._work += self.busy * (now - self._counted_at)
        self._counted_at = now
        self.busy += change


class Steady(Concurrency):
    """A limit that stays: what a patient endpoint refuses, and how late, says nothing of it."""

    def adapt(self) -> None:
        """Leave the limit as it is."""
