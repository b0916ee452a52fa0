"""The messages of apo, gathered from its code into the catalogues of apo/language/locale.

A message is a text that people read: what an error, a finding, `tell`, `say`, `translated` or
`message` is given, the help of commands and options, the words of the templates of pages, what
optimizers do, and the sentences of the rooms in `SPEAKING`. Values in it are places with a name.
`python -m experiments.messages` writes each catalogue anew, keeps its translations, says what lacks
one, and compiles it.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import typer.main
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from apo.cli import app
from apo.cli.methods import idea
from apo.language.catalogue import DOMAIN, LOCALE
from apo.search.plugins import all_names, make_optimizer

ROOT = Path(__file__).parents[1]
SPEAKING = frozenset(
    {"assessment", "audit", "calls", "checking", "cli", "compare", "data", "drafting",
     "evaluation", "guards", "lint", "production",
     "results", "run", "storage", "taskfile", "tracking", "trust"}
)  # fmt: skip
"""Rooms whose sentences are all for people."""
SILENT = frozenset(
    {"as_yaml.py", "attacks.py", "detector.py", "assessment/headroom.py", "data_folder.py",
     "output_schema.py", "perturbations.py", "prompt.py", "summary.py", "tracking/told.py",
     "write.py"}
)  # fmt: skip
"""Modules of theirs that write prompts and files."""
SPOKEN = {
    "tell": (0,),
    "say": (0,),
    "say_next": (0,),
    "tell_framed": (1,),
    "add_column": (0,),
    "translated": (0,),
    "message": (0,),
    "announce": (0,),
    "Finding": (1,),
    "Score": (2,),
    "Hint": (1, 2),
    "Reply": (1,),
    "_said": (0, 2),
}
"""Functions that are given a message, and the places of it among their arguments."""
ENDS = ("Error", "Stopped", "Exhausted", "Stalled", "Interrupted", "Unavailable", "NothingWritten")
"""What the names of exceptions end with."""
CODE = re.compile(
    r"PRAGMA|SELECT |CREATE |ATTACH |INSERT |ALTER |UPDATE |DELETE | ASC$|^tags\."
    r"|[A-Za-z]\[[A-Za-z\[{]+[,\]]|\\b|\(\?:|^apo |^--\w+ {|^# |^format {"
)
"""Code and commands, which are the same in every language."""
LIBRARY = (
    "Arguments", "Options", "Commands", "Error", "Aborted.", "[default: {}]", "[env var: {}]",
    "[required]", "Try [blue]'{command_path} {help_option}'[/] for help.", "Usage: {usage}",
    "Show this message and exit.", "Missing command.", "No such command {name}.",
    "No such option: {name}",
    "No such option: {name} (Possible options: {possibilities})", "Did you mean {possibility}?",
    "Missing argument {hint}.", "Missing option {hint}.", "Invalid value for {hint}: {problem}",
    "Option {name} requires an argument.", "Got unexpected extra argument ({args})",
    "Got unexpected extra arguments ({args})",
    "Input should be a valid integer, unable to parse string as an integer",
    "Input should be a valid number, unable to parse string as a number",
)  # fmt: skip
"""Words of typer and click, which look them up themselves."""


def gathered() -> dict[str, str]:
    """Every message, and the file where it stands first."""
    found: dict[str, str] = {}
    for folder in ("apo", "optimizers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if "testing" not in path.parts and not (path.is_symlink() or _linked(path)):
                for text in _of_code(path):
                    found.setdefault(text, name)
    for path in sorted((ROOT / "apo/display/templates").glob("*.html")):
        for text in _of_template(path.read_text("utf-8")):
            found.setdefault(text, str(path.relative_to(ROOT)))
    for name in all_names():
        found.setdefault(idea(make_optimizer(name)), "apo optimizers")
    for text in _of_help(typer.main.get_command(app)):
        found.setdefault(text, "apo --help")
    for text in LIBRARY:
        found.setdefault(text, "typer")
    return {text: where for text, where in found.items() if not CODE.search(text)}


def _linked(path: Path) -> bool:
    return any(parent.is_symlink() for parent in path.parents if ROOT in parent.parents)


def _of_help(command: Any) -> Iterator[str]:
    """The help of a command, of its options, of their panels, and of its commands."""
    for thing in (command, *command.params):
        for text in (getattr(thing, "help", None), getattr(thing, "rich_help_panel", None)):
            if isinstance(text, str) and text:
                yield text
    for inner in getattr(command, "commands", {}).values():
        yield from _of_help(inner)


def _of_template(source: str) -> Iterator[str]:
    """What a template gives to `_`, and the headings of its tables."""
    tree = Environment().parse(source)
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "_":
            yield from filter(None, [_filled(call.args[0])])
        elif getattr(call.node, "attr", getattr(call.node, "name", "")) == "table":
            yield from (word.value for word in call.args[1].find_all(nodes.Const) if word.value)


def _filled(node: nodes.Node) -> str:
    """A text of a template as a message; "" where it has no words."""
    parts = node.nodes if isinstance(node, nodes.Concat) else [node]
    names: list[str] = []
    said = [p.value if isinstance(p, nodes.Const) else _place(_seen(p), names) for p in parts]
    return "".join(said).strip() if any(isinstance(p, nodes.Const) for p in parts) else ""


def _seen(value: nodes.Node) -> ast.AST:
    """A value of a template as Python would write it, as far as its name goes."""
    inner = value if isinstance(value, nodes.Getattr) else value.find(nodes.Getattr)
    return ast.Name(inner.attr if inner is not None else getattr(value, "name", None) or "n")


def _of_code(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    inside: set[int] = set()
    speaking = bool(SPEAKING & {path.parent.name, path.parent.parent.name, path.stem})
    silent = bool(SILENT & {path.name, f"{path.parent.name}/{path.name}"})
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside.add(id(node.value))  # A docstring.
        if isinstance(node, ast.JoinedStr | ast.BinOp) and id(node) not in inside:
            inside |= {id(inner) for inner in _parts(node)}
        if isinstance(node, ast.Call):
            yield from _of_call(node)
        if isinstance(node, ast.For):
            yield from _of_loop(node)
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal":
            yield from _of_kinds(node)
        if speaking and not silent and id(node) not in inside:
            yield from _sentence(node)


def _of_call(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    places = (0,) if name.endswith(ENDS) else SPOKEN.get(name, ())
    for place in places:
        if place < len(call.args):
            yield from _choices(call.args[place])


def _of_loop(loop: ast.For) -> Iterator[str]:
    """The words that a loop goes over to give each to a function that is given messages."""
    spoken = [
        arg.id
        for call in ast.walk(loop)
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", getattr(call.func, "id", "")) in SPOKEN
        for arg in call.args[:1]
        if isinstance(arg, ast.Name)
    ]
    if isinstance(loop.target, ast.Name) and loop.target.id in spoken:
        for inner in ast.walk(loop.iter):
            yield from _choices(inner) if isinstance(inner, ast.Constant) else ()


def _of_kinds(literal: ast.Subscript) -> Iterator[str]:
    """The words of a kind that are more than names of options: one of them has a blank."""
    words = [node.value for node in ast.walk(literal.slice) if isinstance(node, ast.Constant)]
    if any(isinstance(word, str) and " " in word for word in words):
        yield from (word for word in words if isinstance(word, str))


def _choices(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _choices(node.body)
        yield from _choices(node.orelse)
    elif (text := written(node)) and re.search(r"[A-Za-z]{2,}", re.sub(r"{\w+}", "", text)):
        yield text


def _sentence(node: ast.AST) -> Iterator[str]:
    text = written(node)
    if text and " " in text.strip():
        words = re.findall(r"[A-Za-z]{2,}", re.sub(r"{\w+}", "", text))
        if len(words) >= 3 and "http" not in words and not text.isupper():
            yield text


def _parts(node: ast.JoinedStr | ast.BinOp) -> Iterator[ast.AST]:
    """What is a part of one text: the constants of an f-string, and the sides of a sum."""
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add):
        return  # One that is left out or not is a message of its own.
    inner = node.values if isinstance(node, ast.JoinedStr) else [node.left, node.right]
    for part in inner:
        if isinstance(part, ast.Constant | ast.JoinedStr | ast.BinOp):
            yield part
            if not isinstance(part, ast.Constant):
                yield from _parts(part)


def written(node: ast.AST) -> str | None:
    """A text as a message: values are places with names; None where it is no text."""
    names: list[str] = []
    found = _text(node, names)
    if found is None:
        return None
    logged = re.sub(r"%[sd]", lambda _: _place(ast.Name("value"), names), found)
    return logged.strip() or None


def _text(node: ast.AST, names: list[str]) -> str | None:
    if isinstance(node, ast.Constant):
        text = node.value
        return text.replace("{", "{{").replace("}", "}}") if isinstance(text, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(part, names) or "" if isinstance(part, ast.Constant)
            else _place(cast("ast.FormattedValue", part).value, names)
            for part in node.values
        )  # fmt: skip
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [_text(node.left, names), _text(node.right, names)]
        if all(side is None for side in sides):
            return None
        parts = zip(sides, (node.left, node.right), strict=True)
        return "".join(_place(value, names) if side is None else side for side, value in parts)
    return None


def _place(value: ast.AST, names: list[str]) -> str:
    """A place for a value, with a name of its own."""
    name = _named(value)
    while name in names:
        stem, number = re.fullmatch(r"(.*?)(\d*)", name).groups()  # type: ignore[union-attr]
        name = f"{stem}{int(number or 1) + 1}"
    names.append(name)
    return f"{{{name}}}"


def _named(value: ast.AST) -> str:
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.lstrip("_")
        case ast.Subscript(slice=ast.Constant(value=str(name))) if name.isidentifier():
            return name
        case ast.Call(func=ast.Name(id="len")):
            return "n"
        case ast.Call(args=[inner, *_]) if not isinstance(inner, ast.GeneratorExp):
            return _named(inner)
        case ast.Call(func=ast.Attribute(value=inner)):
            return _named(inner)
        case ast.BinOp(op=ast.Mult(), left=ast.Constant(value="s")):
            return "s"
        case ast.IfExp() | ast.BinOp(op=ast.Mult(), left=ast.Constant(value=str())):
            return "form"
        case ast.BinOp(right=right, left=left):
            return _named(left if isinstance(right, ast.Constant) else right)
        case _:
            return "value"


@cache
def catalogues() -> list[Path]:
    """The files of translations."""
    return sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def read(path: Path) -> Catalog:
    """The translations of one language."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def renewed(old: Catalog) -> Catalog:
    """The messages of today, with the translations that there are."""
    new = Catalog(locale=old.locale, project="apo", fuzzy=False, revision_date=old.revision_date)
    new.creation_date = old.creation_date
    for text, where in sorted(gathered().items(), key=lambda one: (one[1], one[0])):
        known = old.get(text)
        new.add(text, known.string if known else "", locations=[(where, 0)])
    return new


def compiled(catalog: Catalog) -> bytes:
    """A catalogue as gettext reads it."""
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def main() -> None:
    """Write every catalogue, and say what has no translation yet."""
    for path in catalogues():
        new = renewed(read(path))
        with path.open("wb") as file:
            write_po(file, new, width=100, include_lineno=False, sort_output=False)
        path.with_suffix(".mo").write_bytes(compiled(read(path)))
        missing = [m.id for m in new if m.id and not m.string]
        print(f"{path.parts[-3]}: {len(new)} messages, {len(missing)} without a translation")


if __name__ == "__main__":
    main()
