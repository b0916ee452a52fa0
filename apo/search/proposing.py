"""How a search comes to new prompts: examples are drawn, a model is asked, candidates are made."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from apo.edits.edit import edit_names, edited
from apo.errors import NothingWritten
from apo.evaluation.evaluation import Rollout
from apo.failures.counting import failure_table
from apo.failures.page import page
from apo.model import Completion, Request
from apo.prompts.meta_prompts import MetaPrompt, render
from apo.prompts.prompt import Prompt
from apo.search.branches import branch
from apo.search.ground import Ground
from apo.search.steps import shown, step_values, told
from apo.select.draw import stratified
from apo.task import Example


class Proposing(Ground):
    """What an optimizer comes to new prompts with; see `Search`."""

    def minibatch(self, size: int) -> tuple[Example, ...]:
        """Draw examples from the train split without replacement; all of them when size is more."""
        return self.draw(self.task.train, size)

    def draw(
        self, examples: Sequence[Example], size: int, *, by_class: bool = False
    ) -> tuple[Example, ...]:
        """Draw examples without replacement, in random order; all when size is more.

        With `by_class`, and where the task's metric looks at classes, one of each comes first, and
        then each in its share, so that the metric has something to look at; `Evaluation.shares`
        makes up for it.
        """
        size, metric = min(size, len(examples)), self.task.metric
        if not by_class and (metric is None or not metric.by_class):
            return tuple(self.rng.sample(examples, size))
        order = stratified([example.target for example in examples], self.rng)
        return tuple(examples[i] for i in order[:size])

    def shown(self, example: Example) -> str:
        """The example's input as the user turn of the seed prompt shows it."""
        return shown(self.seed_prompts[0], example)

    def failure_page(self, rollouts: Sequence[Rollout]) -> str:
        """Tell in words what the wrong answers among some have in common; no call is made.

        For a slot of a meta-prompt, in the task's language. It holds counts, labels, and words
        that several rows share, and of no row so much that an instruction could copy it. Take
        answers to train examples: what is told of validation examples helps to fit them, and
        they choose.

        Args:
            rollouts: all that was measured, right answers as well: the more, the clearer.
        """
        return page(failure_table(rollouts, self.task.labels), self.task.language)

    def meta_prompt(
        self, module: str, name: str, *, parents: Sequence[Prompt] = (), **values: Any
    ) -> MetaPrompt:
        """Fill a meta-prompt in the task's language; `task` and `shown` are filled in for all.

        A small writer, whose replies are begun for it, is asked by the brief one, where there is
        one.

        Args:
            module: `__file__` of the optimizer.
            name: name of the meta-prompt's file, without its ending; kept with what it brings.
            parents: the prompts that it is made from; the first lends proposals its other parts.
            **values: what fills its slots.
        """
        base = (*parents, *self.seed_prompts)[0]
        values = {
            "task": told(self.task, base),
            "shown": partial(shown, base) if base.focus else self.shown,
            **step_values(values, base, self.task.language),
        }
        language, brief = self.task.language, self.small_writer
        text = render(module, name, language, self._overrides, brief=brief, **values)
        rules = self.task.contract
        if rules is not None and "<instruction>" in text:
            korean = self.task.language.split("-")[0] == "ko"
            kept = rules.told(base, korean=korean)
            text = f"{text}\n\n{kept}" if kept else text
        said = self._candidates.reviews.told(self.task.language)
        if said and any(tag in text for tag in ("<instruction>", "<advice>")):
            text = f"{text}\n\n{said}"
        return MetaPrompt(name, text, tuple(parents))

    async def generate(
        self,
        meta_prompts: Sequence[MetaPrompt],
        n: int = 1,
        *,
        tag: str = "instruction",
        temperature: float = 1.0,
    ) -> list[list[str]]:
        """Sample completions of meta-prompts from the optimizer model, and parse them.

        A completion without the tag is asked for once more; what fails twice is recorded and
        left out, so fewer than n texts may come back.

        Args:
            meta_prompts: what to ask; all are paid at once and asked at once.
            n: how many samples of each.
            tag: the reply is what stands between <tag> and </tag>.
            temperature: of the draw, 0 to 2.

        Returns:
            For each meta-prompt the parsed texts, in the order of the samples.
        """
        self._stage.check(self.best)
        self._candidates.reviews.next_round()
        return await self._writer.generate(meta_prompts, n, tag=tag, temperature=temperature)

    async def ask(self, request: Request) -> Completion:
        """Draw an answer of the optimizer model to a request of any form.

        For methods that bring their own requests and read the answers themselves.

        Raises:
            BudgetExhausted: the call would overspend.
            ContextLengthError, ContentFilterError, TimedOutError: there is no answer, for good.
        """
        self._stage.check(self.best)
        return await self._writer.ask(request)

    def unreadable(self, told: str) -> NothingWritten:
        """Make the error that ends a search whose own requests (`ask`) get no reply of use.

        Args:
            told: what was asked of whom, in a sentence; it goes with the result.
        """
        return self._writer.unreadable(told)

    async def propose(
        self, meta_prompts: Sequence[MetaPrompt], n: int = 1, *, temperature: float = 1.0
    ) -> list[Prompt]:
        """Sample instructions from the optimizer model, and make candidates of them.

        Ask for all proposals of a round in one call: which of two equal ones counts as seen
        before then follows their order, not the timing.

        Args:
            meta_prompts: what to ask; each asks for a reply in <instruction> tags.
            n: how many samples of each.
            temperature: of the draw, 0 to 2.

        Returns:
            The new candidates: parsed, allowed by the contract, and not seen before in this run.
        """
        found = await self.generate(meta_prompts, n, temperature=temperature)
        accepted: list[Prompt] = []
        for meta, texts in zip(meta_prompts, found, strict=True):
            base = meta.parents[0] if meta.parents else self.seed_prompts[0]
            prompts = [base.with_instruction(text) for text in texts]
            accepted += self.accept(prompts, operator=meta.name, parents=meta.parents)
        return accepted

    def accept(
        self, prompts: Iterable[Prompt], *, operator: str, parents: Sequence[Prompt] = ()
    ) -> list[Prompt]:
        """Make candidates of prompts; those against the contract or seen before are refused.

        The reasons are recorded. Nothing is spent. In a run that is reviewed a person is asked
        about each, who may veto it, or put another one in its place.
        """
        return self._candidates.accept(prompts, branch.get().step(), operator, parents)

    def refusal(self, prompt: Prompt) -> str:
        """Why a prompt can be no candidate; "" where it can, or is one."""
        known = prompt in self._candidates.known
        return "" if known else self._candidates.refusal(prompt)

    def edited(self, prompt: Prompt, names: Iterable[str] = ()) -> list[Prompt]:
        """Make candidates of a prompt by edits, one at a time; see `apo.edits`.

        Those against the contract or seen before are refused. Nothing is spent.

        Args:
            prompt: what to edit.
            names: of edits, "all" for all; by default those that the run was started with.

        Raises:
            SettingsError: there is no such edit.
        """
        accepted: list[Prompt] = []
        for name, changed in edited(prompt, edit_names(names) or self._edits, self.task):
            accepted += self.accept([changed], operator=f"edit: {name}", parents=[prompt])
        return accepted
