"""Proposals that are no instructions, told by what they say: before a token is spent on them."""

import re
from collections.abc import Iterable
from functools import lru_cache

from apo.language.catalogue import message
from apo.patterns import late_pattern
from apo.reading.replies import Fault, Reply

RUN = 5
"""Words in a row that a proposal and the meta-prompt's own words share."""
ECHO = 0.75
"""Share of a proposal's words in such runs from which it is an echo."""
SAME = 0.9
"""The same where it holds tags that fence the request's data."""
WITH_TAG = 0.5
"""The same where it holds the tag that it was asked for."""
REMARK = 0.15
"""Share of a remark's words that may be the meta-prompt's own."""
PHRASE = 8
"""Characters of a sentence that is known again; any text holds shorter ones."""
_NOUN = late_pattern(r"[가-힣]*(?![요오라자])[가-힣]")
"""A Korean word that asks for nothing; an English one may be a verb."""
_WORD = late_pattern(r"[^\W_]+")
_DATA = late_pattern(r"<(?P<tag>\w+)(?: [^<>]*)?>\n.*?\n</(?P=tag)>", re.DOTALL)
_EXAMPLES = late_pattern(r"<example(?: [^<>]*)?>\n(.*?)\n</example>", re.DOTALL)
_NOTES = late_pattern(r"<(?:comment|critique|reason|style)>\n(.*?)\n</", re.DOTALL)
_LABELS = late_pattern(r"<labels>\n(.*?)\n</labels>", re.DOTALL)
_SENTENCE = late_pattern(r"[^.!?。？！\n]+[.!?。？！]*")
_TEXT = r"(?:new |improved |revised |better |final |original |given |first |second |above )*"
_AUTHOR = late_pattern(
    rf"\W*(?:(?:the|this|that|these|your|my|its|an?) {_TEXT}(?:instructions?|prompts?)\b"
    r"(?! (?:below|tells? you to\b))[^.:]{0,40}?\b(?:is|are|was|were|should|could|can|does|do"
    r"|needs?|must|has|have|lacks?|asks?|will|would|seems?|appears?|provides?|tells?|gives?"
    r"|focus\w*)\b(?!\s*:)"
    r"|i(?:'d| would|'ll| will| can| could) (?:re)?(?:write|word|phrase|vise|improve|add|change"
    r"|create|try|suggest|recommend|edit|modify)\b"
    r"|(?:i'm |i am )?(?:sorry\b|unable to\b)|i (?:cannot|can't) |as an? (?:ai|language model),"
    r"|(?:(?:이|위|그|새|새로운|기존|주어진) ?)?(?:지시문|프롬프트|지침)[은는이가] (?!다음과 같))",
    re.IGNORECASE,
)
_INSTRUCTED = late_pattern(
    r"\b(?:the|this) (?:language )?model (?:is|was) instructed\b", re.IGNORECASE
)
_WRITES = late_pattern(
    r"\W*(?:please )?(?:(?:re)?(?:construct|write|create|generate|formulate|word|phrase)|recover"
    r"|guess|infer|improve|revise) (?:the|an?|your) "
    rf"{_TEXT}(?:lost |missing )?(?:instructions?|prompts?)\b",
    re.IGNORECASE,
)
"""It asks for what the writer was asked for."""
_ABOUT_TEXT = late_pattern(r"<task>\n[^<]*\b(?:instruction|prompt)", re.IGNORECASE)
"""A task that is about instructions may well ask for one."""
_CODE = late_pattern(
    r"^\s*(?:def \w+\(|import \w+$|from \w+ import |print\(|function \w+\(|#include\b|console\.log)"
    r"|```(?:python|java|javascript|cpp|c|sql)\b"
    r"|(?i:\b(?:python|java|javascript|c\+\+) (?:function|program|script|code)\b)"
    r"|(?i:\b(?:write|create|implement|develop)\b[^.\n]{0,30}\b(?:function|program|script)\b)"
    r"|(?i:(?:파이썬|자바|python)\s*(?:함수|코드|프로그램))",
    re.MULTILINE,
)
_ABOUT_CODE = late_pattern(
    r"\b(?:python|java|javascript|c\+\+|sql|functions?|scripts?|source code)\b|파이썬|소스 ?코드",
    re.IGNORECASE,
)
"""A task that is about programs may well ask for one."""


def screened(reply: Reply, request: str) -> Reply:
    """Refuse an instruction that is none, with the reason; any other one comes back as it is."""
    fault, why = _fault(reply.text, request)
    return Reply("", why, fault, reply.salvaged) if fault else reply


def _fault(text: str, request: str) -> tuple[Fault, str]:
    own = _DATA.sub("\n", request)
    data = "\n".join(_EXAMPLES.findall(request))
    # With a tag in it that fences data, or with that of the reply: a copy of a candidate is none.
    tagged = "instruction>" in text
    fenced = (tagged or "</" in text) and shared(text, request) >= (WITH_TAG if tagged else SAME)
    if fenced or shared(text, own) >= ECHO or _all_in(text, own):
        return "echo", message("the proposal says the request again")
    if shared(text, "\n".join(_NOTES.findall(request))) >= ECHO:
        return "echo", message("the proposal says the request again")
    if shared(text, data) >= ECHO:
        return "data", message("the proposal is a piece of the examples that were shown")
    asked = _WRITES.match(text) and not _ABOUT_TEXT.search(request)
    if asked or _AUTHOR.match(text) or _INSTRUCTED.search(text):
        return "author", message("the proposal speaks about an instruction, and is none")
    if _asks(text, request):
        return "question", message(
            "the proposal is a question that names no outputs to choose from"
        )
    if text.endswith((":", "：")):
        return "piece", message("the proposal breaks off after a colon")
    if _NOUN.fullmatch(text):
        return "piece", message("the proposal is a noun alone")
    if _lists(text, request):
        return "piece", message("the proposal is a list of outputs and says nothing of them")
    if _CODE.search(text) and not _ABOUT_CODE.search(request):
        return "code", message("the proposal is a program, or asks for one")
    return "", ""


def _asks(text: str, request: str) -> bool:
    """Whether a text only asks: "Is it positive or negative?" tells a model what to answer."""
    ends = [sentence[-1] for sentence in _SENTENCE.findall(text.strip())]
    if not ends or set(ends) - {"?", "？"}:
        return False
    return sum(label.casefold() in text.casefold() for label in _labels(request)) < 2


def _lists(text: str, request: str) -> bool:
    """Whether a text is nothing but outputs, side by side."""
    items = [item.strip(" .\"'").casefold() for item in re.split(r"[,\n]", text)]
    if any(not item or " " in item for item in items):
        return False
    labels = {label.casefold() for label in _labels(request)}
    return len(items) > 1 and (not labels or any(item in labels for item in items))


def _labels(request: str) -> list[str]:
    return [label for row in _LABELS.findall(request) for label in row.split(", ")]


def repeats(text: str, request: str) -> bool:
    """Whether a remark says a piece of the request again: its own words, or what it shows."""
    own = _DATA.sub("\n", request)
    return shared(text, request) >= ECHO or shared(text, own) >= REMARK or _all_in(text, request)


def _all_in(text: str, other: str) -> bool:
    """Whether each sentence of a text stands in another, as "Do not follow it." does."""
    there = f" {' '.join(_words(other))} "
    sentences = [" ".join(_words(sentence)) for sentence in _SENTENCE.findall(text)]
    said = [sentence for sentence in sentences if sentence]
    long = any(len(sentence) >= PHRASE for sentence in said)
    return long and all(f" {sentence} " in there for sentence in said)


def shared(text: str, other: str) -> float:
    """The share of a text's words that stand in runs of `RUN` words of another text."""
    words, runs = _words(text), set(_runs(_words(other)))
    if len(words) < RUN or not runs:
        return 0.0
    inside = {i + k for i, run in enumerate(_runs(words)) if run in runs for k in range(RUN)}
    return len(inside) / len(words)


@lru_cache(maxsize=64)  # All replies to one request are held against the same words.
def _words(text: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in _WORD.findall(text))


def _runs(words: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return zip(*(words[k:] for k in range(RUN)), strict=False)
