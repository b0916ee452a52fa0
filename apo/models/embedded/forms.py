"""The form of an answer: read from the instruction, and put around what is answered."""

import json
import re
from dataclasses import replace

from apo.models.embedded.rules import Form
from apo.models.embedded.text import WORD, mostly_korean

_BARE = re.compile(
    r"\bonly\b|\balone\b|nothing else|\bjust the\b|no (?:explanation|other|extra)|without (?:any )?"
    r"(?:explanation|other)|(?:one|single)[ -]word|exactly (?:one of )?(?:the|one)"
    r"|만\s*(?:답|출력|쓰|적|대답|반환|말|써)|만으로|외에는|설명 ?없이|설명하지|다른 말",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"(?:inside|within|between|in|wrapped in|surrounded by)[^.\n]{0,25}<(\w+)>"
    r"|<(\w+)>[^<\n]{0,12}</\2>|<(\w+)> ?(?:태그|안)",
    re.IGNORECASE,
)
_MARKER = re.compile(
    r"(?:after|with|following|behind|begins? with|prefixed? (?:by|with))\s+"
    r"(?:the (?:marker|word|line|prefix)s? )?[\"'“`]([^\"'”`\n]{1,20}:|#{2,})[\"'”`]?"
    r"|(####)|[\"'“`]([^\"'”`\n]{1,20}:)[\"'”`]\s*(?:뒤|다음)에",
    re.IGNORECASE,
)
_JSON_KEY = re.compile(r"\{\s*[\"']([^\"'{}\n]{1,30})[\"']\s*:")


def read_form(instruction: str, keys: tuple[str, ...] = ()) -> Form:
    """Read how the answer is to be written; keys that are extracted make no form of their own."""
    tag, marker = _TAG.search(instruction), _MARKER.search(instruction)
    key = _JSON_KEY.search(instruction)
    upper = re.search(r"upper[- ]?case|capital letters|대문자", instruction, re.IGNORECASE)
    lower = re.search(r"lower[- ]?case|소문자", instruction, re.IGNORECASE)
    return Form(
        bare=bool(_BARE.search(instruction)),
        case="upper" if upper else "lower" if lower else "",
        json_key=key[1] if key and not keys else "",
        tag=next(filter(None, tag.groups()), "") if tag else "",
        marker=next(filter(None, marker.groups()), "") if marker else "",
    )


def shown_form(form: Form, shown: list[str], cue: str) -> Form:
    """Add what demos and a cue at the end of the prompt show: short answers are to be bare."""
    short = bool(shown) and all(len(WORD.findall(answer)) <= 4 for answer in shown)
    whole = bool(shown) and all(answer.lstrip().startswith("{") for answer in shown)
    return replace(form, bare=True) if short or whole or cue else form


def dress(answer: str, form: Form, prompt: str) -> str:
    """Write an answer in the form asked for; a chatty sentence when none is asked for."""
    answer = {"upper": answer.upper(), "lower": answer.lower()}.get(form.case, answer)
    if form.json_key:
        answer = json.dumps({form.json_key: answer}, ensure_ascii=False)
    if form.tag:
        answer = f"<{form.tag}>{answer}</{form.tag}>"
    if (form.bare or form.json_key or form.tag) and not form.marker:
        return answer
    korean = mostly_korean(prompt)
    if form.marker:
        thought = "단어를 살펴보았습니다." if korean else "I looked at the words of the text."
        return f"{form.marker} {answer}" if form.bare else f"{thought}\n{form.marker} {answer}"
    if answer.startswith("{"):
        return f"찾은 내용입니다: {answer}" if korean else f"Here is what I found: {answer}"
    return f"제가 보기에는 {answer} 같습니다." if korean else f"This looks like {answer} to me."
