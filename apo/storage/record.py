"""What a run's journal says of its candidates, gathered as events come in."""

import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from apo.errors import JournalError
from apo.prompts.prompt import Prompt
from apo.storage.ranking import Rank, rank
from apo.storage.rows import Event, open_for_reading, read_events
from apo.storage.shapes import EVENTS, require

BEST = "best/validation_score"
COUNTS = ("right", "wrong", "malformed", "error", "tokens")
"""What every measurement counts; refused requests are counted where there are any."""


class Point(NamedTuple):
    """One value of a metric at one step."""

    key: str
    step: int
    value: float


@dataclass(frozen=True)
class Figures:
    """A candidate's measurements, taken together.

    Attributes:
        score: mean score of the examples that have one; None when none has.
        n: examples measured.
        counts: how many were right, wrong, malformed or errors, the tokens they took, and how many
            were refused, if any was.
    """

    score: float | None
    n: int
    counts: Mapping[str, int]


@dataclass
class Candidate:
    """A prompt of the search and all its measurements.

    Attributes:
        ordinal: its place in the order in which candidates came up, from 0.
        id: the prompt's id.
        operator: the step of the optimizer that wrote it.
        parents: ids of the prompts that it was made from.
        prompt: the prompt.
        whole: its first measurement on the whole validation split.
        partial: its measurements on fewer or other examples.
    """

    ordinal: int
    id: str
    operator: str
    parents: tuple[str, ...]
    prompt: Prompt
    whole: Mapping[str, Any] | None = None
    partial: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])

    @property
    def figures(self) -> Figures | None:
        """The whole measurement if there is one, otherwise all partial ones; None without any."""
        bodies = [self.whole] if self.whole is not None else self.partial
        if not bodies:
            return None
        scored = [body["n"] - body["error"] for body in bodies]
        total = sum(b["value"] * n for b, n in zip(bodies, scored, strict=True))
        counts = {name: sum(body[name] for body in bodies) for name in COUNTS}
        refused = sum(body.get("refused", 0) for body in bodies)
        counts |= {"refused": refused} if refused else {}
        score = total / sum(scored) if sum(scored) else None
        return Figures(score, sum(body["n"] for body in bodies), counts)

    def validation(self, step: int) -> Iterator[Point]:
        """Its figures on the whole validation split, under names that fit a narrow column."""
        figures = self.figures
        if self.whole is not None and figures is not None:
            yield Point("ordinal", step, self.ordinal)
            if figures.score is not None:
                yield Point("score", step, round(figures.score, 4))
            for name, count in {"n": figures.n, **figures.counts}.items():
                yield Point(name, step, count)

    @property
    def points(self) -> list[Point]:
        """Its place on the curves over candidates."""
        if self.whole is not None:
            return self._settled
        return list(self._points())

    @cached_property
    def _settled(self) -> list[Point]:
        """Worked out once for a candidate measured whole, whose figures cannot change any more."""
        return list(self._points())

    def _points(self) -> Iterator[Point]:
        figures = self.figures
        if figures is not None:
            if figures.score is not None:
                yield Point("candidate/score", self.ordinal, figures.score)
            yield Point("candidate/n", self.ordinal, figures.n)
            yield Point("candidate/length_chars", self.ordinal, len(self.prompt.text()))


class Record:
    """All candidates, refused texts and measurements of a run so far."""

    def __init__(self) -> None:
        self.candidates: dict[str, Candidate] = {}
        self.refused: list[Mapping[str, Any]] = []
        self.curves: list[Point] = []
        self.best: Candidate | None = None
        self.calls = 0  # Answered ones, at the last measurement.
        self._of_best: list[Point] = []
        self._seq = -1

    def read(self, db: sqlite3.Connection) -> bool:
        """Take in what the journal got since the last reading; say whether there was anything."""
        before = self._seq
        for event in read_events(db, self._seq):
            self._take(event)
            self._seq = event.seq
        return self._seq > before

    def _take(self, event: Event) -> None:
        body = event.body
        require(body, EVENTS.get(event.kind, {}), f"The journal's event {event.seq}", JournalError)
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


def result_points(result: Mapping[str, Any]) -> list[Point]:
    """The points that a run's result adds: verdict, rates on the test split, and spend."""
    spent, verdict = result["spent"], result["verdict"]
    values: dict[str, float | None] = {f"spend/{key}": spent.get(key) for key in _SPENT}
    if verdict is not None:
        low, high = verdict["interval"]
        values |= {f"verdict/{key}": verdict[key] for key in _VERDICT}
        values |= {"verdict/interval_low": low, "verdict/interval_high": high}
        for name in ("seed", "best"):
            counts = verdict[f"{name}_counts"]
            n = sum(counts.get(key, 0) for key in _RATES)  # Cut answers are counted among these.
            rates = [key for key in _RATES if n and key in counts]
            values |= {f"test/{name}_{key}_rate": counts[key] / n for key in rates}
    points = [Point(key, 0, value) for key, value in values.items() if value is not None]
    if spent.get("usd") is not None:
        points.append(Point("spend/usd", spent["calls"], spent["usd"]))
    return [point for point in points if math.isfinite(point.value)]


_SPENT = (
    "calls",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "thinking_tokens",
    "retries",
    "seconds",
)
_VERDICT = ("n", "seed_score", "best_score", "difference", "p_value", "wins", "losses")
_RATES = ("right", "wrong", "malformed", "error", "refused")


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
