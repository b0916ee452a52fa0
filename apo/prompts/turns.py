"""A prompt as turns of text and places for inputs: what each form of a file can say in its way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from apo.errors import PromptError
from apo.model import Decoding, Role
from apo.prompts.fill import VARIABLE
from apo.prompts.layout import Demo, Layout
from apo.prompts.prompt import Prompt


class Variable(str):
    """The name of an input field, at its place in a text."""

    __slots__ = ()


Pieces = tuple[str, ...]
"""Text in pieces; a `Variable` is the place of an input, all else is literal."""


class Turn(NamedTuple):
    """One message of a chat before its variables are filled; images are names of inputs."""

    role: Role
    pieces: Pieces
    images: tuple[str, ...] = ()


def turns_of(prompt: Prompt) -> list[Turn]:
    """The messages of a prompt, with what is filled told from text that looks like it.

    The conversation before the user turn is not among them.
    """
    images, prompt = prompt.images, prompt.alone
    text = prompt.text()
    unused = (mark for mark in map(chr, range(0xE000, 0x110000)) if mark not in text)
    marks = dict(zip(prompt.variables, unused, strict=False))
    turns = [Turn(m.role, _unmarked(m.content, marks)) for m in prompt.messages(marks)]
    return [*turns[:-1], turns[-1]._replace(images=images)]


def _unmarked(content: str, marks: Mapping[str, str]) -> Pieces:
    names = {mark: Variable(name) for name, mark in marks.items()}
    found: list[str] = [""]
    for letter in content:
        if letter in names:
            found += [names[letter], ""]
        else:
            found[-1] += letter
    return tuple(piece for piece in found if piece)


def pieces_of(text: str) -> Pieces:
    """Part a text in which each name in double braces is a variable."""
    parts = VARIABLE.split(text)
    found = [Variable(part) if i % 2 else part for i, part in enumerate(parts)]
    return tuple(piece for piece in found if piece)


def shown(pieces: Iterable[str]) -> str:
    """Pieces as one text, with variables in double braces."""
    return "".join(f"{{{{{p}}}}}" if isinstance(p, Variable) else p for p in pieces)


def prompt_of(turns: Sequence[Turn], decoding: Decoding | None = None) -> Prompt:
    """Make a prompt that sends these turns; without a user turn, its template is empty.

    A last turn of the assistant is the cue: the beginning of the answer, put after the input.

    Raises:
        PromptError: turns that apo cannot send, such as two of the user in a row.
    """
    if not turns:
        raise PromptError("The list of messages is empty.")
    if any(turn.images for turn in turns):
        return _with_images(turns, decoding)
    lead = next((i for i, t in enumerate(turns) if t.role != "system"), len(turns))
    system, rest = turns[:lead], list(turns[lead:])
    cue = shown(rest.pop().pieces) if rest and rest[-1].role == "assistant" else ""
    roles = [turn.role for turn in rest]
    if roles and roles != [*["user", "assistant"] * (len(roles) // 2), "user"]:
        raise PromptError(
            "Chat messages must alternate user and assistant after the system message, "
            "and end with the user turn that holds the input."
        )
    whole = tuple(piece for turn in system for piece in ("\n\n", *turn.pieces))[1:]
    if not rest and (any(isinstance(p, Variable) for p in whole) or VARIABLE.search(cue)):
        raise PromptError(
            "The chat has no user turn, but variables elsewhere. Add a message with the role user "
            "that holds the input; the system message may hold further ones."
        )
    options = Decoding() if decoding is None else decoding
    last = rest.pop().pieces if rest else ()
    if not system and not rest:
        return _of_one_turn(last, cue, options)
    first_is_filled = any(isinstance(p, Variable) for t in rest[:1] for p in t.pieces)
    if first_is_filled and not system:
        # What opens the chat stands in the first turn, before the demos' first answer.
        opening = Turn("user", ()), *rest[1:]
        return Prompt(
            "", template_of(rest[0].pieces), _demos(opening), cue, template_of(last),
            Layout(role="user"), options,
        )  # fmt: skip
    instruction, context = _parted(whole)
    return Prompt(
        instruction, context, _demos(rest), cue, template=template_of(last), decoding=options
    )


def _with_images(turns: Sequence[Turn], decoding: Decoding | None) -> Prompt:
    *before, last = turns
    if last.role != "user" or any(turn.images for turn in before):
        raise PromptError(
            "Images of the inputs are shown with the last turn, which is the user's; in another "
            "turn apo shows none. Move them there."
        )
    prompt = prompt_of([*before, last._replace(images=())], decoding)
    return replace(prompt, images=last.images)


def template_of(pieces: Pieces) -> str:
    """Pieces as a text whose variables are filled.

    Raises:
        PromptError: literal text would be filled as well.
    """
    text = shown(pieces)
    if _merged(pieces_of(text)) != _merged(pieces):
        raise PromptError(
            f"apo would fill a variable where the file has literal text, in {text[:120]!r}. "
            "Beside an input, text in double braces cannot be kept: change its braces."
        )
    return text


def _merged(pieces: Pieces) -> list[tuple[bool, str]]:
    found: list[tuple[bool, str]] = []
    for piece in pieces:
        filled = isinstance(piece, Variable)
        if found and not filled and not found[-1][0]:
            found[-1] = (False, found[-1][1] + piece)
        elif piece:
            found.append((filled, str(piece)))
    return found


def _demos(turns: Sequence[Turn]) -> tuple[Demo, ...]:
    for turn in turns:
        for piece in turn.pieces:
            if isinstance(piece, Variable):
                raise PromptError(
                    f"An example in the chat holds the input {{{{{piece}}}}}; examples are fixed "
                    "text in apo. Put the input into the last user turn or the system message."
                )
    texts = ["".join(turn.pieces) for turn in turns]
    return tuple(map(Demo, texts[::2], texts[1::2]))


def _of_one_turn(pieces: Pieces, cue: str, decoding: Decoding) -> Prompt:
    """Take what stands above the first line with a variable as the instruction.

    The rest stays as the user turn, word for word. An instruction on the variable's own line
    cannot be rewritten apart from it: optimizers then write a new one in front.
    """
    before, after = _until_variable(pieces)
    if not after:
        if not before.strip():
            raise PromptError("The prompt is empty; it needs at least one sentence of instruction.")
        return Prompt(before.strip(), cue=cue, template="", decoding=decoding)
    line = before.rfind("\n") + 1
    head = before[:line].rstrip()
    tail = template_of((before[line:], *after) if head else pieces)
    layout = (
        Layout(role="user", separator=before[len(head) : line]) if head else Layout(role="user")
    )
    return Prompt(head, cue=cue, template=tail, layout=layout, decoding=decoding)


def _parted(system: Pieces) -> tuple[str, str]:
    """Split a system message: from the first paragraph with a variable on, it is context."""
    before, after = _until_variable(system)
    start = before.rfind("\n\n")
    if not after:
        return before, ""
    if start <= 0:
        return "", template_of(system)
    return before[:start], template_of((before[start + 2 :], *after))


def _until_variable(pieces: Pieces) -> tuple[str, Pieces]:
    """The literal text before the first variable, and all from there on."""
    first = next((i for i, p in enumerate(pieces) if isinstance(p, Variable)), len(pieces))
    return "".join(pieces[:first]), pieces[first:]
