"""Pictures of a comparison: the course of the searches, and the gains."""

import re
from collections.abc import Sequence
from pathlib import Path

from apo.compare.collect import Curve
from apo.compare.plot_curves import by_calls, draw_curves, lines_of, normalised
from apo.compare.plot_gains import draw_gains
from apo.compare.plot_style import style
from apo.compare.standing import Comparison


def draw(found: Comparison, curves: Sequence[Curve], folder: Path) -> list[Path]:
    """Draw all pictures as PNG and SVG.

    Args:
        found: the rankings, which say who stands out.
        curves: of all finished cells.
        folder: where to; made when it is not there.

    Returns:
        The PNG files.
    """
    if not curves:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    with style():
        for ranking in found.tasks:
            here = [curve for curve in curves if curve.row.task == ranking.task]
            lines = lines_of(here, by_calls)
            name = "curves-" + re.sub(r"[^\w.-]+", "-", ranking.task)
            title = f"{ranking.task}: best validation score so far"
            made.append(draw_curves(ranking, lines, title, "score", folder / name))
        if len(found.tasks) > 1 and found.overall.standings:
            lines = normalised(curves, found)
            title = f"{len(found.tasks)} tasks: way from the seed prompt to the best prompt found"
            made.append(draw_curves(found.overall, lines, title, "share", folder / "curves-all"))
        made.append(draw_gains(found, folder / "gains"))
    return made
