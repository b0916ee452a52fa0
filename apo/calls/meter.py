"""One meter for everything that a run spends, and what is set aside for calls under way."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from apo.calls.budget import Budget, Spent
from apo.calls.costs import Cost
from apo.calls.reservations import Reservations
from apo.errors import BudgetExhausted, SettingsError


@dataclass
class Meter:
    """Counts what is spent against a budget, and says no before it is overspent.

    Calls are charged for a whole batch at once, so that what is admitted does not depend on
    timing. Tokens and money are reserved call by call at their bound, in order, and settled at
    what the call really took; a call that does not fit waits for those under way to settle.

    Attributes:
        budget: the limits.
        spent: the counts so far.
        earlier_seconds: running time of earlier sessions of the same run.
        charged: calls paid for so far, the batches under way included.
        reserved: what is set aside for calls under way, where tokens or money are limited.
        planned: calls that there is about time for; infinite where no time is limited. Nothing is
            refused by it.
        clock: seconds since any fixed moment.
    """

    budget: Budget
    spent: Spent = field(default_factory=Spent)
    earlier_seconds: float = 0.0
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._start = self.clock()
        self.charged, self.planned = 0, math.inf
        self._held: dict[str, dict[str, float]] = {}
        self._beyond_limit = 0
        self.reserved = Reservations()
        self._gate = asyncio.Lock()
        self._settled = asyncio.Event()

    @property
    def seconds(self) -> float:
        """Running time of all sessions, in seconds."""
        return self.earlier_seconds + self.clock() - self._start

    def leave_out(self, seconds: float) -> None:
        """Count so many seconds that have passed as no running time."""
        self.earlier_seconds -= seconds

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time is over, below 0 when it was over before; None without a limit."""
        left = 60 * self.limit("max_minutes") - self.seconds
        return left if math.isfinite(left) else None

    def check_time(self) -> None:
        """Make sure that there is time left.

        Raises:
            BudgetExhausted: there is none.
        """
        left = self.seconds_left
        if left is not None and left <= 0:
            raise self.time_over()

    def time_notes(self) -> tuple[str, ...]:
        """Say that the time is over, where it is."""
        left = self.seconds_left
        if left is None or left > 0:
            return ()
        minutes = f"{self.limit('max_minutes'):g} minutes"
        return (f"The time was over (--max-minutes, {minutes}); the run ended with it.",)

    def time_over(self) -> BudgetExhausted:
        """Make the error that says so."""
        passed, given = self.seconds / 60, self.limit("max_minutes")
        return BudgetExhausted(
            f"The time is over: {passed:.1f} minutes have passed, and --max-minutes gave {given:g}."
        )

    def hold_back(self, purpose: str, **amounts: float) -> None:
        """Keep part of the budget for a purpose, by limit name (max_calls=…).

        Called again for the same purpose it takes the place of what was kept; without amounts
        it frees that.
        """
        self._held[purpose] = amounts

    def allow(self, calls: int) -> None:
        """Allow so many calls beyond the limit in calls, for what somebody asked for on top."""
        self._beyond_limit += calls

    def limit(self, name: str) -> float:
        """The limit in force now, what is held back taken off; infinite without a limit."""
        value = getattr(self.budget, name)
        held = sum(amounts.get(name, 0.0) for amounts in self._held.values())
        more = self._beyond_limit if name == "max_calls" else 0
        return float("inf") if value is None else max(0.0, float(value) + more - held)

    @property
    def calls_left(self) -> float:
        """Calls that may still be charged, and that there is about time for; may be infinite."""
        held = sum(amounts.get("max_calls", 0.0) for amounts in self._held.values())
        return min(self.limit("max_calls"), self.planned - held) - self.charged

    def remains(self, share: float) -> dict[str, float]:
        """A share of what is left of each limit, by limit name, as `hold_back` takes it."""
        used = {
            "max_calls": self.charged,
            "max_tokens": self.spent.tokens + self.spent.lost_tokens,
            "max_usd": (self.spent.usd or 0.0) + self.spent.lost_usd,
            "max_minutes": self.seconds / 60,
        }
        left = {name: self.limit(name) - spent for name, spent in used.items()}
        return {
            name: share * max(0.0, amount) for name, amount in left.items() if math.isfinite(amount)
        }

    def charge(self, calls: int, kept: int = 0) -> None:
        """Pay for a whole batch of calls, or for none of them.

        Args:
            calls: how many.
            kept: how many of them were answered in an earlier session, and take no time now.

        Raises:
            BudgetExhausted: the batch would overspend, or the time is over.
        """
        if calls > kept:
            self.check_time()
        self.require(calls)
        self.charged += calls

    def require(self, calls: int) -> None:
        """Make sure that so many more calls may be charged.

        Raises:
            BudgetExhausted: they would overspend.
        """
        if self.charged + calls > self.limit("max_calls"):
            raise BudgetExhausted(
                f"{calls} more calls would overspend: {self.charged} of "
                f"{self.limit('max_calls'):.0f} are spent{self._kept_back()}."
            )

    def refund(self, calls: int) -> None:
        """Take back the charge of calls that were not made."""
        self.charged -= calls

    async def reserve(self, bound: Cost, model: str = "", *, first_alone: bool = True) -> None:
        """Set the bound of one call aside, waiting while calls under way may leave room.

        Args:
            bound: the most that the call can take.
            model: whose it is, if anybody's; what its calls took beyond their bounds is set aside
                as well.
            first_alone: wait until one of its calls has shown whether it keeps to its bound.

        Raises:
            BudgetExhausted: it does not fit even when nothing else is under way.
        """
        if not self.budget.meters_tokens:
            return
        if self.budget.max_usd is not None and bound.usd is None:
            raise SettingsError("max_usd needs a price for every model; state it with --price.")
        async with self._gate:  # A lock serves in order, so admission follows the asking.
            while not self._goes(bound, model, first_alone):
                if not self.reserved.n:
                    raise BudgetExhausted(self._refusal(self.reserved.raised(bound, model)))
                self._settled.clear()
                await self._settled.wait()

    def _goes(self, bound: Cost, model: str, first_alone: bool) -> bool:
        waits = first_alone and self.reserved.unproven(model)
        return not waits and self.try_reserve(bound, model)

    def try_reserve(self, bound: Cost, model: str = "") -> bool:
        """Set the bound of one call aside if it fits now; whether it did."""
        if not self.budget.meters_tokens:
            return True
        fits = self._fits(self.reserved.raised(bound, model))
        if fits:
            self.reserved.add(bound, model)
        return fits

    def release(self, bound: Cost, model: str = "") -> None:
        """Give back the reservation of an attempt that is over, whatever came of it."""
        if self.budget.meters_tokens:
            self.reserved.remove(bound, model)
            self._settled.set()

    @property
    def overspent(self) -> str:
        """What was spent beyond the limits of tokens and money, and why; "" for nothing."""
        spent, budget = self.spent, self.budget
        said: list[str] = []
        if budget.max_usd is not None and (spent.usd or 0.0) > budget.max_usd * (1 + 1e-9):
            said.append(f"${spent.usd:,.4f} of ${budget.max_usd:,.4f}")
        if budget.max_tokens is not None and spent.tokens > budget.max_tokens:
            said.append(f"{spent.tokens:,} of {budget.max_tokens:,} tokens")
        if not said:
            return ""
        broken = self.reserved.broken or "Calls took more than they can"
        return (
            f"Overspent: {' and '.join(said)}. {broken}. "
            "Calls under way then could not be taken back; for those after it more was set aside."
        )

    def _kept_back(self) -> str:
        held = (self.budget.max_calls or 0) - self.limit("max_calls")
        return f", and {held:.0f} more are kept for what must follow" if held > 0 else ""

    def _fits(self, bound: Cost) -> bool:
        tokens, usd = self.reserved.and_one(bound)
        return self.spent.tokens + self.spent.lost_tokens + tokens <= self.limit("max_tokens") and (
            (self.spent.usd or 0.0) + self.spent.lost_usd + usd <= self.limit("max_usd")
        )

    def _refusal(self, bound: Cost) -> str:
        used = self.spent.tokens
        money = "" if self.spent.usd is None else f" and ${self.spent.usd:.4f}"
        return (
            f"One more call might overspend: it may take {bound.tokens} tokens"
            f"{'' if bound.usd is None else f' or ${bound.usd:.4f}'}, "
            f"and {used} tokens{money} are spent."
        )
