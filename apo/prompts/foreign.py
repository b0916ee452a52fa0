"""Names what a prompt looks like that apo does not read, instead of optimizing it word for word."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from apo.errors import PromptError
from apo.prompts.fill import VARIABLE

READS = (
    "apo reads a text, a list of chat messages as JSON, "
    '[{"role": "system", "content": "…"}, {"role": "user", "content": "{{VARIABLE}}"}], its '
    "own JSON, and the files of other programs that docs/prompt-files.md lists."
)
_STORES = {"prompts": "a prompt in MLflow's registry", "models": "a model in MLflow's registry"}
_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/", re.IGNORECASE)
_HEAD = re.compile(r"\A---[ \t]*\r?\n\w[\w.-]*:.*?\n---", re.DOTALL)
_ROLE = re.compile(
    r"^[ \t]*(?:-[ \t]*)?[\"']?role[\"']?:[ \t]*[\"']?(?:system|user|assistant)", re.MULTILINE
)
_JINJA = re.compile(r"\{%-?\s*(?:if|for|set|include|extends|block|macro)\b.*?%\}", re.DOTALL)
_MARKED = re.compile(r"^[ \t]*#[ \t]*(system|user)[ \t]*:[ \t]*$", re.MULTILINE | re.IGNORECASE)
_SHAPES = {
    "_type": "one of LangChain",
    "input_variables": "one of LangChain, or of Semantic Kernel",
    "lc": "one that LangChain has dumped",
    "contents": "a body for Gemini",
    "systemInstruction": "a body for Gemini",
    "labels": "one of Langfuse, whose text or chat stands under 'prompt'",
    "prompt": "an object around one, which stands under 'prompt'",
}
"""Keys that objects of other programs have, and no prompt of apo."""
_SUFFIXES = {
    ".ipynb": "a notebook",
    ".js": "a script",
    ".poml": "a POML file",
    ".sh": "a script",
    ".toml": "a TOML file",
    ".ts": "a script",
}


def refuse_address(path: Path) -> None:
    """Make sure that a path is not the address of something that is no file.

    Raises:
        PromptError: it is; the text says of what.
    """
    text = str(path)
    match = _ADDRESS.match(text)
    if match and not path.exists():
        kind = _STORES.get(match["scheme"], "an address")
        raise PromptError(
            f"{text} looks like {kind}, not like a file. Load the prompt, and save it "
            f"as one. {READS}"
        )
    name, _, rest = text.rpartition(":")
    if name.endswith(".py") and rest.isidentifier() and not path.exists():
        raise PromptError(
            f"{text} looks like a name in a Python file. Save what it holds as a file. {READS}"
        )


def refuse_file(path: Path, text: str) -> None:
    """Make sure that a file that holds no JSON is a text, and no prompt of another program.

    Raises:
        PromptError: it looks like one; the text says like which.
    """
    kind = _SUFFIXES.get(path.suffix.lower(), "")
    if text.startswith("#!"):
        kind = kind or "a script"
    elif _HEAD.match(text):
        kind = (
            kind
            or "a Prompty file or a .prompt file (name it .prompty or .prompt), or a text "
            "with a YAML head between lines of ---"
        )
    elif {match.lower() for match in _MARKED.findall(text)} == {"system", "user"}:
        kind = kind or "a chat with lines of roles (name it .prompty)"
    elif _ROLE.search(text):
        kind = kind or "chat messages as YAML (name it .yaml)"
    elif _JINJA.search(text):
        kind = kind or "a Jinja template with statements, {% … %}, which are not run"
    if kind:
        raise PromptError(f"{path} looks like {kind}; as it is, all of it would be text. {READS}")


def refuse_registered(value: object) -> None:
    """Make sure that a text is not the address of a prompt in MLflow's registry.

    Raises:
        PromptError: it is; it would be sent as the instruction.
    """
    if isinstance(value, str) and re.fullmatch(r"\s*prompts:/\S+\s*", value):
        raise PromptError(
            f"{value.strip()} is a prompt in MLflow's registry, and not read from here. Give it on "
            f"the command line, --prompt {value.strip()}, or save it as a file."
        )


def refuse_mapping(value: Mapping[str, Any]) -> None:
    """Make sure that an object is not that of another program.

    Raises:
        PromptError: it holds messages, or another program's template.
    """
    if isinstance(value.get("messages"), list):
        raise PromptError(
            'The prompt is an object with "messages", as in a request. Give the list alone. '
            f"{READS}"
        )
    for key, kind in _SHAPES.items():
        if key in value:
            raise PromptError(f"The prompt looks like {kind}. {READS}")


def refuse_other_variables(texts: Sequence[str], fields: Sequence[str]) -> None:
    """Make sure that the input's place is not marked in another way than {{field}}.

    Where a field is shown with two braces anywhere, everything else is only text.

    Raises:
        PromptError: a field stands in one brace, or as ${field}, $field, %(field)s.
    """
    whole = "\n".join(texts)
    if any(match in fields for match in VARIABLE.findall(whole)):
        return
    for name in fields:
        word = re.escape(name)
        other = re.search(
            rf"(?<!\{{)\$?\{{\s*{word}\s*(?:![rsa])?(?::[^{{}}\n]*)?\}}(?!\}})"
            rf"|\$\b{word}\b|%\({word}\)[sdr]|<<\s*{word}\s*>>|\{{\{{\{{\s*{word}\s*\}}\}}\}}",
            whole,
        )
        if other:
            raise PromptError(
                f"The prompt shows the input as {other[0]}, which is only text here. Write "
                f"{{{{{name}}}}}, in two braces."
            )


def texts_of(value: object) -> list[str]:
    """The texts of a prompt that a user gave: the text itself, or those of chat messages."""
    if isinstance(value, str):
        return [value]
    found = list[str]()
    for message in cast("Sequence[object]", value):
        if isinstance(message, Mapping):
            content = cast("Mapping[str, object]", message).get("content")
            found += [content] if isinstance(content, str) else []
    return found
