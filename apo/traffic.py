"""The calls that go to one model: how many at once, how fast, and how soon again after a refusal.

One `Traffic` for each model and event loop: all roles, runs and optimizers of a process share it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Generator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from apo.limits import Bucket, Limits
from apo.model import Completion, Request

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
STRAGGLES = 3.0
"""How many times longer than usual an answer takes that is asked for a second time."""
TRIED_AGAIN = 60.0
"""Seconds without a call after which one goes whatever the headers said: they may be wrong."""
OUTPUT = 256
"""Tokens that an answer is taken to have before one has come."""


class Traffic:
    """Lets calls go to one model, in the order of asking.

    The limit on calls under way adapts. After each round of as many attempts as the limit is, it
    falls when a quarter or more were refused (429, 503, time-outs): to as many calls as were really
    being answered at a time, by Little's law, which is the provider's own limit whether that is on
    calls at once or on calls a second, and is no fall at all when refusals come by chance. It falls
    in proportion when answers take more than twice as long as usual. After two good rounds it grows
    by a tenth, at least by one. While a quarter are refused, a Retry-After holds all calls back,
    and not the refused one alone.

    Attributes:
        limit: calls allowed under way now.
        busy: calls under way now.
        answered: attempts that were answered, in all.
        troubled: whether the last round met a limit of the provider.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.limit, self.max_concurrency = float(limits.max_concurrency), limits.max_concurrency
        self.busy, self.answered, self.troubled = 0, 0, False
        self._served = self._refused = 0
        self._slowness = self._work = self._closed = 0.0
        self._counted_at = self._began = 0.0
        self._fell_at = 1.0
        self._closed_until = self._went_at = 0.0
        self._usual: dict[str, float] = {}
        self._answers = Counter[str]()
        self._output = float(OUTPUT)
        self._stated, self._learned = limits.buckets(), dict[str, Bucket]()
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._refusals: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def adopt(self, limits: Limits) -> None:
        """Take the settings of another run; while both ask, the higher concurrency holds."""
        free = self.limit >= self.max_concurrency
        idle = not self.busy and not self._waiting
        given = limits.max_concurrency
        self.max_concurrency = given if idle else max(given, self.max_concurrency)
        self.limit = float(self.max_concurrency if free else min(self.limit, self.max_concurrency))
        before = {bucket.unit: bucket for bucket in self._stated}
        self._stated = limits.buckets() or ([] if idle else self._stated)
        for bucket in self._stated:  # What has just gone out counts for the next run as well.
            bucket.follow(before.get(bucket.unit))

    def size(self, request: Request) -> int:
        """About how many tokens a call takes: a quarter of its characters, and a usual answer."""
        return int(sum(len(m.content) for m in request.messages) / 4 + self._output)

    async def enter(self, tokens: int) -> None:
        """Wait for a turn; `leave` gives it back."""
        if not self._waiting and self._may_go(tokens):
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((tokens, turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            else:
                self._admit()  # Who stands behind may need less, and go at once.
            raise

    def leave(self) -> None:
        """A call is no longer under way."""
        self._count(-1)
        self._admit()

    def try_enter(self, tokens: int) -> bool:
        """Take a turn if one is free now and nobody waits for it."""
        return not self._waiting and self._may_go(tokens)

    def served(self, role: str, tokens: int, seconds: float, completion: Completion) -> None:
        """An attempt was answered.

        Args:
            role: of the endpoint; answers of one role take about equally long.
            tokens: what `size` said.
            seconds: from sending to the answer.
            completion: the answer.
        """
        usage = completion.usage
        if usage.output_tokens is not None:
            self._output += (usage.output_tokens - self._output) / 50
            took = (usage.input_tokens or 0) + usage.output_tokens
            for bucket in (*self._stated, *self._learned.values()):
                bucket.take(took - tokens if bucket.unit == "tokens" else 0)
        for allowance in completion.allowances:
            if allowance.unit not in self._learned:
                self._learned[allowance.unit] = Bucket(allowance.unit, 1.0, allowance.limit)
            now = asyncio.get_running_loop().time()
            self._learned[allowance.unit].learn(allowance, now)
        self._answers[role] += 1
        usual = self._usual.get(role, 0.0)
        usual += (seconds - usual) / min(self._answers[role], 50)
        self._usual[role] = usual
        self._slowness += seconds / usual if usual > 0 else 1.0
        self._served += 1
        self.answered += 1
        while self._refusals and not self.troubled:
            again = self._refusals.popleft()
            if not again.done():
                again.set_result(None)
                break
        self._adapt()

    def refused(self, retry_after: float, seconds: float) -> None:
        """An attempt was refused, or not answered, for want of capacity.

        Args:
            retry_after: seconds that the provider asks to wait; 0 when it does not say.
            seconds: from sending to the refusal.
        """
        self._refused += 1
        self._work -= seconds
        self._adapt()
        if self.troubled:
            now = asyncio.get_running_loop().time()
            until = max(self._closed_until, now + retry_after)
            self._closed += until - max(self._closed_until, now)
            self._closed_until = until

    def straggles_after(self, role: str) -> float | None:
        """Seconds after which an answer is overdue; None as long as too few have come to tell."""
        return STRAGGLES * self._usual[role] if self._answers[role] >= ROUND else None

    @contextmanager
    def sign_of_life(self) -> Generator[asyncio.Future[None]]:
        """Wait for a sign that the provider serves: a future that another call's answer sets.

        Each answer sets one, so that not more is asked again than is served; none is set while the
        provider refuses a quarter of all attempts.
        """
        again = asyncio.get_running_loop().create_future()
        self._refusals.append(again)
        try:
            yield again
        finally:
            if again in self._refusals:
                self._refusals.remove(again)
            again.cancel()

    def _adapt(self) -> None:
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
        self.limit = min(max(1.0, self.limit), float(self.max_concurrency))
        self._served = self._refused = 0
        self._slowness = 0.0

    def _answering(self) -> float:
        """Calls that were being answered at a time in this round, on average; begins the next."""
        self._count(0)
        now = self._counted_at
        to_come = max(0.0, self._closed_until - now)
        seconds = now - self._began - (self._closed - to_come)  # While it was open.
        work, self._work, self._began, self._closed = self._work, 0.0, now, to_come
        return work / seconds if seconds > 0 else 0.0

    def _count(self, change: int) -> None:
        """Count calls under way, and the seconds that they took together."""
        now = asyncio.get_running_loop().time()
        self._work += self.busy * (now - self._counted_at)
        self._counted_at = now
        self.busy += change

    def _may_go(self, tokens: int) -> bool:
        """Take a place and the rate for it, or nothing."""
        if self.busy >= int(self.limit):
            return False
        loop, amounts = asyncio.get_running_loop(), {"requests": 1, "tokens": tokens}
        now, stated, learned = loop.time(), self._stated, self._learned.values()
        waits = [bucket.ready_in(amounts[bucket.unit], now) for bucket in stated]
        said = [bucket.ready_in(amounts[bucket.unit], now) for bucket in learned]
        said_wait = min(max(said, default=0.0), self._went_at + TRIED_AGAIN - now)
        wait = max(self._closed_until - now, said_wait, *waits, 0.0)
        if wait > 0:
            self._wake_at(now + wait)
            return False
        for bucket in (*stated, *learned):
            bucket.take(amounts[bucket.unit])
        self._count(1)
        self._went_at = now
        return True

    def _wake_at(self, when: float) -> None:
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(when, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            tokens, turn = self._waiting[0]
            if not turn.done():
                if not self._may_go(tokens):
                    return
                turn.set_result(None)
            self._waiting.popleft()
        if self._timer is not None:  # It would keep a loop that is closed.
            self._timer.cancel()
            self._timer = None


_everywhere: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Traffic]] = WeakKeyDictionary()


def traffic_to(model: str, limits: Limits) -> Traffic:
    """The traffic to a model, by its full name, in the running event loop."""
    here = _everywhere.setdefault(asyncio.get_running_loop(), {})
    if model in here:
        here[model].adopt(limits)
    else:
        here[model] = Traffic(limits)
    return here[model]
