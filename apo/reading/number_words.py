"""Numbers in words as digits: twelve, two and a half million, dreiundzwanzig, 이만 오천."""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import cast

from apo.patterns import late_pattern

LONGEST = 5_000
"""Characters of a text whose words are read."""
LANGUAGES = ("en", "de", "fr")
"""What text2num reads; Korean is read here."""

_SAID_OTHERWISE = tuple(
    (late_pattern(words, re.IGNORECASE), said)
    for words, said in (
        (r"\b(?:and a half|and one half)\b", "point five"),
        (r"\bhalf a (?=million|billion|thousand|hundred)", "zero point five "),
        (r"\banderthalb", "eins Komma fünf "),
        (r"(?<=[a-zäöüß])einhalb", " Komma fünf "),
        (r"\bet demie?\b", "virgule cinq"),
        (r"\ba dozen\b", "twelve"),
        (r"\bf(?=uenf)ue", "fü"),
        (r"\bzwoelf", "zwölf"),
    )
)
"""What text2num does not read, in words that it does."""
_SCALED = late_pattern(r"(\d+[.,]\d+) {1,2}(1000(?:000)*|100)\b")
_PARTS = {
    **dict.fromkeys(("half", "halves", "demi", "demis"), 2),
    **dict.fromkeys(("third", "thirds", "3rd", "3rds", "drittel", "tiers"), 3),
    **dict.fromkeys(("quarter", "quarters", "4ths", "viertel", "quart", "quarts"), 4),
    **dict.fromkeys(("fifths", "5ths", "fünftel", "cinquièmes", "5èmes"), 5),
    **{f"{n}ths": n for n in range(6, 13)},
}
_PART = late_pattern(rf"(?<![\d.,])(\d+)[ -]({'|'.join(_PARTS)})\b", re.IGNORECASE)
_SIDE_BY_SIDE = late_pattern(r"(?<![\d.,])\d+(?:[ -]\d+)+(?![\d.,]*\d)")
_LONE_ONE = late_pattern(r"(?<![\d.,/])1(?![\d.,]*\d|/)")


def in_digits(text: str) -> str:
    """Give a text without digits with its numbers in words in digits; others as they are.

    Read are English, German, French and Korean. Fractions are written 3/4, and what is no one
    number, such as "one four seven", as "…". "One" and articles count only where no other word
    stands with them.
    """
    if len(text) > LONGEST or re.search(r"\d", text):
        return text
    alone = text.strip()
    if alone in _SINO:
        return str(_SINO[alone])
    text = _HANGUL.sub(lambda match: str(_hangul(match[1])), text)
    text = _NATIVE.sub(lambda match: str(_TENS_OF[match[1]] + _ONES[match[2]]), text)
    for words, said in _SAID_OTHERWISE:
        text = words.sub(said, text)
    return min((_read(text, language) for language in LANGUAGES), key=_letters)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _read(text: str, language: str) -> str:
    import text_to_num  # type: ignore[import-untyped]  # no types

    converted = cast("Callable[..., str]", text_to_num.alpha2digit)
    text = converted(text, language, threshold=0)
    text = _SCALED.sub(_product, text)
    text = _PART.sub(_quotient, text)
    text = _SIDE_BY_SIDE.sub(_year, text)
    alone = not re.search(r"[^\W\d_]", text)
    return text if alone else _LONE_ONE.sub("…", text)


def _product(match: re.Match[str]) -> str:
    return str(Fraction(match[1].replace(",", ".")) * int(match[2]))


def _quotient(match: re.Match[str]) -> str:
    return f"{match[1]}/{_PARTS[match[2].casefold()]}"


def _year(match: re.Match[str]) -> str:
    """Nineteen ninety as 1990; other numbers side by side as none."""
    century, year, *more = map(int, re.split("[ -]", match[0]))
    return str(century * 100 + year) if not more and 10 < century <= 20 <= year + 10 < 110 else "…"


_SINO = {sign: digit for digit, sign in enumerate("영일이삼사오육칠팔구")}
_TENS, _MYRIADS = {"십": 10, "백": 100, "천": 1000}, {"만": 10**4, "억": 10**8, "조": 10**12}
_HANGUL = late_pattern(
    r"(?<![\w가-힣])((?=[일이삼사오육칠팔구]*[십백천만억조])[일이삼사오육칠팔구십백천만억조]+"
    r"(?: [일이삼사오육칠팔구십백천만억조]+)*|[영일이삼사오육칠팔구](?=\s?(?:원|점|퍼센트|프로)))"
    r"(?=\s?(?:원|명|개|점|달러|유로|엔|루피|퍼센트|프로|킬로|미터|권|살|세|시간|분|입니다|이다|이에요|예요)"
    r"|[^\w가-힣]*$)"
)
"""Sino-Korean numbers before what is counted, or at the end: alone, 이사 and 만일 are words."""

_TENS_OF = {"열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60,
            "일흔": 70, "여든": 80, "아흔": 90, None: 0}  # fmt: skip
_ONES = {"하나": 1, "둘": 2, "셋": 3, "넷": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8,
         "아홉": 9, "한": 1, "두": 2, "세": 3, "네": 4, None: 0}  # fmt: skip
_NATIVE = late_pattern(
    rf"(?<![\w가-힣])(?=[가-힣])({'|'.join(filter(None, _TENS_OF))})?"
    rf"({'|'.join(filter(None, _ONES))})?(?<=[가-힣])"
    r"(?:(?=\s?(?:개|명|권|마리|시간|살|대|가지|잔|점|장|병|그루))"
    r"|(?<![한두세네])(?=입니다|이다|이에요|예요|[^\w가-힣]*$))"
)
"""Korean numbers up to 99 before what is counted, or at the end."""


def _hangul(words: str) -> int:
    total = section = digit = 0
    for sign in words.replace(" ", ""):
        if sign in _MYRIADS:
            total += (section + digit or 1) * _MYRIADS[sign]
            section = digit = 0
        elif sign in _TENS:
            section, digit = section + (digit or 1) * _TENS[sign], 0
        else:
            digit = _SINO[sign]
    return total + section + digit
