"""One prompt measured on some examples."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from apo.programs.program import Asked
from apo.prompts.layout import Demo
from apo.prompts.prompt import Prompt
from apo.scorers.metrics.metric import class_weights
from apo.statistics.clusters import n_groups
from apo.task import Example, Metric, Score


@dataclass(frozen=True, slots=True)
class Rollout:
    """The task model on one example with one prompt.

    Attributes:
        example: the example.
        output: what the model answered; empty when the request was refused.
        score: how good the answer is; 0 when the request was refused, None when nobody could grade
            the answer.
        error: why there is no answer (the provider's content filter, a request too long), or no
            grade; else "".
        tokens: input and output tokens of the call; 0 when the server did not count.
        cut: whether the answer has no end: a limit cut it, or the thinking before it.
        trace: the calls of a program, in the order in which they were asked; () for a prompt that
            was sent as it is.
    """

    example: Example
    output: str
    score: Score | None
    error: str = ""
    tokens: int = 0
    cut: bool = False
    trace: tuple[Asked, ...] = ()

    @classmethod
    def of_refusal(cls, example: Example, error: str, trace: tuple[Asked, ...] = ()) -> "Rollout":
        """Make the rollout of a request that was refused for good: nobody gets an answer.

        It scores 0, so that no prompt gains by what it leaves unanswered
        (docs/decisions/0023-refusals.md).
        """
        return cls(example, "", Score(0.0, feedback=error), error, trace=trace)

    def at(self, step: str) -> "Asked | None":
        """The last call of a step of a program; None where it was not asked."""
        return next((asked for asked in reversed(self.trace) if asked.step == step), None)

    def demo(self, prompt: Prompt) -> Demo:
        """Make a demo of it: the user turn as the prompt writes it, and what was answered.

        Of a program's prompts, what the step in focus was given and answered; an empty demo where
        it was not asked.
        """
        if not prompt.focus:
            said = self.trace[0].answer if len(self.trace) == 1 else self.output
            return prompt.demo(self.example.inputs, said)
        asked = self.at(prompt.focus)
        return Demo("", "") if asked is None else prompt.steps[prompt.focus].demo(*asked[1:])

    @property
    def refused(self) -> bool:
        """Whether the request was refused for good: a content filter, or more than fits."""
        return self.score is not None and bool(self.error)

    @property
    def outcome(self) -> str:
        """Either "right", "wrong", "malformed", "refused", or "error": nobody could grade it."""
        if self.score is None:
            return "error"
        if self.refused:
            return "refused"
        if not self.score.well_formed:
            return "malformed"
        return "right" if self.score.value >= 1 else "wrong"

    @property
    def missed(self) -> bool:
        """Whether the example must pass and was not answered rightly."""
        return self.example.must_pass and self.outcome != "right"


@dataclass(frozen=True, repr=False)
class Evaluation:
    """One prompt measured on some examples; rollouts are in the order of the examples.

    Attributes:
        prompt: the prompt.
        rollouts: one for each example.
        metric: the task's, if it has one.
        shares: of the classes in the split that a minibatch stands for; empty for a whole split.
    """

    prompt: Prompt
    rollouts: tuple[Rollout, ...]
    metric: Metric | None = field(default=None, compare=False)
    shares: Mapping[str, float] = field(default_factory=dict[str, float], compare=False)

    def __repr__(self) -> str:
        """Name the figures, not thousands of rollouts: asyncio.run asks for its result's repr."""
        return f"Evaluation({self.prompt.id}, n={len(self.rollouts)}, value={self.value:.3f})"

    def _repr_html_(self) -> str:
        """The figures, and the first answers that are not right, for a notebook."""
        from apo.display.page import part

        wrong = [r for r in self.rollouts if r.outcome != "right"]
        return part("evaluation", self.to_dict(), wrong, self.counts())

    @cached_property
    def scored(self) -> tuple[Rollout, ...]:
        """The rollouts that have a score, refused requests among them: what is compared."""
        return tuple(rollout for rollout in self.rollouts if rollout.score is not None)

    @cached_property
    def answered(self) -> tuple[Rollout, ...]:
        """The rollouts that have an answer and a score: what can be shown to a model."""
        return tuple(rollout for rollout in self.scored if not rollout.refused)

    @cached_property
    def value(self) -> float:
        """What prompts are compared by, in [0, 1]: the task's metric, or else the mean score.

        A metric takes all answers, those that nobody graded as well; 0 where there is nothing.
        """
        return self.mean if self.metric is None else self._measured(self.metric)

    @property
    def n_counted(self) -> int:
        """How many rollouts `value` is made of."""
        return len(self.scored if self.metric is None else self.rollouts)

    @cached_property
    def at_least(self) -> float:
        """The value when an answer that nobody could grade counts as wrong.

        So a prompt does not look better by answers that no judge can make anything of.
        """
        if self.metric is None:
            return self.total / len(self.rollouts) if self.rollouts else 0.0
        return self.value

    def _measured(self, metric: Metric) -> float:
        if not self.rollouts:
            return 0.0
        examples = [rollout.example for rollout in self.rollouts]
        weights = [1.0] * len(examples)
        if metric.by_class and self.shares:
            weights = class_weights(examples, self.shares)
        return metric([rollout.output for rollout in self.rollouts], examples, weights)

    @cached_property
    def mean(self) -> float:
        """Mean score of what has one, in [0, 1]; 0 where nothing has."""
        return self.total / len(self.scored) if self.scored else 0.0

    @cached_property
    def total(self) -> float:
        """Sum of the scores; what has none adds nothing."""
        return sum(rollout.score.value for rollout in self.scored if rollout.score)

    @property
    def failures(self) -> tuple[Rollout, ...]:
        """The rollouts that were answered, but not fully right."""
        return tuple(r for r in self.answered if r.score and r.score.value < 1)

    def counts(self) -> dict[str, int]:
        """How many rollouts were right, wrong, malformed, or errors; and refused, if any was."""
        outcomes = [rollout.outcome for rollout in self.rollouts]
        found = {name: outcomes.count(name) for name in ("right", "wrong", "malformed", "error")}
        refused = outcomes.count("refused")
        return {**found, "refused": refused} if refused else found

    def cuts(self) -> dict[str, int]:
        """How many answers were cut, beside what they count as; {} for none."""
        cut = sum(rollout.cut for rollout in self.rollouts)
        return {"cut": cut} if cut else {}

    def to_dict(self) -> dict[str, Any]:
        """Give the figures, without the texts, as JSON values."""
        tokens = sum(rollout.tokens for rollout in self.rollouts)
        figures: dict[str, Any] = {"n": len(self.rollouts), "value": self.value}
        figures |= {"at_least": self.at_least, "mean": self.mean}
        missed = [r.example.id for r in self.rollouts if r.missed]
        figures |= {"missed": missed} if missed else {}
        groups = n_groups([r.example.group for r in self.rollouts])
        figures |= {"groups": groups} if groups else {}
        return {**figures, **self.counts(), **self.cuts(), "tokens": tokens}


def pair_line(seed: Rollout, best: Rollout) -> str:
    """Write one example with both prompts' answers as a line of JSON."""
    before, after = (-1.0 if r.score is None else r.score.value for r in (seed, best))
    answers = {
        f"{name}_{key}": value
        for name, rollout in (("seed", seed), ("best", best))
        for key, value in (
            ("output", rollout.output),
            ("score", None if rollout.score is None else rollout.score.value),
            ("outcome", rollout.outcome),
            ("feedback", rollout.error or (rollout.score.feedback if rollout.score else "")),
        )
    }
    row = {
        "id": seed.example.id,
        "inputs": dict(seed.example.inputs),
        "targets": list(seed.example.targets),
        "slices": dict(seed.example.slices),
        "must_pass": seed.example.must_pass,
        **({"group": seed.example.group} if seed.example.group else {}),
        "flip": "won" if after > before >= 0 else "lost" if before > after >= 0 else "same",
        **answers,
    }
    return json.dumps(row, ensure_ascii=False) + "\n"
