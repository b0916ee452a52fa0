"""SPO: one modification at a time, kept when a judge prefers its outputs; no labels at all
(Xiang et al., 2025).

https://arxiv.org/abs/2502.06855

The best prompt answers a few questions. Each round rewrites it from these answers and what is
required, lets the new prompt answer the same questions, and asks a judge several times which
answers are better, in random order; the new prompt is kept when it wins more votes than it loses.

Differs from the authors' code: a vote counts for the side that the judge chose (the head of the
code, since August 2025, reads it the other way round), and one that cannot be read counts for
nobody (the head takes mostly unreadable votes for success); a reply that cannot be parsed, or that
repeats a known prompt, ends the round and is not run. The optimizer model is the judge, too (the
code names a model for each of optimizing, evaluating and executing); the task's labels are told.
The requirements default to the task's description and the seed prompt. The prompts that were kept,
and only these, are measured on the validation split: from these figures, which need labels and
which this search never reads, the common choice and the verdict are made. So the result is the best
of the kept prompts, not the one kept last, and the search does not end early when the task is
solved.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apo import Evaluation, Example, Prompt, Search, check_ranges
from apo.optimizers.parts.votes import chosen


@dataclass(frozen=True, kw_only=True)
class SPO:
    """Self-supervised prompt optimization.

    Attributes:
        n_rounds: rounds; the first only runs the seed prompt.
        n_questions: training inputs that every prompt answers; their targets are never read.
        n_votes: judgements of each new prompt.
        requirements: what good outputs are, in your words; "" takes the task's description and
            the seed prompt's instruction.
        temperature: of the optimizer model when it rewrites.
        judge_temperature: of the optimizer model when it judges.
        execution_temperature: of the task model.
    """

    n_rounds: int = 10
    n_questions: int = 3
    n_votes: int = 4
    requirements: str = ""
    temperature: float = 0.7
    judge_temperature: float = 0.3
    execution_temperature: float = 0.0

    def __post_init__(self) -> None:
        some, heat = (1, math.inf), (0, 2)
        check_ranges(
            self, n_rounds=some, n_questions=some, n_votes=some, temperature=heat,
            judge_temperature=heat, execution_temperature=heat,
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Algorithm 1 of the paper."""
        questions = search.minibatch(self.n_questions)
        best = await self.execute(search, search.seed_prompts[0], questions)
        for _ in range(self.n_rounds - 1):
            for prompt in await self.optimize(search, best):
                new = await self.execute(search, prompt, questions)
                if sum(await self.evaluate(search, best, new)) > 0:
                    best = new
                    await search.evaluate(prompt)  # For the common choice; not read here.

    async def optimize(self, search: Search, best: Evaluation) -> list[Prompt]:
        """Ask for one modification of the best prompt, from its outputs."""
        text = search.meta_prompt(
            __file__, "spo_optimize", parents=[best.prompt], prompt=best.prompt, best=best,
            requirements=self.required(search),
        )  # fmt: skip
        return await search.propose([text], temperature=self.temperature)

    async def execute(
        self, search: Search, prompt: Prompt, questions: Sequence[Example]
    ) -> Evaluation:
        """Let the task model answer the questions; the answers' scores are not read."""
        return await search.sample(prompt, questions, temperature=self.execution_temperature)

    async def evaluate(self, search: Search, best: Evaluation, new: Evaluation) -> list[int]:
        """Ask the judge: +1 for each vote for the new outputs, -1 for each against them."""
        new_is_a = [search.rng.random() < 0.5 for _ in range(self.n_votes)]
        pairs = [(new, best) if first else (best, new) for first in new_is_a]
        texts = [
            search.meta_prompt(
                __file__, "spo_judge", parents=[best.prompt, new.prompt], a=a, b=b,
                requirements=self.required(search),
            )
            for a, b in pairs
        ]  # fmt: skip
        replies = await search.generate(texts, tag="choice", temperature=self.judge_temperature)
        return [
            vote(found[0], new_is_a=first)
            for found, first in zip(replies, new_is_a, strict=True)
            if found
        ]

    def required(self, search: Search) -> str:
        """What the outputs must be, as the rewriter and the judge are told."""
        seed = search.seed_prompts[0].instruction
        return self.requirements or f"{search.task.description}\n\n{seed}".strip()


def vote(choice: str, *, new_is_a: bool) -> int:
    """+1 when the chosen side is the new one, -1 when it is the other, 0 when it is neither."""
    letter = chosen(choice)
    return 0 if not letter else 1 if (letter == "A") == new_is_a else -1
