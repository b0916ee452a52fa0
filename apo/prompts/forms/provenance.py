"""Where a prompt comes from: what is written beside it, so that a file tells what it is worth."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What is known of a prompt that a run found; what is not known is left out.

    Attributes:
        prompt: the prompt's id.
        run: the run's id.
        task: its name.
        optimizer: which found it.
        model: that it was measured with, such as "openai/gpt-5-mini".
        data: fingerprint of the examples.
        score: mean score, in [0, 1].
        interval: of the score, at 95 %.
        split: that the score is of, "test" or "validation".
        n: examples that the score is of.
        outcome: of the run, such as "favourable".
        spent: of the whole run: calls, usd.
        rows: inputs and accepted targets of the test examples, for forms that hold tests.
    """

    prompt: str = ""
    run: str = ""
    task: str = ""
    optimizer: str = ""
    model: str = ""
    data: str = ""
    score: float | None = None
    interval: tuple[float, float] | None = None
    split: str = ""
    n: int = 0
    outcome: str = ""
    spent: Mapping[str, float] | None = None
    rows: Sequence[tuple[Mapping[str, str], Sequence[str]]] = ()

    def to_dict(self) -> dict[str, Any]:
        """What is known, as JSON values, without the rows."""
        values = {k: v for k, v in asdict(self).items() if k != "rows" and v not in (None, "", 0)}
        if self.interval is not None:
            values["interval"] = [round(end, 4) for end in self.interval]
        if self.score is not None:
            values["score"] = round(self.score, 4)
        return values

    def lines(self) -> list[str]:
        """What is known, a line each, for comments: no line can end the comment."""
        return [f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in self.to_dict().items()]

    @property
    def model_name(self) -> str:
        """The model as its provider calls it; MODEL where none is known."""
        name = self.model.rpartition("#")[2] if "#" in self.model else self.model.partition("/")[2]
        return name or self.model or "MODEL"
