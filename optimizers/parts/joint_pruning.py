"""Trials of a joint search that Optuna's pruners give up on the way, after some of the examples."""

import warnings
from typing import TYPE_CHECKING

from apo import Evaluation, SettingsError

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.trial import FrozenTrial, Trial

PRUNERS = ("none", "median", "successive-halving", "wilcoxon")
STEP = 10
"""Examples after which a pruner looks on."""


def check_pruner(pruner: str, objectives: str) -> None:
    """Optuna prunes trials of one objective only.

    Raises:
        SettingsError: there are several.
    """
    if pruner != "none" and objectives != "score":
        raise SettingsError(
            f"JointSearch.pruner is {pruner!r}, which takes the score as the only objective, not "
            f"{objectives!r}."
        )


def make_pruner(pruner: str) -> "BasePruner":
    """The pruner of a name."""
    from optuna import pruners
    from optuna.exceptions import ExperimentalWarning

    made: dict[str, type[BasePruner]] = {
        "none": pruners.NopPruner,
        "median": pruners.MedianPruner,
        "successive-halving": pruners.SuccessiveHalvingPruner,
        "wilcoxon": pruners.WilcoxonPruner,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # Its interface may change: pinned.
        return made[pruner]()


def reported(pruner: str, evaluation: Evaluation) -> dict[int, float]:
    """What a pruner is told by step: the mean so far, or to compare pairs each example's score."""
    if pruner == "wilcoxon":
        return {i: r.score.value for i, r in enumerate(evaluation.rollouts) if r.score is not None}
    return {len(evaluation.rollouts): evaluation.value} if evaluation.scored else {}


def is_hopeless(trial: "Trial | FrozenTrial", pruner: str, evaluation: Evaluation) -> bool:
    """Whether the trial ends here; one of an earlier session ends where it did then."""
    from optuna.trial import FrozenTrial, TrialState

    if isinstance(trial, FrozenTrial):
        n_seen: int = trial.user_attrs.get("n_seen", 0)
        return trial.state == TrialState.PRUNED and len(evaluation.rollouts) >= n_seen
    newest = len(evaluation.rollouts) - STEP
    with warnings.catch_warnings():
        # A report may have arrived though the database's answer was lost.
        warnings.filterwarnings("ignore", ".*is already reported")
        for step, value in reported(pruner, evaluation).items():
            if step >= newest:
                trial.report(value, step)
    return trial.should_prune()
