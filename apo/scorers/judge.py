"""The scorer `judge`: a model grades answers by a rubric, or compares them with the target.

A judge is a measuring instrument, and must itself be measured: `apo judge` compares it with
people's grades, and with itself. An answer may speak to its judge, so it is fenced as data; see
Zheng et al. (2023), https://arxiv.org/abs/2306.05685, for what judges favour: the first of two
answers (so both orders are asked), and long answers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import mean

from apo.errors import TaskError
from apo.model import Decoding, Message, Request
from apo.prompts.meta_prompts import render, unfence
from apo.reading.grades import grade_of
from apo.reading.replies import tagged
from apo.reading.said_grade import said_grade
from apo.scorers.awaited import Ask, Question, Ungraded
from apo.task import Example, Score

HANGUL = re.compile("[가-힣]")
AGAIN = 1_000
"""Draws from here on are second tries, where a first reply held no grade."""


@dataclass(frozen=True, kw_only=True)
class Judge:
    """One or several models grade each answer; the score is the mean of their grades.

    A reply without a grade is asked for once more. An answer that nobody graded has no score: it
    is an error of the example, and not a 0.

    Attributes:
        rubric: what makes an answer good, in words for the judge.
        lowest: the grade that scores 0.
        highest: the grade that scores 1; what lies between scores its share of the way.
        pairwise: compare each answer with the target, in both orders, in place of grading it: 1
            when it is preferred in both, 0 when the target is, else 1/2.
        show_target: let the judge see the target, in grading.
        samples: how often each judge is asked, from 1; draws after the first are at temperature 1.
        models: names of the judges; by default the run's `--judge-model`.
    """

    rubric: str
    lowest: int = 1
    highest: int = 5
    pairwise: bool = False
    show_target: bool = True
    samples: int = 1
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.lowest < self.highest:
            raise TaskError(
                f"The judge grades from {self.lowest} to {self.highest}; lowest must be below "
                "highest."
            )
        if not self.rubric.strip():
            raise TaskError("A judge needs a rubric: what makes an answer good, in words.")
        if self.samples < 1:
            raise TaskError(f"The judge's samples are {self.samples}; at least 1 is needed.")

    @property
    def n_calls(self) -> int:
        """The most calls that one answer takes, second tries left out."""
        return len(self.models or ("",)) * self.samples * (2 if self.pairwise else 1)

    async def score(self, output: str, example: Example, ask: Ask) -> Score:
        """Grade an answer.

        Raises:
            Ungraded: no reply held a grade.
        """
        questions = self.questions(output, example)
        replies = await ask(questions)
        missing = [i for i, reply in enumerate(replies) if self.grade(reply, i) is None]
        if missing:
            again = [questions[i]._replace(draw=AGAIN + questions[i].draw) for i in missing]
            for i, reply in zip(missing, await ask(again), strict=True):
                replies[i] = reply
        return self.combine(replies)

    def questions(self, output: str, example: Example) -> list[Question]:
        """What is asked about an answer: of each judge, draw and order."""
        return [
            Question(self._request(output, example, draw, turned), model, draw)
            for model in self.models or ("",)
            for draw in range(self.samples)
            for turned in ((False, True) if self.pairwise else (False,))
        ]

    def _request(self, output: str, example: Example, draw: int, turned: bool) -> Request:
        pair = (example.target, output) if turned else (output, example.target)
        name = "judge_pair" if self.pairwise else "judge_grade"
        language = "ko" if HANGUL.search(self.rubric) else "en"
        text = render(
            __file__, name, language, {}, rubric=self.rubric, low=self.lowest, high=self.highest,
            inputs=dict(example.inputs), output=output, pair=pair,
            target=example.target if self.show_target else "",
        )  # fmt: skip
        temperature = 1.0 if draw else 0.0
        return Request((Message("user", text),), Decoding(temperature=temperature))

    def grade(self, reply: str, place: int) -> float | None:
        """Read a reply as a grade from 0 to 1; None when it holds none.

        A grade may be written 4, 4/5, 4 out of 5, **4**, 4.5 or 4점, also without its tags: see
        `said_grade`. One off the scale, or out of another highest grade, is none, and what stands
        in a reply that ends within its tags is none either.

        Args:
            reply: what the judge said.
            place: of its question; in pairwise judging every second one shows the target first.
        """
        if self.pairwise:
            choice = (tagged(reply, "choice") or "").upper()
            values = {"A": 1.0, "B": 0.0, "TIE": 0.5}
            value = values.get(choice)
            return value if value is None or place % 2 == 0 else 1 - value
        said = tagged(reply, "grade")
        if said is None and any(_is_cut(reply, tag) for tag in ("reason", "grade")):
            return None
        grade = said_grade(said or reply, Fraction(self.lowest), Fraction(self.highest))
        return None if grade is None else float((grade - self.lowest) / self._width)

    @property
    def _width(self) -> int:
        return self.highest - self.lowest

    def combine(self, replies: Sequence[str]) -> Score:
        """Make a score of all the replies.

        Raises:
            Ungraded: no reply held a grade.
        """
        grades = [self.grade(reply, i) for i, reply in enumerate(replies)]
        known = [(grade, i) for i, grade in enumerate(grades) if grade is not None]
        if self.pairwise:  # A pair counts whole or not at all, so that no order is favoured.
            known = [(g, i) for g, i in known if grades[i ^ 1] is not None]
        if not known:
            raise Ungraded(self._ungraded(replies[0] if replies else ""))
        worst = min(known)[1]
        value = mean(grade for grade, _ in known)
        reason = tagged(replies[worst], "reason") or "The judge gave no reason."
        # Tags in the answer were shown to the judge escaped; who reads the reason saw none of that.
        return Score(value, True, "" if value >= 1 else unfence(reason, reason))

    def _ungraded(self, reply: str) -> str:
        said = None if self.pairwise else tagged(reply, "grade")
        if said is None or grade_of(said) is None:
            return f"No judge gave a grade; the first reply was {reply[:200]!r}."
        return (
            f"No judge gave a grade from {self.lowest} to {self.highest}; the first said "
            f"{said[:60]!r}. Where that is the scale of the rubric, set lowest and highest so."
        )


def _is_cut(reply: str, tag: str) -> bool:
    """Whether a reply ends within a tag, so that its grade may still have been to come."""
    small = reply.casefold()
    return small.rfind(f"<{tag}>") > small.rfind(f"</{tag}>")
