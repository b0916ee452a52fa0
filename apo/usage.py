"""What a call took, as the server counted it."""

from typing import NamedTuple


class Usage(NamedTuple):
    """Tokens of one call as the server counted them; None where it did not say, and below 0 where
    it said what is no count: `apo.intake` puts an estimate in its place.

    Attributes:
        input_tokens: tokens of the request, the cached ones included.
        output_tokens: tokens of the answer.
        cached_tokens: the part of input_tokens that came from the provider's prompt cache.
        thinking_tokens: the part of output_tokens that went into thinking.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    thinking_tokens: int = 0
