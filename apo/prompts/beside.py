"""What goes with the user turn beside its text: images after it, a conversation before it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from apo.errors import DataError, PromptError, near
from apo.media import parts_of, turns_before
from apo.model import Message
from apo.prompts.fill import VARIABLE


class Beside(NamedTuple):
    """The input fields that are shown beside the text of the user turn; false where none is.

    Attributes:
        images: those that are images.
        history: the one that holds a conversation; "" for none.
    """

    images: tuple[str, ...] = ()
    history: str = ""

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.images or self.history)

    def texts(self, fields: Sequence[str]) -> tuple[str, ...]:
        """Those of the input fields that stand in the text."""
        return tuple(name for name in fields if name not in (*self.images, self.history))


NOTHING = Beside()


def read_parts(content: object, role: object) -> tuple[str, tuple[str, ...]] | None:
    """The text of a chat message, and the inputs that are its images; None where it is neither.

    Raises:
        PromptError: an image is no place of an input.
    """
    found = parts_of(content)
    if found is None:
        return None
    text, urls = found
    names = list[str]()
    for url in urls:
        place = VARIABLE.fullmatch(url.strip())
        if place is None or role != "user":
            raise PromptError(
                f"A message of the role {role} holds the image {url[:60]!r}. apo shows images of "
                "the inputs, with the user turn: write {{FIELD}} in the place of its URL."
            )
        names.append(place[1])
    return text, tuple(names)


def with_images(
    turns: tuple[Message, ...], images: tuple[str, ...], inputs: Mapping[str, str] | None
) -> tuple[Message, ...]:
    """Put images after the text of the last turn.

    Args:
        turns: rendered, the user turn last.
        images: names of the input fields.
        inputs: by field; None leaves {{variables}} in the places of the images.

    Raises:
        PromptError: a field is not among the inputs.
    """
    if not images:
        return turns
    found = tuple(_value(name, inputs) for name in images)
    return (*turns[:-1], turns[-1]._replace(images=tuple(image for image in found if image)))


def with_history(
    turns: tuple[Message, ...], history: str, inputs: Mapping[str, str] | None
) -> tuple[Message, ...]:
    """Put a conversation before the last turn; a last turn of the user's in it opens that one.

    Args:
        turns: rendered, the user turn last.
        history: the name of the input field that holds the conversation, as JSON; "" for none.
        inputs: by field; None leaves a {{variable}} as the turn that they would be.

    Raises:
        PromptError: it is no conversation, or not among the inputs.
    """
    if not history:
        return turns
    value = _value(history, inputs)
    if inputs is None:
        return (*turns[:-1], Message("user", value), turns[-1])
    try:
        before = [Message(role, text) for role, text in turns_before(value)]  # type: ignore[arg-type]
    except DataError as error:
        raise PromptError(f"The input {history!r} holds no conversation: {error}") from None
    last = turns[-1]
    if before and before[-1].role == "user":
        said = before.pop().content
        last = last._replace(content="\n\n".join(filter(None, (said, last.content))))
    return (*turns[:-1], *before, last)


def transcript(inputs: Mapping[str, str], history: str, images: tuple[str, ...]) -> list[str]:
    """What is beside the user turn as lines of text, for who is shown no images."""
    found: list[str] = []
    if history and inputs.get(history):
        try:
            found += [f"{role}: {text}" for role, text in turns_before(inputs[history])]
        except DataError:
            found.append(inputs[history])
    return found + [f"[image {name}: {inputs[name]}]" for name in images if inputs.get(name)]


def _value(name: str, inputs: Mapping[str, str] | None) -> str:
    if inputs is None:
        return f"{{{{{name}}}}}"
    if name not in inputs:
        raise PromptError(
            f"The prompt shows {{{{{name}}}}}, which is no input field.{near(name, list(inputs))}"
        )
    return inputs[name]
