"""Where a prompt's parts stand, and how they are set apart."""

from dataclasses import dataclass
from typing import Literal, get_args

from apo.errors import PromptError, near

Part = Literal["instruction", "context", "demos"]
Role = Literal["system", "user"]
Headings = Literal["none", "markdown", "xml"]


@dataclass(frozen=True)
class Demo:
    """One worked example, as the two turns of chat that show it."""

    user: str
    assistant: str


@dataclass(frozen=True, kw_only=True)
class Layout:
    r"""How the parts of a prompt are put together.

    Attributes:
        order: order of the parts in the opening text. When "demos" is left out, as by default,
            demos are turns of chat; named here, they are written into the text at that place.
        role: who says the opening text: a system message, or the start of the first user turn.
        separator: what stands between parts.
        headings: mark parts with nothing, Markdown headings, or XML tags.
        repeat_instruction: say the instruction again after the input, against recency bias.
    """

    order: tuple[Part, ...] = ("instruction", "context")
    role: Role = "system"
    separator: str = "\n\n"
    headings: Headings = "none"
    repeat_instruction: bool = False

    def __post_init__(self) -> None:
        for name, known in (("role", get_args(Role)), ("headings", get_args(Headings))):
            value = getattr(self, name)
            if value not in known:
                raise PromptError(f"layout.{name} is {value!r}.{near(str(value), list(known))}")
        if type(self.separator) is not str or type(self.repeat_instruction) is not bool:
            raise PromptError(
                f"layout.separator must be text and layout.repeat_instruction true or false; they "
                f"are {self.separator!r} and {self.repeat_instruction!r}."
            )
        if sorted(set(self.order) | {"demos"}) != ["context", "demos", "instruction"] or len(
            set(self.order)
        ) != len(self.order):
            raise PromptError(
                f"layout.order is {list(self.order)}; it must hold 'instruction' and 'context' "
                "once each, and may hold 'demos'."
            )

    def block(self, part: str, text: str) -> str:
        """Mark a part's text the way the layout says."""
        if self.headings == "markdown":
            return f"## {part.capitalize()}\n{text}"
        if self.headings == "xml":
            return f"<{part}>\n{text}\n</{part}>"
        return text
