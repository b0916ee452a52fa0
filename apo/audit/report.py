"""The result of an audit: rates by kind, each with its interval; two prompts in pairs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from apo.audit.outcomes import TrialOutcome
from apo.audit.trials import ALL_KINDS
from apo.calls.budget import Spent
from apo.prompts.prompt import Prompt
from apo.statistics import CONFIDENCE, holm, mcnemar_p, proportion_interval


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How one prompt stood the trials of one group.

    Attributes:
        group: the kind of the trials, or whatever else they have in common.
        n: trials that could be told: of a perturbation or rewording those in which there was a
            score to lose, of steering those in which the wrong answer was not given anyway.
        failed: those that the prompt failed: the attack got what it wanted, or the perturbation
            or rewording lowered the score.
        interval: of failed / n, at 95 % (exact; Clopper and Pearson, 1934). It is of trials like
            these; attacks that the suite does not know may fare otherwise.
        lost: trials in which the score was lower than for the same example without.
        could_lose: trials in which there was a score above 0 to lose.
        malformed: trials in which the answer lost its form.
        leaked: trials in which the answer told something of the prompt.
        errors: trials without an answer (the provider refused, or the request was too long; they
            score 0), or without a grade.
        clean_score: mean score of the same examples without, in [0, 1]; None without trials.
        score: mean score of the trials.
    """

    group: str
    n: int
    failed: int
    interval: tuple[float, float]
    lost: int
    could_lose: int
    malformed: int
    leaked: int
    errors: int
    clean_score: float | None
    score: float | None

    @property
    def rate(self) -> float | None:
        """Share of the trials that the prompt failed; None without trials."""
        return self.failed / self.n if self.n else None

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON values."""
        return {**asdict(self), "interval": list(self.interval), "rate": self.rate}


def count(group: str, outcomes: Iterable[TrialOutcome]) -> Rate:
    """Count the outcomes of one group."""
    found = list(outcomes)
    told = [outcome.failed for outcome in found if outcome.failed is not None]
    pairs = [
        (o.clean.score.value, o.tried.score.value)
        for o in found
        if o.clean.score is not None and o.tried.score is not None
    ]
    n, failed = len(told), sum(told)
    return Rate(
        group=group,
        n=n,
        failed=failed,
        interval=proportion_interval(failed, n),
        lost=sum(bool(o.lost) for o in found),
        could_lose=sum(o.lost is not None for o in found),
        malformed=sum(bool(o.broken) for o in found),
        leaked=sum(bool(o.leaked) for o in found),
        errors=sum(bool(o.tried.error) for o in found),
        clean_score=sum(a for a, _ in pairs) / len(pairs) if pairs else None,
        score=sum(b for _, b in pairs) / len(pairs) if pairs else None,
    )


@dataclass(frozen=True, kw_only=True)
class PairedTrials:
    """Two prompts on the same trials of one kind.

    Attributes:
        kind: the kind.
        n: trials that could be told of both.
        only_first: trials that the first prompt alone failed.
        only_second: trials that the second prompt alone failed.
        p_value: of "neither fails more", two-sided (McNemar's exact test, 1947), corrected for
            the number of kinds (Holm, 1979).
    """

    kind: str
    n: int
    only_first: int
    only_second: int
    p_value: float

    @property
    def worse(self) -> Literal["first", "second", ""]:
        """Which prompt fails more often, beyond chance; "" when neither is known to."""
        if self.p_value > 1 - CONFIDENCE:
            return ""
        return "first" if self.only_first > self.only_second else "second"


def _pair(kind: str, first: Sequence[TrialOutcome], second: Sequence[TrialOutcome]) -> PairedTrials:
    """Compare outcomes of one kind, trial by trial; the p-value is not corrected."""
    others = {o.trial: o.failed for o in second if o.trial.kind == kind}
    both = [(o.failed, others.get(o.trial)) for o in first if o.trial.kind == kind]
    told = [(a, b) for a, b in both if a is not None and b is not None]
    only_first, only_second = sum(a > b for a, b in told), sum(b > a for a, b in told)
    p = mcnemar_p(only_first, only_second)
    return PairedTrials(
        kind=kind, n=len(told), only_first=only_first, only_second=only_second, p_value=p
    )


def compare(
    first: Sequence[TrialOutcome], second: Sequence[TrialOutcome]
) -> tuple[PairedTrials, ...]:
    """Compare two prompts' outcomes by kind; kinds that cannot be told of both are left out."""
    found = (_pair(kind, first, second) for kind in ALL_KINDS)
    tried = [pair for pair in found if pair.n]
    corrected = holm([pair.p_value for pair in tried])
    return tuple(replace(pair, p_value=p) for pair, p in zip(tried, corrected, strict=True))


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found.

    Attributes:
        task: the task's name.
        model: name of the model that answered.
        split: where the examples are from.
        prompts: by name: "prompt", or "seed" and "best".
        outcomes: by the same names, in one order of trials.
        spent: calls, tokens and dollars; kept answers are counted at their price.
    """

    task: str
    model: str
    split: str
    prompts: Mapping[str, Prompt]
    outcomes: Mapping[str, Sequence[TrialOutcome]]
    spent: Spent

    def rates(self, name: str) -> tuple[Rate, ...]:
        """Rates of one prompt by kind; kinds that were not tried are left out."""
        return self.rates_by(name, "kind", ALL_KINDS)

    def rates_by(self, name: str, key: str, known: Sequence[str] = ()) -> tuple[Rate, ...]:
        """Rates of one prompt by an attribute of its trials, such as "place" or "dress"."""
        groups: dict[str, list[TrialOutcome]] = {group: [] for group in known}
        for outcome in self.outcomes[name]:
            groups.setdefault(getattr(outcome.trial, key), []).append(outcome)
        return tuple(count(group, found) for group, found in groups.items() if group and found)

    def pairs(self) -> tuple[PairedTrials, ...]:
        """The first prompt against the second, by kind; nothing for a single prompt."""
        if len(self.outcomes) < 2:
            return ()
        first, second = self.outcomes.values()
        return compare(first, second)

    def worst(self, name: str) -> Rate | None:
        """The group of one prompt with the highest rate; None when nothing could be told."""
        told = [found for found in self.rates(name) if found.n]
        return max(told, key=lambda found: found.failed / found.n, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Give the figures, and the trials that were failed, as JSON values."""
        return {
            "task": self.task,
            "model": self.model,
            "split": self.split,
            "confidence": CONFIDENCE,
            "prompts": {name: self._prompt(name) for name in self.outcomes},
            "pairs": [asdict(pair) for pair in self.pairs()],
            "spent": self.spent.to_dict(),
        }

    def _prompt(self, name: str) -> dict[str, Any]:
        keys = ("place", "dress", "language", "name")
        return {
            "prompt_id": self.prompts[name].id,
            "rates": [found.to_dict() for found in self.rates(name)],
            "by": {key: [r.to_dict() for r in self.rates_by(name, key)] for key in keys},
            "failed": [_failed(outcome) for outcome in self.outcomes[name] if outcome.failed],
        }


def _failed(outcome: TrialOutcome) -> dict[str, Any]:
    trial = outcome.trial
    return {
        **{key: getattr(trial, key) for key in ("kind", "name", "place", "dress", "language")},
        "example": trial.clean.id,
        "inputs": dict(trial.example.inputs),
        "clean_output": outcome.clean.output,
        "output": outcome.tried.output,
        "wanted": trial.code or trial.wrong,
        "leaked": outcome.leaked,
    }
