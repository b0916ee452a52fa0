"""What a candidate must be before a token is spent on it. Refused, never repaired."""

import re
from collections.abc import Iterable, Sequence
from typing import Self

from apo.guards.copies import Copies
from apo.prompts.fill import VARIABLE, fill
from apo.prompts.prompt import Prompt
from apo.prompts.prompt_set import PromptSet
from apo.prompts.rules import Rules
from apo.reading.answers import quote
from apo.task import Example, Task

STATEMENT = re.compile(r"\{%[^{}\n]{0,200}%\}")
"""What makes a template of a text where templates are Jinja's."""


class Contract:
    """The rules for candidates of one search.

    Args:
        seeds: the prompts whose template and context are not a candidate's to change.
        examples: train rows, which must not be copied into an instruction (they belong in demos).
        validation: rows that choose between candidates: to be found in no part of one.
        rules: the task's own; see `apo.prompts.rules.Rules`.
        own: further texts of the task, which an instruction may repeat: description, labels.
        max_chars: longest instruction, in characters.
    """

    def __init__(
        self,
        seeds: Iterable[Prompt],
        examples: Sequence[Example],
        *,
        validation: Sequence[Example] = (),
        rules: Rules | None = None,
        own: Iterable[str] = (),
        max_chars: int,
    ) -> None:
        seeds, rules = tuple(seeds), rules or Rules()
        self._rules, self.max_chars = rules, max_chars
        self._steps: dict[str, Contract] = {}
        for name in seeds[0].steps if seeds and isinstance(seeds[0], PromptSet) else ():
            steps = [seed.steps[name] for seed in seeds]
            self._steps[name] = Contract(
                steps, examples, validation=validation, own=own, max_chars=max_chars
            )
        if self._steps:
            return
        self._frozen = {(seed.template, seed.context) for seed in seeds}
        self._given = {seed.instruction for seed in seeds}
        self._variables = {name for seed in seeds for name in seed.variables}
        texts = [text for seed in seeds for text in (seed.instruction, seed.cue)]
        self._literal = {
            found[0]
            for text in texts
            for sign in (VARIABLE, STATEMENT)
            for found in sign.finditer(text)
        }
        said = [*(seed.text() for seed in seeds), *own, *rules.frozen]
        # Validation first: what is copied from it spoils the choice, and there is a limit.
        self._copies = Copies([*validation, *examples], said)
        self._demos = {plain(demo.user) for seed in seeds for demo in seed.demos}
        self._unseen = turns(validation, {seed.template for seed in seeds})

    @classmethod
    def of(cls, task: Task, *, max_chars: int) -> Self:
        """The rules for candidates of a search on a task."""
        return cls(
            task.seed_prompts,
            task.train,
            validation=task.validation,
            rules=task.contract,
            own=(task.description, *task.labels),
            max_chars=max_chars,
        )

    def refusal(self, prompt: Prompt) -> str:
        """Say why a candidate must not be measured; "" when it may."""
        if self._steps:
            return self._rules.broken(prompt) or self._refused_step(prompt)
        if (prompt.template, prompt.context) not in self._frozen:
            lost = self._variables - {*prompt.variables}
            if lost:
                return f"the user turn or the context lost the variable {{{{{min(lost)}}}}}"
            return "the user turn or the context was changed"
        broken = self._rules.broken(prompt) or self._leaked_demo(prompt)
        if broken:
            return broken
        if prompt.instruction in self._given and not prompt.cue:
            return ""  # The user's own words, with other demos or another layout.
        if not prompt.instruction.strip():
            return "the instruction is empty"
        if len(prompt.instruction) > self.max_chars:
            return f"the instruction has {len(prompt.instruction)} characters, over the " + (
                f"limit of {self.max_chars}"
            )
        asked = self._asked_for(prompt.instruction) or self._asked_for(prompt.cue)
        if asked:
            return asked
        copied = self._copies.find(prompt.instruction) or self._copies.find(prompt.cue)
        return f"the instruction copies a row of the data: {quote(copied)}" if copied else ""

    def _refused_step(self, prompt: Prompt) -> str:
        if tuple(prompt.steps) != tuple(self._steps):
            return f"it has other steps than {', '.join(self._steps)}"
        refusals = {n: self._steps[n].refusal(step) for n, step in prompt.steps.items()}
        return next((f"step {name}: {why}" for name, why in refusals.items() if why), "")

    def _asked_for(self, text: str) -> str:
        """Say what a text would ask to be filled in when it is exported as a template."""
        for variable in VARIABLE.finditer(text):
            if variable[1] in self._variables:
                return f"the instruction holds the variable {variable[0]} of the user turn"
            if variable[0] not in self._literal:
                return (
                    f"the instruction holds {variable[0]}, which is no input field, and which "
                    "whoever uses the exported prompt would have to fill"
                )
        for statement in STATEMENT.finditer(text):
            if statement[0] not in self._literal:
                return (
                    f"the instruction holds {quote(statement[0])}, which the prompt registry "
                    "would run as a template"
                )
        return ""

    def _leaked_demo(self, prompt: Prompt) -> str:
        for demo in prompt.demos:
            shown = plain(demo.user)
            if shown in self._unseen and shown not in self._demos:
                return f"a demo shows a row of validation, which must stay unseen: {quote(shown)}"
        return ""


def turns(examples: Iterable[Example], templates: Iterable[str]) -> set[str]:
    """The user turns in which a prompt could show the examples."""
    templates = tuple(templates)
    turns: set[str] = set()
    for example in examples:
        turns.add(plain(" ".join(example.inputs.values())))
        for template in templates:
            if {*VARIABLE.findall(template)} <= example.inputs.keys():
                turns.add(plain(fill(template, example.inputs)))
    return turns


def plain(text: str) -> str:
    """Fold case and white space, so that a copy is found however it was wrapped."""
    return re.sub(r"\s+", " ", text).strip().casefold()
