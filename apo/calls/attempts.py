"""One attempt at a call: its turn, its reservation, its answer, and what is kept and counted."""

import asyncio
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from apo.calls.call import Call, Endpoint
from apo.calls.costs import Cost, actual
from apo.calls.counting import count, cut_off, mean_logprob, text_to_keep, unanswered
from apo.calls.ending import Ending
from apo.calls.habits import Habits
from apo.calls.hedging import first_of_two
from apo.calls.lanes import Lanes
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.calls.otherwise import AskedOtherwise, Try, Ways
from apo.calls.pace import Pace
from apo.calls.purse import Purse, Slip, taken
from apo.calls.retry import Retry
from apo.calls.tally import Tally
from apo.calls.traffic import Traffic
from apo.errors import (
    BadRequestError,
    ContentFilterError,
    ContextLengthError,
    Interrupted,
    ModelError,
    ModelUnavailable,
    RateLimitError,
    TransportError,
)
from apo.model import Completion, Model, Request
from apo.models.intake import believed
from apo.storage.journal import Journal
from apo.storage.rows import Entry
from apo.usage import Usage


class Attempts:
    """Makes attempts; the arguments are those of `Asker`, and when no more are made.

    Attributes:
        under_way: role and start of each attempt on the wire.
        problem: what the last failed attempt ended with; "" once another was answered.
        lanes: where calls wait for their turn.
        pace: how many tokens a model reads for a text, and writes in a second.
        given_up: by model that took too long, how many answers there were by then, and the reason.
    """

    def __init__(
        self,
        journal: Journal,
        meter: Meter,
        retry: Retry,
        limits: Limits,
        tally: Tally,
        ending: Ending,
        purse: Purse | None,
    ) -> None:
        self.under_way: dict[object, tuple[str, float]] = {}
        self.problem, self.pace = "", Pace()
        self.given_up: dict[str, tuple[int, str]] = {}
        self.lanes = Lanes(limits)
        self._journal, self._meter, self._retry, self._limits = journal, meter, retry, limits
        self._tally, self._habits, self._ending, self._purse = tally, Habits(journal), ending, purse
        self._ways = Ways(self._habits, needs_limit=meter.budget.meters_tokens)

    async def make(self, call: Call, endpoint: Endpoint, this: Try) -> Entry:
        """Make one attempt, and keep what is answered.

        Raises:
            AskedOtherwise: it must be made again in another way, and will be.
            Stopped: the run ends.
            ModelError: it failed.
        """
        model, traffic = endpoint.model, self.lanes.to(endpoint)
        if self._meter.budget.max_usd is not None:
            self._habits.require_price(model)
        refused, limit = self._habits.refused(model), self._ways.limit(call, endpoint)
        bound = call.bound(endpoint, limit)
        decoding = call.request.decoding
        if limit != decoding.max_tokens:
            decoding = replace(decoding, max_tokens=limit)
        request = call.request._replace(decoding=decoding, seed=call.seed)
        tokens = traffic.size(request)
        # A chain of proposals, or the last answer of a batch, must not stand behind a whole batch.
        async with self._ending.breaks_off():
            ahead = endpoint.role == "optimizer" or this.number > 1
            this.against = await traffic.enter(tokens, ahead=ahead)
        place = object()
        self.under_way[place] = endpoint.role, asyncio.get_running_loop().time()
        try:
            self._check_answering(model.name, traffic)
            async with taken(self._purse, bound.usd, self._ending) as slip:
                async with self._ending.breaks_off():
                    await endpoint.ready()
                    await self._meter.reserve(bound, model.name, first_alone=not endpoint.patient)
                return await self._answered(call, endpoint, request, bound, this, slip)
        except BadRequestError as error:
            if self._ways.mends(call, request, this, error, model, refused):
                raise AskedOtherwise(Usage(0, 0)) from error
            raise
        finally:
            del self.under_way[place]
            traffic.leave()

    def _check_answering(self, model: str, traffic: Traffic) -> None:
        """Make sure that a model has answered since it was given up as too slow.

        Raises:
            ModelUnavailable: it has not: each call would wait in vain, one after the other.
        """
        answered, said = self.given_up.get(model, (-1, ""))
        if answered == traffic.answered:
            raise ModelUnavailable(said)

    async def _answered(
        self, call: Call, endpoint: Endpoint, request: Request, bound: Cost, this: Try, slip: Slip
    ) -> Entry:
        """Ask once, and keep what is answered."""
        model, traffic = endpoint.model, self.lanes.to(endpoint)
        reply, error, completion = None, "", Completion(text="")
        sent, took, tokens = asyncio.get_running_loop().time(), 0.0, traffic.size(request)
        try:
            completion, sent = await self._complete(call, endpoint, request, bound)
            took = asyncio.get_running_loop().time() - sent
            cut, completion = completion.truncated, self._habits.settle(request, completion, model)
            if cut:
                self._ways.require_thought_out(call, endpoint, completion)
            reply = text_to_keep(request, completion, model)
            wrong = traffic.served(endpoint.role, tokens, took, completion, this.against)
            self._habits.disbelieve(model, wrong)
            self._ways.fitted(request, this, model)
            self.pace.add(model.name, request, completion.usage, took)
            self.problem = ""
        except (ContextLengthError, ContentFilterError) as failure:
            took = asyncio.get_running_loop().time() - sent
            if self._ways.shrinks(call, request, this, failure, model):
                raise AskedOtherwise(Usage(0, 0)) from failure
            error = f"{type(failure).__name__}: {failure}"
            completion = self._habits.settle(request, unanswered(failure), model)
        except ModelError as failure:
            took = asyncio.get_running_loop().time() - sent
            if isinstance(failure, (RateLimitError, TransportError)):
                traffic.refused(min(failure.retry_after or 0.0, self._retry.max_wait), took)
            if failure.billed:
                lost = self._taken(endpoint, request, failure, bound, took)
                self._lose(call, lost)
                slip.usd += lost.usd or 0.0
            raise
        finally:
            # What was taken is counted below before anybody else can run: there is no await.
            self._meter.release(bound, model.name)
        entry = self._entry(call, endpoint, this, completion, (reply, error), (sent, took))
        entry = entry._replace(bound=request.decoding.max_tokens)
        kept = self._keep(call, entry, this, slip)
        if endpoint.price is not None:
            self._habits.learn_cost(model, completion.usd, slip.usd)
        return kept

    def _entry(
        self,
        call: Call,
        endpoint: Endpoint,
        this: Try,
        completion: Completion,
        said: tuple[str | None, str],
        times: tuple[float, float],
    ) -> Entry:
        (reply, error), (sent, took) = said, times
        return Entry(
            key=call.key,
            role=endpoint.role,
            model=endpoint.model.name,
            request=call.note,
            reply=reply,
            error=error,
            usage=completion.usage,
            truncated=completion.truncated,
            retries=this.number - 1,
            seconds=took,
            waited=sent - this.start,
            thinking=completion.thinking,
            logprob=mean_logprob(call.request, completion),
            served=completion.served,
        )

    def _keep(self, call: Call, entry: Entry, this: Try, slip: Slip) -> Entry:
        """Write an answer down, and count it once: one that was cut before counts as lost."""
        if this.before is None:
            entry = self._journal.add(entry)
            slip.calls = 1
        else:
            entry = self._journal.replace(entry)
            self._tally.take_back(call, this.before)
            self._lose(call, cut_off(self._meter, call, this.before))
        slip.usd += count(self._meter, call, entry).usd or 0.0
        self._tally.add(call, entry)
        return entry

    def give_up(self, call: Call, endpoint: Endpoint, this: Try, error: ModelError) -> Entry:
        """Keep that a call took too long in place of its answer: it is not asked for again.

        Where an answer is there that was cut, that one stays, and more room is not tried again.
        """
        if this.before is not None:
            return self._journal.replace(this.before._replace(bound=call.room))
        said, now = (None, f"{type(error).__name__}: {error}"), asyncio.get_running_loop().time()
        entry = self._entry(call, endpoint, this, unanswered(error), said, (now, 0.0))
        return self._keep(call, entry, this, Slip())

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
        traffic = self.lanes.to(endpoint)
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
            async with self._ending.breaks_off():
                return await model.complete(request)
        except Interrupted as stop:
            raise Interrupted(
                f"{stop} Batches that were sent go on at the provider; their answers are taken "
                "when the run is resumed."
            ) from None

    def _taken(
        self, endpoint: Endpoint, request: Request, failure: ModelError, bound: Cost, took: float
    ) -> Cost:
        """What an attempt may have taken that brought no answer.

        What its reply states; else the most that it can, where a limit of tokens or money hangs on
        it, and otherwise what the model reads for such a text, and writes in such a time.
        """
        usage, _ = believed(request.messages, unanswered(failure))
        if not self._meter.budget.meters_tokens:
            bound = self.pace.likely(endpoint, request, bound, took)
        return actual(usage, endpoint.price, lambda: bound)

    def _lose(self, call: Call, most: Cost) -> None:
        """Count what an attempt may have taken that brought no answer."""
        self._meter.spent.lost_tokens += most.tokens
        self._meter.spent.lost_usd += most.usd or 0.0
        lost = {"tokens": most.tokens, "usd": most.usd or 0.0}
        self._journal.note("lost", f"{call.key}:{uuid.uuid4().hex}", lost)
