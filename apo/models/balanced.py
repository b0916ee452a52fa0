"""One model behind several servers: each call goes to the one with the fewest under way."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from apo.errors import RETRIED, UnreachableError
from apo.model import Completion, Model, Request
from apo.models.dialect import Dialect

DRAINED_AFTER = 3
"""Failures in a row after which a server gets no calls for a while; one, if nobody listens."""
FIRST_REST, LONGEST_REST = 1.0, 60.0
"""Seconds that a drained server is left alone; doubles while it goes on failing."""


@dataclass
class Replica:
    """One of the servers.

    Attributes:
        model: the model there.
        busy: calls under way.
        failures: failed calls in a row.
        rest: seconds that it is left alone when it fails again.
        back_at: when it may be asked again, in seconds of the loop's clock.
    """

    model: Model
    busy: int = 0
    failures: int = 0
    rest: float = FIRST_REST
    back_at: float = 0.0

    def failed(self, now: float, *, unreachable: bool) -> None:
        """Count a failure; too many in a row drain it."""
        if now < self.back_at:  # It rests: this is a call from before, and says nothing new.
            return
        self.failures += 1
        if unreachable or self.failures >= DRAINED_AFTER:
            self.back_at = now + self.rest
            self.rest = min(LONGEST_REST, 2 * self.rest)

    def answered(self) -> None:
        """It serves."""
        self.failures, self.rest, self.back_at = 0, FIRST_REST, 0.0

    def is_open(self, now: float) -> bool:
        """Whether it may be asked: one that comes back gets one call first."""
        return now >= self.back_at and not (self.back_at and self.busy)


class BalancedModel:
    """A model that several servers serve alike. One call of `complete` is one attempt.

    A server that fails three times in a row, or cannot be reached, gets no calls for a second, then
    for two, four, … up to a minute; the first call after that shows whether it is back.

    Args:
        name: the model's full name.
        models: the same model on each server, at least one.
        dialect: how all of them are asked.
    """

    def __init__(
        self, name: str, models: Sequence[Model], *, dialect: Dialect | None = None
    ) -> None:
        self._name, self.dialect = name, dialect or Dialect()
        self._replicas = [Replica(model) for model in models]

    def __repr__(self) -> str:
        return f"BalancedModel({self.name!r})"

    @property
    def name(self) -> str:
        """The model's full name."""
        return self._name

    async def complete(self, request: Request) -> Completion:
        """Ask one server; the next one when it cannot be reached.

        Raises:
            ModelError: the attempt failed; the subclass says whether a retry can help.
        """
        left = list(self._replicas)
        while True:
            replica = self._choose(left)
            left.remove(replica)
            replica.busy += 1
            try:
                completion = await replica.model.complete(request)
            except RETRIED as error:  # Else one that refuses at once would draw all calls.
                unreachable = isinstance(error, UnreachableError)
                replica.failed(asyncio.get_running_loop().time(), unreachable=unreachable)
                if not (left and unreachable):
                    raise
            else:
                replica.answered()
                return completion
            finally:
                replica.busy -= 1

    async def aclose(self) -> None:
        """Close the connections to all servers."""
        for replica in self._replicas:
            await replica.model.aclose()

    def _choose(self, among: Sequence[Replica]) -> Replica:
        now = asyncio.get_running_loop().time()
        open_ = [replica for replica in among if replica.is_open(now)]
        if open_:
            return min(open_, key=lambda replica: replica.busy)
        return min(among, key=lambda replica: (replica.back_at, replica.busy))
