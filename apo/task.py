"""What is to be solved, and how an answer is judged."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol, cast

import orjson

from apo.errors import USERS_ERRORS, TaskError
from apo.prompts.prompt import Prompt

if TYPE_CHECKING:
    from apo.programs.program import Program
    from apo.prompts.rules import Rules


def content_hash(value: object) -> str:
    """Hash a JSON value by its content: 16 hex digits, the same on every machine."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def text_hash(value: object) -> str:
    """Do what `content_hash` does, in a tenth of the time, for a value that holds only texts."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # Half of a surrogate pair, or an object that is no plain JSON.
        return content_hash(value)
    return hashlib.sha256(text).hexdigest()[:16]


@dataclass(frozen=True)
class Example:
    """One item of data.

    Attributes:
        inputs: the text of each input field, by name.
        targets: the accepted answers, at least one; the first is the one shown in demos.
        slices: what it is reported under, such as channel or product, by the column's name. Like
            must_pass it is no part of what the example is: the same row has the same id.
        must_pass: no candidate may get it wrong where the seed prompt gets it right.
        group: what it belongs with, such as its conversation; "" where it stands alone. Examples of
            one group are not independent: pools never share one, and a verdict counts groups.
    """

    inputs: Mapping[str, str]
    targets: tuple[str, ...]
    slices: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    must_pass: bool = field(default=False, compare=False)
    group: str = field(default="", compare=False)

    @property
    def target(self) -> str:
        """The answer to show."""
        return self.targets[0]

    @cached_property
    def id(self) -> str:
        """Hash of the content: the same row has the same id wherever it stands."""
        return text_hash([dict(self.inputs), self.targets])

    def __hash__(self) -> int:
        """Hash by content, as equality is by content."""
        return hash(self.id)


@dataclass(frozen=True, slots=True)
class Score:
    """How good one answer is.

    Attributes:
        value: 0 (wrong) to 1 (right).
        well_formed: whether the answer had the asked form, so that it could be judged at all.
        feedback: what is missing, in words that a model can learn from; empty when right.
        parts: points by part, for scores that are made of several; else empty.
    """

    value: float
    well_formed: bool = True
    feedback: str = ""
    parts: Mapping[str, float] = field(default_factory=dict[str, float], hash=False)


def number(value: object) -> float | None:
    """Read a number or a truth value, also one of numpy or in a tensor of one; None for others."""
    if not isinstance(value, Real) and getattr(value, "shape", None) == ():
        value = cast("Any", value).item()
    return float(value) if isinstance(value, Real) else None


Scorer = Callable[[str, Example], Score]
"""Judges a model's answer to an example. Pure: the same arguments give the same score."""


class Metric(Protocol):
    """One figure of all answers.

    Attributes:
        by_class: whether it looks at classes, so that minibatches are drawn and weighed by target.
    """

    @property
    def by_class(self) -> bool:
        """See above."""
        ...

    def __call__(
        self, answers: Sequence[str], examples: Sequence[Example], weights: Sequence[float]
    ) -> float:
        """Give the figure, in [0, 1]; the higher the better.

        Args:
            answers: what the model said; "" where it gave no answer.
            examples: in the same order, at least one.
            weights: how much each example counts, above 0.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be solved. Holds no model and no optimizer.

    Attributes:
        name: short name, used in run names and MLflow.
        scorer: judges an answer.
        seed_prompts: where a search starts; the first is the one that the verdict compares with.
        train: examples for minibatches and demos.
        validation: examples that choose between candidates.
        test: examples for the verdict alone; no optimizer can reach them.
        metric: one figure of all answers, in place of their mean score; None for the mean.
        description: what the task is about, for meta-prompts and people.
        language: BCP 47 code such as "en" or "ko"; chooses the language of the meta-prompts.
        input_fields: names of the input fields, the required variables of a prompt.
        labels: the allowed answers of a classification; empty for other tasks.
        contract: what every prompt must keep to; None for no rules of the task's own.
        answer_tokens: tokens that each answer may take at least; the targets and a prompt that asks
            for reasons may need more.
        notes: what loading noticed (rows dropped, pools cut), for people.
        warnings: those of the notes that results suffer from.
        program: how an example is answered; None where the prompt is sent as it is.
    """

    name: str
    scorer: Scorer
    seed_prompts: tuple[Prompt, ...]
    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example] = ()
    metric: "Metric | None" = None
    description: str = ""
    language: str = "en"
    input_fields: tuple[str, ...] = ("input",)
    labels: tuple[str, ...] = ()
    contract: "Rules | None" = None
    answer_tokens: int = field(default=0, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)
    program: "Program | None" = None
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def judge(self, output: str, example: Example) -> Score:
        """Score an answer, and make sure that the score is one.

        Raises:
            TaskError: the scorer raised, or gave no value in [0, 1]; never turned into a 0.
        """
        try:
            score = cast("object", self.scorer(output, example))
        except USERS_ERRORS as error:  # A user's function may raise, and return, anything.
            raise TaskError(
                f"The scorer of {self.name!r} failed on the answer {output[:200]!r} to example "
                f"{example.id}: {type(error).__name__}: {error}"
            ) from error
        if isinstance(score, Score):
            value = number(score.value)
            if value is not None and 0 <= value <= 1:
                return score if type(score.value) is float else replace(score, value=value)
        raise TaskError(
            f"The scorer of {self.name!r} returned {score!r:.200} for the answer {output[:200]!r} "
            f"to example {example.id}; it must return an apo.Score with a value from 0 to 1."
        )

    def takes_target(self, example: Example) -> bool:
        """Whether the target, given as the answer, scores 1; so, too, where telling takes time."""
        if hasattr(self.scorer, "score"):  # It asks a model, or another process.
            return bool(example.target)
        try:
            return bool(example.target) and self.judge(example.target, example).value >= 1
        except TaskError:  # A scorer may refuse a target that no answer can be compared with.
            return False

    @property
    def calls_per_example(self) -> int:
        """The most calls that one example takes: its answer, or a program's; and what judges it."""
        answers = 1 if self.program is None else self.program.calls
        return answers + int(getattr(self.scorer, "n_calls", 0))

    @cached_property
    def longest_target(self) -> int:
        """Bytes of the longest accepted answer in all pools that the task has."""
        pools = (self.train, self.validation, self.test)
        return max(
            (len(t.encode("utf-8", "replace")) for pool in pools for e in pool for t in e.targets),
            default=0,
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the content of the pools, in their order."""
        return content_hash(
            [[e.id for e in pool] for pool in (self.train, self.validation, self.test)]
        )
