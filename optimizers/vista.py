"""VISTA: labelled guesses at why a prompt fails, each mended apart and tried side by side, and
restarts from next to nothing (Liu et al., 2026).

https://arxiv.org/abs/2603.18388

Each round (algorithm 1) draws a parent as GEPA does, and answers a minibatch with it. Mostly, one
agent then names causes of the mistakes, with their kinds, mostly from a list of kinds (`epsilon`:
how often freely); another rewrites the prompt once for each cause; all rewrites answer the same
minibatch; and the best, if it does better than the parent, joins the pool and is measured on the
validation split. What was tried for which kind of cause, and what it brought, is told to the first
agent. At times (`restart_share`) the round instead makes an instruction from what the model
answers when it is told next to nothing, until the answer can be read.

Differs from the paper (we found no code of the authors'): a restart begins with one word, as the
contract refuses a blank prompt, and shows the right output as well; a restart that cannot be read
after `n_looks` looks is tried all the same; a round without a mistake brings nothing; the kinds of
causes are the paper's in our own words, those about the data's fields made general; the task's
description and labels are told. `max_stale_rounds` rounds without a new prompt end the search.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apo import Evaluation, Example, Prompt, Search, check_ranges
from apo.optimizers.parts.gepa_pool import Pool
from apo.optimizers.parts.paired import difference, each
from apo.optimizers.parts.vista_restart import restart
from apo.optimizers.parts.vista_trace import Hypothesis, Trace, read_hypotheses

Tries = list[tuple[str, Prompt]]
"""New prompts, each with the label of why it was written."""


@dataclass(frozen=True, kw_only=True)
class VISTA:
    """Verifiable, interpretable, semantic-trace prompt optimization.

    Attributes:
        n_hypotheses: causes of a round, each with a rewrite of its own (K).
        epsilon: how often a cause is named without the list of kinds (ε).
        restart_share: how often a round is a restart (p).
        minibatch_size: train examples that a round is tried on (b).
        n_shown: mistakes that the agents see.
        n_looks: looks at the model's answer that a restart takes at most.
        max_rounds: rounds; the budget usually ends the search before.
        max_stale_rounds: rounds in a row without a new prompt after which the search ends.
        temperature: of the optimizer model.
    """

    n_hypotheses: int = 3
    epsilon: float = 0.1
    restart_share: float = 0.2
    minibatch_size: int = 8
    n_shown: int = 3
    n_looks: int = 3
    max_rounds: int = 1000
    max_stale_rounds: int = 20
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some, share = (1, math.inf), (0, 1)
        check_ranges(
            self, n_hypotheses=some, epsilon=share, restart_share=share, minibatch_size=some,
            n_shown=some, n_looks=some, max_rounds=some, max_stale_rounds=some,
            temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Algorithm 1: a restart or hypotheses, tried side by side; the best joins the pool."""
        pool, trace = Pool(search.rng), Trace()
        for evaluation in await search.map(search.evaluate, search.seed_prompts):
            pool.add(evaluation, ())
        stale = 0
        for _ in range(self.max_rounds):
            if search.solved or stale == self.max_stale_rounds:
                return
            known = search.n_candidates
            i = pool.draw(search.rng)
            batch = search.minibatch(self.minibatch_size)
            before = await search.evaluate(pool.evaluations[i].prompt, batch)
            restarts = search.rng.random() < self.restart_share
            if restarts:
                new = await restart(search, self.n_looks, self.temperature)
                tries = [("restart", prompt) for prompt in new]
            else:
                tries = await self.mend(search, before, trace.lines({i, *pool.ancestors(i)}))
            await self.keep_best(search, pool, trace, None if restarts else i, before, tries)
            stale = 0 if search.n_candidates > known else stale + 1

    async def keep_best(
        self, search: Search, pool: Pool, trace: Trace, parent: int | None, before: Evaluation,
        tries: Tries,
    ) -> None:  # fmt: skip
        """Try all on the parent's minibatch; the one that gains most joins the pool, if any."""
        batch: Sequence[Example] = [rollout.example for rollout in before.rollouts]
        afters = await each(search, [(prompt, batch) for _, prompt in tries])
        gains = [difference(before, after) for after in afters]
        best = max(range(len(gains)), key=lambda k: gains[k] if gains[k] > 0 else 0.0, default=-1)
        joins = best >= 0 and gains[best] > 0
        for k, ((label, _), gain) in enumerate(zip(tries, gains, strict=True)):
            if parent is not None and not math.isnan(gain):
                trace.tried.append((parent, label, gain, joins and k == best))
        if joins:
            evaluation = await search.evaluate(tries[best][1])
            pool.add(evaluation, () if parent is None else (parent,))

    async def mend(self, search: Search, before: Evaluation, memory: Sequence[str]) -> Tries:
        """Name causes, and rewrite the prompt once for each of them."""
        failures, prompt = before.failures[: self.n_shown], before.prompt
        if not failures:
            return []
        causes = await self.hypothesize(search, before, memory)
        metas = [
            search.meta_prompt(
                __file__, "vista_rewrite", parents=[prompt], prompt=prompt, failures=failures,
                critique=cause.told(),
            )
            for cause in causes
        ]  # fmt: skip
        tries: Tries = []
        texts = await search.generate(metas, temperature=self.temperature)
        for cause, found in zip(causes, texts, strict=True):
            new = [prompt.with_instruction(text) for text in found]
            accepted = search.accept(new, operator=f"vista: {cause.label}", parents=[prompt])
            tries += [(cause.label, child) for child in accepted]
        return tries

    async def hypothesize(
        self, search: Search, before: Evaluation, memory: Sequence[str]
    ) -> list[Hypothesis]:
        """Ask for causes: those from the list of kinds in one reply, each free one in its own."""
        n_free = sum(search.rng.random() < self.epsilon for _ in range(self.n_hypotheses))
        n_guided, prompt = self.n_hypotheses - n_free, before.prompt
        kinds = search.meta_prompt(__file__, "vista_causes").text.strip().splitlines()
        wanted = [*[(n_guided, kinds)] * (n_guided > 0), *[(1, list[str]())] * n_free]
        metas = [
            search.meta_prompt(
                __file__, "vista_hypothesize", parents=[prompt], prompt=prompt, n=n,
                failures=before.failures[: self.n_shown], memory=memory, styles=styles,
            )
            for n, styles in wanted
        ]  # fmt: skip
        replies = await search.generate(metas, tag="observations", temperature=self.temperature)
        return [
            cause
            for (n, _), found in zip(wanted, replies, strict=True)
            for reply in found
            for cause in read_hypotheses(reply, n)
        ]
