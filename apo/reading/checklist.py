"""Labels with a verdict each: "[x] urgent", "✅ urgent", "urgent: yes", {"urgent": true}."""

import re
from collections.abc import Callable, Mapping

from apo.patterns import late_pattern
from apo.reading.json_text import answer_json, as_object

_TICK = late_pattern(
    r"\s*(?:(?:[-*•·]|\d{1,3}[.)])\s+)?"
    r"(?:\[(?P<box>[ xX✓✔✗✘_]?)\]|(?P<sign>[✅☑✔✓🗹❌☐✗✘❎⬜🚫])\ufe0f?)\s*(?P<item>.*)"
)
_GIVEN = frozenset("xX✓✔✅☑🗹")
_SAID = late_pattern(
    r"\s*(?:[-*•·]\s+)?(?P<item>.{1,200}?)[*_`\"']{0,3}\s?(?:[:：=→|]|->|[-–]\s)[\s*_`\"']{0,4}"
    r"(?:(?P<yes>yes|true|1|ja|oui|y|예|네|참|해당|✅|✔|✓)|(?:no|false|0|nein|non|n"
    r"|아니오|아니요|거짓|해당 없음|❌|✗|✘))"
    r"[*_`\"']{0,3}[\s.,;|]*(?:\(.*|[-–—].*)?",
    re.IGNORECASE,
)


def checked(text: str, label_of: Callable[[str], str | None]) -> tuple[str, ...] | None:
    """Give the labels that a checklist ticks or affirms, each once; None where it is no checklist.

    Args:
        text: an answer.
        label_of: the label that an item is, or None.
    """
    verdicts = _fields(text, label_of)
    for line in text.splitlines():
        tick = _TICK.fullmatch(line)
        said = None if tick else _SAID.fullmatch(line)
        match = tick or said
        label = label_of(match["item"]) if match else None
        if label is not None:
            signs = (tick["box"] or tick["sign"] or "") if tick else ""
            verdicts[label] = (
                signs in _GIVEN and bool(signs) if tick else bool(said and said["yes"])
            )
    return tuple(label for label, given in verdicts.items() if given) if verdicts else None


def _fields(text: str, label_of: Callable[[str], str | None]) -> dict[str, bool]:
    """The verdicts of a JSON object whose fields are labels."""
    found = answer_json(text) if "{" in text else None
    fields: Mapping[str, object] = as_object(found.value if found else None) or {}
    inner = next((f for f in map(as_object, fields.values()) if f), None)
    verdicts = dict[str, bool]()
    for name, value in (*fields.items(), *(inner or dict[str, object]()).items()):
        label = label_of(name)
        said = value.casefold() if isinstance(value, str) else value
        if label is not None and said in (True, False, "yes", "no", "true", "false"):
            verdicts[label] = said in (True, "yes", "true")
    return verdicts
