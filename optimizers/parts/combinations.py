"""MIPROv2's estimator over demo sets and instructions (tree-structured Parzen, by Optuna)."""

from itertools import chain
from typing import TYPE_CHECKING

from apo import Evaluation

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import Trial

N_RANDOM = 10
"""Scores that the estimator rests on at least; before, it draws at random (Optuna's default)."""
Choice = tuple[int, ...]
"""A demo set and an instruction; of a program, of one step after the other."""


class Combinations:
    """An estimator over demo sets and instructions, and what is known of each combination.

    Args:
        seed: of the estimator.
        n_sets: number of demo sets.
        n_instructions: number of instructions of each step.

    Attributes:
        means: the mean of each trial, by combination.
        measured: the combinations measured on the whole validation split.
    """

    def __init__(self, seed: int, n_sets: int, *n_instructions: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=N_RANDOM, seed=seed, multivariate=True
        )
        self.study: Study = optuna.create_study(direction="maximize", sampler=sampler)
        among = optuna.distributions.CategoricalDistribution
        self.space: dict[str, BaseDistribution] = {}
        for (demos, instruction), n in zip(names(len(n_instructions)), n_instructions, strict=True):
            self.space |= {demos: among(range(n_sets)), instruction: among(range(n))}
        self.means: dict[Choice, list[float]] = {}
        self.measured: set[Choice] = set()

    def ask(self, most: int) -> "list[Trial]":
        """Choose combinations: as many as no score has a say in, else the one that promises most.

        Args:
            most: how many at most, at least 1.
        """
        from optuna.trial import TrialState

        known = len(self.study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))
        n = min(most, max(1, N_RANDOM - known))
        return [self.study.ask(self.space) for _ in range(n)]

    def tell(self, trial: "Trial", evaluation: Evaluation) -> None:
        """Give the score of a trial; without any score it stays unknown."""
        from optuna.trial import TrialState

        if not evaluation.scored:
            self.study.tell(trial, state=TrialState.FAIL)
            return
        self.study.tell(trial, evaluation.value)
        self.means.setdefault(chosen(trial), []).append(evaluation.value)

    def add(self, choice: Choice, evaluation: Evaluation) -> None:
        """Give a score on the whole validation split."""
        from optuna.trial import create_trial

        self.measured.add(choice)
        if evaluation.scored:
            params = dict(zip(self.space, choice, strict=True))
            self.study.add_trial(
                create_trial(params=params, distributions=self.space, value=evaluation.value)
            )

    def best_unmeasured(self) -> Choice | None:
        """The combination with the best mean of those never measured whole; None without any."""
        means = {c: sum(m) / len(m) for c, m in self.means.items() if c not in self.measured}
        return max(means, key=lambda combination: means[combination]) if means else None


def names(n_steps: int) -> list[tuple[str, str]]:
    """What the estimator calls the demo set and the instruction of each step."""
    if n_steps == 1:
        return [("demos", "instruction")]
    return [(f"demos {n}", f"instruction {n}") for n in range(n_steps)]


def chosen(trial: "Trial") -> Choice:
    """The demo set and the instruction of a trial; of a program, of one step after the other."""
    return tuple(trial.params[name] for name in chain(*names(len(trial.params) // 2)))
