"""What an optimizer may do: write prompts, measure them, draw examples, branch."""

import copy
import math
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.options import Options
from apo.concurrency import gather
from apo.edits.edit import edit_names, edited
from apo.errors import (
    BudgetExhausted,
    NothingWritten,
    PromptError,
    SettingsError,
    TaskError,
)
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.evaluation.likelihood import likelihoods
from apo.evaluation.measure import measure
from apo.failures.page import page
from apo.failures.table import failure_table
from apo.guards.contract import Contract
from apo.model import Completion, Request
from apo.prompts.meta_prompts import MetaPrompt, render
from apo.prompts.prompt import Prompt
from apo.scorers.metrics.metric import class_shares
from apo.search.archive import Archive
from apo.search.branches import Branch, branch
from apo.search.candidates import Candidates
from apo.search.outputs import outputs_to_name
from apo.search.stages import Stage
from apo.search.steps import knows_steps, refocused, shown, step_by_step, step_values, told
from apo.search.writer import Writer
from apo.select.draw import stratified
from apo.task import Example, Task

T = TypeVar("T")
R = TypeVar("R")


class Optimizer(Protocol):
    """A search algorithm: a frozen dataclass of its settings, and how it runs.

    It may have `check(task)`, which raises a `SettingsError` before anything is spent, and
    `knows_steps = True`, where it works on all steps of a program by itself: `search.seed_prompts`
    are then `PromptSet`s, and it chooses by `prompt.focused(step)` which one it changes.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    async def run(self, search: "Search") -> None:
        """Search until done, or until a call raises `Stopped`; let that pass.

        Called once, after the seed prompts have been measured on the validation split. The
        winner is chosen by `Search` from the evaluations on the whole validation split, so
        there is nothing to return. On resume it runs again from the top: answers that are in
        the journal come back at once.
        """
        ...


class Search:
    """An optimizer's only door to models and data: meters, records and bounds every call.

    Attributes:
        task: the task without its test split, which no optimizer can reach.
        seed_prompts: where the search, or this stage of it, starts.
        folder: the run's folder, for files of the optimizer's own; None outside of a run.
    """

    def __init__(
        self,
        task: Task,
        *,
        caller: Caller,
        task_model: Endpoint,
        optimizer_model: Endpoint,
        options: Options | None = None,
        folder: Path | None = None,
    ) -> None:
        if task.test:
            raise TaskError("Search must not be given the test split; pass a task without it.")
        self.task = task
        self.seed_prompts = task.seed_prompts
        self.folder = folder
        self._caller = caller
        self._task_model = task_model
        options = options or Options()
        self._overrides = dict(options.meta_prompts)
        self._edits = edit_names(options.edits)
        self._candidates = Candidates(
            caller.journal,
            Contract(
                self.seed_prompts,
                task.train,
                validation=task.validation,
                rules=task.contract,
                own=(task.description, *task.labels),
                max_chars=options.max_chars,
            ),
            self.seed_prompts,
        )
        self._writer = Writer(
            caller,
            optimizer_model,
            self._candidates,
            outputs=outputs_to_name(task),
            language=task.language,
            overrides=self._overrides,
        )
        self._archive = Archive(seed=task.seed_prompts[0] if task.seed_prompts else None)
        by_class = task.metric is not None and task.metric.by_class
        self._shares = class_shares(task.validation) if by_class else {}
        self._stage, self._step = Stage(caller.meter), ""
        branch.set(Branch(options.seed))

    @property
    def rng(self) -> random.Random:
        """The random stream of this place in the search."""
        return branch.get().rng

    @property
    def n_candidates(self) -> int:
        """How many candidates there are so far, the seed prompts included."""
        return len(self._candidates.known)

    def knows(self, prompt: Prompt) -> bool:
        """Whether it is a candidate already, and so may be measured."""
        return prompt in self._candidates.known

    @property
    def newest(self) -> str:
        """The instruction of the newest proposal; "" before the first."""
        return self._candidates.newest

    @property
    def refused(self) -> dict[str, Any]:
        """How many proposals and replies were refused so far (`n`), `of` how many, and why."""
        return self._candidates.refused()

    @property
    def advice(self) -> str:
        """What to do about an optimizer model that writes nothing of use; "" where it does."""
        return self._writer.advice

    @property
    def best(self) -> Evaluation | None:
        """The highest mean on the whole validation split so far; None before the first."""
        best = self._archive.best
        return None if best is None else refocused(best, self._step)

    @property
    def archive(self) -> list[Evaluation]:
        """Every evaluation on the whole validation split so far, the best first."""
        return [refocused(evaluation, self._step) for evaluation in self._archive.ranked()]

    @property
    def calls_left(self) -> float:
        """How many answers may still be paid, what is kept for the verdict taken off.

        In calls, each of which counts as many as an example takes where answers are judged by a
        model. Infinite where no limit in calls is set; limits of tokens, money and time may end the
        search before.
        """
        left = self._caller.meter.calls_left
        return left if math.isinf(left) else left // self.task.calls_per_example

    @property
    def solved(self) -> bool:
        """Whether the best prompt is right about every example of the validation split."""
        return self.best is not None and self.best.at_least >= 1

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
        language, brief = self.task.language, self._writer.small
        text = render(module, name, language, self._overrides, brief=brief, **values)
        rules = self.task.contract
        if rules is not None and "<instruction>" in text:
            korean = self.task.language.split("-")[0] == "ko"
            kept = rules.told(base, korean=korean)
            text = f"{text}\n\n{kept}" if kept else text
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

        The reasons are recorded. Nothing is spent.
        """
        return self._candidates.accept(prompts, branch.get().step(), operator, parents)

    def refusal(self, prompt: Prompt) -> str:
        """Why a prompt can be no candidate; "" where it can, or is one."""
        known = prompt in self._candidates.known
        return "" if known else self._candidates.contract.refusal(prompt)

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

    async def evaluate(
        self, prompt: Prompt, examples: Sequence[Example] | None = None
    ) -> Evaluation:
        """Score a prompt on the examples, by default on the whole validation split.

        An answer that was once given is not asked for again. The whole batch is paid at once.

        Raises:
            PromptError: the prompt is against the contract and was never accepted.
            BudgetExhausted: the calls that are missing would overspend.
        """
        self._stage.check(self.best)
        self._admit(prompt)
        chosen = self.task.validation if examples is None else examples
        place = branch.get().step()
        whole = examples is None
        if whole and prompt not in self.task.seed_prompts:
            # Before it is paid, not after it is answered: what is admitted must not follow timing.
            self._caller.meter.hold_back("finalist")
        evaluation = await measure(self._caller, self._task_model, self.task, prompt, chosen)
        if whole:
            self._archive.add(evaluation)
        else:
            evaluation = replace(evaluation, shares=self._shares)
            self._archive.add_part(evaluation)
        calls, usd = self._caller.meter.spent.calls, self._caller.meter.spent.usd
        figures = {"whole": whole, "calls": calls, "usd": usd, **evaluation.to_dict()}
        # With the prompt: under another budget the same place may measure another one.
        key = f"{place} {prompt.id} {'whole' if whole else 'part'}"
        self._caller.journal.note("evaluation", key, {"candidate": prompt.id, **figures})
        return evaluation

    async def likelihood(
        self, prompt: Prompt, examples: Sequence[Example]
    ) -> tuple[float | None, ...]:
        """How likely each right answer is: the mean log-probability of its tokens, in nats.

        At most 0; None where the provider refused. It costs a call an example, is not paid twice,
        and does not count as the prompt's score.

        Raises:
            LikelihoodError: the task model gives no log-probabilities of a given text.
            SettingsError: the task is answered by a program, not by one call.
            PromptError: the prompt is against the contract and was never accepted.
            BudgetExhausted: the calls that are missing would overspend.
        """
        if self.task.program is not None:
            raise SettingsError(
                f"{self.task.name!r} is answered by a program of several calls: how likely its "
                "answer is cannot be asked. Score by the answers given."
            )
        self._stage.check(self.best)
        self._admit(prompt)
        return await likelihoods(self._caller, self._task_model, prompt, examples)

    async def sample(
        self, prompt: Prompt, examples: Sequence[Example], *, temperature: float = 1.0
    ) -> Evaluation:
        """Draw fresh answers of the task model, to learn from; they do not count as its score.

        Args:
            prompt: whose answers; judged like any candidate.
            examples: what to answer.
            temperature: of the draw, 0 to 2, in place of the prompt's own. A prompt that leaves
                it to the provider (None) keeps that: such models refuse the option.

        Raises:
            PromptError: the prompt is against the contract and was never accepted.
            BudgetExhausted: the calls would overspend.
        """
        self._stage.check(self.best)
        self._admit(prompt)
        drawn = prompt.at_temperature(temperature)
        place = branch.get().step()
        found = await measure(
            self._caller, self._task_model, self.task, drawn, examples, place=place
        )
        return Evaluation(prompt, found.rollouts, self.task.metric, self._shares)

    async def wait(self, seconds: float) -> None:
        """Wait for something that is no model, such as a database that restarts.

        Raises:
            BudgetExhausted: the run's time is over.
            Interrupted: the user asked for the end.
        """
        await self._caller.wait(seconds)

    def _admit(self, prompt: Prompt) -> None:
        if prompt not in self._candidates.known and not self.accept([prompt], operator="given"):
            raise PromptError(
                f"This prompt cannot be measured: {self._candidates.contract.refusal(prompt)}."
            )

    async def stage(
        self,
        optimizer: "Optimizer",
        *,
        seed_prompts: Sequence[Prompt] = (),
        share: float = 1.0,
        patience: float = math.inf,
        step: str = "",
    ) -> bool:
        """Let another optimizer search on, with a share of what is left of the budget.

        It sees the same task and the same archive, and its calls count like all others.

        Args:
            optimizer: who searches.
            seed_prompts: where it starts; by default where this search started.
            share: the part of the remaining calls, tokens, money and time that it may spend.
            patience: calls that it may spend in a row without a better best prompt.
            step: of a program, to be worked on alone; "" for all, by an optimizer that knows of
                steps, or else one after the other.

        Returns:
            True when it ended by itself, False when its share or the patience ended it.

        Raises:
            BudgetExhausted: nothing was held back from it (share is 1), and the budget is over.
        """

        def search_on(stage: Stage) -> Awaitable[None]:
            view = copy.copy(self)
            view._stage, view._step = stage, step or self._step
            seeds = tuple(seed_prompts) or self.seed_prompts
            view.seed_prompts = tuple(
                seed.focused(view._step) if view._step else seed for seed in seeds
            )
            return view.work(optimizer)

        return await self._stage.run(search_on, share=share, patience=patience, best=self.best)

    async def work(self, optimizer: "Optimizer") -> None:
        """Run an optimizer; one that does not know of a program's steps, on one after the other."""
        seeds = self.seed_prompts
        if self._step or len(seeds[0].steps) == 1 or knows_steps(optimizer):
            await optimizer.run(self)
        else:
            await step_by_step(self, optimizer, seeds)

    def keep_for_finalist(self) -> None:
        """Hold back one measurement on all of validation until the optimizer has made one."""
        calls = len(self.task.validation) * self.task.calls_per_example
        self._caller.meter.hold_back("finalist", max_calls=calls)

    async def measure_finalists(self) -> None:
        """Spend what is left on candidates that were measured in part, the best looking first.

        For a search that the budget ended before it could choose; whoever looked no better than
        the best prompt does in truth is left alone.
        """
        self._caller.meter.hold_back("finalist")
        for prompt, hope in self._archive.promising():
            if self.best is not None and hope <= self.best.mean:
                return
            try:
                await self.evaluate(prompt)
            except BudgetExhausted:
                return

    async def map(self, function: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
        """Apply the function to all items concurrently, each on a branch of its own."""
        items = list(items)

        async def on(place: Branch, item: T) -> R:
            branch.set(place)
            return await function(item)

        branches = branch.get().fork(len(items))
        return await gather(on(b, item) for b, item in zip(branches, items, strict=True))
