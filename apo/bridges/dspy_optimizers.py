"""DSPy's own optimizers, run by DSPy (https://dspy.ai/learn/optimization/optimizers/) within apo.

Instruction, demos and (COPRO) the answer's first words are theirs to change; every answer is asked
for through the search: within the budget, kept, and measured as for every optimizer.
"""

import math
import random
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from apo.errors import SettingsError
from apo.search.ranges import check_ranges

if TYPE_CHECKING:
    from apo.bridges.dspy_run import Student
    from apo.search.search import Search

FINALISTS = 1 / 3
"""The most of what is left that is kept to measure SIMBA's winners on validation."""
FULL_EVALS = 30
"""Of train and validation, that GEPA looks at where no limit in calls is set."""


def _check_choice(settings: object, name: str, known: tuple[str, ...]) -> None:
    if (value := getattr(settings, name)) not in known:
        raise SettingsError(
            f"dspy:{type(settings).__name__}.{name} is {value!r}; it is one of {', '.join(known)}."
        )


class _OfDspy(ABC):
    """An optimizer of DSPy: its settings, and how DSPy makes and compiles it.

    Attributes:
        called: its name in DSPy.
    """

    called: ClassVar[str]

    def require(self) -> None:
        """Make sure that DSPy is installed.

        Raises:
            SettingsError: it is not.
        """
        from apo.bridges.dspy_engine import require_dspy

        require_dspy(f"dspy:{self.called}")

    async def run(self, search: "Search") -> None:
        """Let DSPy search on the train and validation splits."""
        from apo.bridges.dspy_run import run

        await run(search, f"dspy:{self.called}", self.compile)

    @abstractmethod
    def compile(self, student: "Student") -> Any:
        """Have DSPy optimize the student; runs in a thread of its own."""


@dataclass(frozen=True, kw_only=True)
class MIPROv2(_OfDspy):
    """DSPy's MIPROv2: bootstrapped demos and grounded instructions, combined by Bayesian search.

    Attributes:
        auto: how many candidates and trials; not looked at where the next two are set.
        num_candidates: instructions, and sets of demos; 0 for those of `auto`.
        num_trials: combinations to try; 0 for those of `auto`.
        max_bootstrapped_demos: demos with the task model's own answers.
        max_labeled_demos: demos with the target.
        minibatch: whether combinations are tried on minibatches first; by `auto` only where
            validation has more than 50 examples.
        minibatch_size: examples of a minibatch.
        minibatch_full_eval_steps: trials between two measurements on all of validation.
        metric_threshold: score from which an answer becomes a demo; 0 for any but 0.
        init_temperature: of the draws of instructions, 0 to 2.
    """

    called: ClassVar[str] = "MIPROv2"

    auto: Literal["light", "medium", "heavy"] = "light"
    num_candidates: int = 0
    num_trials: int = 0
    max_bootstrapped_demos: int = 4
    max_labeled_demos: int = 4
    minibatch: bool = True
    minibatch_size: int = 35
    minibatch_full_eval_steps: int = 5
    metric_threshold: float = 0.0
    init_temperature: float = 1.0

    def __post_init__(self) -> None:
        some, any_ = (1, math.inf), (0, math.inf)
        _check_choice(self, "auto", ("light", "medium", "heavy"))
        check_ranges(
            self, num_candidates=any_, num_trials=any_, max_bootstrapped_demos=any_,
            max_labeled_demos=any_, minibatch_size=some, minibatch_full_eval_steps=some,
            metric_threshold=(0, 1), init_temperature=(0, 2),
        )  # fmt: skip
        if bool(self.num_candidates) != bool(self.num_trials):
            raise SettingsError("dspy:MIPROv2 takes num_candidates and num_trials together.")

    def compile(self, student: "Student") -> Any:
        """Have DSPy optimize the student."""
        made = student.dspy.MIPROv2(
            metric=student.metric,
            auto=None if self.num_candidates else self.auto,
            num_candidates=self.num_candidates or None,
            max_bootstrapped_demos=self.max_bootstrapped_demos,
            max_labeled_demos=self.max_labeled_demos,
            metric_threshold=self.metric_threshold or None,
            init_temperature=self.init_temperature,
            num_threads=1,
            seed=student.seed,
        )
        return made.compile(
            student.program,
            trainset=student.train,
            valset=student.validation,
            num_trials=self.num_trials or None,
            minibatch=self.minibatch,
            minibatch_size=min(self.minibatch_size, len(student.validation)),
            minibatch_full_eval_steps=self.minibatch_full_eval_steps,
        )


@dataclass(frozen=True, kw_only=True)
class GEPA(_OfDspy):
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
        _check_choice(self, "candidate_selection_strategy", ("pareto", "current_best"))
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
class SIMBA(_OfDspy):
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

    optimizer: _OfDspy

    async def run(self, search: "Search") -> None:
        await _OfDspy.run(self.optimizer, search)


@dataclass(frozen=True, kw_only=True)
class COPRO(_OfDspy):
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


@dataclass(frozen=True, kw_only=True)
class BootstrapFewShotWithRandomSearch(_OfDspy):
    """DSPy's random search over sets of demos: own right answers, filled up with targets.

    Attributes:
        max_bootstrapped_demos: demos with the task model's own answers, at most.
        max_labeled_demos: demos in all.
        max_rounds: draws of an answer until it is a demo.
        num_candidate_programs: sets beside the empty, the labeled and the first one.
        metric_threshold: score from which an answer becomes a demo; 0 for any but 0.
    """

    called: ClassVar[str] = "BootstrapFewShotWithRandomSearch"

    max_bootstrapped_demos: int = 4
    max_labeled_demos: int = 16
    max_rounds: int = 1
    num_candidate_programs: int = 16
    metric_threshold: float = 0.0

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, max_bootstrapped_demos=some, max_labeled_demos=(0, math.inf), max_rounds=some,
            num_candidate_programs=some, metric_threshold=(0, 1),
        )  # fmt: skip

    def compile(self, student: "Student") -> Any:
        """Have DSPy optimize the student."""
        made = student.dspy.BootstrapFewShotWithRandomSearch(
            metric=student.metric,
            max_bootstrapped_demos=self.max_bootstrapped_demos,
            max_labeled_demos=self.max_labeled_demos,
            max_rounds=self.max_rounds,
            num_candidate_programs=self.num_candidate_programs,
            metric_threshold=self.metric_threshold or None,
            num_threads=1,
        )
        # DSPy's shuffles are always the same; the run's seed draws the order that they begin with.
        rows = random.Random(student.seed).sample(list(student.train), len(student.train))
        return made.compile(student.program, trainset=rows, valset=student.validation)


BY_NAME = {
    f"dspy:{kind.called}": kind
    for kind in (MIPROv2, GEPA, SIMBA, COPRO, BootstrapFewShotWithRandomSearch)
}
