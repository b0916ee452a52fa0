"""APEX: calls are spent on examples that tell something, those that a prompt's line answers now
rightly and now not (Wang et al., 2026).

https://arxiv.org/abs/2606.11459

By the answers of a prompt and of those that it came from, training examples are Easy (all right),
Hard (none) or Mixed. A generation takes the best prompts so far and mutates each by examples of
its addressable frontier: Mixed ones that it gets wrong, though its line has had them right. The
children compete on the rank-sensitive frontier: examples that are Mixed among all prompts of the
pool. Who does better than its parent there is measured on the validation split and joins the pool.

Differs from the paper, whose text we know in part alone (its tiers, its two frontiers and what they
are for): a line begins with one prompt, so its first examples are failures of any tier; where the
rank-sensitive frontier has fewer than `n_ranked` examples, others are drawn beside it; numbers of
parents, children and examples are ours; the final choice is made on the validation split.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from apo import Evaluation, Example, MetaPrompt, Prompt, Rollout, Search, check_ranges
from apo.optimizers.parts.draw import some
from apo.optimizers.parts.paired import difference
from apo.optimizers.parts.tiers import Scores, mixed, remember


@dataclass
class Pool:
    """The prompts so far with their lines, and their scores on training examples."""

    rows: tuple[Example, ...]
    members: list[Evaluation] = field(default_factory=list[Evaluation])
    lines: dict[Prompt, tuple[Prompt, ...]] = field(
        default_factory=dict[Prompt, tuple[Prompt, ...]]
    )
    scores: Scores = field(default_factory=Scores)

    def add(self, evaluation: Evaluation, line: tuple[Prompt, ...]) -> None:
        """Take a prompt in, measured on the validation split, with those that it came from."""
        self.members.append(evaluation)
        self.lines[evaluation.prompt] = (*line, evaluation.prompt)


@dataclass(frozen=True, kw_only=True)
class APEX:
    """Prompt search with dynamic data selection.

    Attributes:
        n_generations: generations; the budget usually ends the search before.
        n_parents: prompts that a generation mutates, the best ones.
        n_children: children of each.
        n_studied: training examples that are put into tiers.
        n_ranked: of these, examples that children compete on.
        n_shown: examples of the addressable frontier that a mutation sees.
        patience: generations in a row that bring nothing better, after which the search ends.
        temperature: of the optimizer model.
    """

    n_generations: int = 50
    n_parents: int = 2
    n_children: int = 2
    n_studied: int = 60
    n_ranked: int = 20
    n_shown: int = 4
    patience: int = 5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, n_generations=some, n_parents=some, n_children=some, n_studied=some,
            n_ranked=some, n_shown=some, patience=some, temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Stratify, mutate, rank; what does better than its parent joins the pool."""
        pool = Pool(search.minibatch(self.n_studied))
        for seed in await search.map(search.evaluate, search.seed_prompts):
            pool.add(seed, ())
        stale = 0
        for _ in range(self.n_generations):
            if search.solved or stale == self.patience:
                return
            best = sorted(pool.members, key=lambda e: -e.value)[: self.n_parents]
            stale = (
                0 if await self.generation(search, pool, [e.prompt for e in best]) else stale + 1
            )

    async def generation(self, search: Search, pool: Pool, parents: Sequence[Prompt]) -> bool:
        """Whether a child joined the pool."""
        looked = await search.map(partial(search.evaluate, examples=pool.rows), parents)
        for evaluation in looked:
            remember(pool.scores, evaluation)
        metas, sources = list[MetaPrompt](), list[Evaluation]()
        for before in looked:
            failures, known = self.addressable(pool, before)
            if failures:
                shown = some(search.rng, failures, self.n_shown)
                meta = search.meta_prompt(
                    __file__, "apex_mutate", parents=[before.prompt], prompt=before.prompt,
                    failures=shown, expected=known,
                )  # fmt: skip
                metas.append(meta)
                sources.append(before)
        texts = await search.generate(metas, self.n_children, temperature=self.temperature)
        children: dict[Prompt, Evaluation] = {}
        for before, found in zip(sources, texts, strict=True):
            new = [before.prompt.with_instruction(text) for text in found]
            accepted = search.accept(new, operator="apex_mutate", parents=[before.prompt])
            children |= dict.fromkeys(accepted, before)
        return await self.rank(search, pool, children)

    def addressable(self, pool: Pool, before: Evaluation) -> tuple[list[Rollout], bool]:
        """What a prompt gets wrong and its line has had right; any failures where there is none."""
        line = pool.lines[before.prompt]
        known = set(mixed(pool.scores, line, pool.rows))
        found = [rollout for rollout in before.failures if rollout.example in known]
        return (found, True) if found else (list(before.failures), False)

    async def rank(self, search: Search, pool: Pool, children: dict[Prompt, Evaluation]) -> bool:
        """Let children compete on the rank-sensitive frontier; the better ones join the pool."""
        telling = some(search.rng, mixed(pool.scores, pool.scores, pool.rows), self.n_ranked)
        rest = [example for example in pool.rows if example not in set(telling)]
        batch = [*telling, *some(search.rng, rest, self.n_ranked - len(telling))]
        afters = await search.map(partial(search.evaluate, examples=batch), children)
        better: list[Prompt] = []
        for after in afters:
            remember(pool.scores, after)
            before = await search.evaluate(children[after.prompt].prompt, batch)  # Known already.
            if difference(before, after) > 0:
                better.append(after.prompt)
        for evaluation in await search.map(search.evaluate, better):
            pool.add(evaluation, pool.lines[children[evaluation.prompt].prompt])
        return bool(better)
