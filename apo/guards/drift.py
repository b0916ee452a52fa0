"""Whether a scorer says the same twice: the same answers of the seed prompt, scored again."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from apo.calls.caller import Caller
from apo.concurrency import gather
from apo.errors import BudgetExhausted, TaskError
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.evaluation.measure import put
from apo.scorers.awaited import AwaitedScorer, Question, Ungraded, judge
from apo.task import Task

N_AGAIN = 20
"""Answers that are scored again, where it is free."""
N_ASKED = 5
"""Answers that are scored again by judges, which cost calls."""
FRESH = 1_000_000
"""Draws from here on are those of this check: a judge is really asked again."""
SAME = 1e-9


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far the scores of the same answers lie apart.

    Attributes:
        n: answers that were scored twice.
        differences: how much each score moved, as an absolute value.
    """

    n: int
    differences: tuple[float, ...]

    def __str__(self) -> str:
        """Tell the noise of a judge in a sentence; "" when there is none."""
        moved = [d for d in self.differences if d > SAME]
        if not moved:
            return ""
        return (
            f"The judge is noisy: asked again about the same {self.n} answers, it moved "
            f"{len(moved)} of its scores, by {100 * mean(self.differences):.0f} points on average. "
            "A gain on few examples may be the judge's own: set samples to 3 or more, or sharpen "
            "the rubric."
        )


async def check_scorer(caller: Caller, task: Task, evaluation: Evaluation) -> Drift | None:
    """Score the first answers of an evaluation again, with fresh draws where a judge is asked.

    Args:
        caller: of the run; pays for the calls to judges: their `n_calls` for each of `N_ASKED`.
        task: whose scorer.
        evaluation: of the seed prompt.

    Returns:
        What moved; None when nothing could be scored again, or the budget does not allow it.

    Raises:
        TaskError: a scorer that asks no judge gave another score to the same answer.
    """
    asks = isinstance(task.scorer, AwaitedScorer) and task.scorer.n_calls > 0
    scored = evaluation.answered[: N_ASKED if asks else N_AGAIN]

    async def ask(questions: Sequence[Question]) -> list[str]:
        return await put(caller, [q._replace(draw=FRESH + q.draw) for q in questions])

    async def again(rollout: Rollout) -> float | None:
        try:
            return (await judge(task, rollout.output, rollout.example, ask)).value
        except Ungraded:
            return None

    try:
        values = await gather(again(rollout) for rollout in scored)
    except BudgetExhausted:
        return None
    pairs = [
        (rollout, value) for rollout, value in zip(scored, values, strict=True) if value is not None
    ]
    if not pairs:
        return None
    for rollout, value in () if asks else pairs:
        before = rollout.score.value if rollout.score else value
        if abs(before - value) > SAME:
            raise TaskError(
                f"The scorer of {task.name!r} gave {before:g} and then {value:g} for the same "
                f"answer {rollout.output[:80]!r}. Candidates cannot be compared by a score that "
                "changes by itself. Make it deterministic: fix its random seed, keep no state "
                "between calls, take no time, no network and no order of a set into it; or average "
                "inside the scorer."
            )
    moved = tuple(abs(rollout.score.value - value) for rollout, value in pairs if rollout.score)
    return Drift(n=len(pairs), differences=moved)
