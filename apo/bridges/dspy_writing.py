"""DSPy's optimizers that write instructions and rules: GEPA, SIMBA and COPRO."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from apo.bridges.dspy_optimizer import OfDspy, check_choice
from apo.search.ranges import check_ranges

if TYPE_CHECKING:
    from apo.bridges.dspy_run import Student
    from apo.search.search import Search

FINALISTS = 1 / 3
"""The most of what is left that is kept to measure SIMBA's winners on validation."""
FULL_EVALS = 30
"""Of train and validation, that GEPA looks at where no limit in calls is set."""


@dataclass(frozen=True, kw_only=True)
class GEPA(OfDspy):
    """DSPy's GEPA: reflects on a few answers and their feedback, and draws parents from a front.

    Attributes:
        max_metric_calls: answers that GEPA looks at, those that cost no call among them; 0 for
            three times the calls that are left, so that the budget ends the search.
        reflection_minibatch_size: answers that a proposal is made from.
        candidate_selection_strategy: how parents are drawn.
        skip_perfect_score: draw another minibatch where all answers are right.
    """

    called: ClassVar[str] = "GEPA"

    max_metric_calls: int = 0
    reflection_minibatch_size: int = 3
    candidate_selection_strategy: Literal["pareto", "current_best"] = "pareto"
    skip_perfect_score: bool = True

    def __post_init__(self) -> None:
        check_choice(self, "candidate_selection_strategy", ("pareto", "current_best"))
        check_ranges(self, max_metric_calls=(0, math.inf), reflection_minibatch_size=(1, math.inf))

    def compile(self, student: "Student") -> Any:
        """Have DSPy optimize the student."""
        left = student.calls_left
        rows = len(student.train) + len(student.validation)
        free = 3 * int(left) if math.isfinite(left) else FULL_EVALS * rows
        made = student.dspy.GEPA(
            metric=student.metric_with_feedback,
            max_metric_calls=self.max_metric_calls or free,
            reflection_minibatch_size=self.reflection_minibatch_size,
            candidate_selection_strategy=self.candidate_selection_strategy,
            skip_perfect_score=self.skip_perfect_score,
            reflection_lm=student.writer,
            num_threads=1,
            seed=student.seed,
        )
        return made.compile(student.program, trainset=student.train, valset=student.validation)


@dataclass(frozen=True, kw_only=True)
class SIMBA(OfDspy):
    """DSPy's SIMBA: samples answers, and learns a demo or a rule where good and bad ones lie apart.

    DSPy measures its winners on train; part of the budget is kept to measure them on validation.

    Attributes:
        bsize: examples of a minibatch; at most all of train.
        num_candidates: samples of each, and new programs of a step.
        max_steps: steps.
        max_demos: demos that a program may hold.
        temperature_for_sampling: how freely the programs that answer are drawn.
        temperature_for_candidates: how freely the programs that are changed are drawn.
    """

    called: ClassVar[str] = "SIMBA"

    bsize: int = 32
    num_candidates: int = 6
    max_steps: int = 8
    max_demos: int = 4
    temperature_for_sampling: float = 0.2
    temperature_for_candidates: float = 0.2

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, bsize=some, num_candidates=some, max_steps=some, max_demos=(0, math.inf),
            temperature_for_sampling=(0.001, math.inf),
            temperature_for_candidates=(0.001, math.inf),
        )  # fmt: skip

    async def run(self, search: "Search") -> None:
        """Let DSPy search with what is left beside its winners' measurement, and measure them."""
        kept = self.num_candidates * len(search.task.validation) / max(search.calls_left, 1)
        await search.stage(_Alone(self), share=1 - min(kept, FINALISTS))
        await search.measure_finalists()

    def compile(self, student: "Student") -> Any:
        """Have DSPy optimize the student."""
        made = student.dspy.SIMBA(
            metric=student.metric_with_feedback,
            bsize=min(self.bsize, len(student.train)),
            num_candidates=self.num_candidates,
            max_steps=self.max_steps,
            max_demos=self.max_demos,
            temperature_for_sampling=self.temperature_for_sampling,
            temperature_for_candidates=self.temperature_for_candidates,
            num_threads=1,
        )
        return made.compile(student.program, trainset=student.train, seed=student.seed)


@dataclass(frozen=True)
class _Alone:
    """A stage of a search in which DSPy searches."""

    optimizer: OfDspy

    async def run(self, search: "Search") -> None:
        await OfDspy.run(self.optimizer, search)


@dataclass(frozen=True, kw_only=True)
class COPRO(OfDspy):
    """DSPy's COPRO: coordinate ascent over the instruction and the first words of the answer.

    Every pair is measured on validation.

    Attributes:
        breadth: pairs of a round.
        depth: rounds.
        init_temperature: of the draws, 0 to 2.
    """

    called: ClassVar[str] = "COPRO"

    breadth: int = 10
    depth: int = 3
    init_temperature: float = 1.4

    def __post_init__(self) -> None:
        check_ranges(self, breadth=(2, math.inf), depth=(1, math.inf), init_temperature=(0, 2))

    def compile(self, student: "Student") -> Any:
        """Have DSPy optimize the student."""
        made = student.dspy.COPRO(
            metric=student.metric,
            breadth=self.breadth,
            depth=self.depth,
            init_temperature=self.init_temperature,
        )
        return made.compile(student.program, trainset=student.validation)
