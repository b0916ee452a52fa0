"""A candidate of a search and its measurements, as the journal has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from apo.prompts.prompt import Prompt

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
        # Heats of a race hold those before them: what is new of each is what adds up.
        parts = [body.get("new", body) for body in self.partial]
        bodies = [self.whole] if self.whole is not None else parts
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
