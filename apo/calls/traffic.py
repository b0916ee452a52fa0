"""The calls that go to one model: how many at once, how fast, and how soon again after a refusal.

One `Traffic` for each model and event loop: all roles, runs and optimizers of a process share it.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from weakref import WeakKeyDictionary

from apo.calls.adaptive import ROUND, Concurrency
from apo.calls.headers import NOTHING, Headers
from apo.calls.limits import Limits
from apo.model import Completion, Request

STRAGGLES = 3.0
"""How many times longer than usual an answer takes that is asked for a second time."""
RECENT = 1.0
"""Seconds for which an answer shows that the provider serves."""
IMAGE = 1000
"""Tokens that an image is taken to have."""
OUTPUT = 256
"""Tokens that an answer is taken to have before one has come."""


class Traffic:
    """Lets calls go to one model: those that others wait for first, then in the order of asking.

    How many at once adapts (`Concurrency`). While a quarter are refused, a Retry-After holds all
    calls back, and not the refused one alone.

    Attributes:
        answered: attempts that were answered, in all.
    """

    def __init__(self, limits: Limits | None = None, *, at_once: Concurrency | None = None) -> None:
        limits = limits or Limits()
        self.answered = 0
        self._at_once = at_once or Concurrency(limits.max_concurrency)
        self._closed_until = self._went_at = 0.0
        self._output = float(OUTPUT)
        self._stated, self._headers = limits.buckets(), Headers()
        self._waiting: list[tuple[bool, int, int, asyncio.Future[frozenset[str]]]] = []
        self._places = count()
        self._refusals: deque[asyncio.Future[None]] = deque()
        self._signs: deque[float] = deque(maxlen=ROUND)  # When answers came that nobody waited for.
        self._timer: asyncio.TimerHandle | None = None

    @property
    def limit(self) -> float:
        """Calls allowed under way now."""
        return self._at_once.limit

    @property
    def busy(self) -> int:
        """Calls under way now."""
        return self._at_once.busy

    @property
    def troubled(self) -> bool:
        """Whether the last round met a limit of the provider."""
        return self._at_once.troubled

    def adopt(self, limits: Limits) -> None:
        """Take the settings of another run; while both ask, the higher concurrency holds."""
        idle, given = not self.busy and not self._waiting, limits.max_concurrency
        self._at_once.allow(given if idle else max(given, self._at_once.most))
        before = {bucket.unit: bucket for bucket in self._stated}
        self._stated = limits.buckets() or ([] if idle else self._stated)
        for bucket in self._stated:  # What has just gone out counts for the next run as well.
            bucket.follow(before.get(bucket.unit))

    def size(self, request: Request) -> int:
        """About how many tokens a call takes: by its characters and images, and a usual answer."""
        images = IMAGE * sum(len(m.images) for m in request.messages)
        return int(sum(len(m.content) for m in request.messages) / 4 + self._output) + images

    def whole_in(self) -> tuple[str, float]:
        """What calls wait for, as headers say that nothing is left of it, and for how many seconds.

        "" and 0 where none waits for more than a minute.
        """
        if not self._waiting:
            return "", 0.0
        return self._headers.whole_in(asyncio.get_running_loop().time())

    async def enter(self, tokens: int, *, ahead: bool = False) -> frozenset[str]:
        """Wait for a turn; `leave` gives it back.

        Args:
            tokens: what `size` says of the call.
            ahead: go before the calls that are not; for one on which much else waits.

        Returns:
            What headers say nothing is left of, where the call goes to try that out.
        """
        against = None if self._waiting else self._take_turn(tokens)
        if against is not None:
            return against
        turn: asyncio.Future[frozenset[str]] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not ahead, next(self._places), tokens, turn))
        self._admit()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            else:
                self._admit()  # Who stands behind may need less, and go at once.
            raise

    def leave(self) -> None:
        """A call is no longer under way."""
        self._at_once.count(-1)
        self._admit()

    def try_enter(self, tokens: int) -> bool:
        """Take a turn if one is free now and nobody waits for it."""
        return not self._waiting and self._take_turn(tokens) is not None

    def served(
        self,
        role: str,
        tokens: int,
        seconds: float,
        completion: Completion,
        against: frozenset[str] = NOTHING,
    ) -> frozenset[str]:
        """An attempt was answered.

        Args:
            role: of the endpoint; answers of one role take about equally long.
            tokens: what `size` said.
            seconds: from sending to the answer.
            completion: the answer.
            against: what `enter` returned.

        Returns:
            What headers are not believed of from now on.
        """
        usage = completion.usage
        if usage.output_tokens is not None:
            self._output += (usage.output_tokens - self._output) / 50
            took = (usage.input_tokens or 0) + usage.output_tokens
            more = {"requests": 0, "tokens": took - tokens}
            for bucket in self._stated:
                bucket.take(more[bucket.unit])
            self._headers.count(more)
        disproved = self._headers.disprove(against)
        self._headers.learn(completion.allowances, asyncio.get_running_loop().time())
        self._at_once.served(role, seconds)
        self.answered += 1
        self._signs.append(asyncio.get_running_loop().time())
        while self._refusals and self._signs and not self.troubled:
            self._wake(self._refusals.popleft())
        self._at_once.adapt()
        return disproved

    def refused(self, retry_after: float, seconds: float) -> None:
        """An attempt was refused, or not answered, for want of capacity.

        Args:
            retry_after: seconds that the provider asks to wait; 0 when it does not say.
            seconds: from sending to the refusal.
        """
        self._at_once.refused(seconds)
        if self.troubled:
            until = asyncio.get_running_loop().time() + retry_after
            self._closed_until = max(self._closed_until, until)
            self._at_once.close_until(until)

    def straggles_after(self, role: str) -> float | None:
        """Seconds after which an answer is overdue; None as long as too few have come to tell."""
        usual = self._at_once.usual(role)
        return None if usual is None else STRAGGLES * usual

    @contextmanager
    def sign_of_life(self) -> Generator[asyncio.Future[None]]:
        """Wait for a sign that the provider serves: a future that another call's answer sets.

        One that came in the last second does, too: else the last call of a batch, or each of a
        chain, would sit out what the others do not. Each answer sets one future, so that not more
        is asked again than is served; none is set while the provider refuses a quarter of all
        attempts.
        """
        again = asyncio.get_running_loop().create_future()
        now = asyncio.get_running_loop().time()
        while self._signs and now - self._signs[0] > RECENT:
            self._signs.popleft()
        if self._signs and not self.troubled:
            self._wake(again)
        else:
            self._refusals.append(again)
        try:
            yield again
        finally:
            if again in self._refusals:
                self._refusals.remove(again)
            again.cancel()

    def _wake(self, again: asyncio.Future[None]) -> None:
        if not again.done():
            again.set_result(None)
            self._signs.popleft()

    def _take_turn(self, tokens: int) -> frozenset[str] | None:
        """Take a place and the rate for it, and say what `enter` does; or take nothing: None."""
        if self._at_once.full:
            return None
        loop, amounts = asyncio.get_running_loop(), {"requests": 1, "tokens": tokens}
        now, stated = loop.time(), self._stated
        waits = [bucket.ready_in(amounts[bucket.unit], now) for bucket in stated]
        said = self._headers.wait(amounts, self._went_at, now)
        wait = max(self._closed_until - now, said, *waits, 0.0)
        if wait > 0:
            self._wake_at(now + wait)
            return None
        for bucket in stated:
            bucket.take(amounts[bucket.unit])
        self._at_once.count(1)
        self._went_at = now
        return self._headers.take(amounts, now)

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
            *_, tokens, turn = self._waiting[0]
            if not turn.done():
                against = self._take_turn(tokens)
                if against is None:
                    return
                turn.set_result(against)
            heapq.heappop(self._waiting)
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
