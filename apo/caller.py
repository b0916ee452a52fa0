"""One way to a model: journal, budget, concurrency and retries, written once for all calls."""

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from apo.budget import Cost, Meter, actual, worst_case
from apo.errors import (
    ContentFilterError,
    ContextLengthError,
    Interrupted,
    LikelihoodError,
    MalformedReplyError,
    ModelError,
    ModelUnavailable,
    RateLimitError,
    UnreachableError,
)
from apo.journal import Entry, Journal
from apo.model import Completion, Message, Model, Request, Usage
from apo.models.prices import Price
from apo.retry import RETRIED, Retry, Slots
from apo.task import content_hash

FIRST_CONTACT = 3
"""Attempts at the first call of a run, while no connection can be made."""


@dataclass(frozen=True)
class Endpoint:
    """A model in its role.

    Attributes:
        role: "task" (answers examples) or "optimizer" (writes prompts).
        model: the model.
        price: dollars per million tokens; None when unknown.
        max_output: the longest answer, in tokens, that a call is bounded by under a limit of
            tokens or money when the request sets none.
    """

    role: str
    model: Model
    price: Price | None = None
    max_output: int = 1024


@dataclass(frozen=True)
class Call:
    """A request to an endpoint, with the key under which its answer is kept.

    Attributes:
        endpoint: which model is asked.
        request: what is asked; its seed follows from the key.
        key: hash of what is asked and, for a sampled call, of its place in the search.
        note: what the journal keeps of the request, for people.
    """

    endpoint: Endpoint
    request: Request
    key: str
    note: str = ""

    @classmethod
    def to(cls, endpoint: Endpoint, request: Request, *, place: str = "", note: str = "") -> "Call":
        """Make a call; the same request at the same place is the same call."""
        messages = [[m.role, m.content] for m in request.messages]
        scored = [request.continuation] if request.continuation else []
        asked = content_hash([messages, request.decoding.to_dict(), place, *scored])
        # The seed does not follow the model's name: one model under two addresses is one model.
        seeded = replace(request, seed=int(asked[:8], 16) >> 1)
        return cls(endpoint, seeded, content_hash([endpoint.model.name, asked]), note)


class Caller:
    """Makes calls: each is paid once, recorded before its answer is used, and retried.

    Args:
        journal: where answers are kept, and found again.
        meter: what may be spent.
        max_concurrency: the most calls under way at once.
        retry: what is tried again, and when.
    """

    def __init__(
        self,
        journal: Journal,
        meter: Meter,
        *,
        max_concurrency: int = 16,
        retry: Retry | None = None,
    ) -> None:
        self.journal, self.meter, self.retry = journal, meter, retry or Retry()
        self.slots = Slots(max_concurrency)
        self.problem = ""
        self._stop = asyncio.Event()
        self._charged: set[str] = set()
        self._under_way: dict[str, asyncio.Task[Entry]] = {}
        meter.spent.lost_tokens, meter.spent.lost_usd = journal.lost()

    def stop(self) -> None:
        """Make no more calls; those under way are finished and kept."""
        self._stop.set()

    async def drain(self) -> None:
        """Wait for the calls under way, which are paid; make no others."""
        self.stop()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def abandon(self) -> None:
        """Break off the calls under way, and make no others."""
        self.stop()
        for task in self._under_way.values():
            task.cancel()
        await self.drain()

    def charge(self, calls: Iterable[Call]) -> None:
        """Pay for all the calls that are new in this run, or for none, before any is made.

        Raises:
            BudgetExhausted: they would overspend.
            Interrupted: the run is ending.
        """
        self._check_stop()
        new = {call.key: call for call in calls if call.key not in self._charged}
        found = [(call, self.journal.find(key)) for key, call in new.items()]
        kept = [(call, entry) for call, entry in found if entry is not None]
        self.meter.charge(len(new), len(kept))
        self._charged |= new.keys()
        # Counted here, before a call of the batch is made: what earlier sessions spent is spent.
        for call, entry in kept:
            self._count(call, entry)
            self.meter.spent.retries += entry.retries

    async def answer(self, call: Call) -> Completion:
        """Get the answer to a charged call: from the journal, or from the model.

        Raises:
            ContextLengthError, ContentFilterError: the provider refuses this request for good.
            Stopped: it was not made, because of the budget or the user, or got no answer.
            ModelError: wrong key, no credit, or a request that no retry can mend.
        """
        entry = self.journal.find(call.key)
        if entry is None:
            task = self._under_way.get(call.key)
            if task is None:
                task = self._under_way[call.key] = asyncio.create_task(self._ask(call))
            entry = await asyncio.shield(task)
        if entry.error:
            raise entry.failure()
        reply, logprobs = entry.reply or "", ()
        if call.request.continuation:
            reply, logprobs = "", tuple(json.loads(reply))
        return Completion(
            text=reply, usage=entry.usage, truncated=entry.truncated, logprobs=logprobs
        )

    async def _ask(self, call: Call) -> Entry:
        try:
            return await self._until_answered(call)
        except BaseException:  # Whatever ended it, a cancellation too: it was not answered.
            self._charged.discard(call.key)
            self.meter.refund(1)
            raise
        finally:
            del self._under_way[call.key]

    async def _until_answered(self, call: Call) -> Entry:
        attempt, start = 0, time.monotonic()
        while True:
            attempt += 1
            try:
                return await self._attempt(call, attempt, start)
            except ModelError as error:
                if isinstance(error, RateLimitError):
                    self.slots.slower()
                wait = self.retry.wait(attempt, error)
                if self._never_reached(attempt, error):
                    wait = None
                if wait is None and isinstance(error, RETRIED):
                    raise ModelUnavailable(
                        f"{call.endpoint.model.name} gave no answer in {attempt} attempts; "
                        f"the last ended with: {error}"
                    ) from error
                if wait is None:
                    raise
                self.problem = f"{error}"[:120]
                self.meter.spent.retries += 1
                await self._pause(wait)

    async def _attempt(self, call: Call, attempt: int, start: float) -> Entry:
        endpoint, request = call.endpoint, call.request
        bound = self._bound(call)
        if self.meter.budget.meters_tokens and request.decoding.max_tokens is None:
            limited = replace(request.decoding, max_tokens=endpoint.max_output)
            request = replace(request, decoding=limited)
        async with self.slots:
            self._check_stop()
            await self.meter.reserve(bound)
            reply, error, completion = None, "", Completion(text="")
            try:
                completion = await endpoint.model.complete(request)
                reply = _kept(request, completion, endpoint.model)
                self.slots.faster()
                self.problem = ""
            except (ContextLengthError, ContentFilterError) as failure:
                error = f"{type(failure).__name__}: {failure}"
            except ModelError as failure:
                if failure.billed:
                    self.meter.spent.lost_tokens += bound.tokens
                    self.meter.spent.lost_usd += bound.usd or 0.0
                    lost = {"tokens": bound.tokens, "usd": bound.usd or 0.0}
                    self.journal.note("lost", f"{call.key}:{time.time()}", lost)
                raise
            finally:
                # What was taken is counted below before anybody else can run: there is no await.
                self.meter.release(bound)
            entry = Entry(
                key=call.key,
                role=endpoint.role,
                model=endpoint.model.name,
                request=call.note,
                reply=reply,
                error=error,
                usage=completion.usage,
                truncated=completion.truncated,
                retries=attempt - 1,
                seconds=time.monotonic() - start,
            )
            self.journal.add(entry)
            self._count(call, entry)
            return entry

    def _never_reached(self, attempt: int, error: ModelError) -> bool:
        """Whether nobody listens, and nobody did at any earlier call of the run."""
        unreachable = isinstance(error, UnreachableError)
        return unreachable and attempt >= FIRST_CONTACT and self.meter.spent.calls == 0

    def _bound(self, call: Call) -> Cost:
        request, max_output = call.request, call.endpoint.max_output
        if request.continuation:  # It is read as well, and one token is written after it.
            shown = (*request.messages, Message("assistant", request.continuation))
            return worst_case(replace(request, messages=shown), call.endpoint.price, 1)
        return worst_case(request, call.endpoint.price, request.decoding.max_tokens or max_output)

    def _count(self, call: Call, entry: Entry) -> None:
        unbilled = entry.error and not entry.failure().billed
        usage = Usage(input_tokens=0, output_tokens=0) if unbilled else entry.usage
        took = actual(usage, call.endpoint.price, self._bound(call))
        self.meter.count(took, usage.cached_tokens)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Interrupted("The run was stopped by the user.")

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond a stop."""
        waits = [asyncio.ensure_future(w) for w in (self.retry.sleep(seconds), self._stop.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


def _kept(request: Request, completion: Completion, model: Model) -> str:
    """What the journal keeps of an answer: its text, or the log-probabilities as JSON.

    Raises:
        LikelihoodError: log-probabilities were asked for, and there are none.
        MalformedReplyError: the text holds half of a surrogate pair.
    """
    if request.continuation:
        if not completion.logprobs:
            raise LikelihoodError(model.name, "it gave no log-probabilities.")
        return json.dumps(completion.logprobs)
    text = completion.text
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MalformedReplyError(f"{model.name}: the answer holds half a character.") from None
    return text
