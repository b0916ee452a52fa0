"""A run at a glance while it goes on: as its own process sees it, or another, by its folder."""

import math
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from apo.calls.budget import Budget, Spent
from apo.calls.progress import Progress
from apo.errors import JournalError
from apo.storage.candidate import Candidate
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal
from apo.storage.record import BEST, Record
from apo.storage.rows import open_for_reading, readable

N_NEWEST = 4
"""Proposals that are shown, the newest first."""
WINDOW, SLOW_WINDOW = 5.0, 120.0
"""Seconds over which the speed is told; the second where fewer than `ENOUGH` calls fall into the
first.
"""
ENOUGH = 10
_TOTALS = """
SELECT COUNT(*), TOTAL(input_tokens), TOTAL(output_tokens), TOTAL(cached_tokens), TOTAL(retries),
    TOTAL(reused OR at < ?), MAX(at)
FROM calls
"""
_SESSIONS = """
SELECT TOTAL(MAX(last - start, 0)), MAX(start), COUNT(*),
    TOTAL(CASE id WHEN (SELECT MAX(id) FROM sessions) THEN MAX(last - start, 0) END)
FROM sessions
"""


@dataclass(frozen=True, kw_only=True)
class Glance:
    """What is shown of a run that goes on.

    Attributes:
        phase: as in `Progress`.
        best: the best candidate measured on the whole validation split; None before the first.
        n_candidates: candidates so far, the seed prompts included.
        plan: what the run is about to spend its calls on, in sentences.
        newest: the newest proposals, the newest first.
        curve: the best score after so many calls, in order.
        spent: what was spent.
        seconds: running time of all sessions.
        budget: the limits.
        kept: answers that were there before, so that nobody was asked.
        under_way: by role, how many calls are under way, and the seconds of the oldest; empty where
            the run's process alone knows it.
        since: seconds since the last answer; None where it is not told.
        waiting: what else than answers is waited for; "" for nothing.
        problem: what the last failed attempt ended with; "" once another was answered.
    """

    phase: str
    best: Candidate | None = None
    n_candidates: int = 0
    plan: tuple[str, ...] = ()
    newest: tuple[Candidate, ...] = ()
    curve: tuple[tuple[int, float], ...] = ()
    spent: Spent = field(default_factory=Spent)
    seconds: float = 0.0
    budget: Budget = field(default_factory=Budget)
    kept: int = 0
    under_way: Mapping[str, tuple[int, float]] = field(default_factory=dict[str, tuple[int, float]])
    since: float | None = None
    waiting: str = ""
    problem: str = ""

    def of_search(self, record: Record) -> "Glance":
        """The same with what a record says of the candidates."""
        tried = [c for c in list(record.candidates.values())[-N_NEWEST:] if c.operator != "seed"]
        return replace(
            self,
            best=record.best,
            n_candidates=len(record.candidates),
            plan=tuple(record.plan),
            newest=tuple(reversed(tried)),
            curve=tuple((point.step, point.value) for point in record.curves if point.key == BEST),
        )


class Inside:
    """Looks at a run of this process.

    Args:
        progress: what the run fills in.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._journal: Journal | None = None
        self._record = Record()

    def look(self) -> Glance:
        """What is to be seen now; on the run's own event loop."""
        progress, caller = self._progress, self._progress.caller
        if caller is None:
            return Glance(phase=progress.phase, waiting=progress.waiting())
        if caller.journal is not self._journal:  # The next of several runs, on folds.
            self._journal, self._record = caller.journal, Record()
        meter = caller.meter
        glance = Glance(
            phase=progress.phase,
            spent=replace(meter.spent),
            seconds=meter.seconds,
            budget=meter.budget,
            kept=caller.n_kept,
            under_way=caller.under_way(),
            waiting=" · ".join(filter(None, (progress.waiting(), caller.waiting()))),
            problem=caller.problem,
        )
        if progress.search is None:
            return glance
        with suppress(JournalError):  # Whoever runs is told; what was found by then still holds.
            self._record.take(caller.journal.events(self._record.seq))
        return glance.of_search(self._record)


class Outside:
    """Looks at a run of any process, by its folder and its journal alone; writes nothing.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder, self._record = folder, Record()
        self._budget = Budget(**folder.settings["budget"])

    def look(self) -> Glance:
        """What is to be seen now.

        Raises:
            JournalError: the journal is damaged, or may not be read.
        """
        if not self._folder.journal_path.exists():
            return Glance(phase="start", budget=self._budget)
        running, now = self._folder.state == "running", time.time()
        with closing(open_for_reading(self._folder.journal_path)) as journal, readable():
            self._record.read(journal)
            seconds, start, n, last = journal.execute(_SESSIONS).fetchone()
            before = start if n > 1 else 0
            totals = journal.execute(_TOTALS, (before,)).fetchone()
        if running:
            seconds += max(0.0, now - start) - last
        calls, read, written, cached, retries = map(int, totals[:5])
        usd = [point.value for point in self._record.curves if point.key == "spend/usd"]
        glance = Glance(
            phase=self._phase(),
            spent=Spent(
                calls=calls,
                input_tokens=read,
                output_tokens=written,
                cached_tokens=cached,
                retries=retries,
                usd=usd[-1] if usd else None if self._record.calls else 0.0,
            ),
            seconds=seconds - self._record.asked_seconds,
            budget=self._budget,
            kept=int(totals[5]),
            since=None if totals[6] is None or not running else max(0.0, now - totals[6]),
        )
        return glance.of_search(self._record)

    def _phase(self) -> str:
        seed = self._record.seed
        begun = "search" if seed is not None and seed.whole is not None else "seed"
        return self._record.phase or begun


class _Mark(NamedTuple):
    """What was spent at a moment, by a clock that nobody sets."""

    at: float
    calls: float
    written: float
    tokens: float
    usd: float


class Speed:
    """How fast a run goes: over the last few seconds, or over minutes where calls take so long."""

    def __init__(self) -> None:
        self._marks: list[_Mark] = []

    def add(self, glance: Glance) -> None:
        """Take a glance into account that was taken now."""
        now, spent = time.monotonic(), glance.spent
        marks = [mark for mark in self._marks if now - mark.at <= SLOW_WINDOW]
        mark = _Mark(now, spent.calls, spent.output_tokens, spent.tokens, spent.usd or 0.0)
        self._marks = [*marks, mark]

    def _rates(self) -> _Mark:
        """What is spent a second; all 0 before anything is."""
        last = self._marks[-1]
        recent = [mark for mark in self._marks if last.at - mark.at <= WINDOW]
        first = recent[0] if last.calls - recent[0].calls >= ENOUGH else self._marks[0]
        seconds = last.at - first.at
        if seconds <= 0:
            return _Mark(0, 0, 0, 0, 0)
        return _Mark(
            seconds, *((b - a) / seconds for a, b in zip(first[1:], last[1:], strict=True))
        )

    @property
    def calls(self) -> float:
        """Calls that are answered a second."""
        return self._rates().calls if self._marks else 0.0

    @property
    def written(self) -> float:
        """Tokens of answers a second."""
        return self._rates().written if self._marks else 0.0

    def seconds_left(self, glance: Glance) -> float | None:
        """Seconds until the first of the limits is reached at this speed; None where none will be.

        A search may end before.
        """
        if not self._marks:
            return None
        rates, spent, budget = self._rates(), glance.spent, glance.budget
        ends = [
            (budget.max_calls, spent.calls, rates.calls),
            (budget.max_tokens, spent.tokens, rates.tokens),
            (budget.max_usd, spent.usd or 0.0, rates.usd),
            (budget.max_minutes and 60 * budget.max_minutes, glance.seconds, 1.0),
        ]
        left = [max(0.0, limit - used) / rate for limit, used, rate in ends if limit and rate > 0]
        return min(left, default=None) if math.isfinite(min(left, default=0.0)) else None
