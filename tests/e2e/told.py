"""What the pages of the project tell to type: each command, with what they show of its output."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "README.ko.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("optimizers/README.md", "experiments/results/README.md")),
    *sorted((ROOT / "tasks").glob("*/*.md")),
]
PROGRAMS = (
    "apo|bash|conda|createdb|createuser|curl|docker|export|git|keyring|make|mlflow|mypy|npm|npx|"
    "ollama|optuna-dashboard|pip|pipx|pre-commit|psql|pyright|pytest|python|ray|ruff|sh|source|"
    "sqlite3|uv|uvx|vllm"
)
STARTS = re.compile(rf"(?:\$ |if )?(?:[A-Z_]+=\S+ )*(?:{PROGRAMS}) \S")
SHELL = ("bash", "sh", "console", "shell")
FENCE = re.compile(r"^( *)(```+)(\S*)\n(.*?)^\1\2", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n)\n((?: {4}[^\n]+\n)+)")
INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
NAME = re.compile(r"apo [a-z]+|apo --\w+")


@dataclass(frozen=True)
class Command:
    """A line that is typed into a shell.

    Attributes:
        line: as the page has it, without the prompt `$` and the remark after it.
        shown: what the page shows below it, of a block that begins its commands with `$`.
        at: where it begins in the page.
    """

    line: str
    shown: str
    at: int


def code(text: str, kind: str = "") -> Iterator[tuple[str, str, int]]:
    """The blocks of a page, fenced and indented: language, text, place."""
    for match in FENCE.finditer(text):
        yield match[3], match[4], match.start()
    for match in INDENTED.finditer(without_fences(text)):
        yield "", re.sub("^ {4}", "", match[1], flags=re.MULTILINE), match.start()


def without_fences(text: str) -> str:
    """A page with blanks in the place of its fenced blocks, so that places stay what they are."""
    return FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def commands(text: str) -> list[Command]:
    """All commands of a page, in its order."""
    found = [command for kind, block, at in code(text) for command in typed(kind, block, at)]
    for match in INLINE.finditer(without_fences(text)):
        line = re.sub(r"\s+", " ", match[1]).strip()
        if STARTS.match(line) and not NAME.fullmatch(line):
            found.append(Command(line.removeprefix("$ "), "", match.start()))
    return sorted(found, key=lambda command: command.at)


def typed(kind: str, block: str, at: int) -> Iterator[Command]:
    """The commands of a block: all lines of a shell's, or those after `$` where one is."""
    block = re.sub(r"\\\n\s*", "", block)
    if re.match(r"\$ ", block):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            yield Command(remarked(line), shown.rstrip(), at)
    elif kind in SHELL or (not kind and STARTS.match(block)):
        for line in filter(None, map(remarked, block.splitlines())):
            yield Command(line, "", at)


def remarked(line: str) -> str:
    """A line without the remark at its end."""
    return re.sub(r"(?:^|\s+)#\s.*", "", line).strip()
