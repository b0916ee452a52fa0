"""The options of a question of multiple choice, as they stand in a text or in a list."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from apo.patterns import late_pattern
from apo.reading.answers import one_form, plain
from apo.reading.lists import written_list

ORDERS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "①②③④⑤⑥⑦⑧⑨⑩",
    "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ",
    "가나다라마바사아자차카타파하",
)
"""Marks of options in their order, beside 1, 2, 3."""
MARK = rf"(?:[{''.join(ORDERS)}a-z]|\d{{1,2}})"
ARTICLE = r"(?:an?|the|der|die|das|eine?|le|la|les|une?|el|los|las)\s+"
_OF_THESE = late_pattern(
    r"^(none|all|any|both) of (?:the (?:above|others?)|these|those|them)"
    r"(?: (?:options|answers|choices))?$"
)
_BEFORE_UNIT = late_pattern(
    r"(?<=^\d)\s(?=[a-zµ°]{1,5}(?:/[a-z]{1,4})?$)|(?<=\d)\s(?=[a-zµ°]{1,4}$)"
)
_ARTICLE = late_pattern(rf"{ARTICLE}(?=\S)|l['’]")
_MARKED = late_pattern(
    rf"(?:(?<=\s)|(?<![^\n]))[*_]{{0,2}}(?:[(\[](?P<round>{MARK})[)\]][.:]?|(?P<circle>[①-⑩])"
    rf"|(?P<point>{MARK})(?P<sign>[.):]|번[.:)]?))[*_]{{0,2}}[ \t]*(?=\S)"
)
_TAIL = late_pattern(r"\n[\s>•*-]*$")


@dataclass(frozen=True)
class Option:
    """An option.

    Attributes:
        mark: what it is called: A, 1, ①, ㄱ or 가.
        text: what it says.
    """

    mark: str
    text: str

    @property
    def key(self) -> str:
        """The text in the form in which it is compared: without an article."""
        return text_key(self.text)


def text_key(text: str) -> str:
    """Bring the text of an option to the form in which it is compared."""
    words = plain(one_form(text))
    words = _ARTICLE.sub("", words, count=1) if _ARTICLE.match(words) else words
    words = _OF_THESE.sub(r"\1 of these", words)
    return _BEFORE_UNIT.sub("", words)


def place_of(mark: str) -> tuple[int, int]:
    """Give the kind of a mark and its place in the order, from 0; -1 where it is in none."""
    if mark.isascii() and mark.isdecimal():
        return len(ORDERS), int(mark) - 1
    for kind, order in enumerate(ORDERS):
        place = order.find(mark.upper())
        if place >= 0:
            return kind, place
    return -1, -1


@lru_cache(maxsize=4096)
def options_in(text: str) -> tuple[Option, ...]:
    """Give the options that a text lists: the last marks that follow one another from the first.

    A mark is "A.", "B)", "(C)", "1.", "①", "ㄱ." or "가."; () where there are no two.
    """
    runs = dict[tuple[int, str], list[re.Match[str]]]()
    best = list[re.Match[str]]()
    for match in _MARKED.finditer(text):
        kind, place = place_of(_mark(match))
        style = (kind, match["sign"] or ("(" if match["round"] else "①"))
        run = runs.get(style, [])
        if place == 0:
            runs[style] = [match]
        elif run and place == len(run):
            run.append(match)
            if len(run) >= 2 and (not best or run[0].start() >= best[0].start()):
                best = run
    ends = [match.start() for match in best[1:]]
    if best:
        stop = text.find("\n", best[-1].end())
        ends.append(stop if stop >= 0 else len(text))
    return tuple(
        Option(_mark(match).upper(), _TAIL.sub("", text[match.end() : end]).strip(" \t;,*_"))
        for match, end in zip(best, ends, strict=True)
    )


def _mark(match: re.Match[str]) -> str:
    return match["round"] or match["circle"] or match["point"]


def options_of(cells: Iterable[str]) -> tuple[Option, ...]:
    """Give the options of cells of their own: one in each, or all of them in one list."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    if len(texts) == 1:
        texts = _listed(texts[0])
    return tuple(Option(ORDERS[0][place], text) for place, text in enumerate(texts[:26]))


def _listed(text: str) -> list[str]:
    """The texts of a list, or of an object of texts and labels, as ARC has it."""
    found = written_list(text)
    if found is not None:
        return found
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return []
    inner = cast("Mapping[str, Any]", value).get("text") if isinstance(value, Mapping) else value
    if not isinstance(inner, list):
        return []
    return [str(item) for item in cast("list[object]", inner)]
