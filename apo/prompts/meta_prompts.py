"""Meta-prompts are data: Markdown files with slots, one folder a language, beside the optimizer.

A slot is filled with text from the data or from candidates, so every value is fenced: the brackets
of a tag in it that would close the fence around it are written as `&lt;` and `&gt;`, and nothing
in it is ever read as a template. What a reply brings back of such tags is turned back.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apo.errors import ApoError, SettingsError
from apo.patterns import late_pattern
from apo.prompts.prompt import Prompt

if TYPE_CHECKING:
    from jinja2 import Template

FENCES = (
    "task|labels|example|examples|input|output|answer|feedback|candidate|instruction|instructions"
    "|prefix|comment|critique|reason|reasoning|style|persona|keywords|summary|observations|advice"
    "|choice|rubric|target|grade"
)
UNSEEN = r"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08"
"""Characters that nobody sees, and that a model reads over; a tag with one in it is a tag."""
_NAMES = "|".join(f"[{UNSEEN}]*".join(name) for name in FENCES.split("|"))
_OPENING = {"<": "lt;", "＜": "#65308;", "﹤": "#65124;"}
_CLOSING = {">": "gt;", "＞": "#65310;", "﹥": "#65125;"}
_ENTITIES = {entity: sign for sign, entity in (_OPENING | _CLOSING).items()}
_TAG = late_pattern(
    rf"(?:(?P<open>[<＜﹤])|&(?P<opened>(?:amp;)*(?:{'|'.join(_OPENING.values())})))"
    rf"(?P<name>[\s/／!{UNSEEN}]*(?:{_NAMES})\b[^<>＜＞﹤﹥&\n]{{0,80}}\s{{0,9}})"
    rf"(?:(?P<close>[>＞﹥])|&(?P<closed>(?:amp;)*(?:{'|'.join(_CLOSING.values())})))?",
    re.IGNORECASE,
)
FALLBACK = "en"


def fence(value: Any) -> Any:
    """Escape the tags that meta-prompts fence data with, so that data cannot leave its fence.

    `<answer>` becomes `&lt;answer&gt;`, and `&lt;answer&gt;` becomes `&amp;lt;answer&amp;gt;`.
    """
    return _TAG.sub(_escaped, str(value))  # An undefined value raises here, as it would in jinja.


def unfence(text: str, shown: str) -> str:
    """Turn escaped tags in a reply back into what they were.

    `unfence(fence(x), fence(x))` is x, for every text.

    Args:
        text: from the reply to a meta-prompt.
        shown: the meta-prompt; where it shows no escaped tag, the reply means what it says.
    """
    fenced = any(match["opened"] for match in _TAG.finditer(shown))
    return _TAG.sub(_restored, text) if fenced else text


def _escaped(match: re.Match[str]) -> str:
    opened = match["opened"] or ""
    start = "&" + (f"amp;{opened}" if opened else _OPENING[match["open"]])
    closed, close = match["closed"], match["close"]
    end = f"&amp;{closed}" if closed else f"&{_CLOSING[close]}" if close else ""
    return f"{start}{match['name']}{end}"


def _restored(match: re.Match[str]) -> str:
    opened, closed = match["opened"], match["closed"]
    if not opened:
        return match[0]
    end = _sign(closed) if closed else match["close"] or ""
    return f"{_sign(opened)}{match['name']}{end}"


def _sign(entity: str) -> str:
    return _ENTITIES.get(entity.lower()) or f"&{entity[len('amp;') :]}"


@dataclass(frozen=True)
class MetaPrompt:
    """Text for the optimizer model, with the lineage of what it brings.

    Attributes:
        name: name of the meta-prompt, kept as the operator of its proposals.
        text: what is sent.
        parents: the prompts that it was made from.
    """

    name: str
    text: str
    parents: tuple[Prompt, ...] = ()


def render(
    module: str,
    name: str,
    language: str,
    overrides: Mapping[str, str],
    *,
    brief: bool = False,
    **values: Any,
) -> str:
    """Fill the slots of a meta-prompt.

    Args:
        module: `__file__` of the optimizer; its folder holds `meta_prompts/<language>/<name>.md`.
        name: which one.
        language: BCP 47 code of the task; English where there is no such folder.
        overrides: the user's own templates, by name.
        brief: whether a small model is asked: `<language>/brief/<name>.md`, where there is one.
        **values: what fills the slots, beside `judged(rollout)`, which says how an answer did.

    Raises:
        SettingsError: no such meta-prompt, or a template that cannot be filled.
    """
    text = overrides[name] if name in overrides else _read(module, name, language, brief)
    try:
        return _template(text).render(judged=partial(judged, language=language), **values)
    except ApoError:
        raise
    except Exception as error:  # A user's own template may do anything with what fills it.
        raise SettingsError(
            f"The meta-prompt {name!r} cannot be filled: {type(error).__name__}: {error}."
        ) from error


def judged(rollout: Any, language: str) -> str:
    """What is said of an answer: the scorer's feedback, or else what its score means.

    Args:
        rollout: the `Rollout`, which a template hands over untyped.
        language: BCP 47 code of the task.
    """
    score = rollout.score
    if score is None or score.feedback:
        return str(score.feedback if score else rollout.error)
    korean = language.split("-")[0] == "ko"
    if score.value >= 1:
        return "맞았습니다." if korean else "Right."
    percent = math.floor(100 * score.value)
    if korean:
        return f"맞지 않았습니다. 점수는 {percent} %입니다."
    return f"Not right: it scores {percent} %."


def known_names(module: str) -> list[str]:
    """Names of the meta-prompts that lie beside a module, given as its `__file__`."""
    return sorted({path.stem for path in (Path(module).parent / "meta_prompts").glob("*/*.md")})


@lru_cache
def _template(text: str) -> "Template":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, finalize=fence, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)


@lru_cache
def _read(module: str, name: str, language: str, brief: bool) -> str:
    folder = Path(module).parent / "meta_prompts"
    for code in (language, language.split("-")[0], FALLBACK):
        forms = ([folder / code / "brief" / f"{name}.md"] * brief, [folder / code / f"{name}.md"])
        for path in chain(*forms):
            if path.is_file():
                return path.read_text(encoding="utf-8")
    raise SettingsError(
        f"There is no meta-prompt {folder / FALLBACK / name}.md. Write it there, beside the "
        "optimizer: a Jinja template of what to ask, with the reply in <instruction> tags."
    )
