"""The table of optimizers: every registered one has a line, with its paper, and no other has."""

import re
from dataclasses import fields
from pathlib import Path

from apo.optimizers import BY_NAME
from apo.search.allocate import ALLOCATORS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "optimizers" / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(https://[^)\s]+\)")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its first two lines."""
    section = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


METHODS = rows("The methods")


def test_every_optimizer_has_exactly_one_line() -> None:
    told, named = {row[0] for row in METHODS}, {f"`{name}`" for name in BY_NAME}
    assert told == named, "the table under 'The methods' of optimizers/README.md has other names"
    assert len(METHODS) == len(told), "a name has two lines there"


def test_every_line_has_a_text_in_every_column() -> None:
    widths = {row[0]: len(row) for row in METHODS}
    assert set(widths.values()) == {8}, widths
    assert not [row[0] for row in METHODS if not all(row)]


def test_every_line_links_a_paper_or_says_own() -> None:
    unsourced = [row[0] for row in METHODS if not (LINK.search(row[1]) or row[1].startswith("own"))]
    assert not unsourced


def test_every_published_optimizer_links_what_its_docstring_links() -> None:
    for name, _, *_ in METHODS:
        module = BY_NAME[name.strip("`")].__module__.rsplit(".", 1)[1]
        source = (ROOT / "optimizers" / f"{module}.py").read_text(encoding="utf-8")
        found = re.search(r"^(https://\S+)", source, re.MULTILINE)
        line = next(row for row in METHODS if row[0] == name)
        assert not found or f"]({found[1]})" in line[1], name


def test_every_setting_in_a_line_is_one_of_the_optimizer() -> None:
    for name, _, *cells in METHODS:
        known = {field.name for field in fields(BY_NAME[name.strip("`")])}
        # In code type: names with a low line, and names with a value.
        named = re.findall(r"`([a-z]+(?:_[a-z]+)+)`|`([a-z_]+)=[^`]*`", " ".join(cells))
        assert not {one or other for one, other in named} - known, name


def test_every_allocator_has_exactly_one_line() -> None:
    names = [row[0] for row in rows("Allocators")]
    assert sorted(names) == sorted(f"`{name}`" for name in ALLOCATORS)


def test_links_inside_the_project_lead_somewhere() -> None:
    for target in re.findall(r"\]\((\.\./[^)#\s]+)", TEXT):
        assert (ROOT / "optimizers" / target).exists(), target
