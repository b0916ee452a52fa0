"""Dotprompt: front matter and a Handlebars template with roles."""

import re
from typing import Any

from apo.errors import PromptError
from apo.prompts.forms.found import Found, decoding_of, found, mapping, options_of
from apo.prompts.forms.provenance import Provenance
from apo.prompts.forms.templates import joined, refused
from apo.prompts.forms.yaml_text import dump, parted
from apo.prompts.prompt import Prompt
from apo.prompts.turns import Turn, Variable, turns_of

DECODING = {
    "temperature": "temperature", "top_p": "topP", "max_tokens": "maxOutputTokens",
    "frequency_penalty": "frequencyPenalty", "presence_penalty": "presencePenalty",
    "stop": "stopSequences", "extra": "",
}  # fmt: skip
ROLES = {"system": "system", "user": "user", "assistant": "model"}
_HELPERS = {"role", "history", "media", "section", "json", "if", "unless", "each", "with", "else",
            "ifEquals", "unlessEquals", "lookup", "log", "this"}  # fmt: skip
_WORD = r"[^\s!\"#%&'()*+,./;<=>@\[\\\]^`{|}~-]+"
_MUSTACHE = re.compile(
    r"(?P<slashes>\\*)\{\{(?P<before>~?)(?:!--.*?--|!(?!--)[^}]*|\s*role\s+[\"'](?P<role>\w+)[\"']\s*"
    rf"|(?P<bare>\{{)?\s*(?:this[./]|\./)?(?:\[(?P<odd>[^\]]+)\]|(?P<name>{_WORD}))\s*(?(bare)\}}))"
    r"(?P<after>~?)\}\}"
    r"|(?P<escaped>\\*)(?P<other>\{\{)",
    re.DOTALL,
)


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write the file.

    Raises:
        PromptError: an input's name that Handlebars cannot hold.
    """
    head: dict[str, Any] = {
        "model": provenance.model,
        "config": options_of(prompt.decoding, DECODING),
        "input": {"schema": dict.fromkeys(prompt.variables, "string")},
        "metadata": provenance.to_dict(),
    }
    body = ""
    for role, pieces, _ in turns_of(prompt):
        body = _with(body, f'role "{ROLES[role]}"')
        for piece in pieces:
            if isinstance(piece, Variable):
                body = _with(body, _path(piece))
            elif piece.startswith("}"):  # Three braces in a row are another sign.
                body = f"{body[:-2]}~}}}} {_text(piece)}"
            else:
                body += _text(piece)
    if body[-1:].isspace():  # Blanks at the end would be cut off; an empty turn is left out.
        body = _with(body, 'role "model"')
    return f"---\n{dump({k: v for k, v in head.items() if v})}---\n{body}\n"


def _with(text: str, inner: str) -> str:
    """Put an expression in braces after a text, which neither a brace nor a backslash may join."""
    if text.endswith("{"):
        return f"{text} {{{{~{inner}}}}}"
    escape = "\\" if text.endswith("\\") else ""
    return f"{text}{escape}{{{{{inner}}}}}"


def _text(piece: str) -> str:
    """Escape double braces; where a backslash stands before them, a comment parts the two."""
    return re.sub(r"(\\*)\{\{", lambda m: (m[1] and m[1] + "\\{{!}}") + "\\{{", piece)


def _path(name: str) -> str:
    if re.fullmatch(_WORD, name) and name not in _HELPERS:
        return name
    if "]" in name:
        raise PromptError(
            f"The input {{{{{name}}}}} cannot be named so in Handlebars. Give the field another "
            "name in the task, or take another form."
        )
    return f"this.[{name}]"


def read(text: str) -> Found:
    """Read a file whose template only fills inputs.

    Raises:
        PromptError: it does more, such as a loop, a partial, an image or the history of a chat.
    """
    head, body = parted(text)
    options, left = decoding_of(mapping(head.get("config"), "config"), DECODING, "config.")
    known = {"config", "input", "metadata", "name", "description"}
    default = mapping(head.get("input"), "input").get("default")
    beside = [*(key for key in head if key not in known), *(["input.default"] if default else [])]
    return found(_turns(body.strip()), options, [*beside, *left])


def _turns(body: str) -> list[Turn]:
    back: dict[str, Any] = {theirs: ours for ours, theirs in ROLES.items()}
    turns: list[tuple[Any, list[str]]] = [("user", [""])]
    start, trim = 0, False
    while match := _MUSTACHE.search(body, start):
        slashes = match["slashes"] or match["escaped"] or ""
        literal = body[start : match.start()].lstrip() if trim else body[start : match.start()]
        if len(slashes) == 1:
            turns[-1][1].append(literal + "{{")
            start, trim = match.start() + 3, False
            continue
        name = match["odd"] or match["name"]
        if match["other"] or (name in _HELPERS and not match["odd"]):
            raise refused(body[match.start() :].split("}}")[0] + "}}", "Dotprompt")
        literal = (literal.rstrip() if match["before"] else literal) + slashes[1:]
        turns[-1][1].append(literal)
        if match["role"] and match["role"] not in back:
            raise refused(match[0], "Dotprompt")
        if match["role"]:
            turns.append((back[match["role"]], []))
        elif name:
            turns[-1][1].append(Variable(name))
        start, trim = match.end(), bool(match["after"])
    turns[-1][1].append(body[start:].lstrip() if trim else body[start:])
    parted_turns = [Turn(role, joined(pieces)) for role, pieces in turns]
    return [t for t in parted_turns if any(isinstance(p, Variable) or p.strip() for p in t.pieces)]
