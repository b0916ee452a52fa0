"""The pictures of one run: its interval, the course of its search, its candidates as points."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apo.display.picture import COLOURS, DARK, GREY, RULE, style
from apo.language.catalogue import message, translated

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 5.2, 3.0
"""Inches: as small as a telephone shows it, so that its letters can be read there as well."""
SEED, BEST, OTHER = "seeds", "best", "others"
"""The gids of the marks of `front_plot`, in which its hints are given."""


@dataclass(frozen=True)
class Picture:
    """A picture for a notebook, which shows it by itself.

    Attributes:
        figure: matplotlib's, to be changed as you like.
    """

    figure: "Figure"

    def save(self, path: str | Path) -> None:
        """Write it to a file; its ending says in which form: png, svg, pdf."""
        with style():
            self.figure.savefig(path, dpi=160)

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        file = io.StringIO()
        with style():
            self.figure.savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()


def _axes(height: float = HEIGHT) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    return figure, axes


def interval_plot(gain: float, interval: Sequence[float]) -> "Figure":
    """A difference of scores with its interval, against no difference.

    Args:
        gain: best less seed, in [-1, 1].
        interval: both ends of it.
    """
    figure, axes = _axes(1.05)
    low, high = (100 * end for end in interval)
    colour = COLOURS[2] if low > 0 else COLOURS[1] if high < 0 else DARK
    axes.axvline(0, color=DARK, linewidth=1)
    axes.plot([low, high], [0, 0], color=colour, linewidth=5, alpha=0.45, solid_capstyle="butt")
    axes.plot([100 * gain], [0], "o", color=colour, markersize=7)
    far = 1.12 * max(abs(low), abs(high), 1.0)
    axes.set_xlim(min(-0.25 * far, 1.12 * low), max(0.25 * far, 1.12 * high))
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(translated("best less seed on test, in points; bar: 95 % interval"), color=DARK)
    return figure


def curve_plot(
    calls: Sequence[int], scores: Sequence[float], end: int, *, tried: Sequence[Sequence[float]]
) -> "Figure":
    """The best validation score so far over the calls of a search.

    Args:
        calls: answered calls at each rise, ascending; at least one.
        scores: the best score from there on.
        end: answered calls when the search measured something last.
        tried: calls and score of every measurement on the whole validation split.
    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = _axes()
    last = max(end, calls[-1])
    axes.plot(
        *zip(*tried, strict=True),
        "o",
        color=GREY,
        markersize=3.5,
        label=translated("one candidate"),
    )
    axes.axhline(
        scores[0], color=DARK, linewidth=0.9, linestyle=(0, (4, 2)), label=translated("seed prompt")
    )
    axes.step(
        [*calls, last], [*scores, scores[-1]], where="post", color=COLOURS[0], linewidth=2,
        label=translated("best so far"),
    )  # fmt: skip
    axes.set_xlabel(translated("calls, of task and optimizer model"), color=DARK)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
    _scored(axes)
    axes.legend(loc="best", frameon=False, fontsize=8)
    return figure


@dataclass(frozen=True)
class Mark:
    """A candidate in a picture of several objectives.

    Attributes:
        x: its length, tokens or cost.
        score: on the whole validation split, in [0, 1].
        gid: SEED, BEST or OTHER.
        front: whether no other candidate is as good in both and better in one.
    """

    x: float
    score: float
    gid: str
    front: bool


def front_plot(marks: Sequence[Mark], unit: str) -> "Figure":
    """Candidates by score and what they take, and the front of those that nothing surpasses.

    Args:
        marks: in the order in which hints are given, by gid.
        unit: what x is.
    """
    figure, axes = _axes()
    front = sorted((mark.x, mark.score) for mark in marks if mark.front)
    if front:
        axes.step(
            *zip(*front, strict=True), where="post", color=COLOURS[0], linewidth=1.2,
            label=translated("front"), zorder=1,
        )  # fmt: skip
    looks: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (OTHER, message("candidate"), {"marker": "o", "color": GREY, "s": 22}),
        (SEED, message("seed"), {"marker": "D", "color": COLOURS[1], "s": 34}),
        (BEST, message("best"), {"marker": "*", "color": COLOURS[2], "s": 110}),
    )
    for gid, label, look in looks:
        found = [(mark.x, mark.score) for mark in marks if mark.gid == gid]
        if found:
            drawn = axes.scatter(
                *zip(*found, strict=True), label=translated(label), zorder=2, **look
            )
            drawn.set_gid(gid)
    axes.set_xlabel(translated(unit), color=DARK)
    _scored(axes)
    axes.legend(loc="best", frameon=False, fontsize=8)
    return figure


def _scored(axes: "Axes") -> None:
    """An axis of scores in percent, with quiet lines."""
    from matplotlib.ticker import FuncFormatter

    axes.set_ylabel(translated("validation score"), color=DARK)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.yaxis.set_major_formatter(FuncFormatter(_in_percent))
    axes.xaxis.set_major_formatter(FuncFormatter(_with_commas))


def _in_percent(value: float, _: int | None) -> str:
    # The room above the highest score has no marks: there is nothing beyond 100 %.
    return f"{round(100 * value, 1):g} %" if -1e-9 < value < 1 + 1e-9 else ""


def _with_commas(value: float, _: int | None) -> str:
    return f"{value:,.7g}"


@dataclass(frozen=True)
class Bar:
    """A share with its interval.

    Attributes:
        group: what it is of, such as a kind of trials.
        series: whose it is, such as "seed"; at most a handful of different ones.
        value: in [0, 1].
        interval: of it.
    """

    group: str
    series: str
    value: float
    interval: tuple[float, ...]


def rates_plot(bars: Sequence[Bar]) -> "Figure":
    """Shares as points with intervals: a line for each group, a colour for each series."""
    groups, series = (
        list(dict.fromkeys(n)) for n in zip(*((b.group, b.series) for b in bars), strict=True)
    )
    figure, axes = _axes(0.9 + 0.3 * len(groups) * max(1.0, len(series) / 2))
    for place, name in enumerate(series):
        found = [bar for bar in bars if bar.series == name]
        shift = 0.24 * (place - (len(series) - 1) / 2)
        colour = COLOURS[(1, 0, 2, 3)[place % 4]]
        for bar in found:
            y = groups.index(bar.group) + shift
            ends = [100 * end for end in bar.interval]
            axes.plot(ends, [y, y], color=colour, linewidth=4, alpha=0.4, solid_capstyle="butt")
        at = [groups.index(bar.group) + shift for bar in found]
        axes.plot(
            [100 * bar.value for bar in found],
            at,
            "os^D"[place % 4],
            color=colour,
            label=translated(name),
        )
    axes.set_yticks(range(len(groups)), groups)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left=0)
    axes.grid(axis="x", color=RULE, linewidth=0.7)
    axes.set_xlabel(translated("trials failed, in percent; bars: 95 % interval"), color=DARK)
    if len(series) > 1:
        axes.legend(loc="best", frameon=False, fontsize=8)
    return figure
