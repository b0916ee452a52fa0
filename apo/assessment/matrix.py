"""The matrix of a transfer: prompts on models, which of them are in it, and who is best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apo.calls.budget import Spent
from apo.errors import SettingsError
from apo.prompts.prompt import Prompt
from apo.results.standings import Standing


@dataclass(frozen=True, kw_only=True)
class PromptOnModel:
    """One prompt on one model.

    Attributes:
        score: of all examples, in [0, 1]; what was refused, or nobody could grade, counts as wrong.
        counts: right, wrong, malformed and errors; and refused, if any was.
        tokens: mean tokens of a call, in and out; 0 when the server did not count.
        difference: how much it scores above the seed prompt on this model, on the examples that
            have a score under both; None for the seed, and where there is no such example.
        interval: of the difference, at 95 %; of this cell alone.
        p_value: of "no difference", corrected for the number of cells (Holm).
    """

    score: float
    counts: dict[str, int]
    tokens: float
    difference: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None


@dataclass(frozen=True, kw_only=True)
class Finalist:
    """A prompt of the matrix.

    Attributes:
        name: "seed", "best", or "#2" and on by rank on the validation split.
        prompt: the prompt.
        validation: its score on the validation split in the run.
        front: whether it is on the run's front of score and cost.
    """

    name: str
    prompt: Prompt
    validation: float
    front: bool


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Prompts on models.

    Attributes:
        split: whose examples were answered.
        n: how many.
        models: names, in the order given.
        finalists: the seed prompt first.
        cells: by model, and by the finalist's name.
        spent: what it took; kept answers count.
        groups: independent groups that the examples come in; 0 where the task has no groups.
    """

    split: str
    n: int
    models: tuple[str, ...]
    finalists: tuple[Finalist, ...]
    cells: Mapping[str, Mapping[str, PromptOnModel]]
    spent: Spent
    groups: int = 0

    def best_on(self, model: str) -> str:
        """The finalist with the highest score on a model; of equals the first."""
        return max(self._names, key=lambda name: self.cells[model][name].score)

    @property
    def best_mean(self) -> str:
        """The finalist with the highest mean score over the models; of equals the first."""
        return max(self._names, key=self.mean)

    @property
    def best_worst(self) -> str:
        """The finalist whose lowest score is the highest; of equals the first."""
        return max(self._names, key=self.worst)

    def mean(self, name: str) -> float:
        """A finalist's mean score over the models."""
        return round(sum(self.cells[m][name].score for m in self.models) / len(self.models), 12)

    def worst(self, name: str) -> float:
        """A finalist's score on the model that it does worst on."""
        return min(self.cells[model][name].score for model in self.models)

    @property
    def _names(self) -> list[str]:
        return [finalist.name for finalist in self.finalists]

    def rows(self) -> list[dict[str, Any]]:
        """Give a row of figures for each prompt on each model."""
        return [
            {"model": model, "prompt": f.name, "id": f.prompt.id, "front": f.front}
            | vars(self.cells[model][f.name])
            for model in self.models
            for f in self.finalists
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give the matrix as JSON values."""
        return {
            "split": self.split,
            "n": self.n,
            "groups": self.groups,
            "models": list(self.models),
            "prompts": [
                {**vars(f), "prompt": f.prompt.to_dict(), "id": f.prompt.id} for f in self.finalists
            ],
            "scores": {m: {name: vars(c) for name, c in row.items()} for m, row in
                       self.cells.items()},
            "best": {model: self.best_on(model) for model in self.models},
            "best_for_all": {"mean": self.best_mean, "worst_case": self.best_worst},
            "means": {name: self.mean(name) for name in self._names},
            "worst": {name: self.worst(name) for name in self._names},
            "spent": self.spent.to_dict(),
        }  # fmt: skip


def finalists(found: Sequence[Standing], top: int) -> list[Finalist]:
    """Choose the prompts of a matrix: the seed, the best, the front's, and the next best.

    Args:
        found: as `apo.results.front.with_front` gives them, the best first.
        top: how many beside the seed prompt, at least 1; those that break an example which must
            pass are left out.

    Raises:
        SettingsError: top is less than 1, or there is nothing beside the seed prompt.
    """
    if top < 1:
        raise SettingsError(f"--top is {top}; it is how many prompts beside the seed: at least 1.")
    seed = next((s for s in found if s.operator == "seed"), found[-1])
    usable = [s for s in found if not s.broken and s is not seed]
    order = sorted(usable, key=lambda s: (s is not found[0], not s.front))
    chosen = {s.id for s in order[:top]}
    if not chosen:
        raise SettingsError("The seed prompt is the only candidate measured on all of validation.")
    rows = [seed, *(s for s in usable if s.id in chosen)]
    ranks = {s.id: place for place, s in enumerate(found, 1)}
    names = {s.id: "best" if s is found[0] else f"#{ranks[s.id]}" for s in rows} | {seed.id: "seed"}
    return [
        Finalist(
            name=names[s.id],
            prompt=Prompt.from_dict(dict(s.prompt)),
            validation=s.score,
            front=s.front,
        )
        for s in rows
    ]
