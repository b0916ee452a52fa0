"""What SkillOpt carries from step to step, and what its slow update compares."""

from dataclasses import dataclass

from apo import Evaluation, Prompt, Rollout


@dataclass(frozen=True)
class State:
    """The prompt so far: what edits change, the guidance behind it, and both measured."""

    body: str
    guidance: str
    measured: Evaluation

    def told(self) -> Prompt:
        """The prompt with its guidance."""
        text = f"{self.body}\n\n{self.guidance}" if self.guidance else self.body
        return self.measured.prompt.with_instruction(text)


def grouped(looked: Evaluation, size: int) -> list[list[Rollout]]:
    """The failures, and then the right answers, in groups of so many."""
    right = [rollout for rollout in looked.answered if rollout.outcome == "right"]
    kinds = (list(looked.failures), right)
    return [of[start : start + size] for of in kinds for start in range(0, len(of), size)]


def compared(
    before: Evaluation, after: Evaluation, most: int
) -> tuple[list[Rollout], list[Rollout]]:
    """The answers that were right before and are wrong now, and those that are wrong in both.

    Args:
        before: of an earlier prompt, on the same examples.
        after: whose answers are given.
        most: of each kind, at most.
    """
    pairs = [
        (was, now)
        for was, now in zip(before.rollouts, after.rollouts, strict=True)
        if now.score is not None and now.outcome != "right"
    ]
    lost = [now for was, now in pairs if was.outcome == "right"]
    lasting = [now for was, now in pairs if was.outcome != "right"]
    return lost[:most], lasting[:most]
