"""The checklist of prompt engineering, asked of one prompt: `lint`.

Words are looked for in English and Korean. A rule that does not concern a prompt says nothing.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from apo.language.catalogue import message
from apo.patterns import late_pattern
from apo.prompts.parts import pieces
from apo.prompts.prompt import Prompt

LONG = 120
"""Words from which a prompt is long: order, marks and repetition begin to count."""
MANY = 3
"""So many sentences that only forbid are many."""

_ASKS = late_pattern(
    r"\b(?:answer|arrange|assign|check|choose|classify|compare|convert|correct|count|decide|describe|"
    r"determine|draft|edit|evaluate|explain|extract|fill|find|fix|generate|give|grade|identify|"
    r"label|list|mark|name|output|pick|produce|rank|rate|read|reply|respond|return|rewrite|say|"
    r"select|solve|sort|state|summari[sz]e|tell|translate|turn|write|your task)\b"
    r"|(?:세요|십시오|시오|하라|해라|해\s?줘|하기|할 것|주기|주시기 바랍니다)\s*[.!:]?\s*$"
    r"|\?",
    re.IGNORECASE | re.MULTILINE,
)
_OUT = late_pattern(
    r"\b(?:if|when|where)\b[^.!?]*\b(?:no|not|none|cannot|can't|isn't|doesn't|unsure|unclear|"
    r"unknown|missing|absent)\b|\b(?:otherwise|if unsure|or null|or none|say so)\b"
    r"|없으면|없는 경우|없거나|모르면|모르겠으면|확실하지 않으면|알 수 없|않으면|아니면|null",
    re.IGNORECASE,
)
_FORM = late_pattern(
    r"\b(?:json|xml|html|yaml|csv|markdown|table|tuple|bullets?|list of|format|in the form|only|"
    r"nothing else|one of|one word|single|label|a number|as a)\b|<\w+>"
    r"|형식|형태|만 (?:답|쓰|출력|적)|중 하나|한 단어|표로|목록|JSON",
    re.IGNORECASE,
)
_SHOWN = late_pattern(
    r"\b(?:for example|for instance|e\.g\.|examples?:|such as|looks like|like this)"
    r"|예:|예시|예를 들|다음과 같",
    re.IGNORECASE,
)
_LENGTH = late_pattern(
    r"\b(?:short|brief|concise|at most|no more than|up to|exactly|one|two|three|\d+)\b"
    r"[^.!?\n]{0,25}\b(?:words?|sentences?|characters?|lines?|paragraphs?|bullets?|answers?|labels?)\b"
    r"|\b(?:only|nothing else|briefly|one of)\b"
    r"|(?:한|두|세|\d+)\s?(?:문장|단어|줄|자|글자|어절)|이내|짧게|간단히|간결|하나"
    r"|만 (?:답|쓰|출력|적)",
    re.IGNORECASE,
)
_GROUND = late_pattern(
    r"\b(?:only|solely|based on|according to|from|use) "
    r"(?:on |the |this |that |what |given |above )*"
    r"(?:given|text|passage|context|input|document|notes?|facts?|article|review|source|says)"
    r"|(?:본문|글|지문|자료|문서|입력|내용)[^.!?\n]{0,12}(?:만|근거|바탕|따라|안에서)",
    re.IGNORECASE,
)
_VAGUE = late_pattern(
    r"\b(?:appropriate(?:ly)?|properly|as needed|and so on|etc\.?|somehow|various|good|nice|"
    r"high[- ]quality|be careful|try to|try your best|if possible|please note)\b"
    r"|적절히|적당히|알아서|잘 |가능하면|최대한|등등|신경 써",
    re.IGNORECASE,
)
_FORBIDS = late_pattern(
    r"^\s*(?:[-*•]\s*)?(?:do not|don't|never|avoid)\b"
    r"|(?:지 마세요|지 마십시오|지 말 것|금지|안 됩니다)\s*\.?\s*$",
    re.IGNORECASE,
)
_MARKS = late_pattern(r"^#{1,6} |^\s*</?\w+>|```|\"\"\"|^[-=*]{3,}\s*$", re.MULTILINE)
_WASTE = late_pattern(r"\n[ \t]*\n[ \t]*\n|(?<=\S)[ \t]{3,}(?=\S)|[ \t]+$", re.MULTILINE)
_READS = late_pattern(
    r"passage|context|document|article|text|notes?|본문|지문|자료|문서|글", re.IGNORECASE
)


@dataclass(frozen=True)
class Hint:
    """What one rule of the checklist says of a prompt.

    Attributes:
        level: "has" (the technique is there), "lacks" (it is not, and could help), or "mind"
            (something that tends to hurt).
        technique: its name in the checklist.
        reason: what was found or not found, and what one could do.
    """

    level: Literal["has", "lacks", "mind"]
    technique: str
    reason: str


Rule = Callable[[Prompt], Hint | None]


def lint(prompt: Prompt) -> list[Hint]:
    """Hold a prompt against the checklist; what to mind comes first, then what it lacks.

    Of a program the prompts of all steps are looked at, each by itself; its name opens the reason.
    """
    found = [
        Hint(hint.level, hint.technique, f"{name}: {hint.reason}" if name else hint.reason)
        for name, step in prompt.steps.items()
        for rule in RULES
        if (hint := rule(step)) is not None
    ]
    return sorted(found, key=lambda hint: ("mind", "lacks", "has").index(hint.level))


def _task_first(prompt: Prompt) -> Hint:
    name, told = message("instruction first"), list(_sentences(prompt))
    at = next((i for i, piece in enumerate(told) if _ASKS.search(piece)), None)
    if at is None:
        return Hint("lacks", name, "No sentence says what to do. Open with it: a verb, short.")
    before = len(" ".join(told[:at]).split())
    if before > LONG // 3:
        reason = f"{before} words stand before the first request ({_cut(told[at])}). Put it first."
        return Hint("lacks", name, reason)
    return Hint("has", name, f"It asks early: {_cut(told[at])}.")


def _repeated(prompt: Prompt) -> Hint | None:
    words, name = len(_all(prompt).split()), message("instruction repeated at the end")
    if prompt.layout.repeat_instruction:
        return Hint("has", name, "The instruction is said again after the input.")
    if words < LONG * 2:
        return None
    return Hint(
        "lacks",
        name,
        f"With {words} words, say the request again at the end: the last words weigh.",
    )


def _cue(prompt: Prompt) -> Hint:
    last = (prompt.cue or prompt.template).rstrip()
    if prompt.cue or last.endswith((":", "：", "=", "{")):
        return Hint(
            "has", "cue", f"The answer's beginning is given: {_cut(last.splitlines()[-1])}."
        )
    return Hint("lacks", "cue", "The prompt ends with the input; end with the answer's first word.")


def _syntax(prompt: Prompt) -> Hint | None:
    text, name = _all(prompt), message("clear syntax")
    if _MARKS.search(text) or prompt.layout.headings != "none":
        return Hint("has", name, "Headings, tags or fences set the parts apart.")
    if len(text.split()) < LONG and len(prompt.variables) < 2:
        return None
    return Hint(
        "lacks",
        name,
        "Nothing marks where instruction and input end: use headings, tags or fences.",
    )


def _said(name: str, pattern: re.Pattern[str], lacks: str, prompt: Prompt) -> Hint:
    match = pattern.search(_all(prompt))
    if match is None:
        return Hint("lacks", name, lacks)
    return Hint("has", name, f"It says: {_cut(match[0])}.")


def _example(prompt: Prompt) -> Hint:
    name = message("output example")
    if prompt.demos:
        return Hint("has", name, f"Worked examples that show the answer: {len(prompt.demos)}.")
    return _said(name, _SHOWN, "Show one answer as it should be; don't only describe it.", prompt)


def _grounding(prompt: Prompt) -> Hint | None:
    if not any(_READS.fullmatch(name) for name in prompt.variables) and not prompt.context:
        return None
    lacks = "It gives a text to go by, but not that nothing else counts: answer only from it."
    return _said("grounding", _GROUND, lacks, prompt)


def _plain_words(prompt: Prompt) -> Hint | None:
    found = list(dict.fromkeys(m[0].strip() for m in _VAGUE.finditer(prompt.instruction)))
    if not found:
        return None
    words = ", ".join(map(_cut, found[:4]))
    return Hint("mind", "plain words", f"These leave open what is meant: {words}. Say what counts.")


def _forbidding(prompt: Prompt) -> Hint | None:
    told = [piece for piece in _sentences(prompt) if _FORBIDS.search(piece)]
    if len(told) < MANY:
        return None
    reason = f"Sentences that only forbid: {len(told)}, such as {_cut(told[0])}. Say what to do."
    return Hint("mind", "closed request", reason)


def _space(prompt: Prompt) -> Hint | None:
    found = len(_WASTE.findall(prompt.instruction + prompt.context))
    if not found:
        return None
    reason = f"Blank lines or blanks in a row cost tokens for nothing; places: {found}."
    return Hint("mind", "space efficiency", reason)


def _drawing(prompt: Prompt) -> Hint | None:
    sent = prompt.decoding.to_dict()
    if sent.get("temperature") and sent.get("top_p") not in (None, 1):
        reason = "Both temperature and top_p are set; change one of the two at a time."
        return Hint("mind", "decoding", reason)
    return None


RULES: tuple[Rule, ...] = (
    _task_first,
    partial(
        _said,
        message("specified output structure"),
        _FORM,
        message("It does not say which form the answer has."),
    ),
    partial(
        _said,
        message("an out"),
        _OUT,
        "It does not say what to answer where no answer fits or none is known.",
    ),
    _example,
    partial(_said, message("length"), _LENGTH, "It does not say how long the answer may be."),
    _grounding,
    _cue,
    _syntax,
    _repeated,
    _plain_words,
    _forbidding,
    _space,
    _drawing,
)


def _all(prompt: Prompt) -> str:
    """All that is said but the demos."""
    return "\n".join((prompt.instruction, prompt.context, prompt.template, prompt.cue))


def _sentences(prompt: Prompt) -> Iterator[str]:
    order = [part for part in prompt.layout.order if part != "demos"]
    for part in order:
        yield from map(str.strip, pieces(getattr(prompt, part)))
    yield from map(str.strip, pieces(prompt.template))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return f"'{line[:50]}…'" if len(line) > 50 else f"'{line}'"
