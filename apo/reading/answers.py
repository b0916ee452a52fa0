"""What an answer says: the marked part or the labels of a free text.

Pure functions for the scorers, like `apo.reading.numbers` and `apo.reading.json_text`.
All take any text and never raise.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from apo.patterns import late_pattern
from apo.reading.characters import common, composed, seen, untypeset
from apo.reading.json_text import answer_json, as_object

_OPENING = " \t\n\"'`*“”‘’«»「」『』()[]"
_CLOSING = _OPENING + ".,;:!?…。，！？："
# What bounds the work on degenerate answers, such as one word repeated to the token limit.
_MAX_MARKERS = 8
_MAX_LINE = 5000  # characters


def plain(
    text: str,
    *,
    ignore_case: bool = True,
    collapse_space: bool = True,
    unicode_nfc: bool = True,
    strip_punctuation: bool = True,
    ignore_typography: bool = False,
) -> str:
    """Bring a text to the form in which two answers are compared.

    Args:
        text: any text.
        ignore_case: fold letters to one case.
        collapse_space: make each run of white space one space, and none at the ends.
        unicode_nfc: compose characters (one form for é, and for Hangul typed on a Mac).
        strip_punctuation: take quotes, brackets, asterisks and sentence marks off both ends,
            as long as something is left. Signs that carry meaning (- + # % $ /) stay.
        ignore_typography: make one of curly and straight quotes, of dashes, of full and half width,
            and leave out signs of no width.
    """
    if ignore_typography:
        text = untypeset(text)
    if unicode_nfc:
        text = composed(text)
    if ignore_case:
        text = composed(text.casefold()) if unicode_nfc else text.casefold()
    if collapse_space:
        text = " ".join(text.split())
    if strip_punctuation:
        text = text.lstrip(_OPENING).rstrip(_CLOSING) or text
    return text


_ESCAPED = late_pattern(r"\\([_*#~`])")


def one_form(text: str) -> str:
    r"""Write a text in common signs: none of no width, no wide letters, no escapes (bug\_report).

    Letters are composed, so that Hangul typed on a Mac is found.
    """
    text = common(seen(text))
    return _ESCAPED.sub(r"\1", text)


_STRUCK = late_pattern(
    r"~~[^~\n]{1,500}~~|<(s|del|strike)>[^<]{0,500}</\1>|(?:[^\s\u0336]\u0336)+", re.IGNORECASE
)


def unstruck(text: str) -> str:
    """Leave out what is struck through, as in ~~billing~~ refund."""
    return _STRUCK.sub(" ", text)


def quote(text: str, limit: int = 80) -> str:
    """Show a text in feedback: on one line, in quotes, cut to limit characters."""
    line = " ".join(text.split())
    return f"'{line[: limit - 1]}…'" if len(line) > limit else f"'{line}'"


# An explicit marker: what follows it is what the answer says.
_TAG = late_pattern(r"<(answer|label|result|답|정답)>", re.IGNORECASE)
_SHARPS = late_pattern(r"####")
_FIELD = late_pattern(
    r"(?:(?:final|predicted|correct|best|최종)[_ -]?)?(?:answer|label|category|class"
    r"|classification|intent|sentiment|result|prediction|output"
    r"|최종 답|정답|답변|답|라벨|레이블|분류|감성|감정|의도|카테고리|결과)s?",
    re.IGNORECASE,
)
_MAX_DEPTH = 3
_BOXED = late_pattern(r"\\boxed\s?\{((?:[^{}]|\{[^{}]{0,80}\}){0,200})\}")
_MARKER = late_pattern(
    r"(?<![^\W_])(?:answer|label|category|class|classification|intent|sentiment|result"
    r"|최종 답|정답|답변|답|분류|감성|라벨|레이블|결과|答案|答え)"
    r"[\"'*_`]{0,3}[ \t]{0,3}(?:is\b|[:：=]|[은는](?![가-힣])|[是为為は])[\"'*_`]{0,3}",
    re.IGNORECASE,
)


_SENTENCE = late_pattern(
    r"(?<=[.!。])(?<!\bi\.e\.)(?<!\be\.g\.)(?<!\bd\.h\.)(?<!\bz\.B\.)\s"
    r"(?!(?:or|oder|ou|또는|혹은)\s)",
    re.IGNORECASE,
)
"""Where a sentence ends that says what the answer is; a question leaves it to what follows."""


def marked(text: str) -> Iterator[str]:
    r"""Yield the parts of an answer that it marks as its answer, the most explicit first.

    In this order: the fields of the last JSON object that are called so, as "label" in {"label":
    "bug", "reason": "no login"}; the last <answer>…</answer>, the last line after ####, the last
    \boxed{…}, then what follows "Answer:", "Label:", "답:" and the like, last one first: its first
    sentence, then its line.
    """
    yield from _fields(text)
    tags = list(_TAG.finditer(text))
    if tags:
        end = text.find(f"</{tags[-1][1]}>", tags[-1].end())
        yield text[tags[-1].end() : end if end >= 0 else len(text)]
    for match in [*_SHARPS.finditer(text)][-1:]:
        yield _line_after(text, match.end())
    for match in [*_BOXED.finditer(text)][-1:]:
        yield match[1]
    for match in reversed([*_MARKER.finditer(text)][-_MAX_MARKERS:]):
        line = _line_after(text, match.end())
        yield _SENTENCE.split(line, maxsplit=1)[0]
        yield line


def _fields(text: str) -> Iterator[str]:
    """The values of an object's fields whose names say that they are the answer."""
    found = answer_json(text) if "{" in text else None
    value: Any = found.value if found else None
    for _ in range(_MAX_DEPTH):
        fields = as_object(value) or {}
        named = [fields[name] for name in fields if _FIELD.fullmatch(name.strip())]
        for said in named:
            if as_object(said) is None and said is not None:
                yield said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        value = next((said for said in named if as_object(said) is not None), None)


def _line_after(text: str, start: int) -> str:
    """The rest of the line, or the next line that is not blank."""
    while True:
        end = text.find("\n", start)
        line = text[start : end if end >= 0 else len(text)]
        if end < 0 or re.search(r"\w", line):
            return line[:_MAX_LINE]
        start = end + 1


# How a word that starts with a Korean label may go on: particles, and endings of 이다 and 하다.
_PARTICLE = (
    "(?:[은는이가을를의에도만과와로임인일적라였한해했]|요(?!(?-i:[가-힣]))|입니|예요|으로|네요"
    "|나(?!(?-i:[가-힣]))|부터|까지|보다|처럼|하[다며고]|합니)"
)
_HANGUL = "가-힣"
# Case is nothing to these, and with it a class of so many signs takes long to compile.
_SYLLABLE = f"(?-i:[{_HANGUL}])"
_LETTER = f"(?-i:[^\\W_{_HANGUL}぀-ヿ㐀-鿿])"


def label_pattern(labels: tuple[str, ...], *, ignore_case: bool) -> re.Pattern[str]:
    """Compile the search for labels in a text; group i + 1 is labels[i].

    A label is found as a whole word, the longest first ("account change" before "change"). A
    Korean label may carry a particle (긍정입니다, 부정으로); a blank, "_" and "-" within a label
    are the same, and so are 4 and 4.0. Chinese and Japanese have no word limits, so there any place
    will do.
    """
    longest_first = sorted(range(len(labels)), key=lambda i: -len(labels[i]))
    groups = {i: _whole_word(one_form(labels[i])) for i in longest_first}
    # Numbered groups would follow the order of trial, so they are named by place.
    pattern = "|".join(f"(?P<l{i}>{group})" for i, group in groups.items()) or r"(?!)"
    return re.compile(pattern, re.IGNORECASE if ignore_case else 0)


_DASHES = "‐‑‒–—−-"
_DECIMAL = late_pattern(r"(-?\d{1,9})[.,](\d{1,4})")
_WHOLE = late_pattern(r"(-?\d{1,9})(?:[.,]0{1,4})?")


def _whole_word(label: str) -> str:
    words = re.split(rf"(?<=[^\W_])[\s_{_DASHES}]+(?=[^\W_])", label.strip())
    body = re.escape(words[0])
    for one, other in pairwise(words):
        gap = rf"[\s_{_DASHES}]{{1,4}}"
        if one[-1:].isdigit():  # 18-34 as 18 to 34, and 10 mg as 10mg.
            is_range = other[:1].isdigit()
            gap = rf"(?:{gap}|\s?(?:to|bis|à|~)\s?)" if is_range else gap.replace("{1,", "{0,")
        body += gap + re.escape(other)
    whole = _WHOLE.fullmatch(label.strip())
    if whole:
        body = rf"{whole[1]}(?:[.,]0{{1,4}})?"
    elif part := _DECIMAL.fullmatch(label.strip()):
        body = rf"{part[1]}[.,]{part[2]}0{{0,4}}"
    first, last = label.strip()[:1], label.strip()[-1:]
    before = after = ""
    if re.match(_SYLLABLE, first):
        before = f"(?<!{_SYLLABLE})"
    elif re.match(_LETTER, first):
        before = f"(?<!{_LETTER})" + (r"(?<!\d[.,])" if first.isdigit() else "")
    if re.match(_SYLLABLE, last):
        after = f"(?:(?!{_SYLLABLE})|(?={_PARTICLE}))"
    elif re.match(_LETTER, last):
        after = f"(?!{_LETTER})" + (r"(?![.,]\d)" if last.isdigit() else "")
    return before + body + after


def bare_lines(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield what is nothing but a label: the first and last line together, then text in bold."""
    lines = [line for line in text.splitlines() if line.strip()]
    bold = re.findall(r"\*\*([^*\n]{1,200})\*\*", text)
    for parts in ([*lines[:1], *lines[-1:]], bold):
        yield "\n".join(part for part in parts if _is_bare(part, pattern))


_CONCLUSION = late_pattern(
    r"(?<![^\W_])(?:(?:overall|therefore|thus|hence|in conclusion|all in all|on balance"
    r"|by elimination|(?:that|this|which) leaves|only(?= \S{1,24} (?:remains|is left)\b)"
    r"|insgesamt|daher|deshalb|folglich|somit|donc|globalement|en conclusion"
    r"|i(?:['’]d| would)? (?:choose|pick|select|say|label|classify|go with|call))(?![^\W_])"
    r"|so (?=(?:it|this|that(?:['’]s| is)|the|i|my)\b|\S+\s*$)"
    r"|(?:at first|initially|i first|first (?:guess|thought|idea|answer))\b[^.!?\n]{0,80}?\bbut\b)"
    r"|(?<![^\W_])(?:(?:somit|damit|also|es) (?:ver)?bleibt|il (?:ne )?reste)(?![^\W_])"
    r"|남는 (?:것|답|선택지|보기)[은는]|따라서|그러므로|결론적으로|전체적으로|종합하면|종합적으로",
    re.IGNORECASE,
)


def concluded(text: str) -> Iterator[str]:
    """Yield the text from the last "overall", "therefore", "I choose" and the like on, if any."""
    for match in [*_CONCLUSION.finditer(text)][-1:]:
        is_turn = match[0].casefold().endswith("but")  # What was thought at first is no answer.
        yield text[match.end() if is_turn else match.start() :]


def _is_bare(line: str, pattern: re.Pattern[str]) -> bool:
    match = pattern.search(line)
    if match is None:
        return False
    rest = re.sub(f"^[{_HANGUL}]+", "", line[match.end() :])  # particles
    return not re.search(r"[^\W_]", line[: match.start()] + rest)
