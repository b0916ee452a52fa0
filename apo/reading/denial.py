"""Whether a text denies the label that it names: "not spam", non-toxic, "결제 아님"."""

import re

from apo.patterns import late_pattern

# Words that may stand between a denial and what is denied; any other word ends its reach.
_FILLERS = (
    r"a|an|the|any|even|on|am|dem|den|at|for|be|is|it|it's|really|clearly|at|all|very|considered|classified|labell?ed|"
    r"categori[sz]ed|as|about|related|to|in|of|category|label|longer|ein|eine|einen|als|im|"
    r"eindeutig|une?|du|de|la|le|comme|vraiment"
)
_BEFORE = late_pattern(
    r"(?:(?<![^\W_])(?:not|never|no|nicht|kein|keine|keinen|pas|non|isn['’]t|aren['’]t|wasn['’]t"
    r"|doesn['’]t seem|cannot|can['’]t|nor|neither|weder|ni|안|far from|rather than|instead of"
    r"|anstatt|statt|plutôt que|au lieu de|(?:anything|everything|all) but|except(?: for)?"
    r"|außer|sauf|eliminate|rul(?:e|ed|ing) out|doubt(?: that)?|hardly"
    r"|barely|kaum)(?!\s+only)[\s:]+"
    rf"(?:(?:{_FILLERS})[\s\"'“‘*_`]+){{0,5}})[\"'“‘*_`«(]{{0,3}}$",
    re.IGNORECASE,
)
# The second of "can't be A or B", "weder A noch B", "ni A ni B".
_NEITHER = late_pattern(
    r"(?<![^\W_])(?:(?:not|can['’]t be|cannot be|neither|nicht|kein|keine|pas)"
    r"(?:\s(?:an?|ein|eine|une?))?|weder|ni)\s[^.,;:!?\n]{1,40}\s(?:n?or|noch|oder|ni|ou)\s(?:an?\s|eine?\s|une?\s)?$",
    re.IGNORECASE,
)
# The later ones of "rule out A, B and C".
_LISTED_BEFORE = late_pattern(
    r"(?<![^\W_])(?:rul(?:e|ed|ing) out|(?:exclud|eliminat|discard)(?:e|ed|ing)?)\s"
    r"(?:(?:options?|choices?|answers?)\s)?(?:[^\s,.;]{1,24},\s?(?:and\s|or\s)?){0,6}"
    r"(?:[^\s,.;]{1,24}\s(?:and|or|und|et)\s)?$",
    re.IGNORECASE,
)
# "I would not call it negative", "je ne dirais pas que c'est négatif".
_CALL = (
    r"call|say|consider|describe|classify|label|rate|regard|see|deem|read|think|believe"
    r"|choose|pick|select|take|go with"
)
_CALL_IT = late_pattern(
    rf"(?:(?:(?:would|could|do|should|did|wo)n['’]t|(?<![^\W_])can['’]t|(?<![^\W_])(?:not|never|cannot|hardly))"
    rf"\s(?:really\s|exactly\s)?(?:{_CALL})(?:\s(?:that|this|it|them|the\s\w{{1,20}}))?"
    r"(?:['’]s|\s(?:is|was|are|as|to be))?"
    r"|(?<![^\W_])nicht\s(?:sagen|behaupten|finden|denken|glauben),?\s(?:dass\s)?(?:es|das|dies|er|sie)"
    r"|(?<![^\W_])pas\s(?:dire\s)?(?:que\s)?(?:c['’]est|il est|elle est|ce soit|cela est))"
    r"(?:\s(?:an?|the|really|very|clearly|eine?|une?))?[\s\"'“‘*_`]+$",
    re.IGNORECASE,
)
_SUPPOSED = late_pattern(
    r"(?<![^\W_])(?:(?:you|one|some|someone|many|most|people|others|students|a person)\s"
    r"(?:people\s|students\s)?(?:(?:might|may|could|would|will|often|first|wrongly|mistakenly)\s){0,3}"
    r"(?:think|say|choose|guess|pick|believe|assume|expect|answer|call)"
    r"|you['’]d (?:think|say|guess)|(?:man|einige|viele) (?:könnte|würden?|mag|könnten)"
    r"|on (?:pourrait|peut|aurait pu) (?:penser|croire|dire))"
    r"(?:[\s:,]+(?:that|the|it|is|it['’]s|answer|option|as|an?|an|que|c['’]est|à)){0,5}[\s:\"'“‘*(]+$",
    re.IGNORECASE,
)
_WHETHER = late_pattern(r"(?<![^\W_])(?:whether|ob)\s[^.;\n]{0,40}$", re.IGNORECASE)
# "More positive than negative", "rather a refund than billing".
_LESS = late_pattern(
    r"(?<![^\W_])(?:(?:more|rather|eher|plutôt|plus)\s[^.;:!?\n]{1,60}\s(?:than|als|que)"
    r"|(?:choose|pick|prefer|select)\s[^.;:!?\n]{1,40}\sover)\s(?:an?\s|eine?\s|une?\s|option\s)?$",
    re.IGNORECASE,
)
_DENIALS = (_BEFORE, _LESS, _NEITHER, _LISTED_BEFORE, _CALL_IT, _WHETHER)
_PREFIX = late_pattern(
    r"(?<![^\W_])(?:non|un|dis|anti|not)[-‐‑–_]$|(?<![^\W_])(?:비|무|불|미)[ -]?$", re.I
)
_WRONG = "wrong|incorrect|false|ruled out|falsch|ausgeschlossen|fauss?e?s?|faux|exclue?s?"
_OUT = "can be (?:ruled out|excluded|eliminated)"
_RIGHT = r"correcte?|right|true|it\b|possible|answer|richtig|korrekt|juste"
_IS = "is|are|was|would be|ist|sind|wäre|est|sont|serait"
_AFTER = late_pattern(
    r"[\"'”’*_`»)]{0,3}(?:(?:적인|적|번)?\s?(?:것|게)?[은는이가도]?\s?(?:아니(?!면)|아닌|아닙|아님)"
    r"|적이지\s?않|하지\s?않|도\s?[가-힣]{1,12}도\s?아[니닌닙]|(?:이?라기|이기)?보다(?![가-힣]{2})"
    r"|(?:적?이?라고|으?로)?\s?(?:보|하|부르|말하)기[는엔]?\s?(?:어렵|힘들)|\s?[✗❌✘]"
    r"|(?:적?이?라고|으?로)?\s?(?:볼|할|부를|말할)\s?수[는]?\s?없"
    r"|\s?[:=]\s?(?:no|false|nein|non|faux|falsch|아니오|아니요|거짓)(?![^\W_])"
    r"|\s(?:trifft nicht zu|is (?:wrong|incorrect|false))(?![^\W_])"
    r"|\?\s*(?:no|nope|nein|non|아니)(?![a-z]))",
    re.IGNORECASE,
)
# What is said of an option, and of a label might be said of the thing: "The refund is not right".
_BEFORE_OPTION = late_pattern(
    rf"(?<![^\W_])[a-z]{{2,8}}n['’]t\s(?:(?:{_FILLERS})[\s\"'“‘*_`]+){{0,5}}$", re.IGNORECASE
)
_AFTER_OPTION = late_pattern(
    r"\s(?:is|was) (?:almost|nearly|part(?:ly|ially)|half|not quite) (?:correct|right|true)"
    r"|\swould (?:only\s)?(?:be|have been) (?:correct|right|true|the answer) (?:if|for)(?![^\W_])"
    rf"|\s(?:{_OUT}|(?:{_IS})\s(?:(?:all|both|also|the|auch)\s)?(?:{_WRONG}))(?![^\W_])"
    r"|\s(?:(?:is|are|would)(?:\snot|n['’]t)|ist nicht|n['’]est pas)\s?(?:be\s|the\s)?"
    rf"(?:{_RIGHT}|[.,;!\n]|$)|\s?[-–—:]\s?(?:no|nein|non)(?![^\W_])"
    r"|(?:,\s?[^\s,.;]{1,24}){0,6},?\s(?:and|or|und|oder|et|ou)\s(?:also\s)?[^\s,.;]{1,24}\s"
    rf"(?:(?:are|sind|sont)\s(?:(?:all|both|alle|beide)\s)?(?:{_WRONG})"
    rf"|aren['’]t|are not|don['’]t|do not|can['’]t be|cannot be|{_OUT}|sind nicht|ne sont pas)",
    re.IGNORECASE,
)
_NEGATIONS = (
    *("non", "un", "in", "im", "ir", "il", "dis", "not", "no", "nicht", "kein", "keine", "pas"),
    *("anti", "비", "불", "무", "미", "부", "안"),
)
_SUFFIXES = ("아님", "아닌", "아니다", "free", "less", "no", "false", "negative")
_OPPOSITES = (("true", "false"), ("yes", "no"), ("참", "거짓"), ("예", "아니오"), ("예", "아니요"),
              ("wahr", "falsch"), ("ja", "nein"), ("vrai", "faux"), ("oui", "non"))  # fmt: skip

YES_AND_NO = frozenset(word for pair in _OPPOSITES for word in pair)
"""Words that answer a question by themselves."""


def is_denied(text: str, start: int, end: int, *, option: bool = False) -> bool:
    """Whether what stands from start to end is denied by what stands around it.

    Two denials are none: "not non-toxic" is toxic. Of an option of multiple choice, "is not right"
    and "are wrong" after several are denials too.
    """
    before = text[max(0, start - 80) : start]
    prefix = _PREFIX.search(before)
    if prefix:
        before = before[: prefix.start()]
    word = any(pattern.search(before) for pattern in _DENIALS)
    after = bool(_AFTER.match(text, end, end + 40))
    if option:
        word = word or bool(_BEFORE_OPTION.search(before))
        after = after or bool(_AFTER_OPTION.match(text, end, end + 240))
    return (bool(prefix) + word + after) % 2 == 1


def is_supposed(text: str, start: int) -> bool:
    """Whether what stands from start on is what others might say: "You might think C"."""
    return bool(_SUPPOSED.search(text, max(0, start - 80), start))


def opposite(label: int, labels: tuple[str, ...]) -> int | None:
    """Give the place of the one label that is another's negation, as unsafe is of safe, or None."""
    found = [
        i
        for i, other in enumerate(labels)
        if i != label and (_negates(labels[label], other) or _negates(other, labels[label]))
    ]
    return found[0] if len(found) == 1 else None


def _negates(label: str, other: str) -> bool:
    """Whether the other label says that the label does not hold."""
    plain, longer = _bare(label), _bare(other)
    if (plain, longer) in _OPPOSITES:
        return True
    prefixed = longer.endswith(plain) and longer.removesuffix(plain) in _NEGATIONS
    return prefixed or (longer.startswith(plain) and longer.removeprefix(plain) in _SUFFIXES)


def _bare(label: str) -> str:
    return re.sub(r"[\s_‐‑–-]+", "", label.casefold())
