"""What leaving parts out of a prompt has found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from apo.prompts.parts import Part, without
from apo.prompts.prompt import Prompt
from apo.prompts.rules import estimated_tokens

Finding = Literal["earns", "idle", "back", "needed", "open"]
"""What is known of a part: the prompt is worse without it; nothing shows that it is, and it goes;
it went with others and came back, as they cost something together; the prompt cannot be without it;
or the budget ended before it was clear."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of leaving parts out of a prompt.

    Attributes:
        parts: what was left out together.
        worse: whether the prompt is clearly worse without them.
        n: rows that both prompts have a score on; 0 where such a prompt is not allowed.
        gain: mean score without them less that with them, on these rows.
        interval: of the gain, at 95 % for all looks together, of these parts alone.
        p_value: of "it is no worse without them", two-sided, corrected for the number of parts.
    """

    parts: tuple[Part, ...]
    worse: bool
    n: int = 0
    gain: float = 0.0
    interval: tuple[float, float] = (-1.0, 1.0)
    p_value: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """What was found of a prompt's parts.

    Attributes:
        prompt: the whole prompt.
        shorter: the prompt without the parts that earn nothing; the same where all do.
        parts: its parts, in the order of reading.
        findings: what is known of each.
        trials: for each part the last time that it was left out; None where it never was.
        rows: rows that there were to measure on.
        loss: mean score of `shorter` less that of `prompt`, with its interval at 95 %, on all
            rows; None where they are the same, or the budget did not allow it.
    """

    prompt: Prompt
    shorter: Prompt
    parts: tuple[Part, ...]
    findings: Mapping[Part, Finding]
    trials: Mapping[Part, Trial | None]
    rows: int
    loss: tuple[float, tuple[float, float]] | None = None

    @property
    def tokens(self) -> tuple[int, int]:
        """Estimated tokens of the whole prompt and of the shorter one, without their inputs."""
        return estimated_tokens(self.prompt.text()), estimated_tokens(self.shorter.text())

    def tokens_of(self, part: Part) -> int:
        """Estimated tokens that a part adds to the prompt."""
        return self.tokens[0] - estimated_tokens(without(self.prompt, [part]).text())

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            "prompt_id": self.prompt.id,
            "shorter": self.shorter.to_dict(),
            "shorter_id": self.shorter.id,
            "tokens": list(self.tokens),
            "rows": self.rows,
            "gain": None if self.loss is None else self.loss[0],
            "interval": None if self.loss is None else list(self.loss[1]),
            "parts": [self._row(part) for part in self.parts],
        }

    def _row(self, part: Part) -> dict[str, Any]:
        trial = self.trials[part]
        row = {**vars(part), "tokens": self.tokens_of(part), "finding": self.findings[part]}
        if trial is None or not trial.n:
            return row
        together = [self.parts.index(other) + 1 for other in trial.parts]
        figures = {"gain": trial.gain, "interval": list(trial.interval), "p_value": trial.p_value}
        return {**row, "left_out_with": together, "n": trial.n, **figures}
