"""FAPO: failures are put down to the step of a program that they come from, and its prompt is
mended (Kassianik et al., 2026).

https://arxiv.org/abs/2606.19605

Each round answers some training examples and looks at a few failures, one by one, with what every
step was given and said: which step could not lead to the right answer any more, and why. The step
that is blamed most has its instruction rewritten, with the smallest change that these causes ask
for. What does better on the validation split stays; what does not is remembered and shown. A step
whose mends bring nothing is left alone, and the next one has its turn.

Differs from the authors' system: there a coding agent works on a code base, and changes the chain's
structure where prompts do not suffice; here a program belongs to its task, so that the search is
their prompt-only one, by requests of a fixed form; what they have a review for (no leaked answers,
no change out of scope) is the contract's; a prompt of one step is mended by the causes alone.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from apo import Prompt, Rollout, Search, check_ranges
from apo.optimizers.parts.draw import some


@dataclass
class Memory:
    """What was tried in vain at each step: instructions, and how many rounds in a row."""

    failed: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    stale: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True, kw_only=True)
class FAPO:
    """Prompt optimization of multi-step programs by attribution.

    Attributes:
        n_rounds: rounds; the budget may end the search before.
        n_studied: training examples of a round.
        n_shown: failures that are put down to a step.
        n_variants: rewrites of the step's instruction.
        n_remembered: failed rewrites of a step that are shown.
        patience: rounds in a row without a gain, after which a step is left alone.
        temperature: of the optimizer model.
    """

    n_rounds: int = 30
    n_studied: int = 30
    n_shown: int = 6
    n_variants: int = 2
    n_remembered: int = 2
    patience: int = 3
    temperature: float = 1.0
    knows_steps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, n_rounds=some, n_studied=some, n_shown=some, n_variants=some,
            n_remembered=(0, math.inf), patience=some, temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Evaluate, attribute, mend, validate."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        best, memory = max(seeds, key=lambda seed: seed.value), Memory()
        for _ in range(self.n_rounds):
            open_steps = [s for s in best.prompt.steps if memory.stale[s] < self.patience]
            if search.solved or not open_steps:
                return
            causes = await self.attribute(search, best.prompt)
            # Who is blamed most; of equals, and where no reply names a step, who had fewer turns.
            step = max(open_steps, key=lambda s: (len(causes.get(s, ())), -memory.stale[s]))
            memory.stale[step] += 1
            found = causes.get(step) or causes.get(None, [])
            tried = await self.mend(search, best.prompt.focused(step), found, memory)
            for evaluation in await search.map(search.evaluate, tried):
                if evaluation.value > best.value:
                    best = evaluation
                    memory.stale.clear()
                else:
                    failed = memory.failed.setdefault(step, [])
                    failed.append(evaluation.prompt.focused(step).instruction)

    async def attribute(self, search: Search, prompt: Prompt) -> dict[str | None, list[str]]:
        """The causes of a few failures, by the step that each is put down to; None for no step."""
        studied = await search.evaluate(prompt, search.minibatch(self.n_studied))
        steps = list(prompt.steps)
        failures: Sequence[Rollout] = some(search.rng, studied.failures, self.n_shown)
        metas = [
            search.meta_prompt(
                __file__, "fapo_attribute", parents=[prompt], rollout=rollout, styles=steps
            )
            for rollout in failures
        ]
        replies = await search.generate(metas, tag="reason", temperature=self.temperature)
        causes: dict[str | None, list[str]] = {}
        for text in (text for found in replies for text in found):
            step, cause = blamed(text, steps)
            causes.setdefault(step, []).append(cause)
        return causes

    async def mend(
        self, search: Search, prompt: Prompt, causes: Sequence[str], memory: Memory
    ) -> list[Prompt]:
        """Rewrite the instruction of the step in focus by the causes that were found."""
        if not causes:
            return []
        failed = memory.failed.get(prompt.focus, [])
        meta = search.meta_prompt(
            __file__, "fapo_edit", parents=[prompt], prompt=prompt, observations=causes,
            memory=failed[len(failed) - self.n_remembered :] if self.n_remembered else [],
        )  # fmt: skip
        return await search.propose([meta], self.n_variants, temperature=self.temperature)


def blamed(text: str, steps: Sequence[str]) -> tuple[str | None, str]:
    """The step that a reply begins with, and the cause behind it; None where none is named.

    A program of one step has nobody else to blame.
    """
    if len(steps) == 1:
        return steps[0], text.strip()
    for step in sorted(steps, key=len, reverse=True):
        match = re.match(rf"\W*{re.escape(step)}\W*[:：]\s*(.+)", text.strip(), re.DOTALL)
        if match:
            return step, match[1].strip()
    return None, text
