"""The scorer `regex`: whether an answer matches a regular expression."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from apo.errors import TaskError
from apo.reading.answers import quote
from apo.task import Example, Score


@dataclass(frozen=True, kw_only=True)
class Regex:
    r"""The answer must match a regular expression, in the language of Python's `re`.

    With a pattern in the settings it is the form of the answer that is judged: what does not
    match is not well formed. Without one, each target is a pattern, or the answer to the letter.
    Some patterns, such as (a|a)*b, take practically for ever on some texts; the package regex
    gives up in time, and the answer counts as not well formed.

    Attributes:
        pattern: what to find; empty to take each target as a pattern.
        whole: the pattern must match the whole answer, apart from white space at the ends, and
            not only a part of it.
        absent: the pattern must not match, for what must not be said; needs a pattern.
        ignore_case: upper and lower case are the same. Other flags stand in the pattern: (?s).
        seconds: how long a match may take, above 0, at most 60.
    """

    pattern: str = ""
    whole: bool = False
    absent: bool = False
    ignore_case: bool = False
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 60:
            raise TaskError(
                f"regex.seconds is {self.seconds}; it must be a number above 0, at most 60."
            )
        if self.absent and not self.pattern:
            raise TaskError("regex.absent needs a pattern: what the answer must not say.")
        wrong = self._wrong_pattern(self.pattern)
        if wrong:
            raise TaskError(f"regex.pattern is {self.pattern!r:.200}, {wrong}")

    def __call__(self, output: str, example: Example) -> Score:
        """Score 1 when a pattern matches."""
        if self.pattern:
            return self._judge_form(output)
        wanted = f"Expected a match of {quote(example.target)}"
        score = Score(0.0, bool(output.strip()), f"{wanted}, the answer said {quote(output)}.")
        for target in example.targets:
            wrong = self._wrong_pattern(target)
            if wrong:
                return Score(0.0, True, f"The target {quote(target)} is {wrong}")
            try:
                if output == target or self._matches(target, output):
                    return Score(1.0)
            except TimeoutError:
                score = self._too_long(target)
        return score

    def _judge_form(self, output: str) -> Score:
        try:
            matches = self._matches(self.pattern, output)
        except TimeoutError:
            return self._too_long(self.pattern)
        if matches != self.absent:
            return Score(1.0)
        must = "must not" if self.absent else "must, as a whole," if self.whole else "must"
        feedback = f"The answer {must} match the pattern {quote(self.pattern)}"
        return Score(0.0, False, f"{feedback}; it said {quote(output)}.")

    def _matches(self, pattern: str, output: str) -> bool:
        made = _compiled(pattern, self.ignore_case)
        text = unicodedata.normalize("NFC", output)
        if self.whole:
            return made.fullmatch(text.strip(), timeout=self.seconds) is not None
        return made.search(text, timeout=self.seconds) is not None

    def _too_long(self, pattern: str) -> Score:
        text = f"The pattern {quote(pattern)} found no end on this answer in {self.seconds:g} s."
        return Score(0.0, False, text)

    def _wrong_pattern(self, pattern: str) -> str:
        import regex  # type: ignore[import-untyped]  # has no types

        try:
            _compiled(pattern, self.ignore_case)
        except (regex.error, RecursionError, OverflowError) as error:
            return f"no regular expression: {error}. To find signs such as ( as they are: \\(."
        return ""


@lru_cache(maxsize=4096)
def _compiled(pattern: str, ignore_case: bool) -> Any:
    import regex

    text = unicodedata.normalize("NFC", pattern)
    return regex.compile(text, regex.VERSION0 | (regex.IGNORECASE if ignore_case else 0))
