"""Data files as they come from spreadsheets, databases, scripts and the Hub; one function a kind.

The texts are those of the tasks that come with apo; the files are written anew, each in a folder.
"""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2] / "tasks"
N = 160
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
TAGS = ("urgent", "money", "account")


@dataclass(frozen=True)
class Kind:
    """A kind of data file.

    Attributes:
        name: what it is, in words.
        file: the file's name.
        write: writes it at a path.
        said: what `apo init` or `apo check` says of it.
        flags: of `apo init`, where something is to be said.
        stops: whether it cannot be used: then `said` is in the error.
    """

    name: str
    file: str
    write: Callable[[Path], object]
    said: str
    flags: tuple[str, ...] = ()
    stops: bool = False


@cache
def tickets() -> tuple[dict[str, str], ...]:
    """Tickets with their intent, of three intents."""
    with (ROOT / "support-tickets" / "tickets.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["intent"] in ("billing", "login", "bug")]
    return tuple({"ticket": row["ticket"], "intent": row["intent"]} for row in rows[:N])


@cache
def reviews() -> tuple[dict[str, str], ...]:
    """Korean reviews with their sentiment."""
    with (ROOT / "reviews-ko" / "reviews.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if _fits(row["리뷰"], "cp949")]
    return tuple({"리뷰": row["리뷰"], "감성": row["감성"]} for row in rows[:N])


def lines(task: str, file: str) -> list[dict[str, Any]]:
    """Rows of a built-in task that are lines of JSON."""
    with (ROOT / task / file).open(encoding="utf-8") as source:
        return [json.loads(line) for line in source][:N]


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def western() -> list[dict[str, str]]:
    """Tickets with accents, as in a French office."""
    kept = [row for row in tickets() if _fits(row["ticket"], "latin-1")]
    return [{**row, "ticket": f"{row['ticket']} Réponse à: René Müller, café"} for row in kept]


def tagged() -> list[dict[str, Any]]:
    """Tickets with tags; some have two."""
    marks = ((), ("urgent",))
    tag = {"billing": "money", "login": "account", "bug": "urgent"}
    return [
        {"ticket": row["ticket"], "tags": list(dict.fromkeys((tag[row["intent"]], *marks[i % 2])))}
        for i, row in enumerate(tickets())
    ]


def table(
    rows: Iterable[dict[str, Any]], delimiter: str = ",", encoding: str = "utf-8"
) -> Callable[[Path], object]:
    """Write rows as a text table."""
    found = [*rows]

    def write(path: Path) -> None:
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.DictWriter(file, [*found[0]], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(found)

    return write


def json_lines(rows: Iterable[dict[str, Any]]) -> Callable[[Path], object]:
    """Write rows as lines of JSON."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return lambda path: path.write_text(text, encoding="utf-8")


def json_file(value: object) -> Callable[[Path], object]:
    """Write one JSON value."""
    return lambda path: path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def frame(rows: Sequence[dict[str, Any]], kind: str) -> Callable[[Path], object]:
    """Write rows by pandas, as Parquet or Excel."""

    def write(path: Path) -> None:
        made: Any = import_module("pandas").DataFrame([*rows])
        made.to_parquet(path) if kind == "parquet" else made.to_excel(path, index=False)

    return write


def raw(data: bytes) -> Callable[[Path], object]:
    """Write bytes."""
    return lambda path: path.write_bytes(data)


def _cells(form: Callable[[list[str]], str]) -> list[dict[str, Any]]:
    return [{**row, "tags": form(row["tags"])} for row in tagged()]


def _accepted() -> list[dict[str, Any]]:
    rows = lines("word-problems", "problems.jsonl")
    return [{"problem": r["problem"], "answers": [r["answer"], f"{r['answer']}.0"]} for r in rows]


def _pools() -> list[dict[str, Any]]:
    pools = ("train", "dev", "test")
    return [{**row, "fold": pools[i % 3]} for i, row in enumerate(tickets())]


def _ragged() -> bytes:
    return b"ticket,intent\n" + b"Where is it?,bug\n" * 9 + b"Well, I paid twice,billing\n"


LABEL = "'choice'"
PDF = raw(b"%PDF-1.7\n\0\0")
RIGHT = "right together"


def _texts() -> list[Kind]:
    rows = tickets()
    return [
        Kind("CSV", "a.csv", table(rows), LABEL),
        Kind("CSV with a byte order mark", "a.csv", table(rows, encoding="utf-8-sig"), LABEL),
        Kind("semicolons", "a.csv", table(rows, ";"), "separated by semicolons"),
        Kind("tabs, named .csv", "a.csv", table(rows, "\t"), "separated by tabs"),
        Kind("tabs, named .tsv", "a.tsv", table(rows, "\t"), LABEL),
        Kind("commas, named .tsv", "a.tsv", table(rows), "separated by commas"),
        Kind("bars, named .txt", "a.txt", table(rows, "|"), "separated by bars"),
        Kind("UTF-16, tabs", "a.txt", table(rows, "\t", "utf-16"), "The file is utf-16"),
        Kind("UTF-16 without a mark", "a.csv", table(rows, ",", "utf-16-le"), "utf-16-le"),
        Kind("latin-1, semicolons", "a.csv", table(western(), ";", "latin-1"), "is a guess"),
        Kind("cp1252, commas", "a.csv", table(western(), ",", "cp1252"), "is a guess"),
        Kind("cp949, Korean", "a.csv", table(reviews(), ",", "cp949"), "The file is cp949"),
        Kind("Korean, UTF-8", "a.csv", table(reviews()), "The text is Korean"),
        Kind("CSV with pools", "a.csv", table(_pools()), "says which pool each row is for"),
    ]


def _others() -> list[Kind]:
    rows = [*tickets()]
    numbers = json_lines(lines("word-problems", "problems.jsonl"))
    objects = json_lines(lines("order-fields", "orders.jsonl"))
    image = {"bytes": PNG, "path": "a.png"}
    pictures = frame([{**row, "image": image} for row in rows], "parquet")
    return [
        Kind("JSON, a list", "a.json", json_file(rows), LABEL),
        Kind("JSON, a list in an object", "a.json", json_file({"data": rows}), LABEL),
        Kind("JSONL, numbers", "a.jsonl", numbers, "'numeric'"),
        Kind("JSONL, objects", "a.jsonl", objects, "'json'"),
        Kind("Parquet with images", "a.parquet", pictures, "image (it holds bytes)"),
        Kind("Excel", "a.xlsx", frame(rows, "excel"), LABEL),
    ]


def _lists() -> list[Kind]:
    rows = tagged()
    printed, parted = table(_cells(repr)), table(_cells("; ".join))
    any_of = ("--lists", "any")
    return [
        Kind("JSONL, lists of labels", "a.jsonl", json_lines(rows), RIGHT),
        Kind("the same, any of them right", "a.jsonl", json_lines(rows), "as you said", any_of),
        Kind("CSV, lists as Python prints them", "a.csv", printed, RIGHT),
        Kind("CSV, labels between semicolons", "a.csv", parted, "as labels stand"),
        Kind("JSONL, accepted answers", "a.jsonl", json_lines(_accepted()), "by the column's name"),
        Kind("Parquet, lists of labels", "a.parquet", frame(rows, "parquet"), RIGHT),
    ]


def _refused() -> list[Kind]:
    picture = frame([{**row, "image": PNG} for row in tickets()], "parquet")
    image = ("--input", "image", "--target", "intent")
    found: list[tuple[str, str, Callable[[Path], object], str, tuple[str, ...]]] = [
        ("an input of bytes", "a.parquet", picture, "holds bytes, which are no text", image),
        ("a PDF", "a.pdf", PDF, "no kind of file that apo reads", ()),
        ("an empty file", "a.csv", raw(b""), "is empty", ()),
        ("a comma without quotes", "a.csv", raw(_ragged()), "needs quotes", ()),
        ("a header alone", "a.csv", raw(b"ticket,intent\n"), "a header at most", ()),
        ("one column", "a.csv", raw(b"ticket\nWhere?\n"), "needs an input and a target", ()),
    ]
    return [Kind(name, file, write, said, flags, True) for name, file, write, said, flags in found]


def kinds() -> list[Kind]:
    """All kinds, those that cannot be used last."""
    return [*_texts(), *_others(), *_lists(), *_refused()]
