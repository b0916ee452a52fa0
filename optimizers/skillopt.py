"""SkillOpt: a few edits at a time, on a schedule, with a memory of what did not help
(Yang et al., 2026).

https://arxiv.org/abs/2605.23904

Each step answers a batch of training examples; its failures and its right answers are looked at in
minibatches, each of which brings edits that add, replace or delete a piece of the instruction; the
edits of all are joined and ranked, and as many are made as the step's budget allows, which falls
from `max_edits` to `min_edits` by half a cosine. What does strictly better on the validation split
stays. What does not goes into a buffer, which the analysts see until the epoch ends. From the
second epoch on, a slow update compares the same examples under the prompts of two epochs, and
writes guidance at the end of the instruction that no edit touches.

Differs from the authors' code: edits are lines, not JSON, and have one way to add, at the end;
joining and ranking are one request, made only where there are more edits than the budget; there is
no memory for the analysts over epochs (their meta skill), and only rejected edits are remembered,
not what a step saw; the slow update is skipped where the same examples are right under both
prompts; the task's description and labels are told; an epoch without a new prompt is the last.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from apo import Evaluation, Example, MetaPrompt, Prompt, Search, check_ranges
from apo.optimizers.parts.epochs import minibatches
from apo.optimizers.parts.skillopt_edits import Edit, applied, edit_budget, read_edits
from apo.optimizers.parts.skillopt_state import State, compared, grouped


@dataclass(frozen=True, kw_only=True)
class SkillOpt:
    """Text edits as a training loop.

    Attributes:
        n_epochs: passes over the train split.
        batch_size: training examples of a step.
        minibatch_size: answers that one analyst sees.
        max_edits: edits of the first steps, at most (their learning rate).
        min_edits: of the last ones.
        n_compared: training examples of a slow update; 0 for none.
        n_shown: of these, regressions and lasting failures that are shown of each at most.
        temperature: of the optimizer model.
    """

    n_epochs: int = 4
    batch_size: int = 40
    minibatch_size: int = 8
    max_edits: int = 4
    min_edits: int = 2
    n_compared: int = 20
    n_shown: int = 8
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, n_epochs=some, batch_size=some, minibatch_size=some, max_edits=some,
            min_edits=some, n_compared=(0, math.inf), n_shown=some, temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Epochs of steps; a slow update between two epochs."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        best = max(seeds, key=lambda seed: seed.value)
        state = State(best.prompt.instruction, "", best)
        batches = minibatches(search.rng, search.task.train, self.batch_size, fill=False)
        per_epoch = max(1, len(search.task.train) // self.batch_size)
        n_steps, step = per_epoch * self.n_epochs, 0
        for epoch in range(self.n_epochs):
            start, known, rejected = state.measured.prompt, search.n_candidates, list[str]()
            for _ in range(per_epoch):
                if search.solved:
                    return
                step += 1
                budget = edit_budget(step, n_steps, self.max_edits, self.min_edits)
                state = await self.step(search, state, next(batches), budget, rejected)
            if search.n_candidates == known:
                return
            if epoch and self.n_compared:
                state = await self.slow_update(search, start, state)

    async def step(
        self, search: Search, state: State, batch: Sequence[Example], budget: int,
        rejected: list[str],
    ) -> State:  # fmt: skip
        """Rollout, reflect, select, update, and the gate on the validation split."""
        prompt = state.measured.prompt
        looked = await search.evaluate(prompt, batch)
        edits = await self.reflect(search, looked, budget, rejected)
        edits = await self.select(search, prompt, edits, budget)
        new = replace(state, body=applied(state.body, edits))
        search.accept([new.told()], operator="skillopt_edit", parents=[prompt])
        if not search.knows(new.told()):
            return state  # It is against the contract.
        measured = await search.evaluate(new.told())
        if measured.value > state.measured.value:
            return replace(new, measured=measured)
        rejected += [edit.line for edit in edits]
        return state

    async def reflect(
        self, search: Search, looked: Evaluation, budget: int, rejected: Sequence[str]
    ) -> list[Edit]:
        """The edits of all analysts, those of failures first."""
        metas = [
            search.meta_prompt(
                __file__, "skillopt_edit", parents=[looked.prompt], prompt=looked.prompt,
                rollouts=group, memory=rejected, n=budget,
            )
            for group in grouped(looked, self.minibatch_size)
        ]  # fmt: skip
        texts = await self.write(search, metas)
        return [edit for text in texts for edit in read_edits(text, budget)]

    async def select(
        self, search: Search, prompt: Prompt, edits: Sequence[Edit], budget: int
    ) -> list[Edit]:
        """Join and rank what is more than the budget allows."""
        if len(edits) <= budget:
            return list(edits)
        meta = search.meta_prompt(
            __file__, "skillopt_select", parents=[prompt], prompt=prompt, n=budget,
            memory=[edit.line for edit in edits],
        )  # fmt: skip
        chosen = await self.write(search, [meta])
        return (read_edits(chosen[0], budget) if chosen else []) or list(edits[:budget])

    async def slow_update(self, search: Search, start: Prompt, state: State) -> State:
        """Compare the same examples under two epochs' prompts, and write the guidance anew."""
        now, batch = state.measured.prompt, search.minibatch(self.n_compared)
        before, after = await search.map(lambda p: search.evaluate(p, batch), [start, now])
        lost, lasting = compared(before, after, self.n_shown)
        if not lost and not lasting:
            return state
        meta = search.meta_prompt(
            __file__, "skillopt_slow", parents=[now], prompts=[start, now], failures=lost,
            rollouts=lasting, memory=[state.guidance] if state.guidance else [],
        )  # fmt: skip
        for text in await self.write(search, [meta]):
            new = replace(state, guidance=text.strip())
            if search.accept([new.told()], operator="skillopt_slow", parents=[now]):
                return replace(new, measured=await search.evaluate(new.told()))
        return state

    async def write(self, search: Search, asked: Sequence[MetaPrompt]) -> list[str]:
        """Ask for one text each; what could not be parsed is left out."""
        replies = await search.generate(asked, tag="advice", temperature=self.temperature)
        return [found[0] for found in replies if found]
