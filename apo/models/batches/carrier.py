"""A batch on its way: sent, found again, waited for, fetched. Short failures are waited out."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from apo.errors import BadRequestError, ModelError, RateLimitError, TransportError
from apo.model import Completion
from apo.models.batches.api import BatchApi
from apo.models.batches.log import BatchLog, Sent
from apo.models.batches.results import FINAL, Batch

T = TypeVar("T")
FIRST_POLL, MAX_POLL, GROWTH = 1.0, 60.0, 1.5
"""Seconds between two looks at a batch: the first, the longest, and by what they grow."""
ATTEMPTS = 6
"""Tries at one step of a batch while the provider cannot be reached, or asks to wait."""


class Carrier:
    """Brings batches to their end.

    Args:
        api: the provider.
        log: where each batch is written down before it is sent.
        sleep: waits the given seconds.
    """

    def __init__(
        self, api: BatchApi, log: BatchLog, sleep: Callable[[float], Awaitable[object]]
    ) -> None:
        self._api, self._log, self._sleep = api, log, sleep
        self._reached = False

    async def send(self, sent: Sent, lines: bytes) -> Batch:
        """Send a file of requests, and start a batch on it.

        Raises:
            RunError: it cannot be written down; nothing was sent.
            ModelError: it was not started, or that is not known: `find` it, then.
        """
        self._log.intend(sent)
        file = await self._insist(lambda: self._api.upload(lines, sent.token))
        tried = False

        async def create() -> Batch:
            nonlocal tried
            # A request to create whose answer was lost may have been carried out.
            made = await self._api.find(sent.token) if tried else None
            tried = True
            return made or await self._api.create(file, sent.token)

        return self._started(sent, await self._insist(create))

    async def find(self, sent: Sent) -> Batch | None:
        """Find a batch again that an earlier attempt, or an earlier process, has sent.

        Returns:
            None when it was never started.

        Raises:
            BadRequestError: it was started, and the account does not know it.
            ModelError: the provider cannot be asked.
        """
        if not sent.batch:
            found = await self._insist(lambda: self._api.find(sent.token))
            return None if found is None else self._started(sent, found)
        try:
            return await self._insist(lambda: self._api.retrieve(sent.batch))
        except BadRequestError as error:
            unknown = (
                f"The batch {sent.batch}, which this run sent, is not there: {error} Use the key "
                f"that it was sent with; or delete {self._log.path}, which has its requests paid "
                "once more."
            )
        raise BadRequestError(unknown)

    async def ended(self, sent: Sent, batch: Batch) -> Batch:
        """Wait until a batch has ended, one way or another.

        Raises:
            ModelError: the provider cannot be asked any more; the batch goes on.
        """
        wait = FIRST_POLL
        while batch.status not in FINAL:
            sent.state = f"{batch.answered} of {len(sent.ids)} calls, {batch.status}"
            await self._sleep(wait)
            wait = min(MAX_POLL, GROWTH * wait)
            batch = await self._insist(lambda: self._api.retrieve(sent.batch))
        return batch

    async def outcomes(self, batch: Batch) -> dict[str, Completion | ModelError]:
        """Fetch what came of the requests of a batch that has ended.

        Raises:
            ModelError: it cannot be fetched now.
        """
        return await self._insist(lambda: self._api.outcomes(batch))

    def _started(self, sent: Sent, batch: Batch) -> Batch:
        sent.batch = batch.id
        self._log.started(sent)
        return batch

    async def _insist(self, step: Callable[[], Awaitable[T]]) -> T:
        """Make a step, again when it fails; a provider that was never reached is asked once."""
        attempt = 1
        while True:
            try:
                made = await step()
                self._reached = True
                return made
            except (TransportError, RateLimitError) as error:
                if attempt == ATTEMPTS or not self._reached:
                    raise
                asked = error.retry_after or 0.0
            await self._sleep(min(MAX_POLL, max(FIRST_POLL * 2**attempt, asked)))
            attempt += 1
