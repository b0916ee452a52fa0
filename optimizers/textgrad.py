"""TextGrad: criticism in words, passed back from the answers to the prompt (Yuksekgonul et al.,
2024).

https://arxiv.org/abs/2406.07496

Each update answers a minibatch; the optimizer model criticizes every answer (the gradient of the
loss, §2), and then, from this and the conversation, the instruction (the chain rule); and it
rewrites the instruction from the criticism of the whole minibatch (textual gradient descent).
The new instruction is measured on the validation split, and taken back if it does worse. Of a
program, criticism goes from the last step's answer back to the first's, and all steps are rewritten
in one update.

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
from typing import ClassVar

from apo import Evaluation, MetaPrompt, Prompt, Rollout, Search, check_ranges

Gradients = dict[str, list[tuple[Rollout, str]]]
"""By step, answers with the criticism of the step's instruction; under "" of a single prompt."""
Memory = dict[str, list[str]]


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
    knows_steps: ClassVar[bool] = True

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
        memory: Memory = {}
        stale = 0
        for _ in range(self.n_epochs):
            order = search.minibatch(len(search.task.train))
            starts = range(0, len(order), self.minibatch_size)[: self.max_batches]
            for start in starts:
                if search.solved or stale == self.max_stale_updates:
                    return
                batch = order[start : start + self.minibatch_size]
                forward = await search.evaluate(current.prompt, batch)
                gradients = await self.backward(search, forward) if forward.failures else {}
                children = await self.step(search, current.prompt, gradients, memory)
                stale = 0 if children else stale + 1
                for child in children:
                    current = self.keep(current, await search.evaluate(child))

    async def backward(self, search: Search, forward: Evaluation) -> Gradients:
        """Criticize the answers, then through them the instruction (equations 2 and 3).

        Of a program, from the last step to the first: the criticism of a step's answer goes on to
        the answer that it was made from (the chain rule, §2).
        """
        found: Gradients = {}
        passed: dict[int, list[str]] = {}
        for name in reversed(forward.prompt.steps):
            prompt = forward.prompt.focused(name)
            rollouts = [r for r in forward.answered if not name or r.at(name)]
            metas = [self.of_answer(search, prompt, r, passed.get(id(r), [])) for r in rollouts]
            losses = await search.generate(metas, tag="critique", temperature=self.temperature)
            passed |= {id(r): texts for r, texts in zip(rollouts, losses, strict=True)}
            metas = [
                search.meta_prompt(
                    __file__,
                    "textgrad_instruction",
                    parents=[prompt],
                    prompt=prompt,
                    rollout=rollout,
                    critiques=critiques,
                )
                for rollout, critiques in zip(rollouts, losses, strict=True)
            ]
            texts = await search.generate(metas, tag="critique", temperature=self.temperature)
            found[name] = [(r, t) for r, said in zip(rollouts, texts, strict=True) for t in said]
        return {name: found[name] for name in forward.prompt.steps if found[name]}

    def of_answer(
        self, search: Search, prompt: Prompt, rollout: Rollout, critiques: Sequence[str]
    ) -> MetaPrompt:
        """Ask about an answer: by its loss, or by the criticism of what was made from it."""
        trace = rollout.trace
        at = max((n for n, asked in enumerate(trace) if asked.step == prompt.focus), default=0)
        if at + 1 >= len(trace):
            return search.meta_prompt(
                __file__, "textgrad_answer", parents=[prompt], rollout=rollout
            )
        after = trace[at + 1]
        step = prompt.steps[after.step]
        following = {
            "instruction": step.instruction,
            "given": step.messages(after.inputs)[-1].content,
            "answer": after.answer,
        }
        return search.meta_prompt(
            __file__,
            "textgrad_passed",
            parents=[prompt],
            rollout=rollout,
            following=following,
            critiques=critiques,
        )

    async def step(
        self, search: Search, prompt: Prompt, gradients: Gradients, memory: Memory
    ) -> list[Prompt]:
        """Rewrite the instruction (equation 4, textual gradient descent), and remember why.

        Of a program, those of all steps that were criticized, in one child.
        """
        metas: list[MetaPrompt] = []
        for name, found in gradients.items():
            focused, kept = prompt.focused(name), memory.setdefault(name, [])
            meta = search.meta_prompt(
                __file__,
                "textgrad_step",
                parents=[focused],
                prompt=focused,
                gradients=found,
                memory=kept,
            )
            kept.append("\n\n".join(critique for _, critique in found))
            del kept[: max(0, len(kept) - self.gradient_memory)]
            metas.append(meta)
        child = prompt
        written = await search.generate(metas, temperature=self.temperature)
        for meta, texts in zip(metas, written, strict=True):
            for text in texts:
                child = child.focused(meta.parents[0].focus).with_instruction(text)
        if not any(written):
            return []
        return search.accept([child], operator=metas[0].name, parents=[prompt])

    def keep(self, before: Evaluation, after: Evaluation) -> Evaluation:
        """Go on with the new instruction, unless it does worse and is taken back."""
        return before if self.revert and after.value < before.value else after
