"""Pictures of a comparison: the course of the searches, and the gains."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from apo.compare.collect import Curve
from apo.compare.plot_curves import Line, by_calls, draw_curves, lines_of, normalised
from apo.compare.plot_gains import draw_gains
from apo.compare.standing import Comparison
from apo.display.picture import inline, save, style

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure


def draw(found: Comparison, curves: Sequence[Curve], folder: Path) -> "dict[Path, Markup]":
    """Draw all pictures as PNG and SVG.

    Args:
        found: the rankings, which say who stands out.
        curves: of all finished cells.
        folder: where to; made when it is not there.

    Returns:
        The PNG files, and each picture as a part of a page.
    """
    if not curves:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    with style():
        return {
            save(figure, folder / name): inline(figure, f"plot-{place}", told)
            for place, (name, told, figure) in enumerate(_pictures(found, curves))
        }


def _pictures(found: Comparison, curves: Sequence[Curve]) -> "Iterator[tuple[str, str, Figure]]":
    """Each picture with the name of its file, and what is told in its place."""
    for ranking in found.tasks:
        here = [curve for curve in curves if curve.row.task == ranking.task]
        lines = lines_of(here, by_calls)
        name = "curves-" + re.sub(r"[^\w.-]+", "-", ranking.task)
        title = f"{ranking.task}: best validation score so far"
        told = f"{title}, by calls. The best at the end: {_ends(lines)}."
        yield name, told, draw_curves(ranking, lines, title, "score")
    if len(found.tasks) > 1 and found.overall.standings:
        lines = normalised(curves, found)
        title = f"{len(found.tasks)} tasks: way from the seed prompt to the best prompt found"
        told = f"{title}. The best at the end: {_ends(lines)}."
        yield "curves-all", told, draw_curves(found.overall, lines, title, "share")
    told = "Gains on the test examples with their intervals; the tables have the figures."
    yield "gains", told, draw_gains(found)


def _ends(lines: Mapping[str, Line]) -> str:
    """Where the three highest end, in words."""
    scores = {label: float(line.mean[-1]) for label, line in lines.items()}
    best = sorted(scores, key=lambda label: -scores[label])[:3]
    return ", ".join(f"{label} {100 * scores[label]:.1f} %" for label in best)
