"""The prompt: the structured, immutable thing that is optimized."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

from apo.errors import PromptError, near
from apo.model import Decoding, Message
from apo.prompts.fill import VARIABLE, fill
from apo.prompts.layout import Demo, Layout

FORMAT = 1
BESIDE = ("apo_prompt", "provenance")
"""What a prompt's JSON holds beside its parts."""
LONG_DIFF = 2000
"""Words from which `Prompt.diff` leaves common words aside when it looks for what is the same."""


@dataclass(frozen=True)
class Prompt:
    """A prompt in its parts; renders to chat messages and round-trips through JSON.

    Attributes:
        instruction: what to do; the text that optimizers rewrite. Always literal text.
        context: supporting content given beside the input; may hold {{variables}}.
        demos: worked examples.
        cue: the first words of the answer, put after the input.
        template: the user turn, with a {{variable}} for each input field.
        layout: how the parts are put together.
        decoding: how the task model draws its answer.
    """

    instruction: str
    context: str = ""
    demos: tuple[Demo, ...] = ()
    cue: str = ""
    template: str = "{{input}}"
    layout: Layout = Layout()
    decoding: Decoding = Decoding()

    @cached_property
    def id(self) -> str:
        """Hash of the content, 12 hex digits."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables that are filled, in order of appearance."""
        found = VARIABLE.findall(self.context) + VARIABLE.findall(self.template)
        return tuple(dict.fromkeys(found))

    @cached_property
    def literal_variables(self) -> tuple[str, ...]:
        """What looks like a variable in parts that are text: a template would fill it."""
        turns = [text for demo in self.demos for text in (demo.user, demo.assistant)]
        texts = (self.instruction, self.cue, *turns)
        return tuple(dict.fromkeys(m[0] for text in texts for m in VARIABLE.finditer(text)))

    def with_instruction(self, instruction: str) -> "Prompt":
        """The same prompt with another instruction."""
        return replace(self, instruction=instruction)

    def with_demos(self, demos: tuple[Demo, ...]) -> "Prompt":
        """The same prompt with other demos."""
        return replace(self, demos=demos)

    def demo(self, inputs: Mapping[str, str], target: str) -> Demo:
        """Make a demo of an example: the user turn as this prompt writes it, and its answer."""
        return Demo(fill(self.template, inputs), target)

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

    def to_dict(self) -> dict[str, Any]:
        """Give the prompt as JSON values; `from_dict` reads it back unchanged."""
        return {
            "apo_prompt": FORMAT,
            "instruction": self.instruction,
            "context": self.context,
            "demos": [asdict(demo) for demo in self.demos],
            "cue": self.cue,
            "template": self.template,
            "layout": {**asdict(self.layout), "order": list(self.layout.order)},
            "decoding": {**self.decoding.to_dict(), "stop": list(self.decoding.stop)},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Prompt":
        """Read what `to_dict` gives; parts left out take their defaults.

        Raises:
            PromptError: an unknown part, or a part of the wrong shape.
        """
        known = [field.name for field in fields(cls)]
        parts = {name: value for name, value in values.items() if name not in BESIDE}
        for name in parts:
            if name not in known:
                raise PromptError(f"A prompt has no part {name!r}.{near(str(name), known)}")
        if values.get("apo_prompt", FORMAT) != FORMAT:
            raise PromptError(
                f"This prompt is in format {values['apo_prompt']!r}; this apo reads {FORMAT}."
            )
        try:
            demos = tuple(Demo(**demo) for demo in parts.pop("demos", ()))
            layout: dict[str, Any] = dict(parts.pop("layout", {}))
            options = [field.name for field in fields(Layout)]
            for name in layout:
                if name not in options:
                    raise PromptError(f"layout has no option {name!r}.{near(str(name), options)}")
            if "order" in layout:
                layout["order"] = tuple(layout["order"])
            decoding = Decoding.from_dict(parts.pop("decoding", {}))
            turns: list[Any] = [text for demo in demos for text in (demo.user, demo.assistant)]
            if not all(isinstance(text, str) for text in [*parts.values(), *turns]):
                raise PromptError("instruction, context, cue, template and demos must be text.")
            return cls(demos=demos, layout=Layout(**layout), decoding=decoding, **parts)
        except (AttributeError, TypeError, ValueError) as error:
            raise PromptError(f"A part of the prompt has the wrong shape: {error}.") from error

    def with_extra(self, values: Mapping[str, Any]) -> "Prompt":
        """The prompt with further fields of each request's body; see `Decoding.with_extra`."""
        return replace(self, decoding=self.decoding.with_extra(values)) if values else self

    def with_max_tokens(self, limit: int | None) -> "Prompt":
        """The prompt with answers of so many tokens at most; None for the same prompt."""
        if limit is None:
            return self
        return replace(self, decoding=replace(self.decoding, max_tokens=limit))

    def diff(self, other: "Prompt") -> str:
        """Show word by word what changes from this prompt's text to the other's.

        Returns:
            The other's text, with [-removed-] and {+added+} words; "" when the texts are equal.
        """
        before, after = (_WORDS.findall(prompt.text()) for prompt in (self, other))
        if before == after:
            return ""
        # Common words are worth comparing, but take time by the square of the lengths.
        common = len(before) * len(after) > LONG_DIFF**2
        matcher = SequenceMatcher(None, before, after, autojunk=common)
        marked: list[str] = []
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag == "equal":
                marked += before[a:b]
                continue
            marked += [f"[-{''.join(before[a:b])}-]"] if b > a else []
            marked += [f"{{+{''.join(after[c:d])}+}}"] if d > c else []
        return "".join(marked)

    def text(self) -> str:
        """The messages as one plain text, variables unfilled; for reading and comparing."""
        return "\n\n".join(message.content for message in self.messages())


_WORDS = re.compile(r"\s+|[^\W_]+|[\W_]", re.UNICODE)


def _shown(template: str, inputs: Mapping[str, str] | None) -> str | None:
    """Fill a part; None without one, so that an empty input does not change what stands around."""
    return fill(template, inputs) if template else None
