"""Lists in instructions: "one of: a, b, c", bullets, "A or B", and lines "name: words"."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from apo.models.embedded.text import listed

_ENTRY = re.compile(
    r"^\s*(?P<bullet>[-*•‣–·]|\d{1,2}[.)])?\s*(?P<head>\(\w\)|[^\s:：→=(\[{<][^:：→=\n]{0,60}?)"
    r"\s*(?:[:：]|→|=>|=|\s[-–—]+>?)\s+(?P<rest>\S.*)$"
)
_BULLET = re.compile(r"^\s*(?:[-*•‣–·]|\d{1,2}[.)])\s+(?P<item>\S.*)$")
_OPTION = re.compile(r"^\s*(?P<item>\([A-Za-z0-9]\))\s+(?P<rest>\S.*)$")
_QUOTED = re.compile(r"[\"“'‘`「]([^\"”'’`」\n]{1,40})[\"”'’`」]")
_ONE_OF = re.compile(r"\s*(.*[,/|·、].*?)\s*중\s*(?:에서\s*)?(?:하나|한|알맞|맞는|고르|골라)")
_BRACKETS = re.compile(r"[(\[]([^()\[\]\n]{0,600})[)\]]")
_SLASHED = re.compile(r"(?<![\w<:/])[^\W\d_]\w*(?:\s?[/|]\s?[^\W\d_]\w*)+(?![\w>])")
_EITHER = re.compile(r"\b(?:or|and)\b|또는|혹은")
_LEAD = re.compile(
    r".*\b(?:whether|as|is|are|either|between|into|answer|reply|respond|say|output|return|write|"
    r"with|choose|labels?|be)\b\s*|.*(?:[이가은는을를])\s+",
    re.IGNORECASE | re.DOTALL,
)
_SEPARATOR = re.compile(
    r"\s*[,;、|·]\s*(?:(?:or|and|및|또는)\s+)?|\s+(?:or|또는|혹은)\s+|(?<=\w)\s?/\s?(?=\w)"
)
_COMMA = re.compile(r"\s*[,;、]\s*(?:(?:or|and|및|또는)\s+)?|\s+(?:or|또는|혹은)\s+")
_SUCH_AS = re.compile(r"such as|like|e\.g|words|예를|단어", re.IGNORECASE)
_MAX_CLAUSE = 3000
_MAX_NAMES = 500
_MAX_COLONS = 20
_TAIL = re.compile(r"(?:인지|으로|로|이나|나|을|를|이|가|은|는)$")
_HANGUL_ITEM = re.compile(r"[가-힣]+")
_WHETHER = re.compile(r"([가-힣]+)인지")
_NOT_A_NAME = re.compile(
    r"(?:\b(?:of|into|as|with|following|to|for|by)|하나|중에서|다음)$", re.IGNORECASE
)
_HEADINGS = frozenset(
    listed(
        """
        input text question answer output label labels q a example examples note format
        categories classes options intents choices email message review ticket task rules
        instruction context 입력 출력 답 질문 예 예시 형식 라벨 참고 과제 규칙 답변
        """
    )
)


@dataclass(frozen=True)
class Entry:
    """A line that says something about a name, such as "- billing: invoice, charge"."""

    head: str
    rest: str
    bullet: bool
    line: str


def clean(item: str) -> str:
    """Take quotes, emphasis and end marks off an item."""
    return (
        item.strip()
        .strip("\"“”'‘’`*「」«»")
        .strip()
        .rstrip(".;,。")
        .strip()
        .strip("\"“”'‘’`*「」«»")
    )


def entries(text: str) -> list[Entry]:
    """Find the lines of the form "name: words", with or without a bullet."""
    found: list[Entry] = []
    for line in text.splitlines():
        match = _ENTRY.match(line)
        if not match:
            continue
        head, rest = clean(match["head"]), match["rest"]
        if note := re.match(r"(.+?)\s*\(([^)]*)\)$", head):
            head, rest = clean(note[1]), f"{note[2]}; {rest}"
        limit = 4 if match["bullet"] else 3
        if head and len(head.split()) <= limit and not _NOT_A_NAME.search(head):
            found.append(Entry(head, rest, bool(match["bullet"]), line))
    bulleted = [entry for entry in found if entry.bullet]
    return found if len(bulleted) < 2 else bulleted


def items(text: str) -> tuple[str, ...]:
    """Split "a, b or c" at its separators; repeated and empty items are dropped."""
    return tuple(dict.fromkeys(item for part in _SEPARATOR.split(text) if (item := clean(part))))


def labels(text: str) -> tuple[str, ...]:
    """Split a list of answers; with two commas or more, / and · belong to the answers themselves.

    "yes/no, nothing else" has one comma, and is two answers and a remark.
    """
    between = _COMMA if len(re.findall(r"[,;、]", text)) > 1 else _SEPARATOR
    return tuple(dict.fromkeys(item for part in between.split(text) if (item := clean(part))))


def options(text: str) -> tuple[str, ...]:
    """Find the options that an input offers, as "(A) …" lines or as bullets after "Options:"."""
    found = [match["item"] for line in text.splitlines() if (match := _OPTION.match(line))]
    _, heading, below = text.rpartition("Options:")
    if not found and heading:
        found = [clean(m["item"]) for line in below.splitlines() if (m := _BULLET.match(line))]
    return tuple(found) if len(found) > 1 else ()


def allowed(text: str) -> tuple[str, ...]:
    """Find the allowed answers that an instruction lists, in their order; () when it lists none."""
    lines = entries(text)
    heads = tuple(dict.fromkeys(entry.head for entry in lines if entry.bullet))
    names = _listed(without_entries(text))
    if len(heads) > 1 and not set(map(str.lower, heads)) & set(map(str.lower, names)):
        return heads[:_MAX_NAMES]
    bare = tuple(e.head for e in lines if e.head.lower() not in _HEADINGS)
    return names or (bare if len(bare) > 1 else ())


def without_entries(text: str, names: Iterable[str] = (), *, others: bool = True) -> str:
    """Leave out the lines of the form "name: words".

    Args:
        text: an instruction.
        names: leave out the lines of these names.
        others: leave out those of other names too, but for headings such as "Input: …".
    """
    known = {name.lower() for name in names}
    gone = {
        entry.line
        for entry in entries(text)
        if entry.head.lower() in known or (others and entry.head.lower() not in _HEADINGS)
    }
    return "\n".join(line for line in text.splitlines() if line not in gone)


def _listed(text: str) -> tuple[str, ...]:
    """The first list found, the plainest way of writing one first."""
    parts = re.split(r"\.\s|\.$|\n(?!\s*\n)", text)
    clauses = [clause for clause in re.split(r"[.:;\n()]", text) if len(clause) <= _MAX_CLAUSE]
    in_brackets = [
        match for match in _BRACKETS.findall(text) if not match.startswith(("e.g", "예"))
    ]
    tries = [
        *(labels(tail) for part in parts for tail in _after_colons(part)),
        *(_last_words(labels(match[1])) for clause in clauses if (match := _ONE_OF.match(clause))),
        *(labels(match) for match in in_brackets),
        tuple(clean(m["item"]) for line in text.splitlines() if (m := _BULLET.match(line))),
        *(items(match) for match in _SLASHED.findall(text)),
        *(_either(clause) for clause in clauses if _EITHER.search(clause)),
        tuple(dict.fromkeys(_WHETHER.findall(text))),
        tuple(dict.fromkeys(_QUOTED.findall(text))),
    ]
    found = (tuple(dict.fromkeys(names))[:_MAX_NAMES] for names in tries)
    return next((names for names in found if _names(names)), ())


def _after_colons(sentence: str) -> list[str]:
    """What follows each colon, unless it leads in examples of words."""
    pieces = sentence.split(":", _MAX_COLONS)
    tails = [":".join(pieces[i:]) for i in range(1, len(pieces))]
    return [
        tail for lead, tail in zip(pieces, tails, strict=False) if not _SUCH_AS.search(lead[-25:])
    ]


def _names(found: tuple[str, ...]) -> bool:
    return len(found) > 1 and all(len(item.split()) <= 4 and len(item) <= 40 for item in found)


def _last_words(found: tuple[str, ...]) -> tuple[str, ...]:
    """Cut what stands before the first item; the other items tell how long one is."""
    if len(found) < 2:
        return found
    size = max(len(item.split()) for item in found[1:])
    return (clean(" ".join(found[0].split()[-size:])), *found[1:])


def _either(sentence: str) -> tuple[str, ...]:
    """Read "whether it is a, b or c": what leads in and what follows the last item is cut off."""
    found = items(re.sub(r",?\s+and\s+", ", ", sentence) if "," in sentence else sentence)
    if len(found) < 2 or not (_LEAD.match(found[0]) or _HANGUL_ITEM.fullmatch(found[0])):
        return ()
    first = re.sub(r"^(?:the|a|an)\s+", "", _LEAD.sub("", found[0]))
    middle = [len(item.split()) for item in found[1:-1]] or [len(first.split())]
    last = found[-1].split()
    last = last if len(last) <= max(middle) else last[: max(middle)]
    return tuple(map(clean, (first, *found[1:-1], _TAIL.sub("", " ".join(last)) or " ".join(last))))
