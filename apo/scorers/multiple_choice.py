"""The scorer `multiple_choice`: one of the options that stand in each row."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apo.errors import TaskError
from apo.reading.answers import concluded, marked, one_form, plain, quote, unstruck
from apo.reading.named import AROUND
from apo.reading.number_words import in_digits
from apo.reading.option_lines import ORDERS, Option, options_in, options_of, place_of, text_key
from apo.reading.option_marks import (
    LONE,
    Span,
    beside,
    free_marks,
    is_mark_denied,
    is_only_option,
    marks_set_off,
    marks_taken_back,
    masked,
    says_else,
    text_before,
    texts_in,
)
from apo.reading.option_reasons import asks_for_not, without_denied, without_reasons
from apo.reading.option_words import options_alike
from apo.reading.run_on import first_turn
from apo.task import Example, Score


@dataclass(frozen=True, kw_only=True)
class MultipleChoice:
    """The answer must name one of the row's options, the right one: by mark, text, or both.

    "B", "(B)", "B.", "Answer: B", the option's text and "B. A mammal" name option B; where mark and
    text are of two options the answer is not well formed. The article of "A mammal" is no mark.
    Options may be marked A, 1, ①, ㄱ or 가; 3번 and ③ are the third in any case. As with `choice`,
    a marked part comes before a first or last line that is only an option, bold text that is, and
    the conclusion ("so it is C") and the whole answer; two options there are none. Where nothing is
    named, so is the option of which the answer has the words with other endings, or the last name.
    A target is a mark, a text, both, or a number.

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
        said = first_turn(output, example.inputs)
        if not asks_for_not("\n".join(example.inputs.values())):
            said = without_denied(said, options)
        found = self.find(said, options)
        if len(found) == 1 and found[0] in wanted:
            return Score(1.0)
        if not found:
            return Score(0.0, False, f"Expected {expected}, the answer names no option.")
        named = " and ".join(_show(options, place) for place in found[:5])
        if len(found) > 1:
            return Score(0.0, False, f"Expected only {expected}, the answer names {named}.")
        return Score(0.0, True, f"Expected {expected}, the answer said {named}.")

    def places(self, example: Example) -> frozenset[int]:
        """Give the places of the right options, from 0."""
        options = self.options_of(example)
        if len(options) < 2:
            return frozenset()
        read = [self._target(target, options) for target in example.targets]
        return frozenset(found[0] for found in read if len(found) == 1)

    def options_of(self, example: Example) -> tuple[Option, ...]:
        """Give the options of an example; () where it has none."""
        if self.options:
            return options_of(example.inputs.get(name, "") for name in self.options)
        return options_in("\n".join(example.inputs.values()))

    def find(self, output: str, options: tuple[Option, ...]) -> tuple[int, ...]:
        """Give the places of the options that an answer names: one when it is well formed."""
        whole = self._whole(output, options) if options else ()
        if whole or not options:
            return whole
        text = unstruck(one_form(output))
        if all(option.text.strip().isdecimal() for option in options):
            text = in_digits(text)
        for part in _marked_parts(text, options):
            found = self._whole(part, options) or self._named(part, options)
            if found:
                return self._with_what_follows(text, part, found, options)
        for part in concluded(text):
            found = self._named(part, options)
            if found:  # Rome, so C: they must be of one option.
                before = text_before(masked(text.removesuffix(part), options))
                return tuple(dict.fromkeys((*found, *before)))
        return self._named(text, options)

    def _target(self, target: str, options: tuple[Option, ...]) -> tuple[int, ...]:
        return self._whole(target, options) or self._named(one_form(target), options)

    def _whole(self, text: str, options: tuple[Option, ...]) -> tuple[int, ...]:
        """A text that is a mark, or the text of an option, and nothing else."""
        lone = LONE.fullmatch(text)
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
        whole = masked(part, options)
        text = without_reasons(whole)
        texts, set_off = texts_in(text), marks_set_off(text)
        found = self._marks(text, set_off, options)
        if any(self._is_beyond(text[start:end], options) for start, end in set_off[:1]):
            return ()
        if found:
            found |= self._marks(text, marks_taken_back(text), options)
        else:
            found = self._marks(text, free_marks(text, letters=bool(texts)), options)
        if not found:
            return tuple(dict.fromkeys((*texts, *options_alike(part, options))))
        if any(says_else(text, end, options[place].text) for place, (_, end) in found.items()):
            return ()
        keys = {options[place].key for place in found}
        others = [place for place in beside(whole, found) if options[place].key not in keys]
        return tuple(dict.fromkeys((*found, *others)))

    def _with_what_follows(
        self, text: str, part: str, found: tuple[int, ...], options: tuple[Option, ...]
    ) -> tuple[int, ...]:
        """What a part names, and the other option that stands after it: "Answer: D. Berlin"."""
        said = part.strip().partition("\n")[0]
        start = text.rfind(said) if "{" not in text else -1
        lone = LONE.fullmatch(said)
        if start < 0 or lone is None or len(found) != 1:
            return found
        hidden = masked(text[start:], options)
        span, lone_key = lone.span("mark"), options[found[0]].key
        if says_else(hidden, span[1], options[found[0]].text):
            return ()
        further = self._marks(hidden, marks_taken_back(hidden), options)
        other = [p for p in beside(hidden, {found[0]: span}) if options[p].key != lone_key]
        return tuple(dict.fromkeys((*found, *other, *further)))

    def _is_beyond(self, mark: str, options: Sequence[Option]) -> bool:
        """Whether a mark is a letter after the last option's, such as the E of four."""
        kind, place = place_of(mark)
        is_letter = kind == 0 == place_of(options[0].mark)[0] and mark.upper() not in "IVXY"
        return is_letter and place >= len(options)

    def _marks(
        self, text: str, spans: Sequence[Span], options: Sequence[Option]
    ) -> dict[int, Span]:
        """The options whose marks stand at some places, each with the first of these."""
        found, denied = dict[int, Span](), set[int]()
        seen = set[tuple[str, str]]()
        for start, end in spans:
            around = text[max(0, start - AROUND) : start], text[start : end + AROUND]
            if around in seen:  # One word that is repeated to the token limit.
                continue
            seen.add(around)
            counted = text[end : end + 2].strip().startswith("번")
            place = self._place(text[start:end], options, loose=counted)
            if place is None:
                continue
            if is_mark_denied(text, start, end):
                denied.add(place)
            else:
                found.setdefault(place, (start, end))
        return {place: span for place, span in found.items() if place not in denied}


def _marked_parts(text: str, options: tuple[Option, ...]) -> Iterator[str]:
    yield from marked(text)
    lines = [line for line in text.splitlines() if line.strip()]
    bold = re.findall(r"\*\*([^*\n]{1,200})\*\*", text)
    for some in ([*lines[:1], *lines[-1:]], bold):
        yield "\n".join(line for line in some if is_only_option(line, options))


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
