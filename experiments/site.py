"""Pages of the documentation that are written from the code: a hook of mkdocs.

`make docs` builds the site with them. The methods come from the table in `optimizers/README.md` and
the docstrings beside it, the commands from the command line itself, the Python reference from the
names in `apo/__init__.pyi`.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import typer.main

import apo

ROOT = Path(__file__).parents[1]
TABLE = "optimizers/README.md"
MOVED = {
    f"../{TABLE}": "methods.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../CHANGELOG.md": "changelog.md",
}
"""Pages of the site that stand elsewhere in the project."""
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((\.\./(?:\.\./)*[^)#\s]+)(#[^)\s]*)?\)")
_KINDS = {
    "Running": ("run", "folds", "bridges", "assessment", "edits"),
    "Tasks, data and scorers": ("task", "taskfile", "scorers", "drafting", "data"),
    "Prompts and programs": ("prompts", "programs"),
    "Writing an optimizer": ("search", "evaluation", "select"),
    "Models and calls": ("model", "models", "calls", "usage"),
    "Results": ("results", "statistics"),
    "Errors": ("errors",),
}
"""Headings of the Python reference, and the rooms whose names stand below."""


def on_files(files: Any, config: Any) -> Any:
    """Add the written pages, and the pictures of results, to the files of the site."""
    from mkdocs.structure.files import File

    pages = {
        "methods.md": methods_page(),
        "reference/commands.md": commands_page(),
        "reference/python.md": python_page(),
        "contributing.md": outer_page("CONTRIBUTING.md"),
        "changelog.md": outer_page("CHANGELOG.md"),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    for picture in sorted((ROOT / "experiments/results/published").glob("*.png")):
        shown = File.generated(config, f"images/{picture.name}", content=picture.read_bytes())
        files.append(shown)
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links that go out of the folder of pages to what the site has of it."""
    up = "../" * page.file.src_uri.count("/")
    return _LINK.sub(lambda link: _led(link, up), markdown)


def _led(link: re.Match[str], up: str) -> str:
    """A link to a page or a picture of the site, or what the link says where it has none."""
    mark, told, target, anchor = link.groups(default="")
    inner = target.removeprefix(up)
    if inner in MOVED:
        return f"[{told}]({up}{MOVED[inner]}{anchor})"
    if inner.startswith("../experiments/results/published/") and inner.endswith(".png"):
        return f"{mark}[{told}]({up}images/{inner.rpartition('/')[2]})"
    if not inner.startswith("../"):
        return link[0]
    return f"{told} (`{inner.removeprefix('../')}`)"


def outer_page(name: str) -> str:
    """A page of the project's root, with its links as they are seen from the folder of pages."""
    text = (ROOT / name).read_text("utf-8")
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(r"\]\((?=(?:optimizers|experiments|tasks|notebooks)/)", "](../", text)


def table_of_methods() -> dict[str, list[str]]:
    """The cells of each line of the table of methods, by the method's name."""
    text = (ROOT / TABLE).read_text("utf-8")
    section = text.split("\n## The methods\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows}


def methods_page() -> str:
    """A section for each optimizer: idea, source, when to use it, cost, and its way in words."""
    from apo.optimizers import BY_NAME

    head = (
        "# The methods\n\nEach is run by its name, `apo optimize TASK --optimizer NAME`, under the "
        "same budget, the same final choice and the same verdict. R are rollouts (calls of the "
        "task model), O calls of the optimizer model, V the examples of validation; defaults stand "
        "in parentheses. [Which one](choosing.md) says how to choose.\n"
    )
    parts = [_method(name, BY_NAME[name], row) for name, row in table_of_methods().items()]
    return "\n".join([head, *parts])


def _method(name: str, made: type, row: list[str]) -> str:
    source, idea, when, needs, cost, length, differs = row
    module = importlib.import_module(made.__module__)
    way = "\n\n".join(way_of(module.__doc__ or ""))
    facts = {"Source": source, "When": when, "Needs": needs, "Cost": cost, "Prompts": length}
    told = "\n".join(f"- **{key}**: {text}" for key, text in facts.items())
    other = "" if differs in ("–", "") else f"\n*Differs from the reference*: {differs}.\n"
    settings = f"[Its settings](reference/python.md#{made.__module__}.{made.__name__})"
    return f"## {name}\n\n{idea[:1].upper()}{idea[1:]}.\n\n{told}\n\n{way}\n{other}\n{settings}\n"


def way_of(docstring: str) -> list[str]:
    """The paragraphs of a module's docstring that tell its loop, as Markdown."""
    _, *parts = inspect.cleandoc(docstring).split("\n\n")
    told = [part for part in parts if not part.startswith(("http", "Differs from"))]
    return [part.replace("*", r"\*") for part in told]


def commands_page() -> str:
    """Every command with its usage, help and options, as the command line has them."""
    from apo.cli import app

    root: Any = typer.main.get_command(app)
    context = root.make_context("apo", [], resilient_parsing=True)
    told = "# Commands\n\nWhat `apo NAME --help` says, on one page.\n"
    return "\n".join([told, *_commands(root, context)])


def _commands(root: Any, context: Any) -> Iterator[str]:
    for name, command in root.commands.items():
        if command.hidden:
            continue
        usage = " ".join(command.collect_usage_pieces(context))
        rows = [row for p in command.params if (row := _option(p, context))]
        table = "\n".join(["| | |", "|---|---|", *rows]) if rows else ""
        text = inspect.cleandoc(command.help or "")
        yield f"## apo {name}\n\n    apo {name} {usage}\n\n{text}\n\n{table}\n"


def _option(parameter: Any, context: Any) -> str:
    record = parameter.get_help_record(context)
    if record is None or getattr(parameter, "hidden", False):
        return ""
    name, text = (re.sub(r"\s+", " ", str(cell)) for cell in record)
    shown = escape(name).replace("|", "&#124;")  # A code span of Markdown shows a backslash as one.
    return f"| <code>{shown}</code> | {_plain(text)} |"


def _plain(text: str) -> str:
    """A help text without rich's marks."""
    return re.sub(r"\[/?[a-z ]+\]", "", text).replace("<", "&lt;").replace("|", "&#124;")


def public_names() -> dict[str, list[str]]:
    """The public names with the modules that define them, under the headings of the reference."""
    tree = ast.parse((ROOT / "apo/__init__.pyi").read_text("utf-8"))
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    found = [(alias.name, node.module or "") for node in imported for alias in node.names]
    rooms = {room: heading for heading, names in _KINDS.items() for room in names}
    headings: dict[str, list[str]] = {name: [] for name in ("Essentials", *_KINDS, "More")}
    for name, module in sorted(found, key=lambda pair: (pair[0].lower(), pair[0])):
        heading = rooms.get(module.partition(".")[0], "More")
        heading = "Essentials" if name in apo.__all__ else heading
        headings[heading].append(f"apo.{module}.{name}")
    return {heading: names for heading, names in headings.items() if names}


def python_page() -> str:
    """What `import apo` gives, and the settings of each optimizer, from the docstrings."""
    from apo.optimizers import BY_NAME

    told = "# Python\n\nAll names are imported from `apo`, optimizers from `apo.optimizers`.\n"
    parts = [told]
    for heading, names in public_names().items():
        parts += [f"## {heading}\n", *(f"::: {name}\n" for name in names)]
    made = dict.fromkeys(f"{made.__module__}.{made.__name__}" for made in BY_NAME.values())
    parts += [
        "## Optimizers\n",
        *(f"::: {name}\n    options:\n      members: []\n" for name in made),
    ]
    return "\n".join(parts)
