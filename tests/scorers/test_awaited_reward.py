"""A reward with parts that are awaited: conditions save calls, and no grade is no score."""

import asyncio
import copy
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apo.scorers.awaited import AsyncScorer, AwaitedScorer, Question, Ungraded
from apo.scorers.function import FunctionScorer
from apo.scorers.judge import Judge
from apo.scorers.registry import Part, Regex, Reward, SetF1, judges_form, make_scorer, reads_lists
from apo.scorers.reward import AwaitedReward
from apo.task import Example, Score

EXAMPLE = Example({"input": "수도는?"}, ("서울",))
POLITE = Part(name="공손", scorer=Regex(pattern="입니다"), weight=5)
QUALITY = Part(name="품질", scorer=Judge(rubric="정확하다."), weight=15, condition="공손")


def scored(reward: Any, output: str, *replies: str) -> tuple[Score, list[Question]]:
    """The score with these replies of judges, and what was asked."""
    asked: list[Question] = []

    async def ask(questions: Sequence[Question]) -> list[str]:
        start = len(asked)
        asked.extend(questions)
        return [*replies[start : start + len(questions)]]

    return asyncio.run(reward.score(output, EXAMPLE, ask)), asked


def test_only_a_reward_with_an_awaited_part_is_awaited() -> None:
    assert isinstance(Reward(parts=(POLITE, QUALITY)), AwaitedScorer)
    pure = Reward(parts=(POLITE,))
    assert type(pure) is Reward
    assert not isinstance(pure, AwaitedScorer)
    assert isinstance(replace(pure, parts=(POLITE, QUALITY)), AwaitedScorer)


def test_a_judge_is_not_asked_where_the_condition_does_not_hold() -> None:
    reward = Reward(parts=(POLITE, QUALITY))
    score, asked = scored(reward, "서울", "<grade>5</grade>")
    assert asked == []
    assert score.parts == {"공손": 0, "품질": 0}
    score, asked = scored(reward, "서울입니다", "<reason>짧다.</reason><grade>3</grade>")
    assert len(asked) == 1
    assert score.parts == {"공손": 5, "품질": 7.5}
    assert score.value == 12.5 / 20
    assert score.feedback == "품질 (7.5 of 15 points): 짧다."


def test_calls_and_models_are_the_sums_of_the_parts() -> None:
    def two(name: str) -> Part:
        return Part(name=name, scorer=Judge(rubric="Good.", models=("a", "b"), samples=2))

    async def own(output: str, example: Example) -> bool:
        return True

    mine = Part(name="mine", scorer=AsyncScorer(function=own, name="own"))
    reward = Reward(parts=(POLITE, QUALITY, two("x"), two("y"), mine))
    assert isinstance(reward, AwaitedReward)
    assert reward.n_calls == 1 + 4 + 4
    assert reward.models == ("", "a", "b")
    alone = Reward(parts=(mine,))
    assert isinstance(alone, AwaitedReward)
    assert (alone.n_calls, alone.models) == (0, ())
    assert scored(alone, "x")[0].value == 1


def test_no_grade_is_no_score_whatever_the_other_parts_are() -> None:
    with pytest.raises(Ungraded):
        scored(Reward(parts=(POLITE, QUALITY)), "서울입니다", "?", "?")


def test_it_is_made_from_a_task_file_and_travels(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "async def short(output, example, most=3):\n    return len(output) <= most\n",
        encoding="utf-8",
    )
    spec = {
        "name": "reward",
        "parts": [
            {"name": "short", "scorer": {"name": "mine.py:short", "most": 2}},
            {"name": "good", "scorer": {"name": "judge", "rubric": "Good."}, "if": "short"},
            {"name": "runs", "scorer": "code"},
        ],
    }
    reward: Any = make_scorer(spec, folder=tmp_path)
    assert isinstance(reward, AwaitedReward)
    assert reward.n_calls == 1
    assert judges_form(reward)
    assert not reads_lists(reward)
    plain = Reward(parts=(POLITE, QUALITY))
    assert copy.deepcopy(plain) == plain == pickle.loads(pickle.dumps(plain))
    assert reads_lists(Reward(parts=(POLITE, QUALITY, Part(name="list", scorer=SetF1()))))


def test_a_pure_reward_from_a_task_file_stays_a_function() -> None:
    made = make_scorer({"name": "reward", "parts": [{"name": "a", "scorer": "exact"}]})
    assert isinstance(made, FunctionScorer)
    assert not isinstance(made, AwaitedScorer)
