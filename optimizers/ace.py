"""ACE: a playbook of advice grows with each answer, item by item, and is never written anew
(Zhang et al., 2025).

https://arxiv.org/abs/2510.04618

The task model answers a training example with the playbook at the end of its instruction. A
reflector says what the answer teaches, and which items helped or hurt; while the answer is wrong,
the model tries again with that reflection before it, and the reflector looks again. A curator
turns the reflection into a delta: new items, if any. They are added by rule, not by a model, so
that nothing known gets lost; what is alike is folded together, and when the playbook is full the
items go that helped least.

Differs from the authors' code: the task model answers in the task's own form and so does not name
the items that it used: the reflector sees them all; items have no sections, and their numbers and
counts are shown to the reflector alone; likeness is that of character trigrams, not of embeddings,
and alike items are not merged by a model; the code folds and drops only where that is switched on,
or not at all; no answer is drawn after the curator, where the code measures progress by one; the
last try, which nobody looks at, is left out; examples come in a drawn order; the playbook is
measured on the validation split every `eval_steps` examples, 20 (there 100), and at the end; an
addition that is against the contract is left out; an epoch that adds nothing is the last.
`n_epochs` is the paper's 5 (§4.2; in the code 1), `n_rounds` the code's 3 (in the paper 5).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from apo import Example, MetaPrompt, Prompt, Rollout, Search, check_ranges
from apo.optimizers.parts.ace_playbook import Playbook, lesson, listed


@dataclass(frozen=True, kw_only=True)
class ACE:
    """Agentic context engineering, offline.

    Attributes:
        n_epochs: passes over the train split; the budget may end the search before.
        batch_size: examples whose reflections are curated at once, from the same playbook (§3.1).
        n_rounds: reflections on an answer that stays wrong, with a new try between two.
        eval_steps: examples after which the playbook is measured on the validation split.
        max_chars: characters of the playbook; above that, the items go that helped least.
        most_alike: likeness, 0 to 1, from which new advice counts as an item that is there.
        temperature: of the optimizer model.
    """

    n_epochs: int = 5
    batch_size: int = 1
    n_rounds: int = 3
    eval_steps: int = 20
    max_chars: int = 5000
    most_alike: float = 0.9
    temperature: float = 0.7

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, n_epochs=some, batch_size=some, n_rounds=some, eval_steps=some, max_chars=some,
            most_alike=(0, 1), temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Generate, reflect and curate, example by example (§3, figure 4)."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        base = max(seeds, key=lambda seed: seed.value).prompt
        playbook, since = Playbook(), 0
        for _ in range(self.n_epochs):
            before, train = playbook.texts, search.task.train
            order = search.rng.sample(train, len(train))
            for start in range(0, len(order), self.batch_size):
                batch = order[start : start + self.batch_size]
                playbook = await self.step(search, base, playbook, batch)
                since += len(batch)
                if since >= self.eval_steps:
                    await search.evaluate(told(base, playbook))
                    since = 0
                if search.solved:
                    return
            if playbook.texts == before:
                break
        await search.evaluate(told(base, playbook))

    async def step(
        self, search: Search, base: Prompt, playbook: Playbook, batch: Sequence[Example]
    ) -> Playbook:
        """Answer, reflect, and add the deltas of all examples of the batch at once."""
        prompt = told(base, playbook)
        answers = (await search.evaluate(prompt, batch)).answered
        playbook, critiques = await self.reflect(search, prompt, playbook, answers)
        metas = [
            search.meta_prompt(
                __file__, "ace_curate", parents=[prompt], prompt=prompt, critique=lesson(critique)
            )
            for critique in critiques
        ]
        replies = await self.write(search, metas, "advice")
        new = [text for reply in replies for text in listed(reply)]
        grown = playbook.grown(new, most_alike=self.most_alike, max_chars=self.max_chars)
        child = told(base, grown)
        if child == prompt or search.accept([child], operator="ace_curate", parents=[prompt]):
            return grown
        return playbook

    async def reflect(
        self, search: Search, prompt: Prompt, playbook: Playbook, answers: Sequence[Rollout]
    ) -> tuple[Playbook, list[str]]:
        """Reflect on each answer, and again on new tries of those that are wrong.

        Returns:
            The playbook with its counts, and the last critique of each example that has one.
        """
        critiques: dict[Example, str] = {}
        ask = partial(search.meta_prompt, __file__, "ace_reflect", parents=[prompt], prompt=prompt)
        for turn in range(self.n_rounds):
            metas = [ask(rollout=answer, memory=playbook.texts) for answer in answers]
            replies = await self.write(search, metas, "critique")
            for answer, critique in zip(answers, replies, strict=True):
                if critique:
                    critiques[answer.example] = critique
                    playbook = playbook.counted(critique)
            last = turn + 1 == self.n_rounds
            answers = [] if last else await self.retry(search, prompt, answers, critiques)
            if not answers:
                break
        return playbook, list(critiques.values())

    async def retry(
        self,
        search: Search,
        prompt: Prompt,
        answers: Sequence[Rollout],
        critiques: dict[Example, str],
    ) -> list[Rollout]:
        """Let the task model try again with the reflection in view; what is still wrong."""
        wrong = [a.example for a in answers if a.outcome != "right" and a.example in critiques]
        texts = [f"{prompt.instruction}\n\n{lesson(critiques[example])}" for example in wrong]
        tries = [prompt.with_instruction(text) for text in texts]
        accepted = search.accept(tries, operator="ace_retry", parents=[prompt])
        pairs = [pair for pair in zip(tries, wrong, strict=True) if pair[0] in accepted]
        drawn = await search.map(lambda p: search.sample(p[0], [p[1]], temperature=0.0), pairs)
        return [r for found in drawn for r in found.answered if r.outcome != "right"]

    async def write(self, search: Search, asked: Sequence[MetaPrompt], tag: str) -> list[str]:
        """Ask for one text each; "" where the reply could not be parsed."""
        replies = await search.generate(asked, tag=tag, temperature=self.temperature)
        return [found[0] if found else "" for found in replies]


def told(base: Prompt, playbook: Playbook) -> Prompt:
    """The prompt with the playbook at the end of its instruction."""
    return base.with_instruction(playbook.after(base.instruction))
