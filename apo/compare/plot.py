"""Pictures of a comparison: the course of the searches, and the gains.

Colours are Okabe and Ito's, which people who see no red or no green can tell apart; every line
has its name at its end, so that colour is never the only sign.
"""

import logging
import re
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apo.compare.collect import Curve
from apo.compare.standing import Comparison, Ranking

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)))
GREY, DARK = "#B4B4B4", "#4D4D4D"
FONTS = ("Noto Sans CJK KR", "NanumGothic", "Apple SD Gothic Neo", "Malgun Gothic")
ALWAYS = ("auto", "random-search")
"""Optimizers that stand out beside the best: what is recommended, and the baseline."""
POINTS = 240
RESAMPLES = 1000


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
    with _style():
        for ranking in found.tasks:
            here = [curve for curve in curves if curve.row.task == ranking.task]
            lines = _lines(here, _by_calls)
            name = "curves-" + re.sub(r"[^\w.-]+", "-", ranking.task)
            title = f"{ranking.task}: best validation score so far"
            made.append(_draw_curves(ranking, lines, title, "score", folder / name))
        if len(found.tasks) > 1 and found.overall.standings:
            lines = _normalised(curves, found)
            title = f"{len(found.tasks)} tasks: way from the seed prompt to the best prompt found"
            made.append(_draw_curves(found.overall, lines, title, "share", folder / "curves-all"))
        made.append(_draw_gains(found, folder / "gains"))
    return made


@contextmanager
def _style() -> Generator[None]:
    import matplotlib as mpl

    # The object-oriented way of use needs no backend, and so no screen.
    settings: Any = {
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": DARK,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "svg.fonttype": "none",
        "svg.hashsalt": "apo",
        # What the first lacks, such as Hangul, comes from the next that is installed.
        "font.family": ["DejaVu Sans", *FONTS],
        "axes.unicode_minus": False,
    }
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)  # It tells each font that is not there.
    try:
        with mpl.rc_context(settings), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
            yield
    finally:
        logger.setLevel(level)


@dataclass(frozen=True)
class _Line:
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


def _by_calls(curve: Curve, x: "Numbers") -> "Numbers":
    """The best score by calls; nothing before the seed prompt was measured."""
    import numpy as np

    place = np.searchsorted(np.asarray(curve.calls), x, side="right") - 1
    scores = np.asarray(curve.scores, dtype=float)
    return np.where(place >= 0, scores[place], np.nan)


def _lines(curves: Sequence[Curve], value: Any) -> dict[str, _Line]:
    """Each optimizer's mean over its seeds, at the same places for all."""
    import numpy as np

    first = max(curve.calls[0] for curve in curves if curve.calls)
    last = max(curve.end for curve in curves)
    x = np.linspace(first, max(last, first + 1), POINTS)
    groups: dict[str, list[Any]] = {}
    for curve in curves:
        if curve.calls:
            groups.setdefault(curve.row.optimizer, []).append(value(curve, x))
    return {label: _Line(x, np.stack(rows)) for label, rows in groups.items()}


def _normalised(curves: Sequence[Curve], found: Comparison) -> dict[str, _Line]:
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
        scores = np.nan_to_num(_by_calls(curve, x * most[task]), nan=seed)
        way = (scores - seed) / (tops[task] - seed) if tops[task] > seed else 0 * scores
        groups.setdefault(label, {}).setdefault(curve.row.seed, []).append(way)
    lines: dict[str, _Line] = {}
    for label, seeds in groups.items():
        complete = [np.mean(rows, axis=0) for rows in seeds.values() if len(rows) == len(tops)]
        if complete:
            lines[label] = _Line(x, np.stack(complete))
    return lines


def _looks(ranking: Ranking, labels: Sequence[str]) -> dict[str, tuple[str, Any]]:
    """Colour and dashes of each line that stands out: all when they are few."""
    order = [standing.optimizer for standing in ranking.standings]
    chosen = [label for label in order if label in labels]
    if len(chosen) > len(COLOURS):
        known = [label for label in ALWAYS if label in chosen]
        best = next((label for label in chosen if label not in known), None)
        chosen = known + ([best] if best else [])
    # A recommended optimizer and the baseline look the same in every picture.
    fixed = {label: i for i, label in enumerate(ALWAYS) if label in chosen}
    free = iter(i for i in range(len(COLOURS)) if i not in fixed.values())
    places = {label: fixed[label] if label in fixed else next(free) for label in chosen}
    return {label: (COLOURS[i], DASHES[i % len(DASHES)]) for label, i in places.items()}


def _draw_curves(
    ranking: Ranking, lines: Mapping[str, _Line], title: str, unit: str, path: Path
) -> Path:
    from matplotlib.figure import Figure

    looks = _looks(ranking, list(lines))
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
    axes.grid(axis="y", color="#E6E6E6", linewidth=0.7)
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
    return _save(figure, path)


def _percent(axes: "Axes", *, share: bool) -> None:
    from matplotlib.ticker import FuncFormatter

    def percent(value: float, _: int | None) -> str:
        return f"{round(100 * value, 1):g} %"

    axes.yaxis.set_major_formatter(FuncFormatter(percent))
    if share:
        axes.xaxis.set_major_formatter(FuncFormatter(percent))


def _name_ends(
    axes: "Axes", lines: Mapping[str, _Line], looks: Mapping[str, tuple[str, Any]]
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


def _draw_gains(found: Comparison, path: Path) -> Path:
    """Test gain of each optimizer with its interval: one panel a task, and one for all."""
    from matplotlib.figure import Figure

    several = len(found.tasks) > 1 and bool(found.overall.standings)
    rankings = ([found.overall] if several else []) + list(found.tasks)
    order = [standing.optimizer for standing in rankings[0].standings]
    rest = {s.optimizer for ranking in rankings for s in ranking.standings} - set(order)
    order += sorted(rest)
    looks = _looks(rankings[0], order)
    wide = len(rankings)
    figure = Figure(figsize=(1.9 + 2.35 * wide, 0.24 * len(order) + 1.5), layout="constrained")
    panels = figure.subplots(1, wide, sharey=True, squeeze=False)[0]
    for axes, ranking in zip(panels, rankings, strict=True):
        _draw_panel(axes, ranking, order, looks)
    panels[0].set_yticks(range(len(order)), order)
    panels[0].set_ylim(len(order) - 0.5, -0.5)
    for tick, label in zip(panels[0].get_yticklabels(), order, strict=True):
        tick.set_color(looks[label][0] if label in looks else DARK)
        tick.set_fontweight("bold" if label in looks else "normal")
    figure.supxlabel(
        "gain over the seed prompt on the test examples, in points\nbars: 95 % interval over seeds",
        fontsize=8,
        color=DARK,
    )
    return _save(figure, path)


def _draw_panel(
    axes: "Axes", ranking: Ranking, order: Sequence[str], looks: Mapping[str, tuple[str, Any]]
) -> None:
    axes.axvline(0, color=DARK, linewidth=0.8)
    axes.grid(axis="x", color="#E6E6E6", linewidth=0.7)
    axes.set_axisbelow(True)
    for standing in ranking.standings:
        y = order.index(standing.optimizer)
        colour = looks[standing.optimizer][0] if standing.optimizer in looks else "#808080"
        low, high = standing.gain_interval or (standing.gain, standing.gain)
        axes.plot([100 * low, 100 * high], [y, y], color=colour, linewidth=2, alpha=0.55)
        axes.plot(100 * standing.gain, y, "o", color=colour, markersize=5)
    axes.set_title(ranking.task or "All tasks", fontsize=9.5)
    axes.tick_params(axis="y", length=0)


def _save(figure: "Figure", path: Path) -> Path:
    png = path.with_name(f"{path.name}.png")
    figure.savefig(png, dpi=160)
    figure.savefig(path.with_name(f"{path.name}.svg"), metadata={"Date": None})
    return png
