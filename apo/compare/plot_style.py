"""How the pictures of a comparison look: colours, fonts, who stands out, and files.

Colours are Okabe and Ito's, which people who see no red or no green can tell apart; every line
has its name at its end, so that colour is never the only sign.
"""

import importlib
import logging
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apo.compare.standing import Ranking

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GREY, DARK = "#B4B4B4", "#4D4D4D"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)))
FONTS = ("Noto Sans CJK KR", "NanumGothic", "Apple SD Gothic Neo", "Malgun Gothic")
ALWAYS = ("auto", "random-search")
"""Optimizers that stand out beside the best: what is recommended, and the baseline."""


@contextmanager
def style() -> Generator[None]:
    """Draw as the pictures look, and leave matplotlib as it was.

    A matplotlibrc of the working directory has no say: it may be of others, and could have LaTeX
    started with a preamble of theirs.
    """
    if "matplotlib" not in sys.modules:
        with chdir(Path(__file__).parent):  # It is read with the import, and may be a pipe.
            importlib.import_module("matplotlib")
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
        with mpl.rc_context(), warnings.catch_warnings():
            mpl.rcdefaults()
            mpl.rcParams.update(settings)
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
            yield
    finally:
        logger.setLevel(level)


def looks_of(ranking: Ranking, labels: Sequence[str]) -> dict[str, tuple[str, Any]]:
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


def save(figure: "Figure", path: Path) -> Path:
    """Write a figure as PNG and SVG; gives the PNG file."""
    png = path.with_name(f"{path.name}.png")
    figure.savefig(png, dpi=160)
    figure.savefig(path.with_name(f"{path.name}.svg"), metadata={"Date": None})
    return png
