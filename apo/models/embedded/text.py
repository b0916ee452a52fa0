"""Words and stems of English and Korean text: all that the embedded model knows of language."""

import re
from functools import lru_cache

WORD = re.compile(
    r"[가-힣]+|[ㄱ-ㅣ]+|[^\W\d_가-힣ㄱ-ㅣ]+(?:['’][^\W\d_]+)?|\d+(?:[.,]\d+)*|[!?]|\.\.+|…"
    r"|[\U0001F300-\U0001FAFF]"
)
TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")
_SENTENCE = re.compile(r"(?<=[.!?。])[\"'”’)]*\s+|\n+|(?<=[가-힣][.!?])(?=[가-힣])")
_LETTER = re.compile(r"[^\W\d_]")
_HANGUL = re.compile(r"[가-힣ㄱ-ㅣ]")
_SUFFIXES = (
    *("ations", "ation", "ments", "ment", "ings", "ing", "ied", "ies", "ions", "ion"),
    *("ers", "er", "ed", "es", "ly", "s", "e", "y"),
)


def listed(text: str) -> list[str]:
    """Split a list of words that is written as text, so that it reads well in code."""
    return text.split()


FUNCTION_WORDS = frozenset(
    listed(
        """
        a an the i you he she it we they me him her us them my your his its our their mine yours
        this that these those is am are was were be been being do does did done doing have has
        had having will would can could should shall may might must ll ve re d m s t don doesn
        didn isn wasn aren weren haven hasn hadn won wouldn couldn shouldn im ive to of in on at
        by for with from into about as and or but if so than then there here what which who whom
        whose when where why how all any some each every both more most much many very just also
        too only own same up out off over again now else while after before since because until
        through between such other another per via let lets get got
        그 이 저 것 수 등 및 또 더 잘 그리고 그런데
        하지만 그래서 또는 이런 그런 저런 나 제 저는 나는
        """
    )
)
"""Closed-class words, which say nothing about what a text is about."""

NEGATIONS = frozenset(
    listed("not no never cannot without nor none 안 못 don doesn didn isn wasn won")
)
_NUMBER_WORDS = frozenset({"digits", "숫자"})
_KOREAN_PARTICLES = frozenset("은는이가을를에의도로와과만요")


def words(text: str) -> list[str]:
    """Split a text into its words, numbers, emoji and marks such as "?", in order."""
    return WORD.findall(text)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Bring the forms of a word together.

    English loses its common endings. A Korean eojeol keeps its first two syllables, or one when the
    second is a particle: endings and particles follow, so the front says what it is about. All
    numbers are "#", as is the word "digits"; a run of the same mark or jamo counts as one.
    """
    if word[0].isdigit() or word in _NUMBER_WORDS:
        return "#"
    if _HANGUL.match(word):
        if word[0] < "가":
            return word[0]
        return word[0] if len(word) == 2 and word[1] in _KOREAN_PARTICLES else word[:2]
    if word.startswith((".", "…")):
        return "…"
    word = re.split("['’]", word.lower())[0] or word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def is_function_word(word: str) -> bool:
    """Whether a word belongs to the closed classes of its language."""
    return re.split("['’]", word.lower())[0] in FUNCTION_WORDS


def stems(text: str) -> list[str]:
    """Stems of the words of a text that can say what it is about, in order."""
    return [stem(word) for word in words(text) if not is_function_word(word)]


def sentences(text: str) -> list[str]:
    """Split a text at sentence ends and line ends."""
    return [part.strip() for part in _SENTENCE.split(text) if part and part.strip()]


def mostly_korean(text: str) -> bool:
    """Whether Korean letters are at least four in ten; a syllable carries more than a letter."""
    return len(_HANGUL.findall(text)) >= 0.4 * max(1, len(_LETTER.findall(text)))


def mentions(text: str, term: str) -> bool:
    """Whether a text names a term as a whole word, which may carry a Korean particle."""
    if not term or term.lower() not in text.lower():
        return False
    start = r"(?<!\w)" if term[0].isalnum() else ""
    end = r"(?![^\W가-힣])" if term[-1].isalnum() else ""
    return re.search(f"{start}{re.escape(term)}{end}", text, re.IGNORECASE) is not None
