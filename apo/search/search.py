"""What an optimizer may do: write prompts, measure them, draw examples, branch."""

import copy
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar

from apo.concurrency import gather
from apo.errors import BudgetExhausted, PromptError, SettingsError
from apo.evaluation.evaluation import Evaluation
from apo.evaluation.likelihood import likelihoods
from apo.evaluation.measure import measure
from apo.prompts.prompt import Prompt
from apo.search.branches import Branch, branch
from apo.search.proposing import Proposing
from apo.search.stages import Stage
from apo.search.steps import knows_steps, step_by_step
from apo.task import Example

FINALIST_SHARE = 0.25
"""Of the minutes that are left for the search, what is kept to measure one candidate whole."""
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


class Search(Proposing):
    """An optimizer's only door to models and data: meters, records and bounds every call.

    Attributes:
        task: the task without its test split, which no optimizer can reach.
        seed_prompts: where the search, or this stage of it, starts.
        folder: the run's folder, for files of the optimizer's own; None outside of a run.
    """

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
        self._candidates.reviews.next_round()
        stands = self._candidates.standing_for(prompt)
        if stands != prompt:  # The optimizer may go on with what it proposed.
            return replace(await self.evaluate(stands, examples), prompt=prompt)
        self._admit(prompt)
        chosen = self.task.validation if examples is None else examples
        place = branch.get().step()
        whole = examples is None
        if whole and prompt not in self.task.seed_prompts:
            # Before it is paid, not after it is answered: what is admitted must not follow timing.
            self._caller.meter.hold_back("finalist")
        evaluation = await measure(self._caller, self._task_model, self.task, prompt, chosen)
        more: dict[str, object] = {}
        if whole:
            self._archive.add(evaluation)
        else:
            evaluation = replace(evaluation, shares=self._shares)
            new = self._archive.add_part(evaluation)
            if len(new.rollouts) < len(evaluation.rollouts):
                more = {"new": new.to_dict()}
        calls, usd = self._caller.meter.spent.calls, self._caller.meter.spent.usd
        figures = {"whole": whole, "calls": calls, "usd": usd, **evaluation.to_dict(), **more}
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
        prompt = self._candidates.standing_for(prompt)
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
        given, prompt = prompt, self._candidates.standing_for(prompt)
        self._admit(prompt)
        drawn = prompt.at_temperature(temperature)
        place = branch.get().step()
        found = await measure(
            self._caller, self._task_model, self.task, drawn, examples, place=place
        )
        return Evaluation(given, found.rollouts, self.task.metric, self._shares)

    async def wait(self, seconds: float) -> None:
        """Wait for something that is no model, such as a database that restarts.

        Raises:
            BudgetExhausted: the run's time is over.
            Interrupted: the user asked for the end.
        """
        await self._caller.wait(seconds)

    def _admit(self, prompt: Prompt) -> None:
        if prompt in self._candidates.known:
            return
        reason = self.refusal(prompt)  # Before anybody is asked, for whom it would be too late.
        self._candidates.accept([prompt], branch.get().step(), "given", (), reviewed=False)
        if reason:
            raise PromptError(f"This prompt cannot be measured: {reason}.")

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

    def end_reviews(self) -> None:
        """Ask nobody about prompts from now on; what was vetoed stays so."""
        self._candidates.reviews.close()

    def keep_for_finalist(self) -> None:
        """Hold back one measurement on all of validation until the optimizer has made one."""
        calls = len(self.task.validation) * self.task.calls_per_example
        meter = self._caller.meter
        # How long it takes is not known before it is made: its prompt may be ten times as long.
        minutes = meter.remains(FINALIST_SHARE).get("max_minutes", 0.0)
        meter.hold_back("finalist", max_calls=calls, max_minutes=minutes)

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
