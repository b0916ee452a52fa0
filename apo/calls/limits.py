"""How fast a model may be asked: what the user sets, and what the provider's headers say."""

from dataclasses import dataclass

from apo.errors import SettingsError
from apo.model import Allowance

BURST = 1.0
"""Seconds' worth of a stated limit that may go out at once; providers enforce parts of a minute."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What may go to one model, whichever roles, runs and optimizers of the process ask it.

    Attributes:
        max_concurrency: the most calls under way at once.
        requests_per_minute: the most attempts; None leaves it to the provider's headers.
        tokens_per_minute: the most tokens, in and out; None leaves it to the headers.
        hedge: ask a second time when an answer takes far longer than usual, and take the first.
    """

    max_concurrency: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    hedge: bool = False

    def __post_init__(self) -> None:
        if self.max_concurrency < 1:
            raise SettingsError(
                f"max_concurrency is {self.max_concurrency}; it must be at least 1."
            )
        for name in ("requests_per_minute", "tokens_per_minute"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise SettingsError(f"{name} is {value}; it must be greater than 0.")

    def buckets(self) -> list["TokenBucket"]:
        """The stated limits as buckets."""
        stated = {"requests": self.requests_per_minute, "tokens": self.tokens_per_minute}
        return [
            TokenBucket(unit, minute / 60, max(1.0, BURST * minute / 60))
            for unit, minute in stated.items()
            if minute is not None
        ]


@dataclass
class TokenBucket:
    """A token bucket: it fills at a steady rate, and what is sent is taken from it.

    Attributes:
        unit: "requests" or "tokens".
        rate: what flows in, a second.
        size: the most that it holds.
    """

    unit: str
    rate: float
    size: float

    def __post_init__(self) -> None:
        self.level = self.size
        self._at = 0.0

    def ready_in(self, amount: float, now: float) -> float:
        """Seconds until so much may be taken; a bucket that is full lets anything go."""
        self._fill(now)
        lacking = min(amount, self.size) - self.level
        return lacking / self.rate if lacking > 1e-9 else 0.0

    def take(self, amount: float) -> None:
        """Take so much out, or put it back when it is negative; it may be overdrawn."""
        self.level = min(self.size, self.level - amount)

    def follow(self, other: "TokenBucket | None") -> None:
        """Go on where another bucket stands, in place of full."""
        if other is not None:
            self.level, self._at = min(self.size, other.level), other._at

    def learn(self, allowance: Allowance, now: float) -> None:
        """Believe what the provider says: how much is left, and when it will be whole again."""
        self._fill(now)
        used = allowance.limit - allowance.remaining
        self.size = max(1.0, allowance.limit)
        if used > 0:
            self.rate = used / allowance.reset if allowance.reset > 0 else self.rate
            self.level = min(self.level, allowance.remaining)
        else:  # It is whole: what was counted here beside that was a mistake.
            self.level = self.size

    def _fill(self, now: float) -> None:
        self.level = min(self.size, self.level + self.rate * (now - self._at))
        self._at = now
