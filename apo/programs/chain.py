"""Steps in a row: each is given the task's inputs and the answers of the steps before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from apo.errors import PromptError, near
from apo.programs.program import Ask
from apo.prompts.prompt import Prompt


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A program that asks its steps one after the other; the last one's answer is the answer.

    Attributes:
        steps: names of the steps in their order; the answer of each is {{name}} to those after it.
        models: the model that answers a step, by the step's name, where it is not the task's.
    """

    steps: tuple[str, ...]
    models: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def calls(self) -> int:
        """One call a step."""
        return len(self.steps)

    async def answer(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Ask step by step; a step is given what its prompt has variables for."""
        known, said = dict(inputs), ""
        for step in self.steps:
            wanted = ask.prompts[step].variables
            said = await ask(step, **{name: known[name] for name in wanted})
            known[step] = said
        return said

    def require_fit(self, prompts: Mapping[str, Prompt], input_fields: tuple[str, ...]) -> None:
        """Make sure that each step is given what its prompt has variables for.

        Raises:
            PromptError: a variable that is neither input nor an earlier answer; an input, or an
                answer, that no step is given.
        """
        known, used = [*input_fields], set[str]()
        for step in self.steps:
            for name in prompts[step].variables:
                if name not in known:
                    raise PromptError(
                        f"Step {step!r} has a variable {{{{{name}}}}}, which is neither an input "
                        f"field nor the answer of an earlier step.{near(name, known)}"
                    )
                used.add(name)
            known.append(step)
        for name in known[:-1]:
            if name not in used:
                raise PromptError(
                    f"No step is given {{{{{name}}}}}: put it into the user turn of one, as its "
                    "template."
                )
