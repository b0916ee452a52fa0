"""How many tokens models read for a text and write in a second, as their answers have shown."""

from collections import defaultdict
from dataclasses import dataclass

from apo.calls.call import Endpoint
from apo.calls.costs import Cost
from apo.model import Request
from apo.models.intake import MARKUP, estimate
from apo.models.prices import cost
from apo.usage import Usage


@dataclass
class _Of:
    """What the answers of one model have shown: tokens a byte, and the most tokens a second."""

    dense: float = 0.0
    fast: float = 0.0


class Pace:
    """Learns from answers what an attempt takes that brings none."""

    def __init__(self) -> None:
        self._of: defaultdict[str, _Of] = defaultdict(_Of)

    def add(self, model: str, request: Request, usage: Usage, seconds: float) -> None:
        """Look at an answer.

        Args:
            model: its name.
            request: what was asked.
            usage: as the server counted it.
            seconds: that it took on the wire.
        """
        found, size = self._of[model], size_of(request)
        if usage.input_tokens and size:
            found.dense = max(found.dense, usage.input_tokens / size)
        if usage.output_tokens and seconds > 0:
            found.fast = max(found.fast, usage.output_tokens / seconds)

    def likely(self, endpoint: Endpoint, request: Request, bound: Cost, seconds: float) -> Cost:
        """What an attempt has taken about, rather too much than too little.

        Args:
            endpoint: who was asked.
            request: what was asked.
            bound: the most that it can have taken.
            seconds: how long it was on the wire.
        """
        found, size = self._of[endpoint.model.name], size_of(request)
        read = (
            round(found.dense * size)
            if found.dense
            else estimate(size) + MARKUP * len(request.messages)
        )
        written = round(found.fast * seconds) if found.fast else bound.output_tokens
        usage = Usage(min(read, bound.input_tokens), min(written, bound.output_tokens))
        usd = None if endpoint.price is None else cost(endpoint.price, usage)
        return Cost(usage.input_tokens or 0, usage.output_tokens or 0, usd)


def size_of(request: Request) -> int:
    """Bytes of a request's texts."""
    return sum(len(m.content.encode("utf-8", "replace")) for m in request.messages)
