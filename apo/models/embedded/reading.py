"""Reads an instruction: what it asks for, and which words it ties to which answer."""

import re
from collections.abc import Iterable
from functools import lru_cache

from apo.models.embedded.cues import AGAINST, NEAR, OTHERWISE, operation, tied_words
from apo.models.embedded.forms import read_form
from apo.models.embedded.lists import Entry, allowed, clean, entries, items, without_entries
from apo.models.embedded.rules import OPERATIONS, Kind, Rules, Work
from apo.models.embedded.text import mentions, sentences

_EXTRACT = re.compile(
    r"\bjson(?![a-z])|\bextract|\b(?:fields|keys)[: ]|추출|뽑아|(?:필드|키)[: ]", re.IGNORECASE
)
_OBJECT = re.compile(r"\{[^{}]*[\"'“][^{}]*:[^{}]*\}")
_JSON_KEYS = re.compile(r"[\"'“]([\w가-힣][\w가-힣 -]{0,30})[\"'”]\s*:")
_KEY_LIST = re.compile(
    r"(?:keys?|fields?|키|필드|항목)(?: are| named)?(?:은|는)?[: ]+([^.\n:]+)", re.IGNORECASE
)
_EXTRACT_LIST = re.compile(r"extract (?:the )?([^.\n:]+?)(?: from| out of| in|\.|$)", re.IGNORECASE)
_NUMERIC = re.compile(
    r"\bnumbers?\b|how (?:many|much)|\bdigits?\b|calculat|\bcompute|\bsolve|arithmetic|\bmath"
    r"|숫자|계산|몇|문제를 풀",
    re.IGNORECASE,
)
_MAX_LENGTH = 20_000
_NEGATION = re.compile(
    r"\bnegation|\bnegated\b|\bflip|\brevers|부정어|부정 표현|뒤집", re.IGNORECASE
)
_NULLS = re.compile(r"\bnull\b|\bnone\b", re.IGNORECASE)
_PRECEDENCE = re.compile(
    r"multipl\w+ (?:and divid\w+ )?(?:before|first)|곱[^.]*먼저", re.IGNORECASE
)
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("date", re.compile(r"\bdate\b|yyyy|\bday\b|날짜|일자", re.IGNORECASE)),
    (
        "integer",
        re.compile(
            r"\binteger|\bnumber\b|\bint\b|\bcount\b|\bdigits?\b|정수|숫자|개수", re.IGNORECASE
        ),
    ),
    (
        "name",
        re.compile(r"\bnames?\b|\bcity\b|\bplace\b|\btown\b|capital|이름|도시|지명", re.IGNORECASE),
    ),
)


@lru_cache(maxsize=4096)
def read(instruction: str) -> Rules:
    """Read what an instruction states, in its first 20,000 characters."""
    instruction = instruction[:_MAX_LENGTH]
    lines = entries(instruction)
    names = allowed(_OBJECT.sub(" ", instruction))
    frame = without_entries(instruction, names)  # Cue words must not be taken for rules.
    work = _work(instruction, frame, lines, names)
    if work == "extract":
        names = _keys(instruction, lines)
    elif work == "compute":
        names = OPERATIONS
    cues, against = tied_words(instruction, work, lines, names)
    return Rules(
        work=work,
        names=names,
        cues=cues,
        against=against,
        kinds=_kinds(instruction, lines, names) if work == "extract" else {},
        otherwise=_otherwise(frame, names) if work == "classify" else "",
        form=read_form(frame, names if work == "extract" else ()),
        negation=bool(_NEGATION.search(frame)),
        iso_dates=bool(re.search(r"yyyy|\biso\b", instruction, re.IGNORECASE)),
        nulls=_nulls(frame, lines, names) if work == "extract" else frozenset(),
        precedence=bool(_PRECEDENCE.search(frame)),
    )


def _work(text: str, frame: str, lines: list[Entry], names: tuple[str, ...]) -> Work:
    leads = [*(entry.head for entry in lines), *(s.split()[0] for s in sentences(frame))]
    if any(operation(lead) for lead in leads) and (_NUMERIC.search(frame) or len(names) < 2):
        return "compute"
    one_key = len(set(_JSON_KEYS.findall(frame))) == 1  # Only the form of a single answer.
    if _EXTRACT.search(frame) and not (one_key and len(names) > 1) and len(_keys(text, lines)) > 1:
        return "extract"
    if len(names) > 1:
        return "classify"
    return "compute" if _NUMERIC.search(frame) else "chat"


def _keys(text: str, lines: list[Entry]) -> tuple[str, ...]:
    sample = tuple(dict.fromkeys(_JSON_KEYS.findall(text)))
    if len(sample) > 1:
        return sample
    heads = tuple(dict.fromkeys(entry.head for entry in lines if entry.bullet))
    if len(heads) > 1:
        return heads
    for pattern in (_KEY_LIST, _EXTRACT_LIST):
        if listed := pattern.search(text):
            found = items(re.sub(r",?\s+and\s+|\s*[와과]\s+", ", ", listed[1]))
            if len(found) > 1:
                return tuple(clean(re.sub(r"^(?:the|a|an)\s+|\s*\(.*$", "", n)) for n in found)
    return ()


def _kinds(text: str, lines: list[Entry], names: Iterable[str]) -> dict[str, Kind]:
    said = {entry.head.lower(): entry.rest for entry in lines}
    return {name: _kind(name, said.get(name.lower(), ""), text) for name in names}


def _nulls(frame: str, lines: list[Entry], names: Iterable[str]) -> frozenset[str]:
    if _NULLS.search(frame):
        return frozenset(names)
    return frozenset(entry.head for entry in lines if _NULLS.search(_about(entry.rest)))


def _about(rest: str) -> str:
    """What a key's line says of its value, before the cues."""
    before_cues = NEAR.match(rest)
    return AGAINST.split(before_cues[0] if before_cues else rest)[0]


def _kind(name: str, rest: str, text: str) -> Kind:
    sample = re.search(rf"{re.escape(name)}[\"'”]?\s*(?::\s*|\()([^,}}\n)]*)", text)
    for said in (_about(rest), sample[1] if sample else "", name):
        for kind, pattern in _KINDS:
            if pattern.search(said):
                return kind
    return "integer" if sample and re.fullmatch(r"\d+", sample[1].strip()) else "text"


def _otherwise(text: str, names: tuple[str, ...]) -> str:
    for sentence in sentences(text):
        named = [name for name in names if mentions(sentence, name)]
        if len(named) == 1 and OTHERWISE.search(sentence):
            return named[0]
    return ""
