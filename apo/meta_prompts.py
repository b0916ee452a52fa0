"""Meta-prompts are data: Markdown files with slots, one folder a language, beside the optimizer.

A slot is filled with text from the data or from candidates, so every value is fenced: a tag in
it that would close the fence around it is broken up, and nothing in it is ever read as a
template.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apo.errors import ApoError, SettingsError
from apo.prompt import Prompt

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
_TAG = re.compile(rf"[<＜﹤](?=[\s/／!{UNSEEN}]*(?:{_NAMES})\b)", re.IGNORECASE)
FALLBACK = "en"


def fence(value: Any) -> Any:
    """Break up the tags that meta-prompts fence data with, so that data cannot leave its fence."""
    return _TAG.sub("‹", str(value))  # An undefined value raises here, as it would in jinja.


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
    module: str, name: str, language: str, overrides: Mapping[str, str], **values: Any
) -> str:
    """Fill the slots of a meta-prompt.

    Args:
        module: `__file__` of the optimizer; its folder holds `meta_prompts/<language>/<name>.md`.
        name: which one.
        language: BCP 47 code of the task; English where there is no such folder.
        overrides: the user's own templates, by name.
        **values: what fills the slots.

    Raises:
        SettingsError: no such meta-prompt, or a template that cannot be filled.
    """
    text = overrides[name] if name in overrides else _read(module, name, language)
    try:
        return _template(text).render(**values)
    except ApoError:
        raise
    except Exception as error:  # A user's own template may do anything with what fills it.
        raise SettingsError(
            f"The meta-prompt {name!r} cannot be filled: {type(error).__name__}: {error}."
        ) from error


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
def _read(module: str, name: str, language: str) -> str:
    folder = Path(module).parent / "meta_prompts"
    for code in (language, language.split("-")[0], FALLBACK):
        path = folder / code / f"{name}.md"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise SettingsError(
        f"There is no meta-prompt {folder / FALLBACK / name}.md. Write it there, beside the "
        "optimizer: a Jinja template of what to ask, with the reply in <instruction> tags."
    )


def tagged(text: str, tag: str) -> str | None:
    """Find what stands between <tag> and </tag>; the last such pair counts.

    Returns:
        The text between the tags, stripped; None when there is no whole pair or it is empty.
    """
    # Not over another opening tag: a reply may speak of the tag before it uses it.
    found = re.findall(rf"<{tag}>((?:(?!<{tag}>).)*?)</{tag}>", text, re.DOTALL | re.IGNORECASE)
    return (found[-1].strip() or None) if found else None
