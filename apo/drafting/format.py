"""What the user says of the data of a draft, and how a file is written where nobody says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from apo.data.promptfoo import SUFFIXES as CONFIGS
from apo.data.rows import SUFFIXES, known_encoding
from apo.data.sniff import CERTAIN, NAMES, TextFormat, find_delimiter, find_encoding
from apo.data.text import TABLES
from apo.drafting.lists import Lists
from apo.reading.characters import composed

TEXT_SUFFIXES = (*TABLES, ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the user says of the data; the rest is guessed.

    Attributes:
        inputs: the input columns.
        target: the column of the answers.
        lists: what is right where a cell of the target holds several items: any, or all of them.
        encoding: of a text file.
        delimiter: of a text table.
        kind: of the task, one of `kinds.KINDS`; found out when empty.
        database: what the queries of SQL targets run on: a SQLite file, or an .sql script.
    """

    inputs: Sequence[str] = ()
    target: str | None = None
    lists: Lists | None = None
    encoding: str | None = None
    delimiter: str | None = None
    kind: str = ""
    database: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(map(composed, self.inputs)))  # As rows are read.
        object.__setattr__(self, "target", self.target and composed(self.target))


def find_format(data: Path, wanted: Wanted, notes: list[str]) -> TextFormat:
    """How a file is written, as far as it is text; what its name does not say is noted."""
    suffix = data.suffix.lower()
    if not data.is_file() or suffix in CONFIGS:
        return TextFormat()
    if suffix in SUFFIXES and suffix not in TEXT_SUFFIXES:
        return TextFormat()
    encoding = known_encoding(wanted.encoding) if wanted.encoding else find_encoding(data)
    encoding = encoding.removesuffix("-sig")
    if not wanted.encoding and encoding not in CERTAIN:
        notes.append(
            f"That the file is {encoding} is a guess: look at the accents in its copy, and say "
            "--encoding if they are wrong."
        )
    if suffix in TEXT_SUFFIXES and suffix not in TABLES:
        return TextFormat(encoding)
    usual = {".csv": ",", ".tsv": "\t", ".tab": "\t"}.get(suffix)
    delimiter = wanted.delimiter or find_delimiter(data, encoding) or usual
    if delimiter == usual:
        return TextFormat(encoding)
    if delimiter in NAMES:
        notes.append(f"The cells are separated by {NAMES[delimiter]}.")
    return TextFormat(encoding, delimiter)
