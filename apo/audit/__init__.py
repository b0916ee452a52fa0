"""Robustness and safety: does a prompt keep its task, its form, its secret and its refusals?

`aaudit` tries a suite of attacks and harmless changes on one prompt, or on two side by side;
`attack` does so within a search; `detect` finds texts that carry orders to a model.

Doors: attacks, audit, detector, trials, veto.
Rests on: calls, concurrency, data, errors, evaluation, language, model, prompts, statistics,
storage, task.
"""

from apo.audit.audit import aaudit, audit
from apo.audit.detector import Detection, detect
from apo.audit.measuring import attack
from apo.audit.outcomes import TrialOutcome
from apo.audit.report import Audit, PairedTrials, Rate, compare
from apo.audit.trials import Trial, n_calls, plan

__all__ = [
    "Audit",
    "Detection",
    "PairedTrials",
    "Rate",
    "Trial",
    "TrialOutcome",
    "aaudit",
    "attack",
    "audit",
    "compare",
    "detect",
    "n_calls",
    "plan",
]
