"""How a text file is written: its encoding and its delimiter, found out from what stands in it."""

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path

SAMPLE = 2**18
"""So many bytes of a file are looked at where a look at all of it would tell little more."""
MAX_RECORDS = 200
DELIMITERS = ",;\t|"
NAMES = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars"}
"""What people call them."""
CERTAIN = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp949", "cp932", "euc_jp")
"""Encodings that are not guessed."""

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # Before UTF-16, whose mark it starts with.
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SCRIPTS = (("cp949", "hangul", 0.5), ("cp932", "kana", 0.25), ("euc_jp", "kana", 0.25))
MAX_HANJA = 0.1
"""Korean text of today has fewer Chinese signs."""
_WESTERN = ("cp1252", "latin_1")
_LATIN = (*_WESTERN, "cp1250", "cp1254", "cp1257", "iso8859_15", "mac_roman")
_OTHERS = ("cp1251", "cp1253", "cp1255", "cp1256", "gb18030", "big5")


@dataclass(frozen=True)
class TextFormat:
    """How a text file is to be read.

    Attributes:
        encoding: a name that Python knows.
        delimiter: what separates the cells of a table; None for what the file's name says: tabs in
            .tsv and .tab, commas in others.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None


def find_encoding(path: Path) -> str:
    """Find out how a text file is encoded.

    UTF-8, UTF-16 and UTF-32 are certain. What is none of these is cp949 where that makes most signs
    Hangul, Shift-JIS or EUC-JP where that makes many kana, else what charset-normalizer finds the
    text most orderly in: a guess, which is to be told.

    Returns:
        A name that Python knows; "utf-8" also where none fits, so that reading says what is wrong.
    """
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        return _without_mark(head)
    if _fits(path, "utf-8"):
        return "utf-8"
    for encoding, script, least in _SCRIPTS:  # Western text often is valid cp949, too,
        if (_share(path, encoding, script) or 0) > least:
            hanja = _share(path, encoding, "hanja") or 0
            if script != "hangul" or hanja < MAX_HANJA:  # and Chinese text half Hangul.
                return encoding
    return _guess(path)


def _without_mark(head: bytes) -> str:
    """UTF-16 that does not say so: every other byte of its ASCII signs is zero."""
    pairs = len(head) // 2 or 1
    for place, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[place::2].count(0) / pairs > 0.5 and head[1 - place :: 2].count(0) == 0:
            return encoding
    return "utf-8"


def _fits(path: Path, encoding: str) -> bool:
    """Whether all of a file is of an encoding."""
    try:
        with path.open(encoding=encoding) as file:
            for _ in file:
                pass
    except UnicodeError:
        return False
    return True


@cache
def _signs(script: str) -> frozenset[str]:
    """The signs of a script that its texts are full of, and other encodings seldom look like."""
    if script == "hanja":
        return frozenset(map(chr, range(0x4E00, 0xA000)))
    if script == "kana":
        return frozenset(map(chr, range(0x3041, 0x30FB)))
    # The syllables of KS X 1001; cp949 has 8,822 more, which other encodings look like.
    pairs = (bytes((a, b)) for a in range(0xB0, 0xC9) for b in range(0xA1, 0xFF))
    return frozenset(pair.decode("euc_kr") for pair in pairs)


def _share(path: Path, encoding: str, script: str) -> float | None:
    """The share of a script in what is not ASCII; None when the file is not of the encoding."""
    letters, signs = Counter[str](), _signs(script)
    try:
        with path.open(encoding=encoding) as file:
            for line in file:
                if not line.isascii():
                    letters["all"] += len(re.findall(r"[^\x00-\x7f]", line))
                    letters["script"] += sum(sign in signs for sign in line)
    except UnicodeError:
        return None
    return letters["script"] / (letters["all"] or 1)


def _guess(path: Path) -> str:
    """What charset-normalizer finds, looking at lines that are not all ASCII."""
    from charset_normalizer import from_bytes

    size, lines = 0, list[bytes]()
    with path.open("rb") as file:
        for line in file:
            if not line.isascii() and size < SAMPLE:
                lines.append(line[:SAMPLE])
                size += len(line)
    best = from_bytes(b"".join(lines), cp_isolation=[*_LATIN, *_OTHERS]).best()
    if best is None:
        return "utf-8"
    # Short Western texts are taken for Central European ones as often as not.
    tried = (*_WESTERN, best.encoding) if best.encoding in _LATIN else (best.encoding,)
    return next((e for e in tried if _fits(path, e)), "utf-8")


_NOTED = re.compile(r'\ufeff?"?sep=(.)"?\r?\n', re.IGNORECASE)


def find_delimiter(path: Path, encoding: str) -> str | None:
    """Find out what separates the cells: the sign that gives every record as many as the first.

    `csv.Sniffer` counts signs, and is led astray by commas in texts; this reads the records, quotes
    and all.

    Returns:
        One of "," ";" tab "|"; None when none parts the records alike into two cells or more.
    """
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        text = file.read(SAMPLE)
        cut = bool(file.read(1))
    if "\0" in text:  # No text.
        return None
    noted = _NOTED.match(text)  # The line that tells Excel.
    if noted and noted[1] in DELIMITERS:
        return noted[1]
    widths = {sign: width for sign in DELIMITERS if (width := _width(text, sign, cut=cut)) > 1}
    return max(widths, key=lambda sign: widths[sign]) if widths else None


def _width(text: str, delimiter: str, *, cut: bool) -> int:
    """How many cells all records have; 0 where they differ, or quotes do not fit."""
    records = list[list[str]]()
    try:
        for record in csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True):
            if record:
                records.append(record)
            if len(records) > MAX_RECORDS:
                break
    except csv.Error:
        if not cut:
            return 0
    if cut and len(records) <= MAX_RECORDS:
        records = records[:-1]  # It ends in the middle.
    widths = {len(record) for record in records}
    return widths.pop() if len(widths) == 1 else 0
