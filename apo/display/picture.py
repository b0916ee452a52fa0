"""How pictures look: colours, fonts, files; and a picture as a part of a page.

Colours are Okabe and Ito's, which people who see no red or no green can tell apart; every line
has its name at its end, so that colour is never the only sign.
"""

import importlib
import io
import logging
import re
import sys
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from apo.display.figures import clean

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

GREY, DARK, RULE = "#B4B4B4", "#4D4D4D", "#E6E6E6"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
FONTS = ("Noto Sans CJK KR", "NanumGothic", "Apple SD Gothic Neo", "Malgun Gothic")
SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
_VARIABLES = {
    colour.lower(): f"var(--{name})"
    for colour, name in (
        (GREY, "plot-grey"),
        (DARK, "plot-dark"),
        (RULE, "plot-rule"),
        *((colour, f"plot-{i}") for i, colour in enumerate(COLOURS)),
    )
}
"""The page says what each colour is, by day and by night."""


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


def save(figure: "Figure", path: Path) -> Path:
    """Write a figure as PNG and SVG; gives the PNG file."""
    png = path.with_name(f"{path.name}.png")
    figure.savefig(png, dpi=160)
    figure.savefig(path.with_name(f"{path.name}.svg"), metadata={"Date": None})
    return png


def inline(
    figure: "Figure", name: str, told: str, hints: Mapping[str, Sequence[str]] | None = None
) -> "Markup":
    """A figure as a part of a page: its text stays text, and its colours are the page's.

    Args:
        figure: drawn within `style`.
        name: tells it from the page's other pictures, in small Latin letters.
        told: what a person who does not see it is told in its place.
        hints: by the gid of a group of marks what is said of each when one points at it.
    """
    from markupsafe import Markup

    file = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    ElementTree.register_namespace("", SVG[1:-1])
    ElementTree.register_namespace("xlink", LINK[1:-5])
    root = ElementTree.fromstring(file.getvalue())  # noqa: S314 (matplotlib has just written it)
    for element in [*root.iter()]:
        for child in [*element]:
            if child.tag in (f"{SVG}metadata", f"{SVG}style"):
                element.remove(child)
    for gid, texts in (hints or {}).items():
        _hint(root, gid, texts)
    for element in root.iter():
        _adapt(element, name)
    width, height = (
        float(root.attrib.pop(side).removesuffix("pt")) for side in ("width", "height")
    )
    root.set("role", "img")
    root.set("aria-label", told)
    root.set("style", f"aspect-ratio: {width:.0f} / {height:.0f}")
    return Markup(clean(ElementTree.tostring(root, encoding="unicode")))  # noqa: S704 (escaped there)


def _hint(root: ElementTree.Element, gid: str, texts: Sequence[str]) -> None:
    """Give the marks of a group their titles, in the order in which they were drawn."""
    group = root.find(f".//{SVG}g[@id='{gid}']")
    marks = [] if group is None else [*_marks(group)]
    for mark, text in zip(marks, texts, strict=True):
        ElementTree.SubElement(mark, f"{SVG}title").text = clean(text)


def _marks(group: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """What is drawn in a group; few marks are paths, many are uses of one."""
    for child in group:
        if child.tag in (f"{SVG}use", f"{SVG}path"):
            yield child
        elif child.tag != f"{SVG}defs":
            yield from _marks(child)


def _adapt(element: ElementTree.Element, name: str) -> None:
    """Make an element fit for a page: ids of its own, the page's colours and letters."""
    for key, value in element.attrib.items():
        if key == "id":
            element.set(key, f"{name}-{value}")
        elif key == LINK and value.startswith("#"):
            element.set(key, f"#{name}-{value[1:]}")
        elif key == "style":
            text = re.sub(r"\s*font-family:[^;]*;?", "", value)
            text = re.sub(r"font: ((?:\w+ )*)([\d.]+px) [^;]*", r"font: \1\2 var(--letters)", text)
            text = re.sub(r"#[0-9a-f]{6}", lambda c: _VARIABLES.get(c[0], c[0]), text)
            element.set(key, text)
        elif "url(#" in value:
            element.set(key, value.replace("url(#", f"url(#{name}-"))
