"""TextGrad: criticism in words, passed back from the answers to the prompt (Yuksekgonul et al.,
2024).

https://arxiv.org/abs/2406.07496

Each update answers a minibatch; the optimizer model criticizes every answer (the gradient of the
loss, §2), and then, from this and the conversation, the instruction (the chain rule); and it
rewrites the instruction from the criticism of the whole minibatch (textual gradient descent).
The new instruction is measured on the validation split, and taken back if it does worse.

Differs from the authors' code: taking back what does worse is on (`revert=False` turns it off), as
every prompt is measured on the validation split anyway, where the winner is chosen; the optimizer
model sees the whole instruction (the code shows its first and last ten words) and every criticism
once (the code shows it twice); the loss is what the scorer says of an answer; a minibatch that is
all right has no loss and brings no update; a criticism that cannot be parsed is left out. The
optimizer model is asked at temperature 1 (the code's engines: 0), in one user turn that tells the
task's description and labels, where the code has a system prompt that explains gradients and roles
of variables. There is no `constraints`, no in-context example of an update, and no optimizer with
momentum, which shows earlier values of the prompt: `gradient_memory` shows earlier criticism alone.
The authors' script ends after 12 updates, 3 epochs of at most 4 minibatches; here the epochs go on
as long as the budget lasts, or until `max_stale_updates` bring nothing new.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apo import Evaluation, Prompt, Rollout, Search, check_ranges

Gradient = tuple[Rollout, str]


@dataclass(frozen=True, kw_only=True)
class TextGrad:
    """Textual gradient descent on the instruction.

    Attributes:
        minibatch_size: train examples of an update.
        n_epochs: passes over the shuffled train split; the budget usually ends the search before.
        max_batches: updates of one pass at most.
        revert: take back an instruction that does worse on the validation split.
        gradient_memory: earlier updates whose criticism is shown too.
        max_stale_updates: minibatches in a row without a new instruction after which it ends.
        temperature: of the optimizer model.
    """

    minibatch_size: int = 3
    n_epochs: int = 100
    max_batches: int = 4
    revert: bool = True
    gradient_memory: int = 0
    max_stale_updates: int = 30
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, minibatch_size=some, n_epochs=some, max_batches=some, max_stale_updates=some,
            gradient_memory=(0, math.inf), temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """The loop of the authors' prompt optimization: forward, loss, backward, step."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        current = max(seeds, key=lambda seed: seed.value)
        memory: list[str] = []
        stale = 0
        for _ in range(self.n_epochs):
            order = search.minibatch(len(search.task.train))
            starts = range(0, len(order), self.minibatch_size)[: self.max_batches]
            for start in starts:
                if search.solved or stale == self.max_stale_updates:
                    return
                batch = order[start : start + self.minibatch_size]
                forward = await search.evaluate(current.prompt, batch)
                gradients = await self.backward(search, forward) if forward.failures else []
                children = await self.step(search, current.prompt, gradients, memory)
                stale = 0 if children else stale + 1
                for child in children:
                    current = self.keep(current, await search.evaluate(child))

    async def backward(self, search: Search, forward: Evaluation) -> list[Gradient]:
        """Criticize the answers, then through them the instruction (equations 2 and 3)."""
        rollouts = forward.answered
        metas = [
            search.meta_prompt(
                __file__, "textgrad_answer", parents=[forward.prompt], rollout=rollout
            )
            for rollout in rollouts
        ]
        losses = await search.generate(metas, tag="critique", temperature=self.temperature)
        metas = [
            search.meta_prompt(
                __file__,
                "textgrad_instruction",
                parents=[forward.prompt],
                prompt=forward.prompt,
                rollout=rollout,
                critiques=critiques,
            )
            for rollout, critiques in zip(rollouts, losses, strict=True)
        ]
        found = await search.generate(metas, tag="critique", temperature=self.temperature)
        return [(r, text) for r, texts in zip(rollouts, found, strict=True) for text in texts]

    async def step(
        self, search: Search, prompt: Prompt, gradients: Sequence[Gradient], memory: list[str]
    ) -> list[Prompt]:
        """Rewrite the instruction (equation 4, textual gradient descent), and remember why."""
        if not gradients:
            return []
        text = search.meta_prompt(
            __file__,
            "textgrad_step",
            parents=[prompt],
            prompt=prompt,
            gradients=gradients,
            memory=memory,
        )
        memory.append("\n\n".join(critique for _, critique in gradients))
        del memory[: max(0, len(memory) - self.gradient_memory)]
        return await search.propose([text], temperature=self.temperature)

    def keep(self, before: Evaluation, after: Evaluation) -> Evaluation:
        """Go on with the new instruction, unless it does worse and is taken back."""
        return before if self.revert and after.value < before.value else after
