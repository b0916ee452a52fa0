"""`apo optimizers`."""

import inspect
import re
import sys
import textwrap
from typing import TYPE_CHECKING, Annotated, cast

import typer

from apo.cli import options as o

if TYPE_CHECKING:
    from apo.search.search import Optimizer


def optimizers(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Tell all of one; by default list them.")
    ] = "",
    json: o.Json = False,
    csv: o.Csv = False,
) -> None:
    """List the optimizers, or tell what one does and which settings it has.

    Example: `apo optimizers gepa`
    """
    from dataclasses import asdict

    from rich.text import Text

    from apo.cli.console import one_form, print_csv, print_json, tell, tell_pairs
    from apo.search.plugins import all_names, make_optimizer

    made = {each: make_optimizer(each) for each in ([name] if name else all_names())}
    if one_form(json=json, csv=csv):
        told = {n: {"idea": idea(m), "settings": asdict(m)} for n, m in made.items()}
        print_json(told) if json else print_csv([{"optimizer": n, **t} for n, t in told.items()])
    elif name:
        for text in (_about(made[name]), _own(made[name])):
            tell(Text(f"{_filled(text)}\n"))  # The method in its authors' words, in English.
        for key, value in asdict(made[name]).items():
            tell(f"  --set {key}={_shown(value)}")
    else:
        tell_pairs((name, idea(optimizer), "") for name, optimizer in made.items())


def _filled(text: str) -> str:
    """A docstring as wide as the terminal; what is indented keeps its lines."""
    from apo.cli.console import results

    joined = re.sub(r"(?<=\S)\n(?=\S)|(?<=\S)\n {8,}(?=\S)", " ", text)
    lines = (
        textwrap.fill(
            line, results.width, subsequent_indent=" " * (2 * _indent(line)), break_on_hyphens=False
        )
        for line in joined.splitlines()
    )
    return "\n".join(lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _about(optimizer: "Optimizer") -> str:
    return (sys.modules[type(optimizer).__module__].__doc__ or "").strip()


def idea(optimizer: "Optimizer") -> str:
    """The first sentence on an optimizer: its module's, or its own where two share a module."""
    module = vars(sys.modules[type(optimizer).__module__])
    here = [k for k in module.values() if getattr(k, "__module__", "") == module["__name__"]]
    shared = sum(hasattr(kind, "run") for kind in here) > 1
    first = " ".join((_own(optimizer) if shared else _about(optimizer)).split("\n\n")[0].split())
    if shared:  # A sentence of its own, which begins with a word or a name.
        return first[0].lower() + first[1:] if first[:2].istitle() else first
    return first.partition(": ")[2] or first


def _own(optimizer: "Optimizer") -> str:
    return inspect.cleandoc(type(optimizer).__doc__ or "")


def _shown(value: object) -> str:
    parts = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return ",".join(map(str, parts))
