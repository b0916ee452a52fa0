"""PrefPO: a judge prefers the outputs of one of two prompts, and the other prompt is improved by
what the judge says (Singhal et al., 2026).

https://arxiv.org/abs/2603.19311

Each iteration draws two prompts of the pool; both answer some training inputs; a judge says whose
answers meet the criteria better, and why; and the optimizer improves the prompt that was not
preferred. The improved prompt joins the pool. Criteria in words are enough; right outputs are
shown to the judge only on demand.

Differs from the authors' code: the judge's choice and its words are two replies; a choice that
cannot be read ends the iteration; the answers come from `n_samples` training inputs, drawn anew
for each iteration (there all of them, 50 in the paper); the optimizer is told what it needs
in one request and does not go on with the judge's conversation, so it sees the answers of its own
prompt alone; the criteria default to the task's description and the seed prompt, and the task's
labels are told; a prompt that is not new does not join. All prompts of the pool are measured on the
validation split, which decides, as there; `max_stale_iterations` without a new prompt end the
search. Prompts without inputs (the code's standalone mode) are no tasks of apo.
"""

import math
from dataclasses import dataclass
from typing import Literal

from apo import Evaluation, Prompt, Search, check_ranges
from apo.optimizers.parts.choices import check_choices
from apo.optimizers.parts.votes import chosen


@dataclass(frozen=True, kw_only=True)
class PrefPO:
    """Pairwise preference prompt optimization.

    Attributes:
        n_iterations: comparisons, each of which brings one prompt; the paper takes 15.
        n_samples: training inputs that both prompts answer for the judge.
        criteria: what good outputs are, in your words; "" takes the task's description and the
            seed prompt's instruction.
        constraints: what each new instruction must keep to, in your words; "" for nothing. The
            paper's minimal variant asks for small changes that the comment supports.
        show_expected: show the judge and the optimizer the right outputs as well.
        update: the new prompt joins the pool ("add"), or takes the place of the one that was not
            preferred ("replace"), which the authors found to be much worse.
        max_stale_iterations: iterations in a row without a new prompt that end the search.
        temperature: of the optimizer model when it writes an instruction.
        judge_temperature: of the optimizer model when it judges.
    """

    n_iterations: int = 15
    n_samples: int = 10
    criteria: str = ""
    constraints: str = ""
    show_expected: bool = False
    update: Literal["add", "replace"] = "add"
    max_stale_iterations: int = 5
    temperature: float = 1.0
    judge_temperature: float = 0.3

    def __post_init__(self) -> None:
        some, heat = (1, math.inf), (0, 2)
        check_choices(self, update=("add", "replace"))
        check_ranges(
            self, n_iterations=some, n_samples=some, max_stale_iterations=some, temperature=heat,
            judge_temperature=heat,
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Draw a pair, judge their outputs, improve the prompt that is not preferred."""
        pool, stale = list(search.seed_prompts), 0
        await search.map(search.evaluate, pool)
        for _ in range(self.n_iterations):
            if search.solved or stale == self.max_stale_iterations:
                return
            while len(pool) < 2 and stale < self.max_stale_iterations:
                varied = await self.vary(search, pool[0])
                pool, stale = [*pool, *varied], 0 if varied else stale + 1
            if len(pool) < 2:
                return
            known = len(search.archive)
            await self.compare(search, pool)
            stale = 0 if len(search.archive) > known else stale + 1

    async def vary(self, search: Search, prompt: Prompt) -> list[Prompt]:
        """Write another version of the only prompt, so that there are two to compare."""
        meta = search.meta_prompt(
            __file__, "prefpo_vary", parents=[prompt], prompt=prompt,
            requirements=self.required(search),
        )  # fmt: skip
        varied = await search.propose([meta], temperature=self.temperature)
        return [found.prompt for found in await search.map(search.evaluate, varied)]

    async def compare(self, search: Search, pool: list[Prompt]) -> None:
        """One iteration: answers of two prompts, the judge's preference, one better prompt."""
        pair, samples = search.rng.sample(pool, 2), search.minibatch(self.n_samples)
        a, b = await search.map(lambda prompt: search.evaluate(prompt, samples), pair)
        preferred = await self.judge(search, a, b)
        if not preferred:
            return
        other = b if preferred == "A" else a
        for critique in await self.criticize(search, a, b, preferred):
            for new in await self.improve(search, other, critique):
                await search.evaluate(new)
                if self.update == "replace":
                    pool.remove(other.prompt)
                pool.append(new)

    async def judge(self, search: Search, a: Evaluation, b: Evaluation) -> str:
        """Ask whose answers are better: "A" or "B"; "" where the reply cannot be read."""
        meta = search.meta_prompt(
            __file__, "prefpo_judge", parents=[a.prompt, b.prompt], a=a, b=b,
            requirements=self.required(search), expected=self.show_expected,
        )  # fmt: skip
        replies = await search.generate([meta], tag="choice", temperature=self.judge_temperature)
        return chosen(replies[0][0]) if replies[0] else ""

    async def criticize(
        self, search: Search, a: Evaluation, b: Evaluation, preferred: str
    ) -> list[str]:
        """Ask why these answers are preferred, and what the others lack."""
        meta = search.meta_prompt(
            __file__, "prefpo_criticize", parents=[a.prompt, b.prompt], a=a, b=b,
            requirements=self.required(search), expected=self.show_expected, preferred=preferred,
        )  # fmt: skip
        return (await search.generate([meta], tag="critique", temperature=self.judge_temperature))[
            0
        ]

    async def improve(self, search: Search, other: Evaluation, critique: str) -> list[Prompt]:
        """Ask for the instruction that was not preferred, as the judge's words would have it."""
        meta = search.meta_prompt(
            __file__, "prefpo_improve", parents=[other.prompt], prompt=other.prompt,
            rollouts=other.rollouts, critique=critique, constraints=self.constraints,
            expected=self.show_expected,
        )  # fmt: skip
        return await search.propose([meta], temperature=self.temperature)

    def required(self, search: Search) -> str:
        """What the outputs must be, as judge and writer are told."""
        seed = search.seed_prompts[0].instruction
        return self.criteria or f"{search.task.description}\n\n{seed}".strip()
