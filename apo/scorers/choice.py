"""The scorer `choice`: one of a few labels, found in a chatty answer."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from apo.reading.answers import (
    bare_lines,
    concluded,
    label_pattern,
    marked,
    one_form,
    plain,
    quote,
    unstruck,
)
from apo.reading.denial import YES_AND_NO, opposite
from apo.reading.letters import explicit_letters
from apo.reading.named import named_and_denied, require_different
from apo.reading.number_words import in_digits
from apo.reading.run_on import first_turn
from apo.reading.said_grade import said_grade
from apo.reading.signed_labels import respelled
from apo.reading.stars import starred
from apo.task import Example, Score

_SHARE = re.compile(
    r"(?:(?P<top>\d{1,4})\s?점\s?만점에\s?)(?P<of_top>\d{1,4}(?:[.,]\d)?)|(?P<grade>\d{1,4}(?:[.,]\d{1,4})?)"
    r"\s?(?:점\s?)?(?:/|⁄|out of|of|von|sur|aus)\s?(?P<of>\d{1,4})(?![\d/])",
    re.IGNORECASE,
)
_IN_PART = re.compile(
    r"(?<![^\W_])(?:part(?:ly|ially)|half|sometimes|not (?:entirely|completely|wholly|fully|quite)"
    r"|teilweise|halb|nicht ganz|en partie|partiellement|à moitié|pas (?:tout à fait|entièrement)"
    r"|부분적으로|반만)",
    re.IGNORECASE,
)
_SPELLINGS = {"네": "예", "예": "네", "아니요": "아니오", "아니오": "아니요"}
_NUMBER = re.compile(r"-?\d{1,9}(?:[.,]\d{1,4})?")
_A_HALF = re.compile(r"(?<![\d.,])(\d{1,4})\s?½")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The answer must name exactly one label, the right one. Chatty answers are understood.

    The first of these that names or denies a label decides: the whole answer; what the answer
    marks as such ({"label": "x", "reason": …}, <answer>x</answer>, "Answer: x", "답: x", see
    `answers.marked`); a first or last line that is nothing but a label; such a text in bold; the
    conclusion ("overall it is x", "따라서 x"); the whole text. Where that names two labels, or no
    part names any, the answer is not well formed and scores 0. Where the first line is a label and
    then the prompt's next example starts, as base models run on, that line is the answer. Where yes
    or no is a label, "Yes, there is no doubt." says yes.

    What is struck through (~~x~~) is not said. "Not x" and "non-x" do not name x: they name its
    negation where that is a label, as unsafe is of safe, and else none; "partly true" names
    neither true nor false, and "you might think x" no x. Among single letters,
    "B. A mammal" and "(B)" name B alone. Among numbers, 4, 4.0 and, where 5 is the highest, 4/5
    are the same; 4/10 is then none. Where all labels are rows of stars, so many stars, "3 stars"
    and 3/5 are the label of three.

    Attributes:
        labels: the allowed answers, at least two.
        ignore_case: upper and lower case are the same.
    """

    labels: tuple[str, ...]
    ignore_case: bool = True

    def __post_init__(self) -> None:
        require_different(self.labels, self._key)

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when the only label that the answer names is a target."""
        found = self.find(output, example.inputs)
        label, *others = found or ("",)
        if found and not others and self._is_right(label, example):
            return RIGHT
        expected = quote(example.target)
        if not found:
            known = ", ".join(map(quote, self.labels[:20]))
            return Score(0.0, False, f"Expected {expected}, the answer names none of {known}.")
        if others:
            named = " and ".join(map(quote, found[:5]))
            return Score(0.0, False, f"Expected only {expected}, the answer names {named}.")
        return Score(0.0, True, f"Expected {expected}, the answer said {quote(label)}.")

    def _is_right(self, label: str, example: Example) -> bool:
        return label in example.targets or self._key(label) in map(self._key, example.targets)

    def find(self, output: str, inputs: Iterable[str] = ()) -> tuple[str, ...]:
        """Give the labels that the answer names: exactly one when it is well formed.

        Args:
            output: the answer.
            inputs: the names of the example's inputs, by which a next example is known.
        """
        turn = first_turn(output, inputs)
        if turn != output and any((*marked(turn), *bare_lines(turn, self._pattern))):
            output = turn
        # To most examples of a classification a model gives one of few answers.
        return _found(self, output) if len(output) <= SHORT else self.read(output)

    def read(self, output: str) -> tuple[str, ...]:
        """Do what `find` does, without its memory."""
        text = self._spelled(unstruck(one_form(output)))
        whole = self._by_key.get(self._key(text))
        if whole is not None:
            return (whole,)
        text = respelled(self.labels)(text)
        in_stars = starred(self.labels)
        if in_stars:
            text = in_stars(text)
        if self._half:
            text = self._half.sub("…", text)
        graded: tuple[str, ...] = ()
        if self._highest is not None:
            graded = self._graded(text)
            text = _SHARE.sub(self._grade, in_digits(_A_HALF.sub(r"\1.5", text)))
        found = self._first_named(text)
        return graded if graded and len(found) != 1 else found

    def _first_named(self, text: str) -> tuple[str, ...]:
        """The labels of the first part that names or denies any: see the class."""
        concluding = [part for part in concluded(text) if self._named(part)]
        parts = (*marked(text), *bare_lines(text, self._pattern), *concluding, text)
        for part in parts:
            found = self._named(part)
            if found is not None:
                return tuple(self.labels[place] for place in found)
        return ()

    def _graded(self, text: str) -> tuple[str, ...]:
        """The label that is the grade of a text which says why: "4 - the 2 claims hold"."""
        grades = {_fraction(label): label for label in self.labels}
        grade = said_grade(text, min(grades), max(grades))
        label = grades.get(grade) if grade is not None else None
        return () if label is None else (label,)

    def _spelled(self, text: str) -> str:
        """네 as 예, and 아니요 as 아니오, where only one of the two is a label."""
        for said, label in _SPELLINGS.items():
            if label in self.labels and said not in self.labels:
                text = re.sub(rf"(?<![가-힣]){said}(?![가-힣])", label, text)
        return text

    def _named(self, part: str) -> tuple[int, ...] | None:
        """The places of the labels that a part names; None where it neither names nor denies."""
        if self._letters:
            explicit = [self._letters[x] for x in explicit_letters(part) if x in self._letters]
            if explicit:
                return tuple(explicit)
        lead = self._yes_or_no and self._yes_or_no.match(part)
        if lead:
            part = lead[1]  # The "no" of "Yes, there is no doubt." is none.
        named, denied = named_and_denied(part, self._pattern)
        if not named and not denied:
            return None
        if named:
            return named if not {*named} & {*denied} else ()
        others = {opposite(place, self.labels) for place in denied}
        return tuple(place for place in others if place is not None and len(others) == 1)

    def _grade(self, share: re.Match[str]) -> str:
        """4/5 as 4 where 5 is the highest label, and else nothing that could be one."""
        of = share["of"] or share["top"]
        return share["grade"] or share["of_top"] if int(of) == self._highest else " ? "

    def _key(self, text: str) -> str:
        return _key_of(text, self.ignore_case)

    @cached_property
    def _by_key(self) -> dict[str, str]:
        return {self._key(label): label for label in self.labels}

    @cached_property
    def _letters(self) -> dict[str, int]:
        """The places of the labels by letter, where all of them are single letters."""
        letters = {label.upper(): place for place, label in enumerate(self.labels)}
        single = all(len(label) == 1 and "A" <= label <= "Z" for label in letters)
        return letters if single and len(letters) == len(self.labels) else {}

    @cached_property
    def _yes_or_no(self) -> re.Pattern[str] | None:
        """What starts with yes or no and says why, where these are labels."""
        words = [re.escape(label) for label in self.labels if label.casefold() in YES_AND_NO]
        if not words:
            return None
        return re.compile(
            rf"\W*({'|'.join(words)})(?:\s*[,.:;!–—-]\s|\s(?=because|since|as|weil|da|car)\b)"
            r"\s*(?!(?:but|and|or|aber|und|oder|mais|et|ou)\b)[^\W\d_]+[ ,]",
            re.IGNORECASE,
        )

    @cached_property
    def _half(self) -> re.Pattern[str] | None:
        """Yes or no in part, as in "partly true", which is neither; None where a label says so."""
        words = [re.escape(label) for label in self.labels if label.casefold() in YES_AND_NO]
        if not words or any(map(_IN_PART.search, self.labels)):
            return None
        return re.compile(
            rf"{_IN_PART.pattern}[\s*_\"'“-]+(?:{'|'.join(words)})(?![^\W_가-힣])", re.IGNORECASE
        )

    @cached_property
    def _highest(self) -> Fraction | None:
        """The highest label, where there are three or more and all are numbers."""
        if len(self.labels) < 3 or not all(map(_NUMBER.fullmatch, self.labels)):
            return None
        return max(map(_fraction, self.labels))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return label_pattern(self.labels, ignore_case=self.ignore_case)


@lru_cache(maxsize=4096)
def _found(choice: Choice, output: str) -> tuple[str, ...]:
    return choice.read(output)


def _fraction(label: str) -> Fraction:
    return Fraction(label.strip().replace(",", "."))


@lru_cache(maxsize=4096)
def _key_of(text: str, ignore_case: bool) -> str:
    return plain(one_form(text), ignore_case=ignore_case, strip_punctuation=False)


RIGHT = Score(1.0)
SHORT = 500
"""Characters of an answer that is worth to be remembered."""
