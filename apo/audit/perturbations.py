"""Changes of an input that keep its meaning, and of an instruction's wording.

What the right answer takes from the input word for word stays as it is, as do numbers: the task
must still have the same answer.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from apo.language.catalogue import message
from apo.prompts.fill import VARIABLE
from apo.prompts.prompt import Prompt

_WORD = re.compile(r"[^\W_]+")
_TYPOS = 0.25
"""Share of the words that get a slip."""

# Slips between neighbours on a Korean keyboard, or that sound alike.
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_VOWEL_SLIPS = dict(
    zip("ㅐㅔㅙㅚㅞㅖㅒㅢㅡㅜㅗㅓㅏㅣ", "ㅔㅐㅚㅙㅚㅔㅐㅡㅜㅡㅓㅗㅣㅏ", strict=True)
)
_ENDINGS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_ENDING_SLIPS = dict(zip("ㄲㄳㄵㄶㄺㄻㅀㅄㅆㅊㅎ", "ㄱㄱㄴㄴㄱㅁㄹㅂㅅㅈㅅ", strict=True))


def protected(text: str, target: str) -> frozenset[str]:
    """The words of a text, folded, that the right answer repeats."""
    return frozenset(_words(text) & _words(target))


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


def _each_word(text: str, change: Callable[[str], str], kept: frozenset[str]) -> str:
    def changed(word: re.Match[str]) -> str:
        free = word[0].casefold() not in kept and not re.search(r"\d", word[0])
        return change(word[0]) if free else word[0]

    return _WORD.sub(changed, text)


def _typos(text: str, kept: frozenset[str], rng: Random) -> str:
    def slip(word: str) -> str:
        if rng.random() >= _TYPOS:
            return word
        return _hangul_slip(word, rng) if re.search("[가-힣]", word) else _swap(word, rng)

    return _each_word(text, slip, kept)


def _swap(word: str, rng: Random) -> str:
    """Exchange two neighbouring letters within a word of at least four."""
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _hangul_slip(word: str, rng: Random) -> str:
    """Mistype one syllable: another vowel, or a simpler final consonant (없 → 업, 세 → 새)."""
    at = rng.choice([i for i, sign in enumerate(word) if "가" <= sign <= "힣"])
    first, rest = divmod(ord(word[at]) - 0xAC00, 21 * 28)
    vowel, ending = divmod(rest, 28)
    if _ENDINGS[ending] in _ENDING_SLIPS:
        ending = _ENDINGS.index(_ENDING_SLIPS[_ENDINGS[ending]])
    else:
        vowel = _VOWELS.index(_VOWEL_SLIPS.get(_VOWELS[vowel], _VOWELS[vowel]))
    return word[:at] + chr(0xAC00 + (first * 21 + vowel) * 28 + ending) + word[at + 1 :]


def _spaces(text: str, kept: frozenset[str], rng: Random) -> str:
    """Half of the blanks are doubled, or left out between two Korean words."""
    pieces = re.split(r"(\s+)", text)
    for at in range(1, len(pieces) - 1, 2):
        sides = (pieces[at - 1], pieces[at + 1])
        korean = all(re.search("[가-힣]", side) for side in sides)
        if rng.random() < 0.5:
            pieces[at] = (
                "" if korean and not any(_words(s) & kept for s in sides) else pieces[at] * 2
            )
    return f"  {''.join(pieces)} \n"


def _upper(text: str, kept: frozenset[str], _: Random) -> str:
    return _each_word(text, str.upper, kept)


def _lower(text: str, kept: frozenset[str], _: Random) -> str:
    return _each_word(text, str.lower, kept)


def _punctuation(text: str, _: frozenset[str], rng: Random) -> str:
    """Marks at the end of a sentence are left out, or become several."""
    ends = re.compile(r"(?<=[^\W\d_])[.!?,](?=\s|$)")
    return ends.sub(lambda mark: rng.choice(["", mark[0] * 3]), text)


def _quoted(text: str, _: frozenset[str], rng: Random) -> str:
    before, after = rng.choice([("“", "”"), ("> ", ""), ("```\n", "\n```"), ("- ", "")])
    return f"{before}{text}{after}"


def _full_width(text: str, kept: frozenset[str], _: Random) -> str:
    """Latin letters as wide as Korean ones, as some keyboards type them."""
    wide = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}
    return _each_word(text, lambda word: word.translate(wide), kept)


def _decomposed(text: str, kept: frozenset[str], _: Random) -> str:
    """Syllables and accents taken apart into their signs, as some systems store them."""
    return _each_word(text, lambda word: unicodedata.normalize("NFD", word), kept)


PERTURBATIONS: Mapping[str, Callable[[str, frozenset[str], Random], str]] = {
    message("typos"): _typos,
    message("white space"): _spaces,
    message("capitals"): _upper,
    message("small letters"): _lower,
    message("punctuation"): _punctuation,
    message("quoted"): _quoted,
    message("full width"): _full_width,
    message("decomposed"): _decomposed,
}
"""Changes of a text, by name: functions of the text, the words to keep, and a random stream."""


def _polite(prompt: Prompt, ko: bool) -> Prompt:
    frame = (
        "안녕하세요. 부탁이 있습니다.\n{}\n감사합니다."
        if ko
        else "Hello. I need your help.\n{}\nThank you."
    )
    return prompt.with_instruction(frame.replace("{}", prompt.instruction))


def _lines(prompt: Prompt, _: bool) -> Prompt:
    return prompt.with_instruction(re.sub(r"(?<=[.!?])[ \t]+(?=\S)", "\n", prompt.instruction))


def _one_line(prompt: Prompt, _: bool) -> Prompt:
    return prompt.with_instruction(" ".join(prompt.instruction.split()))


def _fields(prompt: Prompt, _: bool) -> Prompt:
    """Turn the order of the fields around, where each has its own line and no demo shows it."""
    lines = prompt.template.split("\n")
    free = (
        len(lines) > 1
        and not prompt.demos
        and all(len(VARIABLE.findall(line)) == 1 for line in lines)
    )
    return replace(prompt, template="\n".join(reversed(lines))) if free else prompt


REWORDINGS: Mapping[str, Callable[[Prompt, bool], Prompt]] = {
    message("polite frame"): _polite,
    message("a line a sentence"): _lines,
    message("one line"): _one_line,
    message("field order"): _fields,
}
"""Other wordings of a prompt, by name: functions of it and of whether the task is Korean."""
