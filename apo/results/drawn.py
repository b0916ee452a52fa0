"""A verdict's interval as a picture of a page."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apo.display.picture import inline, style
from apo.display.plots import interval_plot
from apo.results.words import change, span

if TYPE_CHECKING:
    from markupsafe import Markup


def drawn_interval(verdict: Mapping[str, Any], name: str = "interval") -> "Markup":
    """Draw the interval of a verdict.

    Args:
        verdict: as `Verdict.to_dict` gives it.
        name: tells the picture from others of its page.
    """
    told = f"{change(verdict['seed_score'], verdict['best_score'])}, {span(verdict['interval'])}"
    with style():
        return inline(interval_plot(verdict["difference"], verdict["interval"]), name, told)
