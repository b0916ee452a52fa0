"""PromptWizard: mutate in thinking styles, critique and refine, then write examples, reasoning
and a persona (Agarwal et al., 2024).

https://arxiv.org/abs/2405.18369

Each round asks for variants of the instruction in drawn thinking styles, tests each on a streak
of questions that ends with the first failure, and has the best one criticized and refined. Then
examples that the instruction gets wrong are collected, and by coin flip the instruction is
refined against them or they are replaced by synthesized ones. At last each example gets a
reasoning and the instruction a persona: together they make the prompt.

Differs from the authors' code: each flip that does not refine synthesizes examples (the code only
with `use_examples`; its modes without training examples are not here); the task's labels are told
beside its description; a streak checks every question of a batch (the code, only the first); a
batch without any answer is no failure; thinking styles are drawn for each request (the code always
takes the first ones); the critic sees what the model answered, also against the collected examples;
all seen questions are asked at once to find the wrong ones; the optimizer model's temperature is a
setting; of several seed prompts the best is taken. Synthesized examples must have the form of the
task's inputs, an allowed label and an answer that the task's scorer takes; what is missing is
filled up with the examples before. The result of each round and later step is measured on the
validation split, which decides; the code scores nothing after the rounds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from apo import Example, MetaPrompt, Prompt, Rollout, Search, SettingsError, check_ranges
from apo.optimizers.parts.draw import some
from apo.optimizers.parts.promptwizard_examples import assembled, listed, parsed, wrong_first
from apo.optimizers.parts.promptwizard_streak import Streak, best, critic, draw_batches, streak


@dataclass(frozen=True, kw_only=True)
class PromptWizard:
    """Task-aware, feedback-driven self-evolution of instruction and examples.

    Attributes:
        n_rounds: rounds of mutation, streak test, critique and refinement.
        n_requests: requests for variants in a round.
        n_variants: variants, each in a thinking style of its own, that a request asks for.
        n_kept: prompts of a round that are criticized and refined.
        seen_size: training examples that all steps draw from.
        minibatch_size: questions of one batch of a streak.
        max_streak: right batches that end a streak.
        max_batches: most batches of a streak.
        prefer: of prompts with equal streaks, take the "longer" or the "shorter".
        paired: test all variants of a round on the same questions.
        n_demos: examples of the final prompt.
        n_refinements: coin flips between refining the instruction and replacing the examples.
        verify: keep a synthesized example only if the task model gives the same answer.
        reasoning: write the reasoning of each example.
        persona: write who the ideal solver is.
        keywords: write what the task is about in a few keywords.
        temperature: of the optimizer model.
    """

    n_rounds: int = 3
    n_requests: int = 4
    n_variants: int = 5
    n_kept: int = 1
    seen_size: int = 25
    minibatch_size: int = 1
    max_streak: int = 3
    max_batches: int = 6
    prefer: Literal["longer", "shorter"] = "longer"
    paired: bool = False
    n_demos: int = 5
    n_refinements: int = 3
    verify: bool = False
    reasoning: bool = True
    persona: bool = True
    keywords: bool = False
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.prefer not in ("longer", "shorter"):
            raise SettingsError(
                f'PromptWizard.prefer is {self.prefer!r}; it is "longer" or "shorter".'
            )
        some, any_count = (1, math.inf), (0, math.inf)
        check_ranges(
            self, n_rounds=any_count, n_requests=some, n_variants=some, n_kept=some,
            seen_size=some, minibatch_size=some, max_streak=some, max_batches=some, n_demos=some,
            n_refinements=any_count, temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Algorithms 1 and 2 of the paper, and the assembly of the final prompt."""
        seen = search.minibatch(self.seen_size)
        seeds = await search.map(search.evaluate, search.seed_prompts)
        prompt = max(seeds, key=lambda seed: seed.value).prompt
        for _ in range(self.n_rounds):
            prompt = await self.mutate_and_refine(search, prompt, seen)
            await search.evaluate(prompt)
            if search.solved:
                return
        examples = wrong_first(search, await search.evaluate(prompt, seen), self.n_demos)
        for _ in range(self.n_refinements):
            if search.rng.random() < 0.5:
                found = await search.evaluate(prompt, examples)
                refined = await self.refine(search, [prompt], [found.failures or found.answered])
                prompt = refined[0] if refined else prompt
                await search.evaluate(prompt)
            else:
                examples = await self.synthesize(search, prompt, examples)
        await self.assemble(search, prompt, examples)

    async def mutate_and_refine(
        self, search: Search, prompt: Prompt, seen: Sequence[Example]
    ) -> Prompt:
        """One round: variants, streaks, critique and refinement of the best."""
        draw = partial(draw_batches, seen=seen, size=self.minibatch_size, n=self.max_batches)
        shared = draw(search.rng)
        pool = [prompt, *await self.mutate(search, prompt)]

        async def test(prompt: Prompt) -> Streak:
            batches = shared if self.paired else draw(search.rng)
            return await streak(search, prompt, batches, self.max_streak)

        top = best(await search.map(test, pool), self.prefer)[: self.n_kept]
        shown = [found.evidence(self.max_streak / self.max_batches) for found in top]
        refined = await self.refine(search, [found.prompt for found in top], shown)
        top = best([*top, *await search.map(test, refined)], self.prefer)
        return top[0].prompt if top else prompt

    async def mutate(self, search: Search, prompt: Prompt) -> list[Prompt]:
        """Ask for variants of the instruction, each in another thinking style."""
        styles = search.meta_prompt(__file__, "promptwizard_styles").text.strip().splitlines()
        drawn = [some(search.rng, styles, self.n_variants) for _ in range(self.n_requests)]
        asked = [ask(search, "mutate", prompt, styles=few) for few in drawn]
        replies = await self.write(search, asked, "instructions")
        variants = [text for reply in replies if reply for text in listed(reply)]
        prompts = [prompt.with_instruction(text) for text in variants]
        return search.accept(prompts, operator="promptwizard_mutate", parents=[prompt])

    async def refine(
        self, search: Search, prompts: Sequence[Prompt], rollouts: Sequence[Sequence[Rollout]]
    ) -> list[Prompt]:
        """Have each prompt criticized on its examples, and rewritten by the critique."""
        pairs = [pair for pair in zip(prompts, rollouts, strict=True) if pair[1]]
        asked = [ask(search, critic(seen), prompt, rollouts=seen) for prompt, seen in pairs]
        critiques = await self.write(search, asked, "critique")
        asked = [
            ask(search, "refine", prompt, rollouts=seen, critique=critique)
            for (prompt, seen), critique in zip(pairs, critiques, strict=True)
            if critique
        ]
        return await search.propose(asked, temperature=self.temperature)

    async def synthesize(
        self, search: Search, prompt: Prompt, examples: Sequence[Example]
    ) -> list[Example]:
        """Have the examples criticized, and new ones written; those that can be used are."""
        asked = ask(search, "criticize_examples", prompt, examples=examples)
        [critique] = await self.write(search, [asked], "critique")
        if not critique:
            return list(examples)
        values = {"examples": examples, "critique": critique, "n": self.n_demos}
        asked = ask(search, "synthesize", prompt, **values)
        [reply] = await self.write(search, [asked], "examples")
        new = parsed(reply, search)
        if self.verify and new:
            checked = await search.evaluate(prompt, new)
            new = [r.example for r in checked.answered if r.outcome == "right"]
        return list(dict.fromkeys([*new, *examples]))[: self.n_demos]

    async def assemble(self, search: Search, prompt: Prompt, examples: Sequence[Example]) -> None:
        """Put examples, then reasoning, persona and keywords to the instruction; measure both."""
        reasons, said = [""] * len(examples), dict[str, str]()
        if self.reasoning:
            asked = [ask(search, "reason", prompt, example=example) for example in examples]
            reasons = await self.write(search, asked, "reasoning")
        for tag in [*["persona"] * self.persona, *["keywords"] * self.keywords]:
            meta = ask(search, tag, prompt, examples=examples[:3])
            [said[tag]] = await self.write(search, [meta], tag)
        stages = assembled(prompt, examples, reasons, said)
        made = search.accept(stages, operator="promptwizard_assemble", parents=[prompt])
        await search.map(search.evaluate, made)

    async def write(self, search: Search, asked: Sequence[MetaPrompt], tag: str) -> list[str]:
        """Ask for one text each; "" where the reply could not be parsed."""
        replies = await search.generate(asked, tag=tag, temperature=self.temperature)
        return [found[0] if found else "" for found in replies]


def ask(search: Search, operation: str, prompt: Prompt, **values: Any) -> MetaPrompt:
    """Ask for an operation on a prompt."""
    name = f"promptwizard_{operation}"
    return search.meta_prompt(__file__, name, parents=[prompt], prompt=prompt, **values)
