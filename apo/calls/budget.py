"""What a run may spend, and what it has spent: calls, tokens, money and minutes."""

from dataclasses import asdict, dataclass
from typing import Any

from apo.calls.costs import Cost
from apo.errors import SettingsError
from apo.usage import Usage


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a run may spend, task model and optimizer model together; None is no limit.

    Attributes:
        max_calls: answered calls. Attempts that failed and were retried are not counted.
        max_tokens: input and output tokens together.
        max_usd: US dollars. Every model of the run then needs a known price.
        max_minutes: minutes of running, summed over resumed sessions.
    """

    max_calls: int | None = None
    max_tokens: int | None = None
    max_usd: float | None = None
    max_minutes: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and not value > 0:
                raise SettingsError(f"{name} is {value!r}; a limit must be greater than 0.")

    @property
    def meters_tokens(self) -> bool:
        """Whether a call's size must be bounded before it is made."""
        return self.max_tokens is not None or self.max_usd is not None


@dataclass(kw_only=True)
class Spent:
    """What has been spent so far.

    Attributes:
        calls: answered calls.
        input_tokens: tokens of the requests, cached ones included.
        output_tokens: tokens of the answers.
        cached_tokens: the part of input_tokens served from the provider's prompt cache.
        thinking_tokens: the part of output_tokens that went into thinking.
        usd: US dollars; None when a model's price is unknown.
        lost_tokens: what failed attempts that may have been billed took beside it, at most.
        lost_usd: what they cost beside it, at most.
        retries: attempts made again after a failure.
        reused_calls: the part of calls that other runs had paid for.
        reused_usd: the part of usd that they had.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    thinking_tokens: int = 0
    usd: float | None = 0.0
    lost_tokens: int = 0
    lost_usd: float = 0.0
    retries: int = 0
    reused_calls: int = 0
    reused_usd: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    def add(self, took: Cost, usage: Usage = Usage()) -> None:
        """Count what an answered call took; of the usage, the parts that are cached and thought."""
        self._count(took, usage, 1)
        unknown = took.usd is None or self.usd is None
        self.usd = None if unknown else (self.usd or 0.0) + (took.usd or 0.0)

    def take_back(self, took: Cost, usage: Usage) -> None:
        """Take back what `add` counted of an answer whose place another one takes."""
        self._count(took, usage, -1)
        if self.usd is not None:
            self.usd -= took.usd or 0.0

    def _count(self, took: Cost, usage: Usage, n: int) -> None:
        self.calls += n
        self.input_tokens += n * took.input_tokens
        self.output_tokens += n * took.output_tokens
        self.cached_tokens += n * min(usage.cached_tokens, took.input_tokens)
        self.thinking_tokens += n * min(usage.thinking_tokens, took.output_tokens)

    def to_dict(self) -> dict[str, Any]:
        """Give the counts as JSON values."""
        return asdict(self)
