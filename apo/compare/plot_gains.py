"""The gains on the test examples as points with intervals: one panel a task, and one for all."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from apo.compare.plot_looks import looks_of
from apo.compare.standing import Comparison, Ranking
from apo.display.picture import DARK, RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_gains(found: Comparison) -> "Figure":
    """Test gain of each optimizer with its interval: one panel a task, and one for all."""
    from matplotlib.figure import Figure

    several = len(found.tasks) > 1 and bool(found.overall.standings)
    rankings = ([found.overall] if several else []) + list(found.tasks)
    order = [standing.optimizer for standing in rankings[0].standings]
    rest = {s.optimizer for ranking in rankings for s in ranking.standings} - set(order)
    order += sorted(rest)
    looks = looks_of(rankings[0], order)
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
    return figure


def _draw_panel(
    axes: "Axes", ranking: Ranking, order: Sequence[str], looks: Mapping[str, tuple[str, Any]]
) -> None:
    axes.axvline(0, color=DARK, linewidth=0.8)
    axes.grid(axis="x", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    for standing in ranking.standings:
        y = order.index(standing.optimizer)
        colour = looks[standing.optimizer][0] if standing.optimizer in looks else "#808080"
        low, high = standing.gain_interval or (standing.gain, standing.gain)
        axes.plot([100 * low, 100 * high], [y, y], color=colour, linewidth=2, alpha=0.55)
        axes.plot(100 * standing.gain, y, "o", color=colour, markersize=5)
    axes.set_title(ranking.task or "All tasks", fontsize=9.5)
    axes.tick_params(axis="y", length=0)
