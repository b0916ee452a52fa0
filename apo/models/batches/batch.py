"""A model asked through its provider's Batch API: hours instead of seconds, at half the price."""

import asyncio
import copy
import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from functools import cached_property
from typing import Any

import orjson

from apo.errors import LikelihoodError, ModelError, RateLimitError, TransportError
from apo.model import Completion, Request
from apo.models.address import Address
from apo.models.batches.api import MAX_BYTES, MAX_REQUESTS, BatchApi
from apo.models.batches.carrier import Carrier
from apo.models.batches.log import BatchLog, Sent
from apo.models.batches.results import Batch, refusal, unanswered
from apo.models.dialect import Dialect

QUIET = 0.2
"""Seconds without a new request after which those that wait are sent."""


class BatchModel:
    """Sends requests in batches; `complete` waits until its batch has ended.

    A batch goes off when no new request has come for a moment: all that can be asked is then
    asked. Requests are in the log before they are sent, so that a later process takes the answers
    of a batch that this one does not wait for.

    Args:
        address: where the model is served.
        log: what was sent, in the run's folder.
        timeout: seconds that the provider may keep silent.
        quiet: seconds without a new request after which a batch goes off.
        max_requests: the most in a batch.
        sleep: waits the given seconds between two looks at a batch.
    """

    def __init__(
        self,
        address: Address,
        log: BatchLog,
        *,
        timeout: float = 120.0,
        quiet: float = QUIET,
        max_requests: int = MAX_REQUESTS,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._address, self._log, self._api = address, log, BatchApi(address, timeout=timeout)
        self._carrier = Carrier(self._api, log, sleep)
        self._quiet, self._max_requests = quiet, max_requests
        self._waiting: dict[str, asyncio.Future[Completion]] = {}
        self._queue: dict[str, bytes] = {}
        self._queued_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._unclaimed: dict[str, Completion | ModelError] = {}
        self._under_way: dict[Sent, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(MAX_REQUESTS)

    def __repr__(self) -> str:
        return f"BatchModel({self.name!r})"

    @property
    def name(self) -> str:
        """The model's full name, the same as without batches."""
        return self._address.name

    @property
    def dialect(self) -> Dialect:
        """How it is asked."""
        return self._address.dialect

    @property
    def waiting(self) -> str:
        """What is waited for, in words; "" for nothing."""
        states = "; ".join(sent.state for sent in self._under_way)
        return f"waiting for {len(self._under_way)} in the Batch API ({states})" if states else ""

    async def complete(self, request: Request) -> Completion:
        """Ask in a batch, or take the answer from one that was sent before.

        Raises:
            LikelihoodError: the request has a continuation.
            RunError: the log cannot be read or written.
            ModelError: the attempt failed; the subclass says whether a retry can help.
        """
        if request.continuation:
            raise LikelihoodError(self.name, "with --batch it is asked for answers alone.")
        body = self._address.body(request)
        content = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        key = hashlib.sha256(content).hexdigest()[:32]
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            self._ask(key, body)
        return await asyncio.shield(future)

    async def aclose(self) -> None:
        """Close connections; batches go on at the provider, and stay in the log."""
        if self._timer is not None:
            self._timer.cancel()
        tasks = [*self._under_way.values()]
        for task in tasks:
            task.cancel()
        for future in self._waiting.values():
            future.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._waiting.clear()
        self._queue.clear()
        await self._api.aclose()

    @cached_property
    def _sent(self) -> dict[str, Sent]:
        # Read at the first call: by then the run is ours, and no other process writes it.
        return self._log.read()

    def _ask(self, key: str, body: dict[str, Any]) -> None:
        if key in self._unclaimed:
            self._settle(key, self._unclaimed.pop(key))
            return
        sent = self._sent.get(key)
        if sent is None:
            self._enqueue(key, self._api.line(key, body))
        elif sent not in self._under_way:
            self._start(sent, self._carrier.find(sent))

    def _enqueue(self, key: str, line: bytes) -> None:
        if self._queue and self._queued_bytes + len(line) > MAX_BYTES:
            self._send_off()
        self._queue[key] = line
        self._queued_bytes += len(line)
        if self._timer is not None:
            self._timer.cancel()
        if len(self._queue) >= self._max_requests:
            self._send_off()
        else:
            self._timer = asyncio.get_running_loop().call_later(self._quiet, self._send_off)

    def _send_off(self) -> None:
        lines, self._queue, self._queued_bytes = self._queue, {}, 0
        sent = Sent(list(lines))
        self._sent.update(dict.fromkeys(lines, sent))
        self._start(sent, self._carrier.send(sent, b"".join(lines.values())))

    def _start(self, sent: Sent, begin: Coroutine[Any, Any, Batch | None]) -> None:
        self._under_way[sent] = asyncio.ensure_future(self._carry(sent, begin))

    async def _carry(self, sent: Sent, begin: Coroutine[Any, Any, Batch | None]) -> None:
        """Bring a batch to its end, and hand out what came of it; an error goes to all."""
        try:
            async with self._turn:
                batch = await begin
                if batch is not None:
                    batch = await self._carrier.ended(sent, batch)
                await self._hand_out(sent, batch)
        except Exception as error:  # Whatever it is: nobody may wait for ever.
            for key in sent.ids:
                if key in self._waiting:
                    # A copy: an error that is raised again and again grows its traceback.
                    self._settle(key, copy.copy(error))
        finally:
            begin.close()
            del self._under_way[sent]

    async def _hand_out(self, sent: Sent, batch: Batch | None) -> None:
        if batch is None:
            self._forget(sent)
            raise TransportError(f"{self.name}: a batch was prepared, but never started.")
        if batch.status == "failed":
            self._forget(sent)
            raise self._refusal(sent, batch)
        outcomes = await self._carrier.outcomes(batch)
        self._forget(sent)
        for key in sent.ids:
            if key in self._waiting:
                missing = unanswered(self.name, batch, resumed=sent.resumed)
                self._settle(key, outcomes.get(key, missing))
            elif key in outcomes:
                self._unclaimed[key] = outcomes[key]

    def _refusal(self, sent: Sent, batch: Batch) -> ModelError:
        if sent.resumed:  # That has been said: what was wrong may have been mended.
            return unanswered(self.name, batch, resumed=True)
        reason = refusal(self._address, batch)
        if isinstance(reason, RateLimitError) and len(sent.ids) > 1:
            # More than the account may have in its queue: smaller, and one after the other.
            self._max_requests = min(self._max_requests, len(sent.ids) // 2)
            self._turn = asyncio.Semaphore(1)
        return reason

    def _forget(self, sent: Sent) -> None:
        """Take the requests of a batch that is over as not sent, but those of a later batch."""
        for key in sent.ids:
            if self._sent.get(key) is sent:
                del self._sent[key]

    def _settle(self, key: str, outcome: Completion | Exception) -> None:
        future = self._waiting.pop(key)
        if future.done():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
