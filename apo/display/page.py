"""HTML that shows what is known: pages that hold all they need, and parts for notebooks.

Every text that comes from data, models and settings is escaped where it is put in, and known keys
are taken out of it. `_` in a template tells words of apo in
the user's language. A page has no script, and fetches nothing: its policy forbids both
(docs/decisions/0031-pages.md).
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from apo.display import figures
from apo.language.catalogue import spoken, translated

if TYPE_CHECKING:
    from jinja2 import Environment

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
"""What a browser may do with a page: show it."""
_EXPONENT = re.compile(r"(\de)-(\d)")
_APART = re.compile(r"(?<=\d) (?=%)|(?<=\bp) (?== \d)|(?<=\bp =) (?=\d)")
"""Blanks that hold a figure together."""


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill one of the templates of this room.

    Args:
        template: its file's name.
        values: what it shows; all texts are escaped.
    """
    return _environment().get_template(template).render(policy=POLICY, **values)


def part(macro: str, *values: Any) -> str:
    """HTML of one thing for a notebook, with the style that it needs.

    Args:
        macro: one of the macros in parts.html.
        values: its arguments.
    """
    return render("notebook.html", {"macro": macro, "values": values})


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("apo.display"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("percent", "points", "count", "dollars", "clock"):
        made.filters[name] = getattr(figures, name)
    known: dict[str, Any] = {"_": told, "language": spoken}
    made.globals.update(known)
    return made


def told(words: object) -> str:
    """Words of apo in the language that was chosen; no line ends within a figure."""
    return _APART.sub("\u00a0", _EXPONENT.sub("\\1\u2011\\2", translated(str(words))))


def _shown(value: object) -> object:
    """What is put in for a value; HTML that was made here stays as it is."""
    if value is None or hasattr(value, "__html__"):
        return "" if value is None else value
    return figures.clean(str(value))
