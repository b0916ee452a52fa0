"""What a call costs: at most, before it is made, and in truth."""

from collections.abc import Callable
from typing import NamedTuple

from apo.model import Request
from apo.models.prices import Price, cost
from apo.usage import Usage

IMAGE = 50_000
"""The most tokens that a provider counts for an image: OpenAI's small models come near it."""


class Cost(NamedTuple):
    """Tokens and dollars of one call; usd is None when the price is unknown."""

    input_tokens: int
    output_tokens: int
    usd: float | None

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


def worst_case(request: Request, price: Price | None, max_output: int) -> Cost:
    """Bound what a request can cost before it is made.

    A token is at least one byte of UTF-8 in the tokenizers in use, so the bytes bound the input;
    eight more a message cover the chat markup.
    """
    size = sum(
        len(m.content.encode("utf-8", "replace")) + 8 + IMAGE * len(m.images)
        for m in request.messages
    )
    usage = Usage(input_tokens=size, output_tokens=max_output)
    return Cost(size, max_output, None if price is None else cost(price, usage))


def actual(usage: Usage, price: Price | None, bound: Callable[[], Cost]) -> Cost:
    """What a call cost; where the server did not count tokens, the bound stands for them."""
    if usage.input_tokens is None or usage.output_tokens is None:
        read, written, _ = bound()
        usage = Usage(
            input_tokens=read if usage.input_tokens is None else usage.input_tokens,
            output_tokens=written if usage.output_tokens is None else usage.output_tokens,
            cached_tokens=usage.cached_tokens,
        )
    usd = None if price is None else cost(price, usage)
    return Cost(usage.input_tokens or 0, usage.output_tokens or 0, usd)
