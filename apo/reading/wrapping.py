"""What writers wrap a text in once more: code fences, quotation marks, and words to the reader."""

import re

from apo.patterns import late_pattern

MAX_LAYERS = 4
_FENCED = late_pattern(
    r"(?P<mark>`{3,9}|~{3,9})[^\n`~]*\n(?P<text>.*?)\n?[ \t]{0,9}(?P=mark)", re.DOTALL
)
_HALF_FENCED = late_pattern(
    r"(?:`{3,9}|~{3,9})[^\n`~]*(?:\n|\Z)|(?:\n|\A)[ \t]{0,9}(?:`{3,9}|~{3,9})\Z"
)
"""The line that opens a fence at the beginning, or closes one at the end."""
_QUOTES = {
    '"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "„": "“", "«": "»", "「": "」", "『": "』",
    "**": "**",
}  # fmt: skip
_NEW = (
    "new|improved|revised|updated|final|better|rewritten|reworded|rephrased|optimi[sz]ed|refined|"
    "mutated|merged|combined|enhanced|modified|corrected|complete|shorter|clearer"
)
_NOUN = "prompt|instructions?|version|variation|variant|rewrite"
_POLITE = r"(?:(?:sure|certainly|of course|absolutely|okay|ok|got it|great)\b[!,.: ]{0,3}\s{0,9})?"
_TAIL = r"(?:[^\S\n]+(?:for you|that|which|with|based on|as requested)\b[^\n:]{0,80})?"
_MARKS = r"[*_#\s]*"
_PREAMBLE = late_pattern(
    rf"{_MARKS}{_POLITE}(?:"
    rf"here(?:['’]s|\s+is|\s+are)\s+(?:the|my|a|an|your|our)\s+"
    rf"(?:(?:[\w-]+[^\S\n]+){{0,3}}(?:{_NEW})[^\S\n]+(?:[\w-]+[^\S\n]+){{0,3}})?(?:{_NOUN}){_TAIL}"
    rf"|(?:(?:the|my)\s+)?(?:{_NEW})[^\S\n]+(?:[\w-]+[^\S\n]+){{0,2}}(?:{_NOUN})"
    rf")[*_]*:{_MARKS}(?=\S)",
    re.IGNORECASE,
)
_NEW_KO = r"(?:개선|수정|새로|새|최종|향상|변형|다듬|고친|바꾼|합친|보완|다시\s*쓴|최적화)"
_NOUN_KO = r"(?:지시문|프롬프트|지침|명령문)"
_PREAMBLE_KO = late_pattern(
    rf"{_MARKS}(?:(?:네|예|물론(?:입니다|이죠)?|알겠습니다|좋습니다)[,.! ]{1, 3}\s{0, 9})?(?:"
    rf"(?:다음은|아래는|여기)[^\S\n]+(?:[^\n:：.]{{0,30}}?{_NEW_KO}[^\n:：.]{{0,20}}?)?{_NOUN_KO}"
    rf"(?:입니다|이에요|예요)"
    rf"|{_NEW_KO}[^\n:：.]{{0,8}}?[^\S\n]+{_NOUN_KO}(?:입니다)?(?=[*_\s]*[:：])"
    rf")[*_]*[^\S\n]*[.:：]{_MARKS}(?=\S)"
)


def unwrapped(text: str) -> str:
    """Take off what stands around the whole of a text and is no part of it.

    A fence, a pair of quotation marks or a preamble goes only where all the rest stands in it or
    after it: `"yes" or "no"` stays as it is. So does one end of a fence whose other end is missing.
    """
    for _ in range(MAX_LAYERS):
        text = text.strip()
        fenced = _FENCED.fullmatch(text)
        if fenced and fenced["mark"] not in fenced["text"]:
            text = fenced["text"]
        elif text.count("```") + text.count("~~~") == 1:  # What closed or opened it was cut off.
            text = _HALF_FENCED.sub("", text)
        if preamble := _PREAMBLE.match(text) or _PREAMBLE_KO.match(text):
            text = text[preamble.end() :]
        text = _unquoted(text.strip()).strip()
    return text


def _unquoted(text: str) -> str:
    for opening, closing in _QUOTES.items():
        inner = text[len(opening) : -len(closing)]
        if not (text.startswith(opening) and text.endswith(closing) and inner.strip()):
            continue
        if len(text) < len(opening) + len(closing) + 1 or inner.strip(opening) != inner:
            continue
        if _whole(inner, opening, closing):
            return inner
    return text


def _whole(inner: str, opening: str, closing: str) -> bool:
    """Whether the marks around a text are one pair, and not the first and the last of several."""
    if opening != closing:
        depth = 0
        for sign in inner:
            depth += (sign == opening) - (sign == closing)
            if depth < 0:
                return False
        return True
    if opening in ("`", "**"):
        return opening not in inner
    marks = [m for m in re.finditer(re.escape(opening), inner) if not _apostrophe(inner, m.start())]
    # The first mark inside opens another quotation, or else it closes the one around the text.
    return not marks or inner[: marks[0].start()][-1:].isspace()


def _apostrophe(text: str, place: int) -> bool:
    return text[place] == "'" and text[place - 1 : place].isalpha()
