"""PromptWizard: mutate in thinking styles, critique and refine, then write examples, reasoning
and a persona (Agarwal et al., 2024).

https://arxiv.org/abs/2405.18369

Each round asks for variants of the instruction in drawn thinking styles, tests each on a streak
of questions that ends with the first failure, and has the best one criticized and refined. Then
examples that the instruction gets wrong are collected, and by coin flip the instruction is
refined against them or they are replaced by synthesized ones. At last each example gets a
reasoning and the instruction a persona: together they make the prompt.

Differs from the authors' code: a streak checks every question of a batch (the code, only the
first); a batch without any answer is no failure; thinking styles are drawn for each request (the
code always takes the first ones); the critic sees what the model answered, also against the
collected examples; all seen questions are asked at once to find the wrong ones; the optimizer
model's temperature is a setting; of several seed prompts the best is taken. Synthesized examples
must have the form of the task's inputs, an allowed label and an answer that the task's scorer
takes; what is missing is filled up with the examples before. In the reference nothing is scored
after the rounds: here the result of each round and of each later step is also measured on the
validation split, which decides which of them wins.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from apo import (
    Evaluation,
    Example,
    MetaPrompt,
    Prompt,
    Rollout,
    Search,
    SettingsError,
    TaskError,
    check_ranges,
)

PAIR = re.compile(
    r"<input>((?:(?!</?input>).)*)</input>\s*<output>((?:(?!</?output>).)*)</output>", re.DOTALL
)


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
        prompt = max(seeds, key=lambda seed: seed.mean).prompt
        for _ in range(self.n_rounds):
            prompt = await self.mutate_and_refine(search, prompt, seen)
            await search.evaluate(prompt)
            if search.solved:
                return
        examples = await self.wrong_examples(search, prompt, seen)
        for _ in range(self.n_refinements):
            if search.rng.random() < 0.5:
                answered = await search.evaluate(prompt, examples)
                refined = await self.refine(search, [prompt], [shown(answered)])
                prompt = refined[0] if refined else prompt
                await search.evaluate(prompt)
            else:
                examples = await self.synthesize(search, prompt, examples)
        await self.assemble(search, prompt, examples)

    async def mutate_and_refine(
        self, search: Search, prompt: Prompt, seen: Sequence[Example]
    ) -> Prompt:
        """One round: variants, streaks, critique and refinement of the best."""
        draws = [self.draw(search, seen)] * self.paired
        pool = [prompt, *await self.mutate(search, prompt)]

        async def test(prompt: Prompt) -> Streak:
            return await self.streak(search, prompt, *(draws or [self.draw(search, seen)]))

        top = best(await search.map(test, pool), self.prefer)[: self.n_kept]
        refined = await self.refine(
            search, [streak.prompt for streak in top], [self.evidence(streak) for streak in top]
        )
        top = best([*top, *await search.map(test, refined)], self.prefer)
        return top[0].prompt if top else prompt

    async def mutate(self, search: Search, prompt: Prompt) -> list[Prompt]:
        """Ask for variants of the instruction, each in another thinking style."""
        styles = search.meta_prompt(__file__, "promptwizard_styles").text.strip().splitlines()
        texts = [
            search.meta_prompt(
                __file__, "promptwizard_mutate", parents=[prompt], prompt=prompt,
                styles=search.rng.sample(styles, min(self.n_variants, len(styles))),
            )
            for _ in range(self.n_requests)
        ]  # fmt: skip
        replies = await search.generate(texts, tag="instructions", temperature=self.temperature)
        variants = [text for found in replies for reply in found for text in listed(reply)]
        prompts = [prompt.with_instruction(text) for text in variants]
        return search.accept(prompts, operator="promptwizard_mutate", parents=[prompt])

    def draw(self, search: Search, seen: Sequence[Example]) -> list[list[Example]]:
        """Draw the batches of a streak."""
        size = min(self.minibatch_size, len(seen))
        return [search.rng.sample(seen, size) for _ in range(self.max_batches)]

    async def streak(
        self, search: Search, prompt: Prompt, batches: Sequence[Sequence[Example]]
    ) -> "Streak":
        """Ask batch after batch until the first failure, or until there were enough right ones."""
        right = asked = 0
        rollouts: list[Rollout] = []
        for batch in batches:
            evaluation = await search.evaluate(prompt, batch)
            if not evaluation.answered:
                continue
            asked += 1
            rollouts += evaluation.answered
            right += not evaluation.failures
            if evaluation.failures or right == self.max_streak:
                break
        return Streak(prompt, right, asked, tuple(rollouts))

    def evidence(self, streak: "Streak") -> tuple[Rollout, ...]:
        """What the critic sees: of a good streak what was solved, of another what was not."""
        good = streak.score >= self.max_streak / self.max_batches
        return tuple(r for r in streak.rollouts if (r.outcome == "right") == good)

    async def refine(
        self, search: Search, prompts: Sequence[Prompt], rollouts: Sequence[Sequence[Rollout]]
    ) -> list[Prompt]:
        """Have each prompt criticized on its examples, and rewritten by the critique."""
        pairs = [pair for pair in zip(prompts, rollouts, strict=True) if pair[1]]
        critics = [
            search.meta_prompt(__file__, critic(seen), parents=[p], prompt=p, rollouts=seen)
            for p, seen in pairs
        ]
        replies = await search.generate(critics, tag="critique", temperature=self.temperature)
        texts = [
            search.meta_prompt(
                __file__, "promptwizard_refine", parents=[p], prompt=p, rollouts=seen,
                critique=found[0],
            )
            for (p, seen), found in zip(pairs, replies, strict=True)
            if found
        ]  # fmt: skip
        return await search.propose(texts, temperature=self.temperature)

    async def wrong_examples(
        self, search: Search, prompt: Prompt, seen: Sequence[Example]
    ) -> list[Example]:
        """Examples that the prompt gets wrong; where there are too few, others."""
        evaluation = await search.evaluate(prompt, seen)
        wrong = [rollout.example for rollout in evaluation.failures][: self.n_demos]
        others = [example for example in seen if example not in wrong]
        return wrong + search.rng.sample(others, min(len(others), self.n_demos - len(wrong)))

    async def synthesize(
        self, search: Search, prompt: Prompt, examples: Sequence[Example]
    ) -> list[Example]:
        """Have the examples criticized, and new ones written; those that can be used are."""
        ask: dict[str, Any] = {"parents": [prompt], "prompt": prompt, "examples": examples}
        text = search.meta_prompt(__file__, "promptwizard_criticize_examples", **ask)
        [found] = await search.generate([text], tag="critique", temperature=self.temperature)
        if not found:
            return list(examples)
        ask |= {"critique": found[0], "n": self.n_demos}
        text = search.meta_prompt(__file__, "promptwizard_synthesize", **ask)
        [replies] = await search.generate([text], tag="examples", temperature=self.temperature)
        new = [example for reply in replies for example in parsed(reply, search)]
        if self.verify and new:
            checked = await search.evaluate(prompt, new)
            new = [r.example for r in checked.answered if r.outcome == "right"]
        return list(dict.fromkeys([*new, *examples]))[: self.n_demos]

    async def assemble(self, search: Search, prompt: Prompt, examples: Sequence[Example]) -> None:
        """Put examples, then reasoning, persona and keywords to the instruction; measure both."""
        asks = [
            search.meta_prompt(__file__, "promptwizard_reason", prompt=prompt, example=example)
            for example in examples
        ]
        reasons = [""] * len(examples)
        if self.reasoning:
            reasons = await self.write(search, asks, "reasoning")
        said = {"persona": "", "keywords": ""}
        for tag in [*["persona"] * self.persona, *["keywords"] * self.keywords]:
            text = search.meta_prompt(
                __file__, f"promptwizard_{tag}", prompt=prompt, examples=examples[:3]
            )
            [said[tag]] = await self.write(search, [text], tag)
        bare = [prompt.demo(e.inputs, e.target) for e in examples]
        reasoned = [
            prompt.demo(e.inputs, joined(reason, e.target))
            for e, reason in zip(examples, reasons, strict=True)
        ]
        instruction = joined(said["persona"], prompt.instruction, said["keywords"])
        stages = [
            prompt.with_demos(tuple(bare)),
            prompt.with_instruction(instruction).with_demos(tuple(reasoned)),
        ]
        made = search.accept(stages, operator="promptwizard_assemble", parents=[prompt])
        await search.map(search.evaluate, made)

    async def write(self, search: Search, texts: Sequence[MetaPrompt], tag: str) -> list[str]:
        """Ask for one text each; "" where the reply could not be parsed."""
        replies = await search.generate(texts, tag=tag, temperature=self.temperature)
        return [found[0] if found else "" for found in replies]


@dataclass(frozen=True)
class Streak:
    """What a prompt did on batch after batch: right batches, those asked, and all answers."""

    prompt: Prompt
    right: int
    asked: int
    rollouts: tuple[Rollout, ...] = ()

    @property
    def score(self) -> float:
        """Share of right batches: 0, 1/2, 2/3 or 1 when three right ones end the streak."""
        return self.right / self.asked if self.asked else 0.0


def best(streaks: Sequence[Streak], prefer: str) -> list[Streak]:
    """Sort by score, ties by length; a prompt without any answer is unknown, and left out."""
    sign = 1 if prefer == "longer" else -1
    known = [streak for streak in streaks if streak.asked]
    return sorted(known, key=lambda s: (-s.score, -sign * len(s.prompt.instruction)))


def shown(evaluation: Evaluation) -> tuple[Rollout, ...]:
    """The failures, or all that was answered when there are none."""
    return evaluation.failures or evaluation.answered


def critic(rollouts: Sequence[Rollout]) -> str:
    """The critic of solved examples where all are right, else that of failed ones."""
    solved = all(rollout.outcome == "right" for rollout in rollouts)
    return "promptwizard_praise" if solved else "promptwizard_criticize"


def joined(*parts: str) -> str:
    """Join the parts that there are, as paragraphs."""
    return "\n\n".join(part for part in parts if part)


def listed(reply: str) -> list[str]:
    """The instructions that a reply lists, each in its tags; the whole when there are no tags."""
    found = re.findall(r"<instruction>(.*?)</instruction>", reply, re.DOTALL)
    return [text.strip() for text in found] or [reply]


def parsed(reply: str, search: Search) -> list[Example]:
    """The new examples of a reply that have the form of the task's own."""
    task, template = search.task, search.seed_prompts[0].template.strip()
    known = {tuple(example.inputs.items()) for example in (*task.train, *task.validation)}
    examples: list[Example] = []
    for text, output in PAIR.findall(reply):
        inputs = unfilled(template, text.strip())
        if inputs.keys() != set(task.input_fields) or tuple(inputs.items()) in known:
            continue
        example = Example(inputs, (output.strip(),))
        if not task.labels or example.target in task.labels:
            examples += [example] if accepts_itself(search, example) else []
    return examples


def unfilled(template: str, text: str) -> dict[str, str]:
    """Read the inputs out of a filled template; none when the text does not fit it."""
    pieces = re.split(r"\{\{\s*([^{}]+?)\s*\}\}", template)
    names = pieces[1::2]
    pattern = "(.*?)".join(re.escape(piece) for piece in pieces[::2])
    match = re.fullmatch(pattern, text, re.DOTALL)
    return dict(zip(names, match.groups(), strict=True)) if match else {}


def accepts_itself(search: Search, example: Example) -> bool:
    """Whether the task's scorer takes an example's own answer for right."""
    try:
        return bool(example.target) and search.task.judge(example.target, example).value >= 1
    except TaskError:  # A scorer may refuse a target that no answer can be compared with.
        return False
