"""The prompts of a program's steps, as one candidate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, cast

from apo.errors import PromptError, near
from apo.model import Message
from apo.prompts.fill import VARIABLE
from apo.prompts.layout import Demo
from apo.prompts.prompt import BESIDE, FORMAT, STEPS, Prompt, require_format


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
        """The same set with other demos of the step in focus; empty ones are left out, and a step
        that shows images keeps its own, as a demo is text alone.
        """
        if self.images:
            return self
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
        require_format(values)
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


Prompt.read_steps = PromptSet.from_dict
