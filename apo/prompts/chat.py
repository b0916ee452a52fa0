"""How a prompt's parts become chat messages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from apo.model import Message
from apo.prompts.fill import VARIABLE, fill
from apo.prompts.layout import Demo, Layout


@dataclass(frozen=True)
class Chat:
    """The parts of a prompt that are shown to a model; `Prompt` says what each is."""

    instruction: str
    context: str = ""
    demos: tuple[Demo, ...] = ()
    cue: str = ""
    template: str = "{{input}}"
    layout: Layout = Layout()

    def messages(self, inputs: Mapping[str, str] | None = None) -> tuple[Message, ...]:
        """Render to chat messages.

        Args:
            inputs: the text of each input field; None leaves the {{variables}} as they stand.

        Raises:
            PromptError: a variable has no value in inputs.
        """
        last = _shown(self.template, inputs)
        again = self.instruction if self.layout.repeat_instruction else ""
        if again or self.cue:
            last = self._join([last, again or None, self.cue or None])
        if self.context and VARIABLE.search(self.context):
            return self._around(self._opening(_shown(self.context, inputs)), last)
        if self.layout.role == "system":
            return (*self._lead, Message("user", last or ""))
        return self._around(self._opening(self.context or None), last)

    @cached_property
    def _lead(self) -> tuple[Message, ...]:
        """What comes before the input, where it is the same in all calls."""
        return self._around(self._opening(self.context or None), None)[:-1]

    def _around(self, opening: str | None, last: str | None) -> tuple[Message, ...]:
        turns = (*self._turns, Message("user", last or ""))
        if opening is None:
            return turns
        if self.layout.role == "system":
            return (Message("system", opening), *turns)
        first = last if len(turns) == 1 else turns[0].content or None
        return (Message("user", self._join([opening, first]) or ""), *turns[1:])

    def _opening(self, context: str | None) -> str | None:
        shown = "\n\n".join(f"{demo.user}\n{demo.assistant}" for demo in self.demos)
        texts = {
            "instruction": self.instruction or None,
            "context": context,
            "demos": shown or None,
        }
        return self._join(
            None if text is None else self.layout.block(part, text)
            for part, text in ((part, texts[part]) for part in self.layout.order)
        )

    @cached_property
    def _turns(self) -> tuple[Message, ...]:
        if "demos" in self.layout.order:
            return ()
        turns = [(Message("user", d.user), Message("assistant", d.assistant)) for d in self.demos]
        return tuple(message for turn in turns for message in turn)

    def _join(self, texts: Iterable[str | None]) -> str | None:
        """Join the parts that there are; None when there are none."""
        there = [text for text in texts if text is not None]
        return self.layout.separator.join(there) if there else None

    def text(self) -> str:
        """The messages as one plain text, variables unfilled; for reading and comparing."""
        shown = [[m.content, *(f"[image {i}]" for i in m.images)] for m in self.messages()]
        return "\n\n".join("\n".join(filter(None, texts)) for texts in shown)


def _shown(template: str, inputs: Mapping[str, str] | None) -> str | None:
    """Fill a part; None without one, so that an empty input does not change what stands around."""
    return fill(template, inputs) if template else None
