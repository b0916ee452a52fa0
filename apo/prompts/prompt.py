"""The prompt: the structured, immutable thing that is optimized."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar

from apo.errors import PromptError, near
from apo.model import Decoding, Message
from apo.prompts.beside import Beside, transcript, with_history, with_images
from apo.prompts.changes import changed, marked
from apo.prompts.chat import Chat
from apo.prompts.fill import VARIABLE, fill
from apo.prompts.layout import Demo, Layout

FORMAT = 1
STEPS = "steps"
BESIDE = ("apo_prompt", "provenance")
"""What a prompt's JSON holds beside its parts."""


@dataclass(frozen=True)
class Prompt(Chat):
    """A prompt in its parts; renders to chat messages and round-trips through JSON.

    Attributes:
        instruction: what to do; the text that optimizers rewrite. Always literal text.
        context: supporting content given beside the input; may hold {{variables}}.
        demos: worked examples.
        cue: the first words of the answer, put after the input.
        template: the user turn, with a {{variable}} for each input field.
        layout: how the parts are put together.
        decoding: how the task model draws its answer.
        images: names of the input fields that are images, shown after the text of the user turn.
        history: the name of the input field that holds the conversation before the user turn.
    """

    decoding: Decoding = Decoding()
    images: tuple[str, ...] = ()
    history: str = ""

    read_steps: ClassVar[Callable[[Mapping[str, Any]], "Prompt"]]
    """Reads the prompts of a program's steps; set by `prompt_set`, which rests on this module."""

    @cached_property
    def id(self) -> str:
        """Hash of the content, 12 hex digits."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables that are filled, in order of appearance."""
        found = VARIABLE.findall(self.context) + VARIABLE.findall(self.template)
        beside = filter(None, (self.history, *self.images))
        return tuple(dict.fromkeys((*found, *beside)))

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
        """The same prompt with other demos; one that shows images keeps its own, as a demo is
        text alone.
        """
        return self if self.images else replace(self, demos=demos)

    @property
    def beside(self) -> Beside:
        """The input fields that are shown beside the text of the user turn."""
        return Beside(self.images, self.history)

    @cached_property
    def alone(self) -> "Prompt":
        """The prompt without what stands beside the text of its user turn."""
        return replace(self, images=(), history="") if self.images or self.history else self

    @property
    def focus(self) -> str:
        """The step of a program that this prompt's parts are; "" for a prompt that stands alone."""
        return ""

    @cached_property
    def steps(self) -> "dict[str, Prompt]":
        """The prompt of each step, by its name: of a prompt that stands alone, itself under ""."""
        return {"": self}

    @property
    def instructions(self) -> str:
        """The instruction; of a program, those of all steps, each after its step's name."""
        return self.instruction

    def focused(self, step: str) -> "Prompt":
        """The same candidate with another step in focus."""
        if step not in self.steps:
            raise PromptError(f"There is no step {step!r}.{near(step, list(self.steps))}")
        return self

    def with_steps(self, changed: "Mapping[str, Prompt]") -> "Prompt":
        """The same candidate with other prompts for some steps."""
        return changed.get("", self)

    def at_temperature(self, temperature: float) -> "Prompt":
        """The same with answers drawn so; as it is where that is left to the provider (None)."""
        if self.decoding.temperature is None:
            return self
        return replace(self, decoding=replace(self.decoding, temperature=temperature))

    def demo(self, inputs: Mapping[str, str], target: str) -> Demo:
        """Make a demo of an example: the user turn as this prompt writes it, and its answer."""
        text = fill(self.template, inputs)
        if self.history or self.images:
            beside = transcript(inputs, self.history, self.images)
            text = "\n".join(filter(None, (*beside, text)))
        return Demo(text, target)

    def messages(self, inputs: Mapping[str, str] | None = None) -> tuple[Message, ...]:
        """Render to chat messages.

        Args:
            inputs: the text of each input field; None leaves the {{variables}} as they stand.

        Raises:
            PromptError: a variable has no value in inputs, or the history's is no conversation.
        """
        turns = super().messages(inputs)
        if not (self.images or self.history):
            return turns
        return with_history(with_images(turns, self.images, inputs), self.history, inputs)

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
            **({"images": list(self.images)} if self.images else {}),
            **({"history": self.history} if self.history else {}),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Prompt":
        """Read what `to_dict` gives; parts left out take their defaults.

        Raises:
            PromptError: an unknown part, or a part of the wrong shape.
        """
        if STEPS in values:
            return Prompt.read_steps(values)
        known = [field.name for field in fields(Prompt)]
        parts = {name: value for name, value in values.items() if name not in BESIDE}
        for name in parts:
            if name not in known:
                raise PromptError(f"A prompt has no part {name!r}.{near(str(name), known)}")
        require_format(values)
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
            texts: list[Any] = [text for demo in demos for text in (demo.user, demo.assistant)]
            named: Any = parts.pop("images", ())
            images = (named,) if isinstance(named, str) else tuple(named)
            if not all(isinstance(text, str) for text in [*parts.values(), *texts, *images]):
                raise PromptError(
                    "instruction, context, cue, template, history, demos and names of images must "
                    "be text."
                )
            layout_ = Layout(**layout)
            return Prompt(demos=demos, layout=layout_, decoding=decoding, images=images, **parts)
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
        return marked(self.text(), other.text())

    def changes(self, other: "Prompt") -> list[tuple[str, str]]:
        """What changes from this prompt's text to the other's, word by word.

        Returns:
            The parts of both texts in order, each as "same", "removed" or "added" and the text;
            nothing when the texts are equal.
        """
        return changed(self.text(), other.text())

    def _repr_html_(self) -> str:
        """The chat turns, of a program those of each step, for a notebook."""
        from apo.display.page import part

        return part("prompt", self.steps)

    def diff_html(self, other: "Prompt") -> str:
        """What `diff` shows, as HTML: `IPython.display.HTML(seed.diff_html(best))`."""
        from apo.display.page import part

        return part("changes", self.changes(other))


def require_format(values: Mapping[str, Any]) -> None:
    """Refuse a prompt that another version of apo wrote in another form."""
    if values.get("apo_prompt", FORMAT) != FORMAT:
        raise PromptError(
            f"This prompt is in format {values['apo_prompt']!r}; this apo reads {FORMAT}."
        )
