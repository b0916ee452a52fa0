"""What a run's journal says of its candidates, gathered as events come in."""

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from apo.errors import JournalError
from apo.prompts.prompt import Prompt
from apo.storage.candidate import Candidate, Point
from apo.storage.ranking import Rank, rank
from apo.storage.rows import Event, open_for_reading, read_events
from apo.storage.shapes import require

BEST = "best/validation_score"


class Record:
    """All candidates, refused texts and measurements of a run so far."""

    def __init__(self) -> None:
        self.candidates: dict[str, Candidate] = {}
        self.refused: list[Mapping[str, Any]] = []
        self.replies: Counter[str] = Counter()  # Of the optimizer model, by how they were read.
        self.curves: list[Point] = []
        self.best: Candidate | None = None
        self.calls = 0  # Answered ones, at the last measurement.
        self._of_best: list[Point] = []
        self.asked_seconds = 0.0  # That a person took to review proposals.
        self.plan: list[str] = []  # What was said before it was paid.
        self.phase = ""  # "verdict" once that has begun.
        self.seq = -1  # Of the last event taken in.

    def read(self, db: sqlite3.Connection) -> bool:
        """Take in what the journal got since the last reading; say whether there was anything."""
        return self.take(read_events(db, self.seq))

    def take(self, events: Iterable[Event]) -> bool:
        """Take in events that come after `seq`, in order; say whether there was any."""
        before = self.seq
        for event in events:
            self._take(event)
            self.seq = event.seq
        return self.seq > before

    def _take(self, event: Event) -> None:
        body = event.body
        if event.kind == "candidate":
            self.candidates[event.key] = Candidate(
                ordinal=len(self.candidates),
                id=event.key,
                operator=body["operator"],
                parents=tuple(body["parents"]),
                prompt=Prompt.from_dict(body["prompt"]),
            )
        elif event.kind == "refused":
            self.refused.append(body)
        elif event.kind == "replies":
            self.replies.update(body)
        elif event.kind == "review":
            self.asked_seconds += body["seconds"]
        elif event.kind == "plan":
            self.plan.append(event.key)
        elif event.kind == "phase":
            self.phase = event.key
        elif event.kind == "evaluation" and body["candidate"] in self.candidates:
            self._measure(self.candidates[body["candidate"]], body)

    def _measure(self, candidate: Candidate, body: Mapping[str, Any]) -> None:
        self.calls = max(self.calls, body["calls"])
        require(body.get("refused", 0), int, "the refused requests of an evaluation", JournalError)
        missed = body.get("missed", [])  # Absent where nothing must pass.
        require(missed, list, "the missed examples of an evaluation", JournalError)
        if not body["whole"]:
            candidate.partial.append(body)
        elif candidate.whole is None:
            candidate.whole = body
            best = self.ranked[0] if candidate is self.seed else candidate  # It says what passes.
            if self.best is None or self._rank(best) > self._rank(self.best):
                self.best = best
                self._of_best += best.validation(body["calls"])
        if body["usd"] is not None:
            self.curves.append(Point("spend/usd", body["calls"], body["usd"]))
        score = self.best.figures.score if self.best and self.best.figures else None
        if body["whole"] and score is not None:
            self.curves.append(Point(BEST, body["calls"], score))

    def _rank(self, candidate: Candidate) -> Rank:
        at_least = (candidate.whole or {})["at_least"]
        return rank(candidate.prompt, at_least, passes=not self.broken(candidate))

    @property
    def seed(self) -> Candidate | None:
        """The seed prompt, which comes first; None before it."""
        return next(iter(self.candidates.values()), None)

    def broken(self, candidate: Candidate) -> list[str]:
        """Ids of examples that must pass, and that the seed prompt alone gets right."""
        seed = self.seed
        if candidate.whole is None or seed is None or seed.whole is None or candidate is seed:
            return []
        allowed = set(seed.whole.get("missed", ()))
        return [example for example in candidate.whole.get("missed", ()) if example not in allowed]

    @property
    def ranked(self) -> list[Candidate]:
        """All candidates, the best first: those measured whole as a search ranks them.

        After them come the others, by the mean of what was measured of them.
        """

        def hope(candidate: Candidate) -> tuple[float, int, int]:
            figures = candidate.figures
            if figures is None or figures.score is None:
                return (-1.0, 0, -candidate.ordinal)
            return (figures.score, figures.n, -candidate.ordinal)

        parts = [c for c in self.candidates.values() if c.whole is None]
        return [
            *sorted(self.measured, key=self._rank, reverse=True),
            *sorted(parts, key=hope, reverse=True),
        ]

    @property
    def measured(self) -> list[Candidate]:
        """The candidates measured on the whole validation split, in order."""
        return [c for c in self.candidates.values() if c.whole is not None]

    def points(self, *, settled: bool) -> list[Point]:
        """All points of the curves.

        The best candidate's figures come first, since MLflow's table of runs keeps the order: the
        run's row then shows them in the columns in which candidates show theirs.

        Args:
            settled: no more measurements can come. Until then a candidate that was measured in
                parts alone has no point, since its score may still change.
        """
        chosen = self.candidates.values() if settled else self.measured
        points = [point for candidate in chosen for point in candidate.points]
        return [
            p
            for p in dict.fromkeys([*self._of_best, *points, *self.curves])
            if math.isfinite(p.value)
        ]


def read_record(journal: Path) -> Record:
    """Read all that a journal says of a run's candidates; nothing where there is no journal.

    Raises:
        JournalError: it is damaged.
    """
    record = Record()
    if journal.exists():
        with closing(open_for_reading(journal)) as database:
            record.read(database)
    return record
