"""A search, as DSPy's optimizers see it: a program to call, a metric, and a model that writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apo.bridges.dspy_door import Door
from apo.bridges.dspy_program import Program
from apo.errors import FINAL, ModelError
from apo.evaluation.evaluation import Rollout
from apo.model import Completion, Request
from apo.prompts.prompt import Prompt
from apo.scorers.awaited import AwaitedScorer
from apo.search.search import Search
from apo.task import Example, Score


class Solved(Exception):
    """A prompt is right about all of validation: nothing is left to be searched for."""


@dataclass
class Measured:
    """What DSPy's optimizers have measured, through a search: a batch at a time, each paid once.

    Attributes:
        search: measures, and records what it measured.
        program: the student, in DSPy's terms.
        name: of the optimizer, for where candidates come from.
        door: leads from DSPy's thread to the search.
        rollouts: of each prompt on each example.
        scores: of each answer to each example.
    """

    search: Search
    program: Program
    name: str
    door: Door
    rollouts: dict[tuple[Prompt, Example], Rollout] = field(default_factory=dict[Any, Rollout])
    scores: dict[tuple[str, str], Score] = field(default_factory=dict[Any, Score])

    def __post_init__(self) -> None:
        task = self.search.task
        self._known: dict[tuple[str, ...], list[Example]] = {}
        for example in (*task.train, *task.validation):
            self._known.setdefault(self.program.key(self.program.row(example)), []).append(example)
        self._allowed = dict.fromkeys(task.seed_prompts, "")

    def examples(self, row: Mapping[str, Any]) -> list[Example]:
        """The examples with a row's inputs."""
        return self._known[self.program.key(row)]

    def example(self, row: Mapping[str, Any]) -> Example:
        """The example that a row was made of."""
        target = row[self.program.output]
        return next(e for e in self.examples(row) if e.target == target)

    def batch(self, prompt: Prompt, rows: Sequence[Mapping[str, Any]]) -> None:
        """Measure a prompt on rows that DSPy is about to ask about, one after the other."""
        examples = list(dict.fromkeys(self.example(row) for row in rows))
        if any((prompt, example) not in self.rollouts for example in examples):
            self.door.wait(self._evaluate(prompt, examples))

    def answer(self, prompt: Prompt, inputs: Mapping[str, Any], drawn: float | None) -> str:
        """The answer of the task model.

        Args:
            prompt: what asks.
            inputs: what about.
            drawn: the temperature of a fresh draw; None for the answer that the prompt has.
        """
        examples = self.examples(inputs)
        if drawn is not None:
            return self.door.wait(self._draw(prompt, examples, drawn))
        if any((prompt, example) not in self.rollouts for example in examples):
            self.door.wait(self._evaluate(prompt, examples))
        return self.rollouts[prompt, examples[0]].output

    def score(self, row: Mapping[str, Any], answer: str) -> Score:
        """The score of an answer that was given to a row."""
        example = self.example(row)
        if (example.id, answer) in self.scores:
            return self.scores[example.id, answer]
        if isinstance(self.search.task.scorer, AwaitedScorer):  # Judged for another target alone.
            return self.scores[self.examples(row)[0].id, answer]
        return self.search.task.judge(answer, example)

    def ask(self, request: Request) -> Completion | ModelError:
        """Ask the optimizer model; a refusal for good is none of the search's ends."""

        async def asked() -> Completion | ModelError:
            try:
                return await self.search.ask(request)
            except FINAL as refusal:
                return refusal

        return self.door.wait(asked())

    async def whole(self, prompt: Prompt) -> None:
        """Measure a prompt on the whole validation split."""
        await self._evaluate(prompt, self.search.task.validation)

    async def _evaluate(self, prompt: Prompt, examples: Sequence[Example]) -> None:
        if refusal := self._refusal(prompt):
            self._keep(prompt, [Rollout.of_refusal(example, refusal) for example in examples])
            return
        validation = self.search.task.validation
        whole = {*examples} == {*validation}
        found = await self.search.evaluate(prompt, None if whole else examples)
        self._keep(prompt, found.rollouts)
        if whole and self.search.solved:
            raise Solved

    async def _draw(self, prompt: Prompt, examples: Sequence[Example], drawn: float) -> str:
        if self._refusal(prompt):
            return ""
        [*rollouts] = (await self.search.sample(prompt, examples[:1], temperature=drawn)).rollouts
        self._keep(None, rollouts)
        return rollouts[0].output

    def _keep(self, prompt: Prompt | None, rollouts: Sequence[Rollout]) -> None:
        for rollout in rollouts:
            if prompt is not None:
                self.rollouts[prompt, rollout.example] = rollout
            score = rollout.score or Score(0.0, False, rollout.error)
            self.scores[rollout.example.id, rollout.output] = score

    def _refusal(self, prompt: Prompt) -> str:
        """Why a prompt is no candidate; "" for one that is."""
        if prompt not in self._allowed:
            seeds = self.search.task.seed_prompts
            taken = self.search.accept([prompt], operator=self.name, parents=seeds[:1])
            self._allowed[prompt] = "" if taken else "This prompt is against the task's contract."
        return self._allowed[prompt]
