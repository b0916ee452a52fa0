"""The prompt: the structured, immutable thing that is optimized."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, cast

from apo.errors import PromptError, near
from apo.model import Decoding, Message
from apo.prompts.changes import changed, marked
from apo.prompts.fill import VARIABLE, fill
from apo.prompts.layout import Demo, Layout

FORMAT = 1
STEPS = "steps"
BESIDE = ("apo_prompt", "provenance")
"""What a prompt's JSON holds beside its parts."""


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

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Prompt":
        """Read what `to_dict` gives; parts left out take their defaults.

        Raises:
            PromptError: an unknown part, or a part of the wrong shape.
        """
        if STEPS in values:
            return PromptSet.from_dict(values)
        known = [field.name for field in fields(Prompt)]
        parts = {name: value for name, value in values.items() if name not in BESIDE}
        for name in parts:
            if name not in known:
                raise PromptError(f"A prompt has no part {name!r}.{near(str(name), known)}")
        _require_format(values)
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
            return Prompt(demos=demos, layout=Layout(**layout), decoding=decoding, **parts)
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

    def text(self) -> str:
        """The messages as one plain text, variables unfilled; for reading and comparing."""
        return "\n\n".join(message.content for message in self.messages())


def _shown(template: str, inputs: Mapping[str, str] | None) -> str | None:
    """Fill a part; None without one, so that an empty input does not change what stands around."""
    return fill(template, inputs) if template else None


def _require_format(values: Mapping[str, Any]) -> None:
    if values.get("apo_prompt", FORMAT) != FORMAT:
        raise PromptError(
            f"This prompt is in format {values['apo_prompt']!r}; this apo reads {FORMAT}."
        )


@dataclass(frozen=True, eq=False)
class PromptSet(Prompt):
    """The prompts of a program's steps: one candidate, with one of its steps in focus.

    Its instruction, demos and other parts are those of the step in focus, so that what changes a
    prompt changes that step. Which step is in focus is no part of what the candidate is: sets of
    the same prompts are equal, and have one id.

    Attributes:
        name: of the step in focus.
        before: the steps before it, each with its name, in their order.
        after: the steps after it.
    """

    name: str = ""
    before: tuple[tuple[str, Prompt], ...] = ()
    after: tuple[tuple[str, Prompt], ...] = ()

    @staticmethod
    def of(steps: Mapping[str, Prompt], focus: str = "") -> "PromptSet":
        """Make a set of prompts by their steps' names, in their order.

        Args:
            steps: at least one.
            focus: a step's name; by default the first.

        Raises:
            PromptError: there is no step, or none of that name.
        """
        named = tuple(steps.items())
        if not named:
            raise PromptError("A program needs at least one step with a prompt.")
        focus = focus or named[0][0]
        if focus not in steps:
            raise PromptError(f"There is no step {focus!r}.{near(focus, list(steps))}")
        place = list(steps).index(focus)
        parts = {field.name: getattr(named[place][1], field.name) for field in fields(Prompt)}
        return PromptSet(**parts, name=focus, before=named[:place], after=named[place + 1 :])

    @property
    def focus(self) -> str:
        """See `Prompt.focus`."""
        return self.name

    @cached_property
    def steps(self) -> dict[str, Prompt]:
        """The prompt of each step, by its name, in their order."""
        parts = {field.name: getattr(self, field.name) for field in fields(Prompt)}
        return dict((*self.before, (self.name, Prompt(**parts)), *self.after))

    @property
    def instructions(self) -> str:
        """The instructions of all steps, each after its step's name."""
        return "\n\n".join(f"[{name}] {step.instruction}" for name, step in self.steps.items())

    def __eq__(self, other: object) -> bool:
        """Whether the other holds the same prompts for the same steps."""
        return isinstance(other, PromptSet) and self.id == other.id

    def __hash__(self) -> int:
        """Hash by content, as equality is by content."""
        return hash(self.id)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables of all steps, answers of earlier steps among them."""
        found = (name for prompt in self.steps.values() for name in prompt.variables)
        return tuple(dict.fromkeys(found))

    @cached_property
    def literal_variables(self) -> tuple[str, ...]:
        """What looks like a variable in parts of any step that are text."""
        found = (name for prompt in self.steps.values() for name in prompt.literal_variables)
        return tuple(dict.fromkeys(found))

    def focused(self, step: str) -> "PromptSet":
        """The same set with another step in focus."""
        return self if step == self.name else PromptSet.of(self.steps, step)

    def with_steps(self, changed: Mapping[str, Prompt]) -> "PromptSet":
        """The same set with other prompts for some steps."""
        return PromptSet.of({**self.steps, **changed}, self.name)

    def _each(self, change: Callable[[Prompt], Prompt]) -> "PromptSet":
        return self.with_steps({name: change(prompt) for name, prompt in self.steps.items()})

    def at_temperature(self, temperature: float) -> "PromptSet":
        """The same set with all steps' answers drawn so."""
        return self._each(lambda prompt: prompt.at_temperature(temperature))

    def with_extra(self, values: Mapping[str, Any]) -> "PromptSet":
        """The same set with further fields of each request's body."""
        return self._each(lambda prompt: prompt.with_extra(values))

    def with_max_tokens(self, limit: int | None) -> "PromptSet":
        """The same set with answers of so many tokens at most; None for the same set."""
        return self._each(lambda prompt: prompt.with_max_tokens(limit))

    def demo(self, inputs: Mapping[str, str], target: str) -> Demo:
        """Make a demo of the step in focus; an empty one where an example alone is none of it.

        A labelled example holds what the whole program is given and has to answer. That is a demo
        of the last step, where it is given nothing else; `Rollout.demo` shows what a step did.
        """
        known = {*VARIABLE.findall(self.template)} <= inputs.keys()
        return super().demo(inputs, target) if known and not self.after else Demo("", "")

    def with_demos(self, demos: tuple[Demo, ...]) -> "PromptSet":
        """The same set with other demos of the step in focus; empty ones are left out."""
        return replace(self, demos=tuple(demo for demo in demos if demo != Demo("", "")))

    def messages(self, inputs: Mapping[str, str] | None = None) -> tuple[Message, ...]:
        """Refuse: a program is no single chat.

        Raises:
            PromptError: always; each of `steps` has messages of its own.
        """
        raise PromptError(
            f"This is a program with a prompt for each of the steps {', '.join(self.steps)}, and "
            "no single chat. apo's own forms, json and yaml, hold all of its prompts."
        )

    def text(self) -> str:
        """The texts of all steps, each under its name."""
        return "\n\n".join(f"[{name}]\n{prompt.text()}" for name, prompt in self.steps.items())

    def to_dict(self) -> dict[str, Any]:
        """Give the set as JSON values; `from_dict` reads it back, the first step in focus."""
        steps = [{"name": name, **prompt.to_dict()} for name, prompt in self.steps.items()]
        for step in steps:
            del step["apo_prompt"]
        return {"apo_prompt": FORMAT, STEPS: steps}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "PromptSet":
        """Read what `to_dict` gives.

        Raises:
            PromptError: a step without a name, with that of another, or of the wrong shape.
        """
        _require_format(values)
        for part in values:
            if part not in (*BESIDE, STEPS):
                raise PromptError(
                    f"A program's prompts have no part {part!r} beside steps; a step may have it."
                )
        found: dict[str, Prompt] = {}
        given: object = values[STEPS]
        for one in cast("list[object]", given) if isinstance(given, list) else [given]:
            step = dict(cast("Mapping[str, Any]", one)) if isinstance(one, Mapping) else {}
            name = step.pop("name", None)
            if not isinstance(name, str) or not name.strip() or name in found:
                raise PromptError(
                    f"{one!r:.120} is no step of a program: each is an object with a name of its "
                    "own, and a prompt's parts."
                )
            found[name] = Prompt.from_dict(step)
        return PromptSet.of(found)
