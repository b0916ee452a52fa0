"""Marks and texts of options in an answer: what is set off, what stands beside what."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from apo.patterns import late_pattern
from apo.reading.answers import label_pattern
from apo.reading.denial import is_denied, is_supposed
from apo.reading.letters import is_word
from apo.reading.option_lines import ARTICLE, MARK, Option

Span = tuple[int, int]
"""Where something starts and ends in a text."""

_TEXT = 0xE000
"""The text of option n stands as this sign + n while marks are looked for."""
SIGN = f"[{chr(_TEXT)}-{chr(_TEXT + 99)}]"
"""The pattern of one of these signs."""
_DECOR = r"[*_`\"'“”‘’]{0,3}"
_NAMED = r"(?:(?:option|choice|answer|antwort|réponse|보기|선택지|정답은?|답은?)[ :]{0,3})?"
_SET_OFF = late_pattern(
    rf"(?:^|\n)[ \t>-]{{0,6}}{_DECOR}{_NAMED}{_DECOR}[(\[]?(?P<line>{MARK}){_DECOR}[.):\]](?![\w.])"
    rf"|\((?P<round>{MARK})\)|\[(?P<square>{MARK})\]|(?<![^\W_])(?P<number>\d{{1,2}}|[A-Z])\s?번"
    rf"|(?P<circle>[①-⑩])"
    rf"|답[은이:]?\s{{0,3}}[\"'‘“]?(?P<said>{MARK})[\"'’”]?(?=입니다|이다|예요|이에요|임)"
    rf"|^{_DECOR}(?P<start>{MARK}){_DECOR}(?:(?:,|\s[-–—])\s(?!{MARK}\b)|\s*(?={SIGN}))",
    re.IGNORECASE,
)
LONE = late_pattern(
    rf"[\s(\[]*{_NAMED}{_DECOR}[(\[]?(?P<mark>{MARK})[)\]]?{_DECOR}\s?번?[\s.)\]:,]*", re.IGNORECASE
)
_FREE = late_pattern(
    r"(?:(?<![^\W_])|(?<=[一-鿿]))[A-Z](?![^\W_가-힣一-鿿])|(?<=[Oo]ption )[a-z](?![^\W_가-힣])"
    r"|(?:(?<=think )|(?<=choose )|(?<=pick )|(?<=say )|(?<=its ))[b-hj-z](?=\W*$)"
    r"|(?<![^\W_])[ㄱ-ㅎ](?![ㄱ-ㅎ])"
    r"|(?<![\w.,])\d{1,2}(?![\w%]|[.,]\d)"
)
_ALSO = late_pattern(
    rf"\s*(?:[,/&]|and|or|und|oder|et|ou|또는|[와과])\s*(?:[(\[]?{MARK}[.)\]:]\s*)?({SIGN})",
    re.IGNORECASE,
)
_NAME = late_pattern(
    r"[.):\]]\s?((?:[A-Z][^\W\d_]+(?: [A-Z][^\W\d_]+)?|[\d.,]*\d)(?=[.!*_]{0,3}\s*$))"
)
_NAME_ONLY = late_pattern(r"(?:[A-Z][^\W\d_]+ ?){1,3}|[\d.,]*\d")
_ASSENT = late_pattern(
    r"(?:correct|right|yes|obviously|definitely|clearly|certainly|sure|thanks?|done|final|true)\b",
    re.I,
)
_ASIDE = late_pattern(
    r"(?<![^\W_])(?:although|though|while|whereas|obwohl|während|bien que)\s(?:the\s|option\s)?$",
    re.I,
)
_POSSIBLE = late_pattern(
    r"\s(?:is|seems|could be|may be)\s(?:also\s)?(?:possible|plausible|likely|right|correct)", re.I
)
_ELSE = late_pattern(
    r"(?<![^\W_])(?:maybe|perhaps|possibly|wait|actually|correction|vielleicht|peut-être|아니)[,:]?\s"
    rf"(?:it['’]?s?\s(?:is\s)?)?(?P<mark>{MARK})(?![^\W가-힣])",
    re.IGNORECASE,
)
"""Another mark that takes the first back, or leaves it open."""
_JOINED = late_pattern(
    rf"(?<![^\W_])(?P<first>{MARK})[\s.)\]:*_]{{0,4}}(?:[-–—/&]|\?\s*(?:(?:or|oder|ou|또는)\s)?"
    r"|,?\s?(?:or|and|to|through|bis|und|oder|et|ou|또는)\s)\s?"
    rf"(?:option\s)?[(\[]?(?P<mark>{MARK})(?=[.)\]:*_?!,]|\s*$)",
    re.IGNORECASE,
)
"""Two marks of a list or range: "C. or D.", "A-C", "C? D?"."""
_BEFORE_TEXT = late_pattern(rf"(?<![^\W_]){ARTICLE}(?={SIGN})", re.IGNORECASE)
_LINK = (
    r"(?:(?:,\s)?(?:is|i\.e\.|namely|that is|which is|so|hence|thus|therefore|ist|also|daher"
    r"|d\.h\.|est|donc|soit|c['’]est-à-dire|즉|=|→)\s)?(?:the\s)?(?:(?:option|answer|choice|antwort|réponse)\s)?"
)
"""What may stand between a mark and its text, beside signs."""
_REASON = late_pattern(
    rf",?\s(?:since|because|as|weil|da|car)\s(?:[^.;,\n]{{1,60}}\s(?:is|was|ist|war|est|était)\s)?({SIGN})"
    r"(?=\W*$|\s(?:is|was|ist|war|est|était)\s(?:the|der|die|das|le|la)\s)",
    re.IGNORECASE,
)
"""B, since the capital is Paris."""
_SENTENCE = late_pattern(
    rf"[.):,–—-]?\s+(?!because|since|as\b)(?:(?!{SIGN})[^.;\n]){{1,60}}\s({SIGN})\W*(?:$|\n)",
    re.IGNORECASE,
)
"""B. The capital is Paris."""
_ALSO_BEFORE = late_pattern(
    rf"({SIGN})\s?(?:[,/&]|and|or|und|oder|et|ou|또는|[와과])\s(?:option\s)?[(\[]?$", re.IGNORECASE
)
_BEFORE = late_pattern(
    rf"({SIGN})[\s.,:;(\[\"'*_`“”–—-]{{0,6}}{_LINK}[(\[\"'*_`“”]{{0,3}}$", re.IGNORECASE
)
_AFTER = late_pattern(
    rf"(?:\s?번)?[\s.,:;(\[)\]\"'*_`“”–—-]{{0,6}}{_LINK}({SIGN})"
    r"(?=\s*(?:$|[\n.,;:!?)\]\"'*”/&–—✓✔✅✗❌✘-]|(?:and|or|und|oder|et|ou|is|was|ist|war|est)\s))",
    re.IGNORECASE,
)


# 15 is none of -15, 15% and 15 + 3.
_MINUS = late_pattern(r"[-−–]$")
_GOES_ON = late_pattern(r"\s?(?:%|[+×*/^]\s?\d|[-–−]\s?\d)")


def masked(part: str, options: tuple[Option, ...]) -> str:
    """Put one sign for the text of each option, with the article before it."""

    def sign(match: re.Match[str]) -> str:
        if match[0].isdecimal() and (
            _MINUS.search(part, 0, match.start()) or _GOES_ON.match(part, match.end())
        ):
            return match[0]
        return chr(_TEXT + int((match.lastgroup or "l0")[1:]))

    found = pattern_of(options).sub(sign, part)
    return _BEFORE_TEXT.sub("", found)


@lru_cache(maxsize=4096)
def pattern_of(options: tuple[Option, ...]) -> re.Pattern[str]:
    """Compile the search for the texts of options, but for those that could be marks."""
    numbered = options[0].mark.isdigit()
    texts = tuple("\0" if _may_be_mark(o.key, numbered=numbered) else o.key for o in options)
    return label_pattern(texts, ignore_case=True)


def _may_be_mark(text: str, *, numbered: bool) -> bool:
    return len(text) < 2 and (numbered or not text.isdecimal())


def texts_in(masked: str) -> tuple[int, ...]:
    """Give the places of the options whose texts a masked text holds and does not deny."""
    found = [
        ord(match[0]) - _TEXT
        for match in re.finditer(SIGN, masked)
        if not is_denied(masked, match.start(), match.end(), option=True)
        and not _is_aside(masked, *match.span())
    ]
    return tuple(dict.fromkeys(found))


def marks_set_off(masked: str) -> list[Span]:
    """Give where marks stand that are set off as answers: "B.", "(B)", "3번", "B, text"."""
    return [_span(match) for match in _SET_OFF.finditer(masked)]


def _span(match: re.Match[str]) -> Span:
    name = next(name for name, text in match.groupdict().items() if text is not None)
    return match.span(name)


def marks_taken_back(masked: str) -> list[Span]:
    """Give where marks stand that take another back, or leave it open: "maybe D", "C? D?"."""
    taken = (*_ELSE.finditer(masked), *_JOINED.finditer(masked))
    return [match.span("mark") for match in taken]


def free_marks(masked: str, *, letters: bool) -> list[Span]:
    """Give where single letters and, unless letters alone are wanted, numbers stand."""
    free = [m for m in _FREE.finditer(masked) if not is_word(masked, *m.span())]
    return [m.span() for m in free if not letters or m[0].isalpha()]


def _is_aside(masked: str, start: int, end: int) -> bool:
    """Whether something is only conceded or supposed: "although D is tempting"."""
    if is_supposed(masked, start):
        return True
    before = _ASIDE.search(masked, max(0, start - 24), start)
    return bool(before) and not _POSSIBLE.match(masked, end)


def is_mark_denied(masked: str, start: int, end: int) -> bool:
    """Whether a mark, or a mark with its text beside it, is denied."""
    after, before = _AFTER.match(masked, end), _BEFORE.search(masked, max(0, start - 80), start)
    whole = before.start(1) if before else start, after.end(1) if after else end
    return (
        _is_aside(masked, start, end)
        or is_denied(masked, start, end, option=True)
        or is_denied(masked, *whole, option=True)
    )


def beside(masked: str, found: Mapping[int, Span]) -> Iterator[int]:
    """Yield the options whose texts stand right after or before the marks of others.

    So does "C) Paris and D) Rome" with Rome.

    Args:
        masked: see `masked`.
        found: where the mark of each option stands.
    """
    for place, (start, end) in found.items():
        after, before = _AFTER.match(masked, end), _BEFORE.search(masked, max(0, start - 80), start)
        also = _ALSO.match(masked, after.end(1)) if after else None
        further = (_REASON.match(masked, end), _SENTENCE.match(masked, end))
        also_before = _ALSO_BEFORE.search(masked, max(0, start - 20), start)
        matches = (after, before, also, also_before, *further)
        texts = [
            ord(match[1]) - _TEXT
            for match in matches
            if match and not is_denied(masked, *match.span(1), option=True)
        ]
        yield from (text for text in texts if text != place)


def text_before(masked: str) -> tuple[int, ...]:
    """Give the option whose text a masked text ends with, as "Rome, so" does; () for none."""
    before = _BEFORE.search(masked)
    return (ord(before[1]) - _TEXT,) if before else ()


def says_else(masked: str, end: int, text: str) -> bool:
    """Whether a mark is followed by a name or number that is no option, as in "C) Lisbon".

    Args:
        masked: see `masked`.
        end: where the mark ends.
        text: of its option.
    """
    said = _NAME.match(masked, end)
    if said is None or not _NAME_ONLY.fullmatch(text.strip()) or _ASSENT.match(said[1]):
        return False
    return not {*said[1].casefold().split()} & {*text.casefold().split()}


def is_only_option(line: str, options: tuple[Option, ...]) -> bool:
    """Whether a line is nothing but an option, by its mark, its text, or both."""
    rest = re.sub(rf"^\W*{MARK}(?:[.):\]]|\s?번|\W*$)", "", masked(line, options))
    return len(rest) < len(line) and not re.search(r"[^\W_]", re.sub(SIGN, "", rest))
