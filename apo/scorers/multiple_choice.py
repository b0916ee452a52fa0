"""The scorer `multiple_choice`: one of the options that stand in each row."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from apo.errors import TaskError
from apo.reading.answers import concluded, label_pattern, marked, one_form, plain, quote, unstruck
from apo.reading.denial import is_denied
from apo.reading.letters import is_word
from apo.reading.option_lines import (
    ARTICLE,
    MARK,
    ORDERS,
    Option,
    options_in,
    options_of,
    place_of,
    text_key,
)
from apo.reading.run_on import first_turn
from apo.task import Example, Score

_TEXT = 0xE000
"""The text of option n stands as this sign + n while marks are looked for."""
_SIGN = f"[{chr(_TEXT)}-{chr(_TEXT + 99)}]"
_DECOR = r"[*_`\"'“”‘’]{0,3}"
_NAMED = r"(?:(?:option|choice|answer|antwort|réponse|보기|선택지|정답은?|답은?)[ :]{0,3})?"
_SET_OFF = re.compile(
    rf"(?:^|\n)[ \t>-]{{0,6}}{_DECOR}{_NAMED}{_DECOR}[(\[]?(?P<line>{MARK}){_DECOR}[.):\]](?![\w.])"
    rf"|\((?P<round>{MARK})\)|\[(?P<square>{MARK})\]|(?<![^\W_])(?P<number>\d{{1,2}}|[A-Z])\s?번"
    rf"|(?P<circle>[①-⑩])"
    rf"|답[은이:]?\s{{0,3}}[\"'‘“]?(?P<said>{MARK})[\"'’”]?(?=입니다|이다|예요|이에요|임)"
    rf"|^{_DECOR}(?P<start>{MARK}){_DECOR}(?:(?:,|\s[-–—])\s(?!{MARK}\b)|\s*(?={_SIGN}))",
    re.IGNORECASE,
)
_LONE = re.compile(
    rf"[\s(\[]*{_NAMED}{_DECOR}[(\[]?(?P<mark>{MARK})[)\]]?{_DECOR}\s?번?[\s.)\]:,]*", re.IGNORECASE
)
_FREE = re.compile(
    r"(?<![^\W_])[A-Z](?![^\W_가-힣])|(?<![^\W_])[ㄱ-ㅎ](?![ㄱ-ㅎ])"
    r"|(?<![\w.,])\d{1,2}(?![\w%]|[.,]\d)"
)
_ALSO = re.compile(
    rf"\s*(?:[,/&]|and|or|und|oder|et|ou|또는|[와과])\s*(?:[(\[]?{MARK}[.)\]:]\s*)?({_SIGN})",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"[.):\]]\s?((?:[A-Z][^\W\d_]+(?: [A-Z][^\W\d_]+)?|[\d.,]*\d)(?=[.!*_]{0,3}\s*$))"
)
_NAME_ONLY = re.compile(r"(?:[A-Z][^\W\d_]+ ?){1,3}|[\d.,]*\d")
_ASSENT = re.compile(
    r"(?:correct|right|yes|obviously|definitely|clearly|certainly|sure|thanks?|done|final|true)\b",
    re.I,
)
_ELSE = re.compile(
    r"(?<![^\W_])(?:maybe|perhaps|possibly|wait|actually|correction|vielleicht|peut-être|아니)[,:]?\s"
    rf"(?:it['’]?s?\s(?:is\s)?)?(?P<mark>{MARK})(?![^\W가-힣])",
    re.IGNORECASE,
)
"""Another mark that takes the first back, or leaves it open."""
_BEFORE_TEXT = re.compile(rf"(?<![^\W_]){ARTICLE}(?={_SIGN})", re.IGNORECASE)
_LINK = (
    r"(?:(?:,\s)?(?:is|i\.e\.|namely|that is|which is|so|hence|thus|therefore|ist|also|daher|d\.h\.|est|donc"
    r"|soit|c['’]est-à-dire|즉|=|→)\s)?(?:the\s)?(?:(?:option|answer|choice|antwort|réponse)\s)?"
)
"""What may stand between a mark and its text, beside signs."""
_BEFORE = re.compile(
    rf"({_SIGN})[\s.,:;(\[\"'*_`“”–—-]{{0,6}}{_LINK}[(\[\"'*_`“”]{{0,3}}$", re.IGNORECASE
)
_AFTER = re.compile(
    rf"(?:\s?번)?[\s.,:;(\[)\]\"'*_`“”–—-]{{0,6}}{_LINK}({_SIGN})"
    r"(?=\s*(?:$|[\n.,;:!?)\]\"'*”/&]|(?:and|or|und|oder|et|ou)\s))",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class MultipleChoice:
    """The answer must name one of the row's options, the right one: by mark, text, or both.

    "B", "(B)", "B.", "Answer: B", the option's text and "B. A mammal" name option B; where mark and
    text are of two options the answer is not well formed. The article of "A mammal" is no mark.
    Options may be marked A, 1, ①, ㄱ or 가; 3번 and ③ are the third in any case. As with `choice`,
    a marked part comes before a first or last line that is only an option, bold text that is, and
    the whole answer; two options there are none. A target is a mark, a text, both, or a number.

    Attributes:
        options: the input fields that hold the options, one in each or all of them as a list; with
            none, the options are read from the inputs ("A. …", "(B) …", "③ …").
        first: 0 or 1: the number of the first option, where a target or answer is a number and
            the options are not.
    """

    options: tuple[str, ...] = ()
    first: int = 1

    def __post_init__(self) -> None:
        if self.first not in (0, 1):
            raise TaskError(f"multiple_choice.first is {self.first!r}; it must be 0 or 1.")

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the only option that the answer names is a target."""
        options = self.options_of(example)
        if len(options) < 2:
            return Score(0.0, False, _no_options(self.options))
        wanted = self.places(example)
        expected = " or ".join(_show(options, place) for place in sorted(wanted))
        if not wanted:
            listed = ", ".join(_show(options, place) for place in range(len(options)))
            told = f"The target {quote(example.target)} is none of the options {listed}."
            return Score(0.0, False, told)
        found = self.find(first_turn(output, example.inputs), options)
        if len(found) == 1 and found[0] in wanted:
            return Score(1.0)
        if not found:
            return Score(0.0, False, f"Expected {expected}, the answer names no option.")
        said = " and ".join(_show(options, place) for place in found[:5])
        if len(found) > 1:
            return Score(0.0, False, f"Expected only {expected}, the answer names {said}.")
        return Score(0.0, True, f"Expected {expected}, the answer said {said}.")

    def places(self, example: Example) -> frozenset[int]:
        """Give the places of the right options, from 0."""
        options = self.options_of(example)
        read = [self._target(target, options) for target in example.targets]
        return frozenset(found[0] for found in read if len(found) == 1)

    def options_of(self, example: Example) -> tuple[Option, ...]:
        """Give the options of an example; () where it has none."""
        if self.options:
            return options_of(example.inputs.get(name, "") for name in self.options)
        return options_in("\n".join(example.inputs.values()))

    def find(self, output: str, options: tuple[Option, ...]) -> tuple[int, ...]:
        """Give the places of the options that an answer names: one when it is well formed."""
        whole = self._whole(output, options)
        if whole:
            return whole
        text = unstruck(one_form(output))
        for part in _marked_parts(text, options):
            found = self._whole(part, options) or self._named(part, options)
            if found:
                return found
        for part in concluded(text):
            found = self._named(part, options)
            before = _BEFORE.search(_masked(text.removesuffix(part), options))
            if found:  # Rome, so C: they must be of one option.
                beside = [ord(before[1]) - _TEXT] if before else []
                return tuple(dict.fromkeys((*found, *beside)))
        return self._named(text, options)

    def _target(self, target: str, options: tuple[Option, ...]) -> tuple[int, ...]:
        return self._whole(target, options) or self._named(one_form(target), options)

    def _whole(self, text: str, options: tuple[Option, ...]) -> tuple[int, ...]:
        """A text that is a mark, or the text of an option, and nothing else."""
        lone = _LONE.fullmatch(text)
        place = self._place(lone["mark"], options, loose=False) if lone else None
        if place is None:
            key = text_key(text)
            texts = [i for i, option in enumerate(options) if option.key == key and key]
            if texts:
                return tuple(texts)
            place = self._place(lone["mark"], options, loose=True) if lone else None
        return () if place is None else (place,)

    def _place(self, mark: str, options: Sequence[Option], *, loose: bool) -> int | None:
        """The option of a mark; loosely, a number counts the options that are not numbered."""
        kind, place = place_of(mark)
        own, _ = place_of(options[0].mark)
        if kind == len(ORDERS) and own not in (kind, 1):
            place = place + 1 - self.first if loose else -1
        elif kind not in (own, 1, len(ORDERS)):
            place = -1
        return place if 0 <= place < len(options) else None

    def _named(self, part: str, options: tuple[Option, ...]) -> tuple[int, ...]:
        """The options that a text names, by set-off marks, by their texts, or by any mark."""
        masked = _masked(part, options)
        texts = [
            ord(match[0]) - _TEXT
            for match in re.finditer(_SIGN, masked)
            if not is_denied(masked, match.start(), match.end())
        ]
        set_off = [_span(m) for m in _SET_OFF.finditer(masked)]
        found = self._marks(masked, set_off, options)
        if found:
            found |= self._marks(masked, [m.span("mark") for m in _ELSE.finditer(masked)], options)
        if not found:
            free = [m for m in _FREE.finditer(masked) if not is_word(masked, *m.span())]
            spans = [m.span() for m in free if not texts or m[0].isalpha()]
            found = self._marks(masked, spans, options)
        if not found:
            return tuple(dict.fromkeys(texts))
        if any(_says_else(masked, end, options[place].text) for place, (_, end) in found.items()):
            return ()
        both = [*found, *(text for mark, text in _beside(masked, found) if text != mark)]
        return tuple(dict.fromkeys(both))

    def _marks(
        self, masked: str, spans: Sequence[tuple[int, int]], options: Sequence[Option]
    ) -> dict[int, tuple[int, int]]:
        """The options whose marks stand at some places, each with the first of these."""
        found = dict[int, tuple[int, int]]()
        for start, end in spans:
            counted = masked[end : end + 2].strip().startswith("번")
            place = self._place(masked[start:end], options, loose=counted)
            after, before = _AFTER.match(masked, end), _BEFORE.search(masked[:start])
            whole = before.start(1) if before else start, after.end(1) if after else end
            denied = is_denied(masked, start, end) or is_denied(masked, *whole)
            if place is not None and not denied:
                found.setdefault(place, (start, end))
        return found


def _span(match: re.Match[str]) -> tuple[int, int]:
    name = next(name for name, text in match.groupdict().items() if text is not None)
    return match.span(name)


def _beside(masked: str, found: dict[int, tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The texts that stand right after or before a mark, as a person puts one beside the other."""
    for place, (start, end) in found.items():
        after, before = _AFTER.match(masked, end), _BEFORE.search(masked[:start])
        also = _ALSO.match(masked, after.end(1)) if after else None
        for match in (after, before, also):
            if match:
                yield place, ord(match[1]) - _TEXT


def _says_else(masked: str, end: int, text: str) -> bool:
    """Whether a mark is followed by a name or number that is no option, as in "C) Lisbon"."""
    said = _NAME.match(masked, end)
    if said is None or not _NAME_ONLY.fullmatch(text.strip()) or _ASSENT.match(said[1]):
        return False
    return not {*said[1].casefold().split()} & {*text.casefold().split()}


@lru_cache(maxsize=4096)
def _pattern(options: tuple[Option, ...]) -> re.Pattern[str]:
    """The search for the texts of options, but for those that could be marks."""
    numbered = options[0].mark.isdigit()
    texts = tuple("\0" if _may_be_mark(o.key, numbered=numbered) else o.key for o in options)
    return label_pattern(texts, ignore_case=True)


def _may_be_mark(text: str, *, numbered: bool) -> bool:
    return len(text) < 2 and (numbered or not text.isdecimal())


def _masked(part: str, options: tuple[Option, ...]) -> str:
    """Put a sign for the text of each option, with the article before it."""
    masked = _pattern(options).sub(lambda m: chr(_TEXT + int((m.lastgroup or "l0")[1:])), part)
    return _BEFORE_TEXT.sub("", masked)


def _marked_parts(text: str, options: tuple[Option, ...]) -> Iterator[str]:
    yield from marked(text)
    lines = [line for line in text.splitlines() if line.strip()]
    bold = re.findall(r"\*\*([^*\n]{1,200})\*\*", text)
    for some in ([*lines[:1], *lines[-1:]], bold):
        yield "\n".join(line for line in some if _is_bare(line, options))


def _is_bare(line: str, options: tuple[Option, ...]) -> bool:
    """Whether a line is nothing but an option, by its mark, its text, or both."""
    rest = re.sub(rf"^\W*{MARK}(?:[.):\]]|\s?번|\W*$)", "", _masked(line, options))
    return len(rest) < len(line) and not re.search(r"[^\W_]", re.sub(_SIGN, "", rest))


def _show(options: Sequence[Option], place: int) -> str:
    option = options[place]
    point = "" if option.mark in ORDERS[1] else "."
    return quote(f"{option.mark}{point} {plain(option.text, ignore_case=False)}", 60)


def _no_options(fields: Sequence[str]) -> str:
    if fields:
        return f"The input fields {', '.join(map(quote, fields))} hold no two options."
    return (
        "The input holds no options: write them into it, each after its letter (A. …), or name "
        "the input fields that hold them: scorer: {name: multiple_choice, options: [a, b, c, d]}."
    )
