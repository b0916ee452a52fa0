"""PromptWizard's test of a prompt: question after question, until the first failure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from apo import Example, Prompt, Rollout, Search
from apo.optimizers.parts.draw import some


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

    def evidence(self, good: float) -> tuple[Rollout, ...]:
        """What the critic sees: of a streak with a good score what was solved, else the rest."""
        return tuple(r for r in self.rollouts if (r.outcome == "right") == (self.score >= good))


def draw_batches(
    rng: random.Random, seen: Sequence[Example], size: int, n: int
) -> list[list[Example]]:
    """Draw the batches of a streak, each without replacement."""
    return [some(rng, seen, size) for _ in range(n)]


async def streak(
    search: Search, prompt: Prompt, batches: Sequence[Sequence[Example]], max_streak: int
) -> Streak:
    """Ask batch after batch until the first failure, or until there were enough right ones."""
    right = asked = 0
    rollouts: list[Rollout] = []
    for batch in batches:
        evaluation = await search.evaluate(prompt, batch)
        if not evaluation.scored:
            continue
        asked += 1
        rollouts += evaluation.answered
        clean = evaluation.total >= len(evaluation.scored)  # A refused request is no success.
        right += clean
        if not clean or right == max_streak:
            break
    return Streak(prompt, right, asked, tuple(rollouts))


def best(streaks: Sequence[Streak], prefer: str) -> list[Streak]:
    """Sort by score, ties by length; a prompt without any answer is unknown, and left out."""
    sign = 1 if prefer == "longer" else -1
    known = [streak for streak in streaks if streak.asked]
    return sorted(known, key=lambda s: (-s.score, -sign * len(s.prompt.instruction)))


def critic(rollouts: Sequence[Rollout]) -> str:
    """The critic of solved examples where all are right, else that of failed ones."""
    return "praise" if all(r.outcome == "right" for r in rollouts) else "criticize"
