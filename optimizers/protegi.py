"""ProTeGi: errors are criticized in words, the words are turned into edits, and a bandit chooses
the beam (Pryzant et al., 2023).

https://arxiv.org/abs/2305.03495

Every round runs the beam on one minibatch. For each prompt, several critiques ("textual
gradients") are written, each from a few of its errors; each critique is applied to the prompt;
the edits and the prompt itself are paraphrased; and a random few of these children are kept
(algorithm 2). Children and parents form the pool, from which a bandit picks the next beam (§2.3).
The leaders of every beam are measured on the validation split.

Differs from the authors' code: the allocator is UCB, the best of the paper, where the command line
takes "uniform", and it tries every prompt once before it repeats one (in the code the second round
repeats the first); it is `apo.allocate`, so no example is shown twice to a prompt. The meta-prompts
tell the task's description and labels. A request brings one critique, and several edits are several
samples, where the code splits one completion at its tags. A child seen in an earlier round is not
taken again. A prompt without errors is only paraphrased, and the search ends when the whole beam
has none. The final choice is made on the validation split; the code measures the beam on the test
set in each round. `max_rollouts` is 250 and not 2,048, so that a run of 2,000 calls gets beyond one
round; temperature 1.0 is the paper's (the code: 0.7).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from apo import ALLOCATORS, Evaluation, MetaPrompt, Prompt, Rollout, Search, allocate, check_ranges
from apo.optimizers.parts.choices import check_choices
from apo.optimizers.parts.draw import some

MAX_ERRORS = 16
"""Errors of the parent that `reject_on_errors` tries the children on."""


@dataclass(frozen=True, kw_only=True)
class ProTeGi:
    """Prompt optimization with textual gradients and beam search.

    Attributes:
        n_rounds: rounds of expansion and selection; the paper sees over-fitting after three.
        beam_size: prompts kept after each round.
        minibatch_size: training examples on which a round looks for errors.
        n_gradients: critiques of each prompt.
        errors_per_gradient: errors shown for a critique, at most.
        steps_per_gradient: edits for each critique.
        mc_samples_per_step: paraphrases of each edit, and of the prompt itself.
        max_expansion_factor: children kept of each prompt, at most.
        reject_on_errors: draw twice as many children, and keep those that do best on errors of
            the parent (up to 16), instead of a random choice.
        allocator: rule that selects the next beam; a name that `apo.allocate` knows.
        max_rollouts: what a selection may spend, in answers of the task model.
        n_leaders: prompts of each beam that are measured on the validation split.
        count_failures: show critiques also what all errors of the minibatch have in common, counted
            in a page; off as published.
        temperature: of the optimizer model.
    """

    n_rounds: int = 6
    beam_size: int = 4
    minibatch_size: int = 64
    n_gradients: int = 4
    errors_per_gradient: int = 4
    steps_per_gradient: int = 1
    mc_samples_per_step: int = 2
    max_expansion_factor: int = 8
    reject_on_errors: bool = False
    allocator: str = "ucb"
    max_rollouts: int = 250
    n_leaders: int = 2
    count_failures: bool = False
    temperature: float = 1.0

    def __post_init__(self) -> None:
        any_count, positive = (0, math.inf), (1, math.inf)
        check_ranges(
            self, n_rounds=positive, beam_size=positive, minibatch_size=positive,
            n_gradients=positive, errors_per_gradient=positive, steps_per_gradient=positive,
            mc_samples_per_step=any_count, max_expansion_factor=positive,
            max_rollouts=positive, n_leaders=positive, temperature=(0, 2),
        )  # fmt: skip
        check_choices(self, allocator=ALLOCATORS)

    async def run(self, search: Search) -> None:
        """Algorithm 1: expand the beam, select the next one."""
        beam = await self.select(search, search.seed_prompts)
        for _ in range(self.n_rounds):
            batch = search.minibatch(self.minibatch_size)
            looked = await search.map(partial(search.evaluate, examples=batch), beam)
            if search.solved or not any(evaluation.failures for evaluation in looked):
                return
            children = await self.expand(search, looked)
            if children:
                beam = await self.select(search, [*beam, *children])

    async def expand(self, search: Search, looked: Sequence[Evaluation]) -> list[Prompt]:
        """Algorithm 2, for the whole beam at once: gradients, edits, paraphrases, a few kept."""
        shown = [
            (parent, some(search.rng, parent.failures, self.errors_per_gradient))
            for parent in looked
            if parent.failures
            for _ in range(self.n_gradients)
        ]
        pages = {
            parent.prompt: search.failure_page(parent.rollouts) if self.count_failures else ""
            for parent in looked
        }
        asked = [
            ask(search, "criticize", parent, errors, page=pages[parent.prompt])
            for parent, errors in shown
        ]
        gradients = await search.generate(asked, tag="reason", temperature=self.temperature)
        steps = [
            ask(search, "edit", parent, errors, reason)
            for (parent, errors), reasons in zip(shown, gradients, strict=True)
            for reason in reasons
        ]
        edits = await self.write(search, steps, self.steps_per_gradient)
        sources = [(meta.parents[0], child) for meta, child in edits]
        sources += [(parent.prompt, parent.prompt) for parent in looked]
        again = [
            search.meta_prompt(__file__, "reword", parents=[parent], prompt=prompt)
            for parent, prompt in sources
        ]
        found = [*edits, *await self.write(search, again, self.mc_samples_per_step)]
        kept = [await self.keep(search, parent, found) for parent in looked]
        return [child for children in kept for child in children]

    async def write(
        self, search: Search, asked: Sequence[MetaPrompt], n: int
    ) -> list[tuple[MetaPrompt, Prompt]]:
        """Sample children, each with the request that it answers."""
        found = await search.generate(asked, n, temperature=self.temperature) if n else []
        return [
            (meta, meta.parents[0].with_instruction(text))
            for meta, texts in zip(asked, found, strict=False)
            for text in texts
        ]

    async def keep(
        self, search: Search, parent: Evaluation, found: Sequence[tuple[MetaPrompt, Prompt]]
    ) -> list[Prompt]:
        """Keep some children of a prompt: random ones, or those that mend most of its errors."""
        own = {child: meta for meta, child in found if meta.parents[0] == parent.prompt}
        limit = self.max_expansion_factor * (2 if self.reject_on_errors else 1)
        kept: list[Prompt] = []
        for child in some(search.rng, list(own), len(own)):
            if len(kept) < limit:
                kept += search.accept([child], operator=own[child].name, parents=[parent.prompt])
        if self.reject_on_errors and len(kept) > self.max_expansion_factor and parent.failures:
            errors = some(search.rng, parent.failures, MAX_ERRORS)
            examples = [rollout.example for rollout in errors]
            tried = await search.map(partial(search.evaluate, examples=examples), kept)
            kept = [e.prompt for e in sorted(tried, key=lambda e: e.value, reverse=True)]
        return kept[: self.max_expansion_factor]

    async def select(self, search: Search, pool: Sequence[Prompt]) -> list[Prompt]:
        """Algorithm 3: the best of the pool by bandit; the leaders are measured in full."""
        beam = list(pool)
        if len(pool) > 1:
            beam = await allocate(
                search, pool, self.beam_size, rollouts=self.max_rollouts, allocator=self.allocator
            )
        await search.map(search.evaluate, beam[: self.n_leaders])
        return beam


def ask(
    search: Search,
    operation: str,
    parent: Evaluation,
    errors: Sequence[Rollout],
    reason: str = "",
    page: str = "",
) -> MetaPrompt:
    """Ask for a gradient of a prompt, or for a step against it (§2.2)."""
    return search.meta_prompt(
        __file__, f"protegi_{operation}", parents=[parent.prompt], prompt=parent.prompt,
        rollouts=errors, reason=reason, page=page,
    )  # fmt: skip
