"""A first seed prompt for a draft, in the language of the data, as a colleague might write it.

The words are in `seeds/`, one text for each form of the answer. Each says first what to do, then
the form and the length of the answer, and what to do where there is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SEEDS = Path(__file__).with_name("seeds")


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What is put into a seed prompt.

    Attributes:
        inputs: names of the input fields.
        target: name of the target.
        details: the labels, keys or tables to name.
        example: an answer, for forms that show one.
        most: words that an answer may have, for free texts.
        context: the input that answers must go by; "" for none.
        absent: whether a JSON key is left out where there is no value, in place of null.
        final: what a worked-out answer ends with: "number", "mark" or "text".
    """

    inputs: Sequence[str]
    target: str
    details: Sequence[str] = ()
    example: str = ""
    most: int = 1
    context: str = ""
    absent: bool = False
    final: str = "text"


def spoken(column: str) -> str:
    """What a column is called in a sentence: of a path the last step that says something."""
    steps = [step for step in column.split(".") if step and not step.isdecimal()]
    *_, before, last = ("", "", *steps)
    general = before not in ("", "data", "value") and last in ("text", "value", "name", "label")
    return before if general else last or column


def seed_prompt(form: str, language: str, wording: Wording) -> str:
    """Write a plain prompt.

    Args:
        form: of the answer, a key of the files in `seeds/`.
        language: "ko" gives Korean, everything else English.
        wording: what is put into it.
    """
    texts = _texts("ko" if language == "ko" else "en")
    words: Mapping[str, str] = texts["words"]
    joined, target = words["and"].join(map(spoken, wording.inputs)), spoken(wording.target)
    details = ("\n" if form == "sql" else ", ").join(wording.details)
    filled = {
        "grounds": words["grounds"] if wording.context else "",
        "missing": words["absent" if wording.absent else "empty"],
        "final": words[wording.final],
        "context": spoken(wording.context),
        "inputs": joined,
        "target": target,
        "example": wording.example,
        "most": str(wording.most),
        "object": _object_particle(joined),
        "of_target": _object_particle(target),
        "details": details,
    }
    text: str = texts[form]
    for name, word in filled.items():  # Not str.format: a column's name may hold braces.
        text = text.replace(f"{{{name}}}", word)
    return text


@cache
def _texts(language: str) -> Mapping[str, Any]:
    read: dict[str, Any] = yaml.safe_load((SEEDS / f"{language}.yaml").read_text("utf-8"))
    return read


def _object_particle(word: str) -> str:
    """을 after a final consonant, 를 after a vowel, both where the word is not Hangul."""
    last = word[-1:]
    if not "가" <= last <= "힣":
        return "을(를)"
    return "을" if (ord(last) - ord("가")) % 28 else "를"
