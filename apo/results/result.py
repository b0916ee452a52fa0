"""What a run found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apo.calls.budget import Spent
from apo.evaluation.evaluation import Evaluation
from apo.prompts.prompt import Prompt
from apo.results.gap import Gap
from apo.results.outcome import outcome
from apo.results.verdict import Verdict


@dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """What a run found.

    Attributes:
        run_id: name of the run's folder.
        seed: the seed prompt on the validation split.
        best: the best prompt on the validation split.
        verdict: seed against best on the test split; None when there is no test example, or none
            that was answered under both prompts.
        spent: what the run took, all sessions together.
        seconds: running time, all sessions together.
        gap: how the best prompt's test score compares with what validation promised.
        overspent: what was spent beyond the limits, and why; "" for nothing.
        notes: what was noticed on the way, such as a noisy judge.
        measured: candidates measured on the whole validation split, the seed prompts left out.
        vetoed: candidates that did better than the seed prompt there and cannot be best (`vetoes`).
        refused: how many proposals and replies were refused (`n`), `of` how many, and how often
            for which of the `reasons`, with an `example`.
        mlflow: where it is logged: tracking_uri, run_id, url, complete, problem; may be empty.
        details: names for people: task, optimizer, model, optimizer_model.
    """

    run_id: str
    seed: Evaluation
    best: Evaluation
    verdict: Verdict | None
    spent: Spent
    seconds: float
    gap: Gap | None = None
    overspent: str = ""
    notes: tuple[str, ...] = ()
    measured: int = 0
    vetoed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    refused: Mapping[str, Any] = field(default_factory=dict[str, Any])
    mlflow: Mapping[str, Any] = field(default_factory=dict[str, Any])
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __repr__(self) -> str:
        """Tell the run and its verdict, without all that was measured."""
        return f"<Result of {self.run_id}. {self.verdict or 'No verdict.'}>"

    @property
    def prompt(self) -> Prompt:
        """The prompt to use: the best one if the verdict is favourable, otherwise the seed."""
        return self.best.prompt if self.winner == "best" else self.seed.prompt

    @property
    def winner(self) -> str:
        """Either "best" or "seed"."""
        return "best" if self.verdict is not None and self.verdict.favourable else "seed"

    def to_dict(self) -> dict[str, Any]:
        """Give the result as JSON values, with its `outcome` in words."""
        values = self._values()
        return {**values, "outcome": outcome(values).to_dict()}

    def _values(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            **self.details,
            "seed_prompt": self.seed.prompt.to_dict(),
            "best_prompt": self.best.prompt.to_dict(),
            "winner": self.winner,
            "validation": {"seed": self.seed.value, "best": self.best.value},
            "length": {
                "seed": len(self.seed.prompt.text()),
                "best": len(self.best.prompt.text()),
            },
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
            "gap": None if self.gap is None else self.gap.to_dict(),
            "overspent": self.overspent,
            "notes": list(self.notes),
            "measured": self.measured,
            "vetoed": dict(self.vetoed),
            "refused": dict(self.refused),
            "spent": {**self.spent.to_dict(), "seconds": round(self.seconds, 3)},
            "mlflow": dict(self.mlflow),
        }
