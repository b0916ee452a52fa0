"""The prompt contract of a task: what every prompt must keep, and must not say."""

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from apo.errors import TaskError
from apo.patterns import late_pattern
from apo.prompts.folding import WIDE, worth
from apo.prompts.prompt import Prompt

MIN_SHARE = 0.5
"""Of the letters of an instruction, by what they are worth, in the language that is asked for."""
PATTERN_SECONDS = 1.0
KEEP = "The instruction must hold each of these passages, word for word:"
KEEP_KO = "지시문에는 다음 문구가 글자 그대로 모두 들어 있어야 합니다."
TOKENS_OF_WIDE = 1.5
_HANGUL = late_pattern("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_LATIN = late_pattern("[A-Za-z\u00c0-\u024f]")


@dataclass(frozen=True, kw_only=True)
class Rules:
    r"""What every prompt of a task must keep to; a candidate that does not is refused.

    Attributes:
        frozen: passages that must stand, word for word, in the instruction, the context, the user
            turn or the cue. Blanks and line breaks do not count.
        forbidden: what must not stand anywhere in the prompt: texts, in any case, or regular
            expressions between slashes, such as "/\d{6}-\d{7}/".
        max_tokens: the most tokens of the whole prompt without its input, as `estimated_tokens`
            counts them; None for no limit.
        language: "ko" or "en", of the instruction; "" for any.
    """

    frozen: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    max_tokens: int | None = None
    language: Literal["", "en", "ko"] = ""

    def __post_init__(self) -> None:
        for text in self.forbidden:
            if _is_pattern(text):
                _check_pattern(text[1:-1])

    def told(self, prompt: Prompt, *, korean: bool) -> str:
        """What who writes an instruction must know of the rules; "" where there is nothing.

        Args:
            prompt: whose other parts may hold frozen passages already.
            korean: the language to say it in.
        """
        parts = [_folded(part) for part in (prompt.context, prompt.template, prompt.cue)]
        others = [step for name, step in prompt.steps.items() if name != prompt.focus]
        parts += [_folded(part) for step in others for part in (step.instruction, step.template)]
        kept = [text for text in self.frozen if not any(_folded(text) in part for part in parts)]
        says = {False: KEEP, True: KEEP_KO}[korean]
        return "\n".join([says, *(f"<keep>\n{text}\n</keep>" for text in kept)]) if kept else ""

    def broken(self, prompt: Prompt) -> str:
        """Say which rule a prompt breaks, and what it would take; "" when it keeps all."""
        text, instructions = prompt.text(), [step.instruction for step in prompt.steps.values()]
        return (
            self._lost(prompt)
            or next(filter(None, (_said(item, text) for item in self.forbidden)), "")
            or self._too_long(text)
            or next((why for text in instructions if (why := self._foreign(text))), "")
        )

    def _lost(self, prompt: Prompt) -> str:
        there = [
            _folded(part)
            for step in prompt.steps.values()
            for part in (step.instruction, step.context, step.template, step.cue)
        ]
        for passage in self.frozen:
            if not any(_folded(passage) in part for part in there):
                return f"the frozen passage {_cut(passage)} is gone; it must stay word for word"
        return ""

    def _too_long(self, text: str) -> str:
        n, limit = estimated_tokens(text), self.max_tokens
        if limit is None or n <= limit:
            return ""
        return f"the prompt has about {n} tokens, over the contract's limit of {limit}"

    def _foreign(self, instruction: str) -> str:
        hangul = worth("".join(_HANGUL.findall(instruction)))
        latin = float(len(_LATIN.findall(instruction)))
        asked = {"ko": hangul, "en": latin}.get(self.language)
        if asked is None or hangul + latin == 0 or asked >= MIN_SHARE * (hangul + latin):
            return ""
        name = {"ko": "Korean", "en": "English"}[self.language]
        share = asked / (hangul + latin)
        return f"the instruction is not in {name}: {share:.0%} of it are {name} letters"


def require_kept(rules: Rules, prompts: tuple[Prompt, ...], where: str) -> None:
    """Make sure that the seed prompts keep the contract themselves.

    Raises:
        TaskError: one does not; the text says which rule it breaks.
    """
    for prompt in prompts:
        broken = rules.broken(prompt)
        if broken:
            raise TaskError(
                f"{where}: the seed prompt breaks the task's own contract: {broken}. No candidate "
                "could be better. Change the seed prompt, or the contract."
            )


def estimated_tokens(text: str) -> int:
    """Estimate how many tokens a text has, without a tokenizer, rather too many than too few.

    A word of an alphabet has a token for each four letters begun, a number one for each three
    digits, a sign one, and a Korean, Japanese or Chinese character 1.5. On the built-in tasks that
    is 4 to 30 % above what the vocabulary cl100k_base counts; newer ones need fewer for Korean.
    """
    words = re.findall(r"[^\W\d_]+|\d+", text)
    total = math.ceil(TOKENS_OF_WIDE * len(WIDE.findall(text)))
    total += len(re.findall(r"[^\w\s]|_", text))
    for word in words:
        size = len(WIDE.sub("", word))
        total += math.ceil(size / (3 if word[0].isdigit() else 4))
    return total


def _said(item: str, text: str) -> str:
    if not _is_pattern(item):
        found = _folded(item).casefold() in _folded(text).casefold()
        return f"the prompt says {_cut(item)}, which the contract forbids" if found else ""
    try:
        match = _compiled(item[1:-1]).search(_nfc(text), timeout=PATTERN_SECONDS)
    except TimeoutError:
        return f"the forbidden pattern {item} found no end on it in {PATTERN_SECONDS:g} s"
    if match is None:
        return ""
    return f"the prompt says {_cut(match[0])}, which the contract forbids by {item}"


def _is_pattern(text: str) -> bool:
    return len(text) > 2 and text.startswith("/") and text.endswith("/")


def _check_pattern(pattern: str) -> None:
    import regex  # type: ignore[import-untyped]  # has no types

    try:
        _compiled(pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        raise TaskError(
            f"contract.forbidden: /{pattern:.200}/ is no regular expression: {error}. To forbid "
            "signs such as ( as they are: \\(."
        ) from error


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import regex  # Gives up in time on patterns that take for ever, as `re` does not.

    return regex.compile(_nfc(pattern), regex.VERSION0)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    return " ".join(_nfc(text).split())


def _cut(text: str) -> str:
    line = _folded(text)
    return f"'{line[:79]}…'" if len(line) > 80 else f"'{line}'"
