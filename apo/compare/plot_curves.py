"""The courses of searches as curves: means over seeds, bands, and names at the lines' ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apo.compare.collect import Curve
from apo.compare.plot_looks import looks_of
from apo.compare.standing import Comparison, Ranking
from apo.display.picture import DARK, GREY, RULE

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

POINTS = 240
RESAMPLES = 1000


@dataclass(frozen=True)
class Line:
    """One optimizer's curves at the same places: a row for each seed."""

    x: "Numbers"
    rows: "Numbers"

    @property
    def mean(self) -> "Numbers":
        """Over seeds."""
        mean: Numbers = self.rows.mean(axis=0)
        return mean

    def band(self) -> tuple["Numbers", "Numbers"]:
        """Low and high end of the mean's 95 % bootstrap interval over seeds."""
        import numpy as np

        n = len(self.rows)
        draws = np.random.default_rng(0).integers(0, n, (RESAMPLES, n))
        low, high = np.percentile(self.rows[draws].mean(axis=1), [2.5, 97.5], axis=0)
        return low, high


def by_calls(curve: Curve, x: "Numbers") -> "Numbers":
    """The best score by calls; nothing before the seed prompt was measured."""
    import numpy as np

    place = np.searchsorted(np.asarray(curve.calls), x, side="right") - 1
    scores = np.asarray(curve.scores, dtype=float)
    return np.where(place >= 0, scores[place], np.nan)


def lines_of(curves: Sequence[Curve], value: Any) -> dict[str, Line]:
    """Each optimizer's mean over its seeds, at the same places for all."""
    import numpy as np

    first = max(curve.calls[0] for curve in curves if curve.calls)
    last = max(curve.end for curve in curves)
    x = np.linspace(first, max(last, first + 1), POINTS)
    groups: dict[str, list[Any]] = {}
    for curve in curves:
        if curve.calls:
            groups.setdefault(curve.row.optimizer, []).append(value(curve, x))
    return {label: Line(x, np.stack(rows)) for label, rows in groups.items()}


def normalised(curves: Sequence[Curve], found: Comparison) -> dict[str, Line]:
    """The way from seed (0) to the best score that any run reached on the task (1), over tasks.

    By share of the search's calls, since tasks differ in how many it takes. Seeds are averaged
    over tasks first, so that the band is one over seeds.
    """
    import numpy as np

    x = np.linspace(0, 1, POINTS)
    tops = {
        ranking.task: max(c.scores[-1] for c in curves if c.row.task == ranking.task)
        for ranking in found.tasks
    }
    most = {
        ranking.task: max(c.end for c in curves if c.row.task == ranking.task)
        for ranking in found.tasks
    }
    whole = {standing.optimizer for standing in found.overall.standings}
    groups: dict[str, dict[int, list[Any]]] = {}
    for curve in curves:
        task, label = curve.row.task, curve.row.optimizer
        if label not in whole:
            continue
        seed = curve.scores[0]
        scores = np.nan_to_num(by_calls(curve, x * most[task]), nan=seed)
        way = (scores - seed) / (tops[task] - seed) if tops[task] > seed else 0 * scores
        groups.setdefault(label, {}).setdefault(curve.row.seed, []).append(way)
    lines: dict[str, Line] = {}
    for label, seeds in groups.items():
        complete = [np.mean(rows, axis=0) for rows in seeds.values() if len(rows) == len(tops)]
        if complete:
            lines[label] = Line(x, np.stack(complete))
    return lines


def draw_curves(ranking: Ranking, lines: Mapping[str, Line], title: str, unit: str) -> "Figure":
    """Draw one picture of curves; those that stand out in colour, and with a band where few do."""
    from matplotlib.figure import Figure

    looks = looks_of(ranking, list(lines))
    figure = Figure(figsize=(9.2, max(4.6, 0.2 * len(lines) + 1.2)), layout="constrained")
    axes = figure.add_subplot()
    for label, line in lines.items():
        if label in looks:
            continue
        axes.plot(line.x, line.mean, color=GREY, linewidth=1.0, zorder=1)
    for place, (label, (colour, dashes)) in enumerate(reversed(looks.items())):
        line = lines[label]
        if len(looks) <= 4:
            axes.fill_between(line.x, *line.band(), color=colour, alpha=0.15, linewidth=0, zorder=2)
        axes.plot(
            line.x, line.mean, color=colour, linestyle=dashes, linewidth=2.0, zorder=3 + place
        )
    axes.set_title(title, pad=10)
    share = unit == "share"
    axes.set_xlabel(
        "share of the calls of the search"
        if share
        else "calls of the search, of task and optimizer model"
    )
    axes.set_ylabel("0: seed prompt, 1: best of all runs" if share else "score")
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    first = next(iter(lines.values()))
    axes.set_xlim(float(first.x[0]), float(first.x[-1]))
    _percent(axes, share=share)
    _name_ends(axes, lines, looks)
    said = "mean over seeds" + ("; bands: 95 % bootstrap over seeds" if len(looks) <= 4 else "")
    axes.annotate(
        said, (1, 0), (0, -30), xycoords="axes fraction", textcoords="offset points",
        ha="right", va="top", color=DARK, fontsize=8,
    )  # fmt: skip
    return figure


def _percent(axes: "Axes", *, share: bool) -> None:
    from matplotlib.ticker import FuncFormatter

    def percent(value: float, _: int | None) -> str:
        return f"{round(100 * value, 1):g} %"

    axes.yaxis.set_major_formatter(FuncFormatter(percent))
    if share:
        axes.xaxis.set_major_formatter(FuncFormatter(percent))


def _name_ends(
    axes: "Axes", lines: Mapping[str, Line], looks: Mapping[str, tuple[str, Any]]
) -> None:
    """Write each line's name at its right end, moved apart where they would overlap."""
    low, high = axes.get_ylim()
    height = axes.get_window_extent().height / axes.figure.dpi
    gap = (high - low) * 0.165 / height  # A line of text, in units of the axis.
    ends = sorted((float(line.mean[-1]), label) for label, line in lines.items())
    places = spread([end for end, _ in ends], gap, low, high)
    across = axes.get_yaxis_transform()  # x in shares of the width, y in scores
    for place, (end, label) in zip(places, ends, strict=True):
        chosen = label in looks
        colour = looks[label][0] if chosen else DARK
        axes.plot(
            [1.003, 1.03], [end, place], transform=across, color=colour if chosen else GREY,
            linewidth=0.7, clip_on=False,
        )  # fmt: skip
        axes.text(
            1.035, place, label, transform=across, va="center", color=colour,
            fontsize=8.5 if chosen else 8, fontweight="bold" if chosen else "normal",
        )  # fmt: skip


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ascending values apart to at least a gap, as little as possible.

    Neighbours that are too near become a block around their mean, block by block; all are then
    moved within the limits where they fit.
    """
    blocks: list[tuple[float, int]] = []  # centre and size
    for value in values:
        centre, size = value, 1
        while blocks and centre - blocks[-1][0] < gap * (size + blocks[-1][1]) / 2:
            before, n = blocks.pop()
            centre, size = (before * n + centre * size) / (n + size), n + size
        blocks.append((centre, size))
    placed = [c + gap * (i - (n - 1) / 2) for c, n in blocks for i in range(n)]
    for i in range(len(placed)):  # From below the lower limit upwards, then from above downwards.
        placed[i] = max(placed[i], low + gap * i)
    for i in range(len(placed)):
        placed[-1 - i] = min(placed[-1 - i], high - gap * i)
    return placed
