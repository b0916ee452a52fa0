"""Templates of other programs: Jinja, Mustache, format strings; text stays text, both ways."""

import re
from string import Formatter

from apo.errors import PromptError
from apo.prompts.turns import Pieces, Variable

_JINJA = re.compile(
    r"\{%-?\s*raw\s*-?%\}(?P<raw>.*?)\{%-?\s*endraw\s*-?%\}|\{#.*?#\}"
    r"|\{\{[-+]?\s*(?:(?P<name>[^\W\d]\w*)|(?P<text>'[^'\\]*'|\"[^\"\\]*\"))\s*[-+]?\}\}"
    r"|(?P<other>\{\{.*?\}\}|\{%.*?%\}|\{[{%#])",
    re.DOTALL,
)
_MUSTACHE = re.compile(
    r"\{\{!.*?\}\}|\{\{\{\s*(?P<bare>[^{}#^/>&=!\s]+)\s*\}\}\}"
    r"|\{\{&?\s*(?P<name>[^{}#^/>&=!\s]+)\s*\}\}|(?P<other>\{\{.*?\}\}|\{\{)",
    re.DOTALL,
)
_MARKS = re.compile(r"\{(?=[{%#]|\Z)")


def jinja(pieces: Pieces) -> str:
    """Write a template of Jinja or Nunjucks.

    Raises:
        PromptError: the name of an input is none in Jinja.
    """
    found = ""
    for piece in pieces:
        if isinstance(piece, Variable):
            if not piece.isidentifier():
                raise PromptError(
                    f"The input {{{{{piece}}}}} cannot be named so in a Jinja template: use "
                    "letters, digits and _. Give the field another name in the task, "
                    "or take another form."
                )
            found += f"{{{{{piece}}}}}"
        else:
            found += _MARKS.sub("{{ '{' }}", piece)
    return found


def from_jinja(text: str) -> Pieces:
    """Read a template of Jinja or Nunjucks that only fills inputs.

    Raises:
        PromptError: it does more, such as a loop or a filter; the text says what.
    """
    return _read(_JINJA, text, "Jinja")


def from_mustache(text: str) -> Pieces:
    """Read a template of Mustache that only fills inputs.

    Raises:
        PromptError: it does more, such as a section.
    """
    return _read(_MUSTACHE, text, "Mustache")


def _read(pattern: re.Pattern[str], text: str, kind: str) -> Pieces:
    found, end = list[str](), 0
    for match in pattern.finditer(text):
        groups = match.groupdict()
        if groups["other"]:
            raise refused(groups["other"], kind)
        found.append(text[end : match.start()])
        name = groups["name"] or groups.get("bare")
        if name:
            found.append(Variable(name))
        elif groups.get("raw"):
            found.append(groups["raw"])
        elif groups.get("text"):
            found.append(groups["text"][1:-1])
        end = match.end()
    return joined([*found, text[end:]])


def refused(what: str, kind: str) -> PromptError:
    """The error for what a template does beyond filling inputs."""
    return PromptError(
        f"The template holds {' '.join(what.split())[:80]}, which {kind} runs. A prompt of apo "
        "only fills inputs, {{name}}: write out what it gives, or make it an input of the task."
    )


def format_string(pieces: Pieces) -> str:
    """Write a format string of Python.

    Raises:
        PromptError: the name of an input is none there.
    """
    for piece in pieces:
        if isinstance(piece, Variable) and not piece.isidentifier():
            raise PromptError(
                f"The input {{{{{piece}}}}} cannot be named so in a format string: use letters, "
                "digits and _. Give the field another name in the task, or take another form."
            )
    return "".join(
        f"{{{p}}}" if isinstance(p, Variable) else p.replace("{", "{{").replace("}", "}}")
        for p in pieces
    )


def from_format_string(text: str) -> Pieces:
    """Read a format string of Python that only fills inputs by name.

    Raises:
        PromptError: it formats, converts, or looks into a value; or has single braces.
    """
    found = list[str]()
    try:
        for literal, name, spec, conversion in Formatter().parse(text):
            found.append(literal)
            if name is None:
                continue
            if spec or conversion or not name.isidentifier():
                raise refused(
                    f"{{{name}{'!' + conversion if conversion else ''}"
                    f"{':' + spec if spec else ''}}}",
                    "format()",
                )
            found.append(Variable(name))
    except ValueError as error:
        raise PromptError(
            f"It is no format string: {error}. Double each brace that is text."
        ) from error
    return joined(found)


def joined(pieces: list[str]) -> Pieces:
    """Pieces with neighbouring text as one."""
    found = list[str]()
    for piece in pieces:
        if found and not isinstance(piece, Variable) and not isinstance(found[-1], Variable):
            found[-1] += piece
        elif piece:
            found.append(piece)
    return tuple(found)
