"""DSPy's optimizers that look for demos: MIPROv2 and random search."""

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from apo.bridges.dspy_optimizer import OfDspy, check_choice
from apo.errors import SettingsError
from apo.search.ranges import check_ranges

if TYPE_CHECKING:
    from apo.bridges.dspy_run import Student


@dataclass(frozen=True, kw_only=True)
class MIPROv2(OfDspy):
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
        check_choice(self, "auto", ("light", "medium", "heavy"))
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
class BootstrapFewShotWithRandomSearch(OfDspy):
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
