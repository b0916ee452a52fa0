"""ContraPrompt: inputs are tried again until they succeed, what the better attempt did is made a
rule, and the rules are put in order by what an input looks like (Rishav et al., 2026).

https://arxiv.org/abs/2604.17937

Each iteration (algorithm 1) lets the task model answer training inputs at a high temperature, up
to `n_attempts` times, with a word of what was wrong before a new attempt; makes a rule of each pair
of a worse and a better answer to the same input, and one of each kind of failure that no attempt
mended; puts all rules in order, those for every input first, and then those for inputs of a certain
kind; and measures the instruction with these rules at its end. The best one stays.

Differs from the paper (its authors publish prompts, and no code): the tree is written as lines
under conditions, not as XML tags; at most `max_pairs` pairs, those that lie furthest apart, bring a
rule; rules of a tree that did no better are forgotten; the task model is told no more of an answer
than that it was wrong, only partly right or not in the form asked for, and does not see it again;
the task's description and labels are told; training inputs are drawn anew for each iteration.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apo import Example, MetaPrompt, Prompt, Search, check_ranges
from apo.optimizers.parts.contraprompt_attempts import Attempts, attempt, contrasts, hopeless
from apo.optimizers.parts.draw import some


@dataclass(frozen=True, kw_only=True)
class ContraPrompt:
    """Contrastive prompt optimization by pairs of attempts.

    Attributes:
        n_iterations: iterations; the budget may end the search before.
        patience: iterations in a row that bring nothing better, after which the search ends.
        n_examples: training inputs of an iteration.
        n_attempts: attempts at an input, until it is answered rightly (A).
        max_pairs: pairs that bring a rule each.
        n_shown: failures that are shown together, and failing inputs that the order is made for.
        attempt_temperature: of the task model; at a low one, it fails in the same way again.
        temperature: of the optimizer model.
    """

    n_iterations: int = 15
    patience: int = 3
    n_examples: int = 50
    n_attempts: int = 3
    max_pairs: int = 10
    n_shown: int = 5
    attempt_temperature: float = 1.0
    temperature: float = 0.7

    def __post_init__(self) -> None:
        some, heat = (1, math.inf), (0, 2)
        check_ranges(
            self, n_iterations=some, patience=some, n_examples=some, n_attempts=some,
            max_pairs=some, n_shown=some, attempt_temperature=heat, temperature=heat,
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Algorithm 1: attempt, contrast, extract rules, put them in order, keep what is better."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        best = max(seeds, key=lambda seed: seed.value)
        base, rules, stale = best.prompt, list[str](), 0
        for _ in range(self.n_iterations):
            if search.solved or stale == self.patience:
                return
            stale += 1
            examples = search.minibatch(self.n_examples)
            attempts = await attempt(
                search, best.prompt, examples, self.n_attempts, self.attempt_temperature
            )
            new = [*rules, *await self.extract(search, best.prompt, attempts)]
            wrong = [
                example for example, (first, *_) in attempts.items() if first.outcome != "right"
            ]
            for child in await self.merge(search, base, new, wrong) if new != rules else ():
                evaluation = await search.evaluate(child)
                if evaluation.value > best.value:
                    best, rules, stale = evaluation, new, 0

    async def extract(self, search: Search, prompt: Prompt, attempts: Attempts) -> list[str]:
        """A rule of each pair (§4.3), and one of each kind of failure without any (§4.4)."""
        metas = [
            search.meta_prompt(
                __file__, "contraprompt_rule", parents=[prompt], prompt=prompt, worse=worse,
                better=better,
            )
            for worse, better in contrasts(attempts)[: self.max_pairs]
        ]  # fmt: skip
        metas += [
            search.meta_prompt(
                __file__, "contraprompt_failures", parents=[prompt], prompt=prompt,
                failures=group[: self.n_shown],
            )
            for group in hopeless(attempts)
        ]  # fmt: skip
        return list(dict.fromkeys(await self.write(search, metas)))

    async def merge(
        self, search: Search, base: Prompt, rules: Sequence[str], wrong: Sequence[Example]
    ) -> list[Prompt]:
        """Put the rules in order (§4.5), and the whole at the end of the first instruction."""
        meta = search.meta_prompt(
            __file__, "contraprompt_merge", parents=[base], prompt=base, memory=rules,
            examples=some(search.rng, wrong, self.n_shown),
        )  # fmt: skip
        trees = await self.write(search, [meta])
        children = [base.with_instruction(f"{base.instruction}\n\n{tree}") for tree in trees]
        return search.accept(children, operator=meta.name, parents=[base])

    async def write(self, search: Search, asked: Sequence[MetaPrompt]) -> list[str]:
        """Ask for one text each; what could not be parsed is left out."""
        replies = await search.generate(asked, tag="advice", temperature=self.temperature)
        return [found[0] for found in replies if found]
