"""LangChain: Python source with a ChatPromptTemplate. It is read without being run."""

import ast
from typing import Any, cast

from apo.errors import PromptError
from apo.model import Decoding
from apo.prompts.forms.found import Found, found, mapping
from apo.prompts.forms.provenance import Provenance
from apo.prompts.forms.templates import (
    format_string,
    from_format_string,
    from_jinja,
    from_mustache,
)  # fmt: skip
from apo.prompts.prompt import Prompt
from apo.prompts.turns import Pieces, Turn, turns_of

SAYS = {"system": "system", "user": "human", "assistant": "ai"}
ROLES = {**{v: k for k, v in SAYS.items()}, **{k: k for k in SAYS}, "developer": "system"}
CLASSES = {
    f"{name}{kind}": role
    for name, role in (("System", "system"), ("Human", "user"), ("AI", "assistant"))
    for kind in ("MessagePromptTemplate", "Message")
}
_READERS = {"f-string": from_format_string, "mustache": from_mustache, "jinja2": from_jinja}


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write source for langchain-core, with how answers were drawn beside it.

    Raises:
        PromptError: an input's name is none in a format string.
    """
    turns = "".join(
        f"        (\n            {SAYS[role]!r},\n{_lines(format_string(pieces))}        ),\n"
        for role, pieces, _ in turns_of(prompt)
    )
    known = provenance.to_dict()
    further = f"PROVENANCE = {known!r}\n" if known else ""
    return (
        f'"""Prompt {prompt.id}, exported by apo. Needs langchain-core."""\n\n'
        "from langchain_core.prompts import ChatPromptTemplate\n\n"
        f"DECODING = {prompt.decoding.to_dict()!r}\n{further}\n"
        f"prompt = ChatPromptTemplate(\n    [\n{turns}    ],\n"
        '    template_format="f-string",\n)\n'
    )


def _lines(text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    return "".join(f"            {line!r}\n" for line in lines)


def read(text: str) -> Found:
    """Read the only ChatPromptTemplate of a Python file.

    Raises:
        PromptError: none or several, or one that only running the file would give.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise PromptError(f"It is no valid Python: {error}.") from error
    made = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    chats = [node for node in made if _is_of("ChatPromptTemplate", node)]
    calls = chats or [node for node in made if _is_of("PromptTemplate", node)]
    if len(calls) != 1:
        raise PromptError(
            f"The Python file holds {len(calls) or 'no'} ChatPromptTemplate"
            f"{'s' if calls else ''}; apo reads one from such a file, and runs nothing of it."
        )
    call = calls[0]
    options = {k.arg: k.value for k in call.keywords}
    first = [options.pop(name, None) for name in ("messages", "template")]
    given = call.args[0] if call.args else first[0] or first[1]
    form = str(_value(options.pop("template_format", ast.Constant("f-string"))))
    if form not in _READERS:
        raise PromptError(f"template_format is {form!r}, which apo does not read.")
    options.pop("input_variables", None)  # The template names them itself.
    if isinstance(given, ast.List | ast.Tuple):
        turns = [_turn(item, _READERS[form]) for item in given.elts]
    elif given is None:
        raise PromptError(f"{ast.unparse(call)[:80]} holds neither messages nor a template.")
    else:  # One text, which is the user's turn.
        turns = [Turn("user", _READERS[form](_value(given)))]
    return found(turns, _decoding(tree), [str(name) for name in options])


def _is_of(kind: str, call: ast.Call) -> bool:
    made = call.func
    if isinstance(made, ast.Attribute) and made.attr in ("from_messages", "from_template"):
        if made.attr == "from_template" and ast.unparse(made.value).endswith(
            "MessagePromptTemplate"
        ):
            return False
        made = made.value
    return ast.unparse(made).rpartition(".")[2] == kind


def _turn(item: ast.expr, read_pieces: Any) -> Turn:
    if isinstance(item, ast.Tuple) and len(item.elts) == 2:
        role, said = (_value(part) for part in item.elts)
        if role in ROLES:
            return Turn(cast("Any", ROLES[role]), read_pieces(said))
    if isinstance(item, ast.Call):
        name = ast.unparse(item.func).removesuffix(".from_template").rpartition(".")[2]
        text = item.args[0] if item.args else item.keywords[0].value if item.keywords else item
        if name in CLASSES:
            literal = name.endswith("Message")  # A message is text; its template is filled.
            pieces: Pieces = (_value(text),) if literal else read_pieces(_value(text))
            return Turn(cast("Any", CLASSES[name]), pieces)
    raise PromptError(
        f"The ChatPromptTemplate holds {ast.unparse(item)[:80]}, which apo's prompts have not: "
        "give turns of system, human and ai with their text."
    )


def _value(node: ast.expr) -> str:
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError):
        value = None
    if not isinstance(value, str):
        raise PromptError(
            f"{ast.unparse(node)[:80]} is no text that stands in the file; apo runs nothing of it. "
            "Write the text out."
        )
    return value


def _decoding(tree: ast.Module) -> Decoding | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DECODING":
            return Decoding.from_dict(mapping(ast.literal_eval(node.value), "DECODING"))
    return None
