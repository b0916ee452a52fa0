"""promptfoo: a configuration with the prompt, its provider and the test examples."""

import json
from collections.abc import Mapping
from typing import Any, cast

from apo.errors import PromptError
from apo.media import with_parts
from apo.prompts.fill import VARIABLE
from apo.prompts.forms.found import (  # fmt: skip
    Found,
    chat_turns,
    decoding_of,
    found,
    items,
    keys_of,
    mapping,
    options_of,
)
from apo.prompts.forms.provenance import Provenance
from apo.prompts.forms.templates import from_jinja, jinja
from apo.prompts.forms.yaml_text import dump, load
from apo.prompts.prompt import Prompt
from apo.prompts.turns import Turn, turns_of

DECODING = {
    name: name for name in ("temperature", "top_p", "frequency_penalty", "presence_penalty", "stop")
} | {"max_tokens": "max_tokens"}


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write a configuration for `promptfoo eval`.

    An answer passes where it holds one of the accepted ones; how apo judges is not written.

    Raises:
        PromptError: an input's name is none in Nunjucks.
    """
    chat = [
        {"role": role, "content": with_parts(jinja(pieces), [f"{{{{{name}}}}}" for name in images])}
        for role, pieces, images in turns_of(prompt)
    ]
    config: dict[str, Any] = options_of(prompt.decoding, DECODING)
    extra = dict(prompt.decoding.extra)
    config |= {"passthrough": extra} if extra else {}
    provider = {"id": f"openai:chat:{provenance.model_name}", "config": config}
    kept = [row for row in provenance.rows if not _names_an_input(row[0])]
    told = [*provenance.lines()]
    if left := len(provenance.rows) - len(kept):
        told.append(f"without {left} test examples whose text holds an input in double braces")
    values = {
        "description": "; ".join(told),
        "prompts": [{"raw": json.dumps(chat, ensure_ascii=False, indent=2), "label": prompt.id}],
        "providers": [provider],
        "tests": [_test(row, wanted) for row, wanted in kept],
    }
    return dump({k: v for k, v in values.items() if v})


def _names_an_input(row: Mapping[str, str]) -> bool:
    """Whether promptfoo would fill a text of the row, which nothing keeps it from."""
    return any(name in row for text in row.values() for name in VARIABLE.findall(text))


def _test(row: Any, wanted: Any) -> dict[str, Any]:
    return {
        "vars": dict(row),
        "assert": [{"type": "icontains-any", "value": list(wanted)}],
        # Text of an example is no template.
        "options": {"disableVarExpansion": True},
    }


def read(text: str) -> Found:
    """Read a configuration with one prompt that stands in it.

    Raises:
        PromptError: several prompts, or one in another file.
    """
    values = mapping(load(text), "The configuration")
    given = items(values.get("prompts"))
    if len(given) != 1:
        raise PromptError(
            f"The configuration holds {len(given)} prompts, and a search starts from one: save "
            "that one as a file of its own."
        )
    raw = keys_of(given[0]).get("raw", keys_of(given[0]).get("id", given[0]))
    if not isinstance(raw, str) or raw.startswith(("file://", "exec:")):
        raise PromptError(
            f"The configuration's prompt is {raw!r:.80}: give the file that it names."
        )
    providers = items(values.get("providers"))
    first = keys_of(providers[0]) if len(providers) == 1 else {}
    config = mapping(first.get("config"), "config")
    further = mapping(config.pop("passthrough", None), "passthrough")
    decoding, left = decoding_of(config, DECODING, "config.")
    beside = [key for key in values if key not in ("description", "prompts")]
    return found(_turns(raw), decoding.with_extra(further), [*beside, *left])


def _turns(raw: str) -> list[Turn]:
    try:
        chat: object = json.loads(raw)
    except ValueError:
        chat = None
    if isinstance(chat, list):
        return chat_turns(cast("object", chat), from_jinja)
    return [Turn("user", from_jinja(raw))]
