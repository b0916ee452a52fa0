"""Which words an instruction ties to which answer, key or operation."""

import re

from apo.models.embedded.lists import Entry, clean, without_entries
from apo.models.embedded.rules import Work
from apo.models.embedded.text import is_function_word, listed, mentions, sentences, stem, words

OTHERWISE = re.compile(
    r"\b(?:otherwise|unsure|not sure|in doubt|none of|no (?:word|cue)|unclear|if nothing)\b"
    r"|애매|불확실|모르겠|그 외|없으면|해당하지",
    re.IGNORECASE,
)
AGAINST = re.compile(
    r"[;.,(]?\s*(?:but )?(?:not (?:near|after|the (?:one )?(?:near|after))|제외)[: ]+",
    re.IGNORECASE,
)
NEAR = re.compile(
    r".*?(?:\b(?:near|after|next to|says?|mentions?|such as|like|contains?|about|words?|when|if)\b"
    r"|근처|단서|단어)[: ]+",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r"[\"“'‘`「]([^\"”'’`」\n]{1,40})[\"”'’`」](?!\w)")
_OPERATION = {
    "add": re.compile(r"\b(?:add|plus|sum)(?:s|ed|ing|ition)?\b|더하|더한|합", re.IGNORECASE),
    "subtract": re.compile(r"\b(?:subtract\w*|minus|take away)\b|빼|뺀", re.IGNORECASE),
    "multiply": re.compile(r"\b(?:multipl\w+|times)\b|곱", re.IGNORECASE),
    "divide": re.compile(r"\bdivi\w+|나누|나눈|나눗", re.IGNORECASE),
    "ignore": re.compile(r"\b(?:ignore|leave out|skip)\b|무시", re.IGNORECASE),
}
_PROMPT_WORDS = frozenset(
    stem(word)
    for word in listed(
        """
        mention say word phrase like such contain include label answer use choose pick reply
        output classify category class text message input when if example point mean usually
        something write return give should must add subtract multiply divide number respond
        please
        나오면 있으면 경우 단어 같은 표현 답 답하세요 출력 라벨 분류 하세요 쓰세요 말
        곱한다 뺀다 더한다 나눈다 곱하세요 빼세요 더하세요 나누세요
        """
    )
)


def operation(text: str) -> str:
    """The one operation that a text speaks of; "" when there is none, or several."""
    found = [name for name, pattern in _OPERATION.items() if pattern.search(text)]
    return found[0] if len(found) == 1 else ""


def tied_words(
    text: str, work: Work, lines: list[Entry], names: tuple[str, ...]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Collect the cues of each name, and the words that speak against it, in their order."""
    cues: dict[str, list[str]] = {name: [] for name in names}
    against: dict[str, list[str]] = {}
    for entry in lines:
        name = operation(entry.head) if work == "compute" else _same(entry.head, names)
        if name in cues:
            rest, *bad = AGAINST.split(entry.rest)
            cues[name] += _cues_listed(rest, work)
            against[name] = [cue for part in bad for cue in _cues_listed(part, "chat")]
    for sentence in sentences(without_entries(text, names, others=work == "compute")):
        name = operation(sentence) if work == "compute" else _only(sentence, names)
        if name in cues and not OTHERWISE.search(sentence):
            cues[name] += _said(sentence, name, work)
    return (
        {name: tuple(dict.fromkeys(found)) for name, found in cues.items()},
        {name: tuple(dict.fromkeys(found)) for name, found in against.items() if found},
    )


def _same(head: str, names: tuple[str, ...]) -> str:
    return next((name for name in names if name.lower() == head.lower()), "")


def _only(sentence: str, names: tuple[str, ...]) -> str:
    named = [name for name in names if mentions(sentence, name)]
    return named[0] if len(named) == 1 else ""


def _cues_listed(rest: str, work: Work) -> list[str]:
    """Cues of a "name: …" line: quoted words if any, else the pieces between commas."""
    if quoted := _QUOTED.findall(rest):
        return [clean(item) for item in quoted if clean(item)]
    if work == "extract":  # What comes before "near:" tells the type.
        rest = NEAR.sub("", rest, count=1) if NEAR.match(rest) else ""
    found: list[str] = []
    for piece in re.split(r"[,;、·]", rest):
        long = len(piece.split()) > 3
        piece = NEAR.sub("", piece, count=1) if long or ":" in piece else piece
        found += [piece] if len(piece.split()) <= 3 else _content(piece)
    return [cue for piece in found if (cue := _trim(piece))]


def _said(sentence: str, name: str, work: Work) -> list[str]:
    """Cues of a sentence that names exactly one answer."""
    if work != "compute":
        sentence = re.sub(rf"(?<!\w){re.escape(name)}(?![A-Za-z0-9_])", " ", sentence, flags=re.I)
    if quoted := [item for item in _QUOTED.findall(sentence) if clean(item)]:
        return [clean(item) for item in quoted]
    if work == "extract" and not NEAR.match(sentence):
        return []
    while (lead := NEAR.match(sentence)) and lead.end() < len(sentence):
        sentence = sentence[lead.end() :]
    pieces = re.split(r"[,;:、]|\bor\b|\band\b", sentence)
    # The words of operations are mostly function words ("each", "per", "left").
    return [w for p in pieces for w in (_content(p) or (words(p)[:1] if work == "compute" else []))]


def _content(piece: str) -> list[str]:
    return [w for w in words(piece) if not is_function_word(w) and stem(w) not in _PROMPT_WORDS]


def _trim(piece: str) -> str:
    piece = re.sub(r"^(?:or|and|the|a|an)\s+|\s+(?:etc|등)\.?$", "", piece.strip())
    return clean(piece).strip("()") or piece
