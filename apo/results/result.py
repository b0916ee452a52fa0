"""What a run found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apo.calls.budget import Spent
from apo.errors import RunError
from apo.evaluation.evaluation import Evaluation
from apo.prompts.prompt import Prompt
from apo.results.gap import Gap
from apo.results.outcome import outcome
from apo.results.parts import Parts
from apo.results.verdict import Verdict
from apo.storage.folder import RunFolder

if TYPE_CHECKING:
    from pandas import DataFrame

    from apo.display.plots import Picture


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
        parts: what the best prompt's instruction and its demos gave, each by itself; None where it
            changed only one of them, or too few calls were left.
        overspent: what was spent beyond the limits, and why; "" for nothing.
        notes: what was noticed on the way, such as a noisy judge.
        measured: candidates measured on the whole validation split, the seed prompts left out.
        vetoed: candidates that did better than the seed prompt there and cannot be best (`vetoes`).
        refused: how many proposals and replies were refused (`n`), `of` how many, and how often
            for which of the `reasons`, with an `example`.
        mlflow: where it is logged: tracking_uri, run_id, url, complete, problem; may be empty.
        details: names for people: task, optimizer, model, optimizer_model.
        folder: the run's files, from which the tables are read; None for a result without a run.
    """

    run_id: str
    seed: Evaluation
    best: Evaluation
    verdict: Verdict | None
    spent: Spent
    seconds: float
    gap: Gap | None = None
    parts: Parts | None = None
    overspent: str = ""
    notes: tuple[str, ...] = ()
    measured: int = 0
    vetoed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    refused: Mapping[str, Any] = field(default_factory=dict[str, Any])
    mlflow: Mapping[str, Any] = field(default_factory=dict[str, Any])
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    folder: RunFolder | None = field(default=None, compare=False)

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

    def candidates(self) -> "DataFrame":
        """A row for each candidate, the best first.

        Columns: id, ordinal (the order in which they came up), operator, parents, score (on `n`
        validation examples; `whole` says whether these are all), best, length in characters
        of the whole text, instruction, how many demos, broken (ids of examples that must pass).

        Raises:
            RunError: the run's folder is not there any more, or damaged.
        """
        from apo.results.frames import candidates_frame

        return candidates_frame(self._files, self.best.prompt.id)

    def rows(self) -> "DataFrame":
        """A row for each test example, with both prompts' answers.

        Columns: id, flip ("won", "lost" or "same"), must_pass, group, a column `input_…` for each
        input field, target, and of seed and best `…_output`, `…_score` in [0, 1] (none where
        nobody could grade), `…_outcome`, `…_feedback`; a column `slice_…` for each slice.

        Raises:
            RunError: the run has measured no test example, or its folder is not there any more.
        """
        from apo.results.frames import rows_frame

        return rows_frame(self._files)

    def calls(self) -> "DataFrame":
        """A row for each call that was answered, in order.

        Columns: role, model, of the task model's calls the ids of prompt and example and the step
        of a program, reply, error (why it was refused), tokens, retries, seconds on the wire, usd
        by the run's prices, cut, reused (an earlier run had paid), at, logprob (mean of the
        answer's tokens, where `decoding.extra` has logprobs).

        Raises:
            RunError: the run's folder is not there any more, or damaged.
        """
        from apo.results.frames import calls_frame

        return calls_frame(self._files)

    def curve(self) -> "DataFrame":
        """A row for each candidate measured on the whole validation split, in order.

        Columns: calls (answered by then), score in [0, 1], best_score so far, candidate, and
        whether it was a rise of the best score.

        Raises:
            RunError: the run's folder is not there any more, or damaged.
        """
        from apo.results.frames import curve_frame

        return curve_frame(self._files)

    def plot(self) -> "Picture":
        """The curve as a picture, which a notebook shows; `.save("curve.png")` writes it.

        Raises:
            RunError: as for `curve`, or nothing was measured.
        """
        from apo.results.frames import curve_picture

        return curve_picture(self._files)

    @property
    def _files(self) -> RunFolder:
        if self.folder is None or not self.folder.path.is_dir():
            where = "" if self.folder is None else f" at {self.folder.path}"
            raise RunError(
                f"The folder of {self.run_id} is not there{where}, and its tables are read from "
                "it. apo.resume(RUN) gives the result of a run whose folder is."
            )
        return self.folder

    def _repr_html_(self) -> str:
        """How it came out, the scores, and what changed in the prompt, for a notebook."""
        from apo.display.page import part

        values = self.to_dict()
        changes = self.seed.prompt.changes(self.best.prompt)
        return part("result", values, self.best.prompt.steps, changes)

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
            "validation": {
                "seed": self.seed.value,
                "best": self.best.value,
                "n": len(self.seed.rollouts),
            },
            "length": {
                "seed": len(self.seed.prompt.text()),
                "best": len(self.best.prompt.text()),
            },
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
            "gap": None if self.gap is None else self.gap.to_dict(),
            "parts": None if self.parts is None else self.parts.to_dict(),
            "overspent": self.overspent,
            "notes": list(self.notes),
            "measured": self.measured,
            "vetoed": dict(self.vetoed),
            "refused": dict(self.refused),
            "spent": {**self.spent.to_dict(), "seconds": round(self.seconds, 3)},
            "mlflow": dict(self.mlflow),
        }
