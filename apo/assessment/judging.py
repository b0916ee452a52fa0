"""How good a judge is: it against people, against itself, and against other judges.

Agreement is Cohen's κ, which counts only what goes beyond chance (weighted by the square of the
distance for grades). What else may be wrong with a judge that is a language model, such as to
favour the first of two answers or the longer one, is that of Zheng et al. (2023),
https://arxiv.org/abs/2306.05685.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from apo.assessment.ratings import Ratings
from apo.calls.budget import Budget, Spent
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.concurrency import gather
from apo.errors import BudgetExhausted
from apo.evaluation.measure import put
from apo.evaluation.outside import open_caller
from apo.scorers.awaited import Ask, AwaitedScorer, Question, Ungraded
from apo.scorers.judge import AGAIN, Judge
from apo.storage.journal import Journal
from apo.task import Example, Scorer

ANEW = 1_000_000
"""So far apart are the numbers of a scorer's draws when the same answer is scored once more."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What one judge made of the answers.

    Attributes:
        name: the judge's model, or the scorer's name.
        scorer: the judge, or several as one.
        draws: a list for each time that it was asked: the score of each answer, in [0, 1]; None
            where it gave none.
        orders: of a pairwise judge, what it chose in both orders, where it chose: the scores of
            the answer shown first, and shown second.
        problem: why an answer has no score; "" when all have.
    """

    name: str
    scorer: Any
    draws: tuple[tuple[float | None, ...], ...]
    orders: tuple[tuple[float, float], ...] = ()
    problem: str = ""


async def ascore(
    scorer: Scorer | AwaitedScorer,
    ratings: Ratings,
    options: Options,
    *,
    draws: int = 2,
    budget: Budget | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> tuple[list[Scored], Spent]:
    """Score all answers, several times, with each judge of a scorer.

    Args:
        scorer: a `Judge`, or any other scorer.
        ratings: the answers.
        options: as for `open_caller`.
        draws: how often each answer is scored, from 1. Each time the judge is asked anew.
        budget: as for `open_caller`; what it leaves no calls for has no score.
        journal: as for `open_caller`.
        progress: as for `open_caller`.

    Returns:
        What each judge made of the answers, and last, if there are several, all as one; and what
        it took.

    Raises:
        The same as `open_caller`, and what the scorer raises.
    """
    async with open_caller(
        (), scorer, budget=budget, options=options, journal=journal, progress=progress
    ) as (caller, _):
        ask = partial(put, caller)
        found = [
            await _scored(one, name, ratings, ask, draws, options.max_concurrency)
            for name, one in each_judge(scorer, options.judge_model)
        ]
    return found, replace(caller.meter.spent)


def each_judge(
    scorer: Scorer | AwaitedScorer, own: str | None
) -> list[tuple[str, Scorer | AwaitedScorer]]:
    """The judges of a scorer by name, each by itself; where there are several, also all as one."""
    if not isinstance(scorer, Judge):
        return [(str(getattr(scorer, "name", "") or type(scorer).__name__), scorer)]
    names = scorer.models or ("",)
    alone = [(name or str(own), replace(scorer, models=(name,) * bool(name))) for name in names]
    return [*alone, (" + ".join(names), scorer)] if len(names) > 1 else [*alone]


async def _scored(
    scorer: Scorer | AwaitedScorer, name: str, ratings: Ratings, ask: Ask, draws: int, n: int
) -> Scored:
    """Score every answer so many times; at most n at once."""
    slots = asyncio.Semaphore(n)
    orders: list[tuple[float, float]] = []
    problems: list[str] = []

    async def one(output: str, example: Example, draw: int) -> float | None:
        heard: dict[Question, str] = {}

        async def hear(questions: Sequence[Question]) -> list[str]:
            anew = [q._replace(draw=q.draw + ANEW * draw) for q in questions]
            replies = await ask(anew)
            heard.update(zip(questions, replies, strict=True))
            return replies

        async with slots:
            try:
                if not isinstance(scorer, AwaitedScorer):
                    return scorer(output, example).value
                score = await scorer.score(output, example, hear)
            except (Ungraded, BudgetExhausted) as error:
                problems.append(str(error))
                return None
        if isinstance(scorer, Judge) and scorer.pairwise:
            orders.extend(_orders(scorer, scorer.questions(output, example), heard))
        return score.value

    rows = [*zip(ratings.answers, ratings.examples, strict=True)]
    found = [tuple(await gather(one(*row, draw) for row in rows)) for draw in range(draws)]
    problem = problems[0] if problems else ""
    return Scored(
        name=name, scorer=scorer, draws=tuple(found), orders=tuple(orders), problem=problem
    )


def _orders(
    judge: Judge, questions: Sequence[Question], heard: dict[Question, str]
) -> list[tuple[float, float]]:
    """What a pairwise judge chose, of each pair of questions that both have a choice."""
    grades = [judge.grade(heard[q], i) for i, q in enumerate(questions)]
    for i, (question, grade) in enumerate(zip(questions, grades, strict=True)):
        again = question._replace(draw=AGAIN + question.draw)
        if grade is None and again in heard:
            grades[i] = judge.grade(heard[again], i)
    pairs = zip(grades[::2], grades[1::2], strict=True)
    return [(a, b) for a, b in pairs if a is not None and b is not None]
