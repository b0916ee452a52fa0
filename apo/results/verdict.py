"""Is the best prompt better than the seed? Answered once, on the untouched test split.

Both prompts are measured on the same examples. The difference of their scores comes with an
interval and a p-value that agree (`apo.results.proof`). Where examples belong together in groups,
groups are counted, drawn and swapped, and not examples (`apo.statistics.clusters`;
docs/decisions/0025-groups.md).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apo.errors import ApoError
from apo.evaluation.evaluation import Evaluation
from apo.evaluation.must_pass import broken
from apo.results.constants import Constant, best_constant, shares
from apo.results.paired import Pairs
from apo.results.proof import prove
from apo.results.words import advice, missing, sentence
from apo.statistics.clusters import n_groups
from apo.statistics.means import CONFIDENCE
from apo.task import Task


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Seed against best on the test split.

    Attributes:
        n: examples with a score under both prompts; a refused request scores 0.
        seed_score: mean score of the seed prompt on them, in [0, 1].
        best_score: mean score of the best prompt on them, in [0, 1].
        interval: of best_score - seed_score, at 95 %.
        p_value: of "there is no difference", two-sided.
        wins: examples on which the best prompt scored higher.
        losses: examples on which the seed prompt scored higher.
        seed_counts: right, wrong, malformed and errors of the seed prompt; and, where there are
            any, its requests that were refused, and its answers that were cut, which count among
            the others.
        best_counts: the same for the best prompt.
        complete: whether all the test examples that were set aside were measured.
        visible_gain: the smallest gain that so many examples show with 80 % power, as far apart
            as these two prompts are; None where not even a gain of 1 would be.
        rows_needed: how many examples would show this gain; None where there is no gain, or it
            takes more than a million.
        broken: ids of the test examples that must pass, and that the seed prompt alone gets right.
        constant: the best constant answer; None where no answer fits several examples, or scoring
            it takes calls.
        form_wins: wins on examples that the seed prompt answered in a form that could not be read:
            a gain in form, where the others are one in content.
        refused_wins: wins on examples that the provider refused to answer for the seed prompt.
        shares: by answer its share of the targets, of the seed prompt's answers and of the best
            one's; empty where targets are no classes.
        ungraded: examples that nobody could grade under the one or the other prompt. They are left
            out of the scores; the interval and the p-value hold whatever their grades had been.
        groups: independent groups that the examples come in, those that stand alone included; 0
            where the task has no groups.
    """

    n: int
    seed_score: float
    best_score: float
    interval: tuple[float, float]
    p_value: float
    wins: int
    losses: int
    seed_counts: dict[str, int]
    best_counts: dict[str, int]
    complete: bool = True
    visible_gain: float | None = None
    rows_needed: int | None = None
    broken: tuple[str, ...] = ()
    constant: Constant | None = None
    form_wins: int = 0
    refused_wins: int = 0
    shares: Mapping[str, Sequence[float]] = field(default_factory=dict[str, Sequence[float]])
    ungraded: int = 0
    groups: int = 0

    @property
    def difference(self) -> float:
        """How much the best prompt scored above the seed prompt."""
        return self.best_score - self.seed_score

    @property
    def favourable(self) -> bool:
        """Whether the best prompt is the one to use.

        The gain is beyond noise, no example that must pass is lost, and a constant answer is
        beaten as well.
        """
        return self.proven and not self.broken and (self.constant is None or self.constant.beaten)

    @property
    def proven(self) -> bool:
        """Whether the gain is beyond noise: the interval is above 0, and so says the test."""
        return self.interval[0] > 0 and self.p_value <= 1 - CONFIDENCE

    def __str__(self) -> str:
        """Tell the verdict in a sentence or two."""
        told = sentence(self.to_dict())
        told += f" {missing(self.ungraded)}" if self.ungraded else ""
        return told if self.favourable else f"{told} {self.advice}"

    def _repr_html_(self) -> str:
        """The verdict with its interval drawn, for a notebook."""
        from apo.display.page import part
        from apo.results.drawn import drawn_interval

        values = self.to_dict()
        return part("verdict", str(self), values, drawn_interval(values))

    @property
    def advice(self) -> str:
        """What gain so many test examples can show, and how many this one would take."""
        return advice(
            self.n, self.difference, self.visible_gain, self.rows_needed, groups=self.groups
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the verdict as JSON values."""
        return {
            "favourable": self.favourable,
            "proven": self.proven,
            "n": self.n,
            "seed_score": self.seed_score,
            "best_score": self.best_score,
            "difference": self.difference,
            "interval": list(self.interval),
            "confidence": CONFIDENCE,
            "p_value": self.p_value,
            "wins": self.wins,
            "losses": self.losses,
            "seed_counts": self.seed_counts,
            "best_counts": self.best_counts,
            "complete": self.complete,
            "visible_gain": self.visible_gain,
            "rows_needed": self.rows_needed,
            "broken": list(self.broken),
            "constant": None if self.constant is None else self.constant.to_dict(),
            "form_wins": self.form_wins,
            "refused_wins": self.refused_wins,
            "shares": {answer: list(found) for answer, found in self.shares.items()},
            "ungraded": self.ungraded,
            "groups": self.groups,
            "advice": "" if self.favourable else self.advice,
        }


def reach_verdict(
    seed: Evaluation, best: Evaluation, *, complete: bool = True, task: Task | None = None
) -> Verdict:
    """Compare two evaluations of the same examples, pair by pair.

    A refused request scores 0. Where an answer has no grade, what is proven holds for any grade.

    Args:
        seed: the seed prompt.
        best: the best prompt, on the same examples.
        complete: whether all test examples were measured.
        task: scores constant answers, to compare with; without it none are.

    Raises:
        ApoError: no example has a score under both prompts.
    """
    metric = best.metric
    pairs = Pairs().add(seed, best)
    if not pairs.graded:
        raise ApoError("No test example has a score under both prompts; there is no verdict.")
    if metric is None:
        sides = zip(*pairs.graded, strict=True)
        before, after = (Evaluation(e.prompt, r) for e, r in zip((seed, best), sides, strict=True))
    else:  # It reads the answers, graded or not.
        before, after = seed, best
    proof, third = prove(seed, best), None if task is None else best_constant(after, task)
    lost = Counter(
        a.outcome for (a, _), gain in zip(pairs.graded, pairs.differences, strict=True) if gain > 0
    )
    return Verdict(
        n=len(before.rollouts),
        seed_score=before.value,
        best_score=after.value,
        interval=proof.interval,
        p_value=proof.p_value,
        wins=sum(d > 0 for d in pairs.differences),
        losses=sum(d < 0 for d in pairs.differences),
        seed_counts={**seed.counts(), **seed.cuts()},
        best_counts={**best.counts(), **best.cuts()},
        complete=complete,
        visible_gain=proof.visible_gain,
        rows_needed=proof.rows_needed,
        broken=tuple(example.id for example in broken(seed, best)),
        constant=None if third is None else _against(third, after),
        form_wins=lost["malformed"],
        refused_wins=lost["refused"],
        shares=shares(before, after),
        ungraded=0 if metric else pairs.ungraded,
        groups=n_groups([r.example.group for r in before.rollouts]),
    )


def _against(third: Evaluation, best: Evaluation) -> Constant:
    proof = prove(third, best)
    return Constant(
        answer=third.rollouts[0].output,
        score=third.value,
        interval=proof.interval,
        p_value=proof.p_value,
    )
