"""Options that an answer only speaks of: in a reason, as a thought, or as what is not asked for."""

import re

from apo.patterns import late_pattern
from apo.reading.option_lines import MARK, ORDERS, Option
from apo.reading.option_marks import SIGN, pattern_of

_ONE = rf"(?:[(\[]?(?<![^\W_])[A-Z{''.join(ORDERS[1:])}](?![^\W가-힣])[)\].:]?(?:\s{SIGN})?|{SIGN})"
_LIST = rf"{_ONE}(?:(?:,|,?\s?(?:and|or|und|oder|et|ou|[와과])(?=\s)|[와과,])\s?{_ONE}){{0,8}}"
_RIGHT = (
    r"(?:(?:also|all|both|the|therefore|thus|clearly|indeed|only|best|most|die|das|la|le|auch)\s)*"
    r"(?:correct|right|true|possible|plausible|fine|answer|option|choice|one\b|richtig|korrekt"
    r"|Antwort|Lösung|juste|bonne|réponse|맞|정답|답)"
)
_IS = r"(?:is|are|was|were|must be|has to be|should be|seems|ist|sind|wäre|est|sont)"
_CALLED = late_pattern(
    rf"(?P<one>{_ONE})[\"'”’*)]{{0,4}}(?:\s{_IS}\s{_RIGHT}|번?[이가은는]\s?(?:정답|맞|옳|답))"
    rf"|^\W*(?P<start>{_ONE})[\"'”’*)]{{0,4}},?\s(?:because|since|as|weil|denn|da|car)\s",
    re.IGNORECASE,
)
"""An option that is called correct, or that a text starts with before its reason."""
_VERB = (
    r"is|are|was|were|has|have|had|does|do|did|can|could|would|will|may|lies?|gives?|means?|refers?"
    r"|describes?|belongs?|(?:doesn|don|isn|aren|can|won)['’]t|cannot|of"
    r"|ist|sind|war|hat|haben|gibt|geben|liegt|liegen|est|sont|ont|donnent|donne"
)
_SPOKEN_OF = late_pattern(
    rf"{_LIST}(?=\s(?:only\s|all\s|both\s)?(?:{_VERB})\s(?!{_RIGHT})|번?[은는이가]\s(?!정답|맞|옳|답))",
    re.IGNORECASE,
)
_IN_REASON = late_pattern(
    rf"{_LIST}(?=\s(?!(?:or|and|und|oder|et|ou|{_IS}\s{_RIGHT}|{_RIGHT}))[a-zà-ÿ])|{_LIST}(?=[은는이가]\s)",
)
_REASON = late_pattern(r"(?::|[\s,](?:because|since|as|weil|denn|da|car))\s([^.;\n]+)")
_NOT_IT = late_pattern(
    r"[\"'”’*)]{0,3}(?:\s(?:(?:is|was|are|were)(?:n['’]t|\s(?:not|never))"
    r"|ist (?:nicht|nie|keine?)"
    r"|n['’](?:est|était) (?:pas|jamais))"
    r"\s(?:an?|the|it|one|die|der|das|eine?|la|le|l['’])(?![^\W_])"
    r"|[은는이가]\s[가-힣 ]{1,20}[이가]\s?아[니닌닙])",
    re.IGNORECASE,
)
_ASKS_FOR_NOT = late_pattern(
    r"(?<![^\W_])(?:not|except|never|false|incorrect|wrong|least|nicht|kein\w*|außer|falsch\w*|pas"
    r"|sauf|faux|fausse)(?![^\W_])|n['’]t\b|아닌|않[은는]|틀린|없는",
    re.IGNORECASE,
)
_FILLER = "…"


def without_reasons(masked: str) -> str:
    """Put … for the options of which a masked text only says something, and calls another correct.

    So do "C is correct because A, B and D are older" and "A is in Asia. C is right."; without an
    option that is called correct nothing is changed.

    Args:
        masked: see `option_marks.masked`.
    """
    called = [*_CALLED.finditer(masked)]
    if not called:
        return masked
    kept = {place for match in called for place in range(*match.span(match.lastgroup or 0))}
    found = [match.span() for match in _SPOKEN_OF.finditer(masked)]
    for reason in _REASON.finditer(masked):
        found += [match.span() for match in _IN_REASON.finditer(masked, *reason.span(1))]
    signs = [*masked]
    for start, end in found:
        for place in {*range(start, end)} - kept:
            if signs[place].isalnum() or re.match(SIGN, signs[place]):
                signs[place] = _FILLER
    return "".join(signs)


def without_denied(text: str, options: tuple[Option, ...]) -> str:
    """Leave out the options of which a text says that they are not what is asked for.

    So does "Paris is not the capital". Where the question asks for what is not, leave it be: see
    `asks_for_not`.
    """
    mark = re.compile(rf"(?<![^\W_])(?:[Oo]ption\s)?(?!\d){MARK}(?![^\W_])")
    for pattern in (pattern_of(options), mark):
        text = pattern.sub(lambda m: _FILLER if _NOT_IT.match(m.string, m.end()) else m[0], text)
    return text


def asks_for_not(question: str) -> bool:
    """Whether a question may ask for the option that something does not hold of."""
    return bool(_ASKS_FOR_NOT.search(question))
