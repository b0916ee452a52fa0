"""Candidates by several objectives: the score, tokens, cost and latency of each.

The figures are of the calls that the journal holds for the candidates measured on the whole
validation split, over the examples that all of them were asked: the same texts for all.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, NamedTuple

from apo.errors import RunError
from apo.models.prices import Price, cost
from apo.prompts.prompt import Prompt
from apo.results.spending import prices_of
from apo.storage.folder import RunFolder
from apo.storage.rows import open_for_reading, readable
from apo.storage.shapes import require_present
from apo.storage.summary import candidates
from apo.usage import Usage

_CALLS = """
SELECT request, model, input_tokens, output_tokens, cached_tokens, seconds, {waited}, reused
FROM calls WHERE role = 'task' AND error = ''
    AND NOT (reply LIKE '[%' AND COALESCE(output_tokens, 2) < 2)
ORDER BY at, key
"""
"""What the task model was asked, but for how likely given answers are: those replies are lists."""


class _Asked(NamedTuple):
    """One answered call of a candidate."""

    usage: Usage
    model: str
    seconds: float | None
    waited: float | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A candidate that was measured on the whole validation split, by all objectives.

    Attributes:
        id: the prompt's.
        operator: where it came from; "seed" for a seed prompt.
        prompt: as `Prompt.to_dict` gives it.
        score: on the validation split, in [0, 1]; 0 for what was refused or ungraded.
        input_tokens: mean of a call: the prompt and the example; where `estimated`, of the prompt's
            own text alone.
        output_tokens: mean of a call; None when the server did not count.
        usd: mean US dollars of a call; None when the price is unknown.
        seconds: median of a call on the wire; None where all answers were kept ones, or came in
            batches.
        waited: median time that a call waited in apo before it was sent; None as for seconds, and
            for runs of earlier versions, whose seconds hold it.
        estimated: whether input_tokens are guessed from the text, a token for each 4 bytes of it.
        broken: ids of examples that must pass, and that the seed prompt alone gets right; such a
            candidate is on no front.
        front: whether no other candidate is as good in each objective and better in one.
    """

    id: str
    operator: str
    prompt: Mapping[str, Any]
    score: float
    input_tokens: float
    output_tokens: float | None
    usd: float | None
    seconds: float | None
    estimated: bool = False
    broken: tuple[str, ...] = ()
    front: bool = False
    waited: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON values."""
        return asdict(self)


def standings(folder: RunFolder) -> list[Standing]:
    """The candidates measured on the whole validation split, the best first as a run ranks them.

    Raises:
        RunError: the run has measured none, or its folder is damaged.
    """
    rows = [row for row in candidates(folder) if row["whole"]]
    if not rows:
        raise RunError(
            f"{folder.id} has no candidate measured on the whole validation split yet. "
            f"{folder.way_on}"
        )
    prompts = {row["id"]: Prompt.from_dict(row["prompt"]) for row in rows}
    asked = _asked(folder, set(prompts))
    first, *others = asked.values()
    shared = set(first).intersection(*others)
    calls = {name: [found[e] for e in sorted(shared)] for name, found in asked.items()}
    every = [call for found in calls.values() for call in found]
    estimated = not every or any(call.usage.input_tokens is None for call in every)
    price = prices_of(folder, {call.model for call in every})
    return [
        Standing(
            id=row["id"],
            operator=row["operator"],
            prompt=row["prompt"],
            score=row["at_least"],
            input_tokens=_guess(prompts[row["id"]])
            if estimated
            else _mean([call.usage.input_tokens for call in calls[row["id"]]]) or 0.0,
            output_tokens=_mean([call.usage.output_tokens for call in calls[row["id"]]]),
            usd=_mean([_usd(call, price) for call in calls[row["id"]]]),
            seconds=_median([call.seconds for call in calls[row["id"]]]),
            waited=_median([call.waited for call in calls[row["id"]]]),
            estimated=estimated,
            broken=tuple(row["broken"]),
        )
        for row in rows
    ]


def _asked(folder: RunFolder, ids: set[str]) -> dict[str, dict[str, _Asked]]:
    """The calls of each candidate, by example; of several the first, which the others repeat."""
    found: dict[str, dict[str, _Asked]] = {name: {} for name in ids}
    settings = folder.settings
    require_present(settings, {"options": dict}, str(folder.path / "run.json"))
    batched = bool(settings.get("options", {}).get("batch"))
    database = open_for_reading(folder.journal_path)
    try:
        with readable():
            columns = {column[1] for column in database.execute("PRAGMA table_info(calls)")}
            waited = "waited" if "waited" in columns else "NULL"  # Of an earlier version.
            for note, model, read, written, cached, *times, reused in database.execute(
                _CALLS.format(waited=waited)
            ):
                prompt, _, example = str(note).partition(" ")
                if prompt in found and example:
                    usage = Usage(read, written, cached or 0)
                    took, queued = (None, None) if reused or batched else times
                    found[prompt].setdefault(example, _Asked(usage, str(model), took, queued))
    finally:
        database.close()
    return found


def _usd(call: _Asked, prices: Mapping[str, Price | None]) -> float | None:
    price, usage = prices[call.model], call.usage
    if price is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return cost(price, usage)


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean; None when there is none, or one is unknown: unknown is not 0."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None


def _guess(prompt: Prompt) -> float:
    """Tokens of a text: 4 letters of English or 1.3 of Korean each, both about 4 bytes."""
    return len(prompt.text().encode("utf-8", "replace")) / 4
