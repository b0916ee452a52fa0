"""One call until it is answered: attempts, waits between them, and second asks for stragglers."""

import asyncio
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from apo.calls.adaptive import Steady
from apo.calls.call import Call, Endpoint
from apo.calls.costs import Cost, actual
from apo.calls.counting import count, text_to_keep, unanswered
from apo.calls.ending import Ending
from apo.calls.habits import Habits
from apo.calls.hedging import first_of_two
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.calls.purse import Purse, Slip, taken
from apo.calls.retry import Retry
from apo.calls.tally import Tally
from apo.calls.traffic import Traffic, traffic_to
from apo.errors import (
    RETRIED,
    ContentFilterError,
    ContextLengthError,
    Interrupted,
    ModelError,
    ModelUnavailable,
    OptionRefusedError,
    RateLimitError,
    TimedOutError,
    TransportError,
    UnreachableError,
)
from apo.model import Completion, Model, Request
from apo.models.intake import believed
from apo.storage.journal import Journal
from apo.storage.rows import Entry

FIRST_CONTACT = 3
"""Attempts at the first call of a run, while no connection can be made."""
SLOW_FOR_ALL, SLOW = 2, 4
"""Attempts at a call that may take too long: where nobody is answered, and where others are."""
TURNS = 4
"""How many times more attempts a call may have that is refused while others are answered."""
EARLY = 3
"""After so many failed attempts at a call, what the model answers to others shortens no wait."""
PATIENT = 50_000
"""Calls that may wait at once for a patient endpoint: what one batch of OpenAI's takes."""


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
        busy: attempts of this run under way.
        problem: what the last failed attempt ended with; "" once another was answered.
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
        self._purse = purse
        self.busy, self.problem, self.ending = 0, "", Ending(meter)
        self._journal, self._meter, self._retry, self._limits = journal, meter, retry, limits
        self._tally, self._habits = tally, Habits(journal)
        self._traffic: dict[str, Traffic] = {}
        self._given_up: dict[str, tuple[int, str]] = {}
        self._patient = Traffic(at_once=Steady(PATIENT))

    async def ask(self, call: Call) -> Entry:
        """Ask the call's endpoint, and then its fallback, if it has one.

        Raises:
            Stopped: it was not made, because of the budget or the user, or got no answer.
            ModelError: wrong key, no credit, or a request that no retry can mend.
        """
        try:
            return await self._until_answered(call, call.endpoint)
        except (ModelUnavailable, ModelError):
            if call.endpoint.fallback is None:
                raise
        return await self._until_answered(call, call.endpoint.fallback)

    async def _until_answered(self, call: Call, endpoint: Endpoint) -> Entry:
        attempt, slow, start = 0, 0, asyncio.get_running_loop().time()
        traffic = self._traffic_to(endpoint)
        at_first = traffic.answered
        while True:
            attempt, before = attempt + 1, traffic.answered
            refused = self._habits.refused(endpoint.model)
            try:
                return await self._attempt(call, endpoint, attempt, start)
            except OptionRefusedError as error:
                if not self._habits.learn(endpoint.model, error.option, refused):
                    raise
                attempt -= 1  # It will be asked otherwise: that is no attempt again.
            except ModelError as error:
                wait = self._retry.wait(
                    self._counted(attempt, error, traffic.answered > before), error
                )
                slow += isinstance(error, TimedOutError)
                if self._never_reached(attempt, error) or self._too_slow(slow, at_first, traffic):
                    wait = None
                if wait is None and isinstance(error, RETRIED):
                    said = (
                        f"{endpoint.model.name} gave no answer in {attempt} attempts; "
                        f"the last ended with: {error}"
                        f"{' If it needs longer, give a higher --timeout.' * (slow > 1)}"
                    )
                    if slow >= SLOW_FOR_ALL:
                        self._given_up[endpoint.model.name] = traffic.answered, said
                    raise ModelUnavailable(said) from error
                if wait is None:
                    raise
                self.problem = f"{error}"[:120]
                self._meter.spent.retries += 1
                await self._pause(wait, traffic, early=attempt < EARLY)

    def _too_slow(self, slow: int, at_first: int, traffic: Traffic) -> bool:
        """Whether a call has had its attempts that take too long."""
        return slow >= (SLOW if traffic.answered > at_first else SLOW_FOR_ALL)

    def _check_answering(self, model: str, traffic: Traffic) -> None:
        """Make sure that a model has answered since it was given up as too slow.

        Raises:
            ModelUnavailable: it has not: each call would wait in vain, one after the other.
        """
        answered, said = self._given_up.get(model, (-1, ""))
        if answered == traffic.answered:
            raise ModelUnavailable(said)

    def _counted(self, attempt: int, error: ModelError, serves: bool) -> int:
        """How many attempts have failed; to be refused while others are served counts for less."""
        longest = self._retry.max_attempts
        waits_its_turn = serves and isinstance(error, RateLimitError) and attempt < TURNS * longest
        return min(attempt, longest - 1) if waits_its_turn else attempt

    def _traffic_to(self, endpoint: Endpoint) -> Traffic:
        if endpoint.patient:
            return self._patient
        name = endpoint.model.name
        if name not in self._traffic:
            self._traffic[name] = traffic_to(name, self._limits)
        return self._traffic[name]

    def _never_reached(self, attempt: int, error: ModelError) -> bool:
        """Whether nobody listens, and nobody did at any earlier call of the run."""
        unreachable = isinstance(error, UnreachableError)
        return unreachable and attempt >= FIRST_CONTACT and self._meter.spent.calls == 0

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

    async def _attempt(self, call: Call, endpoint: Endpoint, attempt: int, start: float) -> Entry:
        traffic, bound = self._traffic_to(endpoint), call.bound(endpoint)
        decoding = call.request.decoding
        limit = call.limit(endpoint, metered=self._meter.budget.meters_tokens)
        if limit != decoding.max_tokens:
            decoding = replace(decoding, max_tokens=limit)
        request = call.request._replace(decoding=decoding, seed=call.seed)
        tokens = traffic.size(request)
        # A chain of proposals, or the last answer of a batch, must not stand behind a whole batch.
        async with self.ending.breaks_off():
            await traffic.enter(tokens, ahead=endpoint.role == "optimizer" or attempt > 1)
        self.busy += 1
        try:
            self._check_answering(endpoint.model.name, traffic)
            async with taken(self._purse, bound.usd, self.ending) as slip:
                async with self.ending.breaks_off():
                    await self._meter.reserve(bound, endpoint.model.name)
                return await self._answered(call, endpoint, request, bound, (attempt, start), slip)
        finally:
            self.busy -= 1
            traffic.leave()

    async def _answered(
        self,
        call: Call,
        endpoint: Endpoint,
        request: Request,
        bound: Cost,
        since: tuple[int, float],
        slip: Slip,
    ) -> Entry:
        """Ask once, and keep what is answered: since the first attempt, with this one's number."""
        (attempt, start), traffic = since, self._traffic_to(endpoint)
        reply, error, completion = None, "", Completion(text="")
        sent, took, tokens = asyncio.get_running_loop().time(), 0.0, traffic.size(request)
        try:
            completion, sent = await self._complete(call, endpoint, request, bound)
            took = asyncio.get_running_loop().time() - sent
            completion = self._habits.settle(request, completion, endpoint.model)
            reply = text_to_keep(request, completion, endpoint.model)
            traffic.served(endpoint.role, tokens, took, completion)
            self.problem = ""
        except (ContextLengthError, ContentFilterError) as failure:
            took = asyncio.get_running_loop().time() - sent
            error = f"{type(failure).__name__}: {failure}"
            completion = self._habits.settle(request, unanswered(failure), endpoint.model)
        except ModelError as failure:
            if isinstance(failure, (RateLimitError, TransportError)):
                wait = min(failure.retry_after or 0.0, self._retry.max_wait)
                traffic.refused(wait, asyncio.get_running_loop().time() - sent)
            if failure.billed:
                usage, _ = believed(request.messages, unanswered(failure))
                lost = actual(usage, endpoint.price, lambda: bound)
                self._lose(call, lost)
                slip.usd += lost.usd or 0.0
            raise
        finally:
            # What was taken is counted below before anybody else can run: there is no await.
            self._meter.release(bound, endpoint.model.name)
        entry = self._journal.add(
            Entry(
                key=call.key,
                role=endpoint.role,
                model=endpoint.model.name,
                request=call.note,
                reply=reply,
                error=error,
                usage=completion.usage,
                truncated=completion.truncated,
                retries=attempt - 1,
                seconds=took,
                waited=sent - start,
                thinking=completion.thinking,
                served=completion.served,
            )
        )
        slip.calls, slip.usd = 1, count(self._meter, call, entry).usd or 0.0
        self._tally.add(call, entry)
        return entry

    async def _complete(
        self, call: Call, endpoint: Endpoint, request: Request, bound: Cost
    ) -> tuple[Completion, float]:
        """Ask once; or twice when that is wanted and the answer is overdue, and take the first.

        Returns:
            The answer, and when it was asked for, by the loop's clock.
        """
        sent = asyncio.get_running_loop().time()
        if endpoint.patient:
            return await self._in_a_batch(endpoint.model, request), sent
        traffic = self._traffic_to(endpoint)
        patience = traffic.straggles_after(endpoint.role) if self._limits.hedge else None
        if patience is None:
            return await endpoint.model.complete(request), sent

        @contextmanager
        def second() -> Generator[bool]:
            if not traffic.try_enter(traffic.size(request)):
                yield False
                return
            try:
                if not self._meter.try_reserve(bound, endpoint.model.name):
                    yield False
                    return
                try:
                    yield True
                finally:
                    self._meter.release(bound, endpoint.model.name)
                    self._lose(call, bound)  # One of the two is for nothing, and may be billed.
            finally:
                traffic.leave()

        return await first_of_two(lambda: endpoint.model.complete(request), patience, second)

    async def _in_a_batch(self, model: Model, request: Request) -> Completion:
        """Wait for an answer that may take hours, but not beyond the end of the run."""
        try:
            async with self.ending.breaks_off():
                return await model.complete(request)
        except Interrupted as stop:
            raise Interrupted(
                f"{stop} Batches that were sent go on at the provider; their answers are taken "
                "when the run is resumed."
            ) from None

    def _lose(self, call: Call, most: Cost) -> None:
        """Count what an attempt may have taken that brought no answer."""
        self._meter.spent.lost_tokens += most.tokens
        self._meter.spent.lost_usd += most.usd or 0.0
        lost = {"tokens": most.tokens, "usd": most.usd or 0.0}
        self._journal.note("lost", f"{call.key}:{uuid.uuid4().hex}", lost)
