"""One call until it is answered: its attempts, and the waits between them."""

import asyncio
from typing import Any

from apo.calls.attempts import Attempts
from apo.calls.call import Call, Endpoint
from apo.calls.ending import Ending
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.calls.otherwise import AskedOtherwise, Try
from apo.calls.purse import Purse
from apo.calls.retry import Retry
from apo.calls.tally import Tally
from apo.calls.traffic import Traffic
from apo.errors import (
    RETRIED,
    LoadingError,
    MalformedReplyError,
    ModelError,
    ModelUnavailable,
    RateLimitError,
    TimedOutError,
    UnreachableError,
)
from apo.storage.journal import Journal
from apo.storage.rows import Entry

FIRST_CONTACT = 3
"""Attempts at the first call of a run, while nobody listens, or what answers is no chat server."""
LOADING = 600.0
"""Seconds in which a server that loads its model uses up no attempts: weights may be large."""
LOOKS = 5
"""As which attempt each further one counts meanwhile: the next wait is eight seconds at most."""
SLOW = 2
"""Attempts at a call that may take too long: the same would take as long once more."""
_NO_SERVER = (UnreachableError, MalformedReplyError)
WRITES = ("optimizer", "fallback")
"""Roles in which a call that takes too long is given up, while others are answered: a proposal less
is no wrong figure."""
TURNS = 4
"""How many times more attempts a call may have that is refused while others are answered."""
EARLY = 3
"""After so many failed attempts at a call, what the model answers to others shortens no wait."""


class Asker:
    """Makes attempts at calls until they are answered, and records the answers.

    Args:
        journal: where answers are kept.
        meter: what may be spent; attempts that failed, or came second, are counted there.
        retry: what is tried again, and when.
        limits: how fast each model may be asked.
        tally: where answers are counted.
        purse: what may be spent together with other runs; None for no such limit.

    Attributes:
        attempts: makes each of them, and knows those under way.
        ending: when no more attempts are made.
    """

    def __init__(
        self,
        journal: Journal,
        meter: Meter,
        retry: Retry,
        limits: Limits,
        tally: Tally,
        purse: Purse | None = None,
    ) -> None:
        self.ending = Ending(meter)
        self.attempts = Attempts(journal, meter, retry, limits, tally, self.ending, purse)
        self._meter, self._retry = meter, retry

    async def ask(self, call: Call, before: Entry | None = None) -> Entry:
        """Ask the call's endpoint, and then its fallback, if it has one.

        Args:
            call: what to ask.
            before: an answer that was cut, whose place the new one takes; None for none.

        Raises:
            Stopped: it was not made, because of the budget or the user, or got no answer.
            ModelError: wrong key, no credit, or a request that no retry can mend.
        """
        try:
            return await self._until_answered(call, call.endpoint, before)
        except (ModelUnavailable, ModelError):
            if call.endpoint.fallback is None:
                raise
        return await self._until_answered(call, call.endpoint.fallback, before)

    async def _until_answered(self, call: Call, endpoint: Endpoint, before: Entry | None) -> Entry:
        model, traffic = endpoint.model.name, self.attempts.lanes.to(endpoint)
        this, at_first = Try(asyncio.get_running_loop().time(), before), traffic.answered
        slow = absent = 0
        while True:
            this.number, answered = this.number + 1, traffic.answered
            try:
                return await self.attempts.make(call, endpoint, this)
            except AskedOtherwise:
                this.number -= 1  # That is no attempt again.
            except ModelError as error:
                attempt = this.number
                serves = traffic.answered > answered
                since = asyncio.get_running_loop().time() - this.start
                loads = isinstance(error, LoadingError) and since < LOADING
                counted = self._counted(attempt, error, serves)
                wait = self._retry.wait(min(counted, LOOKS) if loads else counted, error)
                slow += isinstance(error, TimedOutError)
                absent = absent + 1 if isinstance(error, _NO_SERVER) else 0
                spared = endpoint.role in WRITES and traffic.answered > at_first
                if (slow and before is not None) or (slow >= SLOW and spared):
                    return self.attempts.give_up(call, endpoint, this, error)
                if self._never_reached(absent) or slow >= SLOW:
                    wait = None
                if wait is None and isinstance(error, RETRIED):
                    said = (
                        f"{model} gave no answer in {attempt} attempt{'s' * (attempt != 1)}; "
                        f"the last ended with: {error}"
                        f"{' If it needs longer, give a higher --timeout.' * (slow > 1)}"
                    )
                    if slow >= SLOW:
                        self.attempts.given_up[model] = traffic.answered, said
                    raise ModelUnavailable(said) from error
                if wait is None:
                    raise
                self.attempts.problem = f"{error}"[:120]
                self._meter.spent.retries += 1
                await self._pause(wait, traffic, early=attempt < EARLY)

    def _counted(self, attempt: int, error: ModelError, serves: bool) -> int:
        """How many attempts have failed; to be refused while others are served counts for less."""
        longest = self._retry.max_attempts
        waits_its_turn = serves and isinstance(error, RateLimitError) and attempt < TURNS * longest
        return min(attempt, longest - 1) if waits_its_turn else attempt

    def _never_reached(self, absent: int) -> bool:
        """Whether no chat server is there, and none was at any earlier call of the run."""
        return absent >= FIRST_CONTACT and self._meter.spent.calls == 0

    async def _pause(self, seconds: float, traffic: Traffic, *, early: bool) -> None:
        """Wait, but (if early) not beyond a sign that the model serves."""
        with traffic.sign_of_life() as answered:
            waits: list[asyncio.Future[Any]] = [
                asyncio.ensure_future(self._retry.sleep(seconds)),
                *([answered] if early else []),
            ]
            try:
                async with self.ending.breaks_off():
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:  # After a cancellation, too: nothing may wait on.
                for wait in waits:
                    wait.cancel()
