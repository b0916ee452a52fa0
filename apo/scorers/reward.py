"""The scorer `reward`: a weighted sum of the scores of several, some of them on conditions.

A reward with a part that must be awaited, such as a judge, is awaited itself; the others are
plain functions, and quick.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Any, Self, cast

from apo.errors import TaskError, near
from apo.scorers.awaited import Ask, AwaitedScorer, opened
from apo.task import Example, Score, Scorer


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of the things that a reward is given for.

    Attributes:
        name: what to call it.
        scorer: judges the answer for this part.
        weight: its points when fully right, above 0.
        condition: the name of an earlier part that must be fully right (score 1), or this one
            is not judged and gets nothing; empty for none. In a task file: `if`.
    """

    name: str
    scorer: Scorer | AwaitedScorer
    weight: float = 1.0
    condition: str = ""


@dataclass(frozen=True, kw_only=True)
class Reward:
    """The points of all parts, as a share of those that can be had.

    Each part gets its weight times its score. There are no points below 0: to punish something,
    reward its absence, such as by a `regex` with `absent`. The score is well formed when each
    part that was judged found the answer so.

    Attributes:
        parts: at least one, in the order in which they are judged.
    """

    parts: tuple[Part, ...]

    def __new__(cls, *, parts: Sequence[Part] = ()) -> Self:
        """Make an `AwaitedReward` where one is needed."""
        awaited = any(isinstance(part.scorer, AwaitedScorer) for part in parts)
        return super().__new__(cast("type[Self]", AwaitedReward) if awaited else cls)

    def __post_init__(self) -> None:
        if not self.parts:
            raise TaskError("A reward needs parts, such as " + _SHAPE)
        names = list[str]()
        for part in self.parts:
            if part.name in names or not part.name.strip():
                raise TaskError(f"The parts of a reward need names of their own, not {part.name!r}")
            if not (isfinite(part.weight) and part.weight > 0):
                raise TaskError(
                    f"The weight of the part {part.name} is {part.weight}; it must be a number "
                    "above 0. To punish something, reward its absence: a regex with absent: true."
                )
            if part.condition and part.condition not in names:
                raise TaskError(
                    f"The part {part.name} has the condition {part.condition!r}, which is no part "
                    f"before it.{near(part.condition, names) if names else ' It is the first.'}"
                )
            names.append(part.name)

    def __call__(self, output: str, example: Example) -> Score:
        """Score with every part whose condition holds."""
        scores = dict[str, Score]()
        for part in self.parts:
            if due(part, scores):
                scores[part.name] = cast("Scorer", part.scorer)(output, example)
        return combine(self.parts, scores)


class AwaitedReward(Reward):
    """A reward of which a part must be awaited; the parts are judged one after the other.

    So a judge is not asked where the condition of its part does not hold. An answer that a judge
    gave no grade has no score at all, whatever its other parts are.
    """

    @property
    def n_calls(self) -> int:
        """The most calls to judges that one answer takes: with every condition fulfilled."""
        return sum(scorer.n_calls for scorer in self._awaited)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the judges that the parts ask; "" for the run's own."""
        names = [name for s in self._awaited if s.n_calls for name in s.models or ("",)]
        return tuple(dict.fromkeys(names))

    @contextmanager
    def opened(self) -> Generator[None]:
        """See `OpeningScorer`: of all parts."""
        with ExitStack() as stack:
            for part in self.parts:
                stack.enter_context(opened(part.scorer))
            yield

    @property
    def _awaited(self) -> list[AwaitedScorer]:
        return [p.scorer for p in self.parts if isinstance(p.scorer, AwaitedScorer)]

    async def score(self, output: str, example: Example, ask: Ask) -> Score:
        """Score with every part whose condition holds.

        Raises:
            Ungraded: a judge gave no grade.
            TaskError: a part failed.
        """
        scores = dict[str, Score]()
        for part in self.parts:
            if not due(part, scores):
                continue
            if isinstance(part.scorer, AwaitedScorer):
                scores[part.name] = await part.scorer.score(output, example, ask)
            else:
                scores[part.name] = part.scorer(output, example)
        return combine(self.parts, scores)


def due(part: Part, scores: Mapping[str, Score]) -> bool:
    """Whether a part is to be judged, given the scores of the parts before it."""
    if not part.condition:
        return True
    return part.condition in scores and scores[part.condition].value >= 1


def combine(parts: Sequence[Part], scores: Mapping[str, Score]) -> Score:
    """Make one score of those of the parts.

    Args:
        parts: of the reward, in order.
        scores: by the part's name; a part that was not judged is not in it.

    Returns:
        The share of the points, with the points of each part, and what each finds wanting.
    """
    points = dict[str, float]()
    feedback = list[str]()
    formed = True
    for part in parts:
        score = scores.get(part.name) if due(part, scores) else None
        points[part.name] = part.weight * score.value if score else 0.0
        formed = formed and (score is None or score.well_formed)
        if score is None:
            feedback.append(f"{part.name}: not judged, as {part.condition} is not fully right.")
        elif score.value < 1:
            got = f"{part.name} ({points[part.name]:g} of {part.weight:g} points)"
            feedback.append(f"{got}: {score.feedback or 'not fully right.'}")
    total = sum(part.weight for part in parts)
    value = min(1.0, sum(points.values()) / total) if feedback else 1.0
    return Score(value, formed, " ".join(feedback), points)


_SHAPE = "parts: [{name: format, scorer: json, weight: 5}, {name: …, scorer: …, if: format}]."


def read_parts(
    given: object, make: Callable[[str | Mapping[str, Any]], Scorer | AwaitedScorer]
) -> tuple[Part, ...]:
    """Make the parts of what a task file says.

    Args:
        given: a list of mappings with the keys name, scorer, weight and if.
        make: makes a scorer of its name or settings.

    Raises:
        TaskError: something is not usable; the text names the part.
    """
    if not isinstance(given, list | tuple) or not given:
        raise TaskError(f"A reward needs a list of parts, not {given!r:.80}; such as {_SHAPE}")
    return tuple(_read_part(part, make) for part in cast("Sequence[object]", given))


def _read_part(
    given: object, make: Callable[[str | Mapping[str, Any]], Scorer | AwaitedScorer]
) -> Part:
    if isinstance(given, Part):
        return given
    if not isinstance(given, Mapping):
        raise TaskError(f"A part of a reward is {given!r:.80}; it must be a mapping: {_SHAPE}")
    part = dict(cast("Mapping[str, Any]", given))
    name, scorer = part.pop("name", None), part.pop("scorer", None)
    weight, condition = part.pop("weight", 1.0), part.pop("if", "")
    if part:
        key = next(iter(part))
        known = ["name", "scorer", "weight", "if"]
        raise TaskError(f"A part of a reward has no key {key!r:.80}.{near(str(key), known)}")
    if not isinstance(name, str) or not isinstance(condition, str):
        raise TaskError(f"The part {given!r:.80} of a reward needs a text as its name, and as if.")
    if not isinstance(scorer, str | Mapping):
        raise TaskError(f"The part {name} needs a scorer, such as scorer: exact.")
    if not isinstance(weight, int | float) or isinstance(weight, bool):
        raise TaskError(f"The weight of the part {name} is {weight!r:.80}; it must be a number.")
    try:
        made = make(cast("str | Mapping[str, Any]", scorer))
    except TaskError as error:
        raise TaskError(f"The part {name} of the reward: {error}") from error
    return Part(name=name, scorer=made, weight=float(weight), condition=condition)
