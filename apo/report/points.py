"""The candidates of a run as points: score against length, tokens and cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apo.display.figures import percent
from apo.display.picture import inline
from apo.display.plots import BEST, OTHER, SEED, Mark, front_plot
from apo.language.catalogue import message, translated
from apo.prompts.prompt import Prompt
from apo.results.standings import Standing
from apo.select import nondominated_sort

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_POINTS = 600


@dataclass(frozen=True)
class Cloud:
    """A picture of candidates, and what it shows as a table.

    Attributes:
        unit: what stands against the score.
        picture: the picture.
        front: name, operator, score and the other figure of those on the front.
    """

    unit: str
    picture: "Markup"
    front: tuple[tuple[str, str, float, float], ...]


def clouds(found: Sequence[Standing], names: Mapping[str, str], best: str) -> list[Cloud]:
    """Pictures of score against length, and against cost or else tokens.

    Args:
        found: as `apo.results.standings.standings` gives them.
        names: the shown ids; of a run that goes on, those of newer candidates may be missing.
        best: id of the best prompt.
    """
    lengths = [float(len(Prompt.from_dict(dict(s.prompt)).text())) for s in found]
    made = [
        _cloud(
            found, lengths, message("length of the prompt, in characters"), "length", names, best
        )
    ]
    if all(s.usd is not None for s in found) and any(s.usd for s in found):
        costs = [1000 * (s.usd or 0.0) for s in found]
        made.append(
            _cloud(found, costs, message("US dollars for 1,000 calls"), "cost", names, best)
        )
    elif not any(s.estimated for s in found):
        tokens = [s.input_tokens + (s.output_tokens or 0.0) for s in found]
        made.append(
            _cloud(found, tokens, message("tokens of a call, in and out"), "tokens", names, best)
        )
    return made


def _cloud(
    found: Sequence[Standing], figures: Sequence[float], unit: str, name: str,
    names: Mapping[str, str], best: str,
) -> Cloud:  # fmt: skip
    on = _front([(s.score, -x) for s, x in zip(found, figures, strict=True)], found)

    def name_of(candidate: str) -> str:
        return names.get(candidate, candidate)

    marks, hints, front = (
        list[Mark](),
        dict[str, list[str]](),
        list[tuple[str, str, float, float]](),
    )
    for standing, x, nothing_better in zip(found, figures, on, strict=True):
        kind = BEST if standing.id == best else SEED if standing.operator == "seed" else OTHER
        if len(marks) < MAX_POINTS or kind != OTHER:
            marks.append(Mark(x, standing.score, kind, nothing_better))
            told = (
                f"{name_of(standing.id)}, {standing.operator}: {percent(standing.score)}, {x:,.4g}"
            )
            hints.setdefault(kind, []).append(told)
        if nothing_better:
            front.append((name_of(standing.id), standing.operator, standing.score, x))
    told = translated(
        f"Score on validation against {unit}: {len(found)} candidates, {len(front)} of them on the "
        "front. The table below has these."
    )
    return Cloud(unit, inline(front_plot(marks, unit), name, told, hints), tuple(front))


def _front(places: Sequence[tuple[float, float]], found: Sequence[Standing]) -> list[bool]:
    """Whether no other candidate is as good in both and better in one; of equals the first is."""
    allowed = dict.fromkeys(p for p, s in zip(places, found, strict=True) if not s.broken)
    layers = nondominated_sort(list(allowed))
    left = {list(allowed)[i] for i in layers[0]} if layers else set[tuple[float, float]]()
    marked: list[bool] = []
    for place, standing in zip(places, found, strict=True):
        marked.append(not standing.broken and place in left)
        left -= {place} if marked[-1] else set()
    return marked


def measured_points(moments: Sequence[Any]) -> list[tuple[float, float]]:
    """Calls and score of each measurement, for a picture."""
    return [(moment.calls, moment.score) for moment in moments[:MAX_POINTS]]
