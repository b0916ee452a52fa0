"""The documentation: its written pages hold every name, and every command in it is one of apo's."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

import apo
from apo.cli import app
from apo.cli.values import pairs
from apo.optimizers import BY_NAME
from experiments import site
from tests.e2e.told import FENCE, PAGES, ROOT, code

BEFORE = r"(?:\$ |if )?(?:[A-Z_]+=\S+ )*"
"""What may stand before a command."""
COMMAND: Any = typer.main.get_command(app)


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page, each with its language, and the indented ones."""
    return [(kind, text) for kind, text, _ in code(page.read_text("utf-8"))]


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every command of apo in the blocks of a page, and in its text."""
    told = "\n".join(text for kind, text in blocks(page) if kind in ("", "bash", "sh", "console"))
    lines = re.sub(r"\\\n\s*", " ", told).splitlines()
    found = [match[1] for line in lines if (match := re.match(rf"\s*{BEFORE}(apo [a-z].*)", line))]
    found = [line for line in found if not re.match(r"apo (sets|starts|and|searches|has) ", line)]
    for line in found:
        words = shlex.split(re.sub(r"\s# .*|;.*|\s\|.*|\s[<>] .*|&&.*", "", line))
        yield words[1:]


def inline(page: Path) -> Iterator[list[str]]:
    """The words of the commands within sentences, which may lack what they need."""
    text = FENCE.sub("", page.read_text("utf-8"))
    for found in re.findall(r"`apo ((?:--)?[a-z][^`]*)`", text):
        yield shlex.split(found.replace("\n", " "))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_is_one_of_apo(page: Path) -> None:
    for words in commands(page):
        name, *more = words
        assert name in COMMAND.commands, words
        context = COMMAND.commands[name].make_context(name, more)
        optimizer = str(context.params.get("optimizer", "auto"))
        if "settings" in context.params and optimizer in BY_NAME:
            apo.make_optimizer(optimizer, dict(pairs("--set", context.params["settings"])))
    for name, *more in inline(page):
        known = COMMAND.commands.get(name)
        assert known is not None or name.startswith("-") or name.isupper(), (name, more)
        options: set[str] = {o for p in known.params for o in p.opts} if known else set()
        used = {word.partition("=")[0] for word in more if re.match("--?[a-z]", word)}
        assert not used - options - {"--help"}, (name, more)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_of_python_and_yaml_can_be_read(page: Path) -> None:
    for kind, text in blocks(page):
        if kind in ("python", "py"):
            compile(text, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
        if kind in ("yaml", "yml"):
            yaml.safe_load(text)


def test_every_page_is_in_the_menu() -> None:
    class Loader(yaml.SafeLoader):
        """One that passes by the tags of mkdocs."""

    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    menu = set(re.findall(r"([\w/-]+\.md)", str(yaml.load(text, Loader)["nav"])))
    there = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").glob("*.md")}
    assert there <= menu


def test_the_written_pages_hold_every_method_command_and_name() -> None:
    methods, told = site.methods_page(), site.commands_page()
    assert re.findall(r"^## (\S+)$", methods, re.MULTILINE) == [*site.table_of_methods()]
    assert site.table_of_methods().keys() == BY_NAME.keys()
    for name in BY_NAME:
        section = methods.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert len(section.split("\n\n")) > 3, name
    assert {*re.findall(r"^## apo (\S+)$", told, re.MULTILINE)} == set(COMMAND.commands)
    assert "| <code>--max-calls" in told
    listed = [name.rpartition(".")[2] for names in site.public_names().values() for name in names]
    assert {*listed} == {name for name in dir(apo) if not name.startswith("_")}


def test_links_that_go_out_of_the_pages_lead_to_the_site() -> None:
    page: Any = type("Page", (), {"file": type("File", (), {"src_uri": "decisions/1.md"})})
    text = (
        "[a](../choosing.md) [b](../../optimizers/README.md#allocators) [c](../../tests/x.py) "
        "![d](../../experiments/results/published/gains.png)"
    )
    assert site.on_page_markdown(text, page) == (
        "[a](../choosing.md) [b](../methods.md#allocators) c (`tests/x.py`) "
        "![d](../images/gains.png)"
    )
