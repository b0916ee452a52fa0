"""Korean particles that depend on the sound before them: 을(를), 이(가), 은(는), 과(와), (으)로."""

import re

PAIRS = {
    "을(를)": ("을", "를"),
    "이(가)": ("이", "가"),
    "은(는)": ("은", "는"),
    "과(와)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "(이)": ("이", ""),
}
"""What a translation writes: the form after a consonant, and the one after a vowel."""
_MARK = "\ue000"  # Private use: what data hold is never taken for a particle of a message.
_FORMS = "|".join(map(re.escape, PAIRS))
_WRITTEN, _OPEN = re.compile(rf"(?={_FORMS})"), re.compile(rf"(\S*?){_MARK}({_FORMS})")
_SILENT = re.compile(r"[^0-9A-Za-z가-힣%]+$")
# The last letters of a word, or the last digit, as Korean speakers read them aloud.
_CONSONANTS = {"0": "ㅇ", "1": "ㄹ", "3": "ㅁ", "6": "ㄱ", "7": "ㄹ", "8": "ㄹ"}
_LETTERS = {"l": "ㄹ", "m": "ㅁ", "n": "ㄴ"}
_STOPS = re.compile(r"[aeiou][bkp]$", re.IGNORECASE)  # 북 for book, but 태스크 for task.


def ending(word: str) -> str:
    """The consonant that a word ends in when it is read aloud; "" for a vowel.

    What is not read, such as quotes and brackets at its end, is passed over.
    """
    heard = _SILENT.sub("", word)
    if not heard:
        return ""
    last = heard[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        return "" if not final else "ㄹ" if final == 8 else "ㅇ"
    stopped = "ㄱ" if _STOPS.search(heard) else ""
    return _CONSONANTS.get(last, "") or _LETTERS.get(last.lower(), stopped)


def opened(translation: str) -> str:
    """Mark the particles of a translation, before values come into it."""
    return _WRITTEN.sub(_MARK, translation)


def with_particles(text: str) -> str:
    """Put the particle that fits in the place of each that `opened` marked."""

    def fitting(match: re.Match[str]) -> str:
        word, particle = match.groups()
        heard = ending(word)
        after_consonant, after_vowel = PAIRS[particle]
        closed = heard and not (particle == "(으)로" and heard == "ㄹ")
        return word + (after_consonant if closed else after_vowel)

    return _OPEN.sub(fitting, text)
