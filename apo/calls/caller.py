"""One way to a model: each call is paid once, recorded before its answer is used, and retried."""

import asyncio
import itertools
import json
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import datetime

from apo.calls.asking import Asker
from apo.calls.call import Call, Endpoint
from apo.calls.counting import count
from apo.calls.habits import habit_notes
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.calls.purse import Purse
from apo.calls.retry import Retry
from apo.calls.tally import Tally
from apo.errors import JournalError, ModelError
from apo.language.catalogue import message
from apo.model import Completion
from apo.storage.journal import Journal
from apo.storage.rows import Entry


class Caller:
    """Makes the calls of a run.

    Args:
        journal: where answers are kept, and found again.
        meter: what may be spent.
        limits: how fast each model may be asked.
        retry: what is tried again, and when.
        judges: the models that judge answers, by name; "" is the run's own.
        others: the models that answer steps of a program in the task model's place, by name.
        purse: what may be spent together with other runs; None for no such limit.
    """

    def __init__(
        self,
        journal: Journal,
        meter: Meter,
        *,
        limits: Limits | None = None,
        retry: Retry | None = None,
        judges: Mapping[str, Endpoint] | None = None,
        others: Mapping[str, Endpoint] | None = None,
        purse: Purse | None = None,
    ) -> None:
        self.journal, self.meter, self.limits = journal, meter, limits or Limits()
        self.judges, self.others = judges or {}, others or {}
        self.finished: set[tuple[str, str]] = set()
        """Runs of programs whose calls are all charged, by candidate and example, and by place."""
        self._tally = Tally()
        self._asker = Asker(journal, meter, retry or Retry(), self.limits, self._tally, purse)
        self._batches = itertools.count()
        self._charged: set[str] = set()
        self._under_way: dict[str, asyncio.Task[Entry]] = {}
        self._kept: list[float] = []
        meter.spent.lost_tokens, meter.spent.lost_usd = journal.lost()

    @property
    def busy(self) -> int:
        """Attempts under way now."""
        return len(self._asker.attempts.under_way)

    @property
    def n_kept(self) -> int:
        """Answers that were kept from before, so that they were not asked for again."""
        return len(self._kept)

    def under_way(self) -> dict[str, tuple[int, float]]:
        """By role, how many attempts are under way, and for how many seconds the oldest is."""
        now = asyncio.get_running_loop().time()
        found: dict[str, tuple[int, float]] = {}
        for role, since in self._asker.attempts.under_way.values():
            n, longest = found.get(role, (0, 0.0))
            found[role] = n + 1, max(longest, now - since)
        return found

    @property
    def problem(self) -> str:
        """What the last failed attempt ended with; "" once another was answered."""
        return self._asker.attempts.problem

    def waiting(self) -> str:
        """Say what calls wait for by the servers' own words, and until when; "" for nothing."""
        return self._asker.attempts.lanes.waiting()

    def notes(self) -> tuple[str, ...]:
        """What was noticed of the models' answers beside their scores, in words."""
        return (*self._tally.notes(), *habit_notes(self.journal))

    def kept_notes(self) -> tuple[str, ...]:
        """Say how many answers were kept from before, and since when; nothing where none was."""
        if not self._kept:
            return ()
        first, last = (
            f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d}"
            for at in (min(self._kept), max(self._kept))
        )
        n, asked = len(self._kept), self.meter.spent.calls - len(self._kept)
        since = first if first == last else f"{first} to {last}"
        answers = message(f"{n:,} answer{'s' * (n != 1)}")
        return (f"{answers} kept from {since}, {asked:,} asked now; --fresh asks again.",)

    def stop(self) -> None:
        """Make no more calls; those under way are finished and kept."""
        self._asker.ending.stop()

    async def wait(self, seconds: float) -> None:
        """Wait, and no longer than the run goes on.

        Raises:
            BudgetExhausted: its time is over.
            Interrupted: it was stopped.
        """
        async with self._asker.ending.breaks_off():
            await asyncio.sleep(seconds)

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

    @contextmanager
    def kept_for_judges(self, calls: int) -> Generator[Callable[[int], None]]:
        """Hold calls back while answers come in, so that what is answered can be judged, too.

        Yields:
            To be told of calls to judges that are about to be charged, which frees so many.
        """
        with self._set_aside(f"judges of batch {next(self._batches)}", calls) as pay:
            yield pay

    @contextmanager
    def kept_for_programs(self, calls: int) -> Generator[Callable[[int], None]]:
        """Hold back the most calls that programs may make, before they make the first.

        Yields:
            To be told of calls that are about to be charged, which frees so many.

        Raises:
            BudgetExhausted: they would overspend.
        """
        self.meter.require(calls)
        with self._set_aside(f"programs of batch {next(self._batches)}", calls) as pay:
            yield pay

    @contextmanager
    def _set_aside(self, purpose: str, calls: int) -> Generator[Callable[[int], None]]:
        left = calls

        def pay(n: int) -> None:
            nonlocal left
            left = max(0, left - n)
            self.meter.hold_back(purpose, max_calls=left)

        pay(0)
        try:
            yield pay
        finally:
            self.meter.hold_back(purpose)

    def charge(self, calls: Iterable[Call]) -> dict[str, Completion | ModelError]:
        """Pay for all the calls that are new in this run, or for none, before any is made.

        Returns:
            By key, what the journal has of them; `answer` gets the others.

        Raises:
            BudgetExhausted: they would overspend.
            Interrupted: the run is ending.
        """
        self._asker.ending.check_stop()
        asked = {call.key: call for call in calls}
        kept = self.journal.find_all(list(asked))
        new = asked.keys() - self._charged
        short = {key for key, entry in kept.items() if asked[key].too_short(entry)}
        self.meter.charge(len(new), len(new & kept.keys() - short))
        self._charged |= new
        # Counted here, before a call of the batch is made: what earlier sessions spent is spent.
        for key, entry in kept.items():
            if key in new:
                count(self.meter, asked[key], entry)
                self._tally.add(asked[key], entry)
                self._kept.append(entry.at)
                self.meter.spent.retries += entry.retries
        return {key: _read(asked[key], e) for key, e in kept.items() if key not in short}

    async def answer(self, call: Call) -> Completion:
        """Get the answer to a charged call: from the journal, or from the model.

        Raises:
            ContextLengthError, ContentFilterError, TimedOutError: there is no answer, for good.
            Stopped: it was not made, because of the budget or the user, or got no answer.
            ModelError: wrong key, no credit, or a request that no retry can mend.
        """
        task = self._under_way.get(call.key)
        entry = None if task else self.journal.find(call.key)
        if entry is None or call.too_short(entry):
            if task is None:
                work = self._ask(call, entry)
                task = self._under_way[call.key] = asyncio.create_task(work)
            entry = await asyncio.shield(task)
        found = _read(call, entry)
        if isinstance(found, ModelError):
            raise found
        return found

    async def _ask(self, call: Call, before: Entry | None) -> Entry:
        try:
            return await self._asker.ask(call, before)
        except JournalError:
            self.stop()  # Nothing more can be kept: no call may begin while this error travels.
            self._take_back(call, before)
            raise
        except BaseException:  # Whatever ended it, a cancellation too: it was not answered.
            self._take_back(call, before)
            raise
        finally:
            del self._under_way[call.key]

    def _take_back(self, call: Call, before: Entry | None) -> None:
        if before is None:
            self._charged.discard(call.key)
            self.meter.refund(1)


def _read(call: Call, entry: Entry) -> Completion | ModelError:
    """An answer, or a refusal, as the journal keeps it."""
    if entry.error:
        return entry.failure()
    reply, logprobs = entry.reply or "", ()
    if call.request.continuation:
        reply, logprobs = "", tuple(json.loads(reply))
    return Completion(
        text=reply,
        usage=entry.usage,
        truncated=entry.truncated,
        logprobs=logprobs,
        thinking=entry.thinking,
    )
