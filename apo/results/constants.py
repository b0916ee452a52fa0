"""The best answer that never looks at its input: what a useful prompt must beat.

A prompt that always says the same can be right more often than a seed prompt whose answers cannot
be read. It is then proven better than the seed, and of no use to anybody.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from apo.evaluation.evaluation import Evaluation, Rollout
from apo.reading.answers import label_pattern, plain
from apo.reading.characters import untypeset
from apo.reading.named import labels_in
from apo.scorers.awaited import AwaitedScorer
from apo.statistics.means import CONFIDENCE
from apo.task import Task

MAX_ANSWERS = 20
"""Constant answers that are tried, the most common first."""
MAX_SAID = 8
"""Answers whose shares are told, the most common first."""
OTHER, MALFORMED, UNANSWERED = "(another answer)", "(malformed)", "(no answer)"


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The best constant answer on the test examples, against the best prompt.

    Attributes:
        answer: what it says to every example.
        score: what that is worth, in [0, 1].
        interval: of the best prompt's score less this one, at 95 %.
        p_value: of "there is no difference", two-sided.
    """

    answer: str
    score: float
    interval: tuple[float, float]
    p_value: float

    @property
    def beaten(self) -> bool:
        """Whether the best prompt is better beyond noise."""
        return self.interval[0] > 0 and self.p_value <= 1 - CONFIDENCE

    def to_dict(self) -> dict[str, Any]:
        """Give the comparison as JSON values."""
        return {**asdict(self), "interval": list(self.interval), "beaten": self.beaten}


def best_constant(measured: Evaluation, task: Task) -> Evaluation | None:
    """What the best constant answer scores on the examples that a prompt was measured on.

    Tried are the targets that several examples share, and what the prompt itself says most often.

    Args:
        measured: the prompt on the examples.
        task: scores the constant answers.

    Returns:
        None where no answer fits several examples, or where scoring takes calls or processes.
    """
    if isinstance(task.scorer, AwaitedScorer):
        return None
    targets = Counter(target for r in measured.rollouts for target in set(r.example.targets))
    said = Counter(r.output for r in measured.answered)
    common = [answer for answer, n in targets.most_common(MAX_ANSWERS) if n > 1]
    if not common:
        return None
    common += [answer for answer, n in said.most_common(1) if n > 1 and answer not in common]
    found = [
        replace(
            measured,
            rollouts=tuple(
                Rollout(r.example, answer, task.judge(answer, r.example)) for r in measured.rollouts
            ),
        )
        for answer in common
    ]
    return max(found, key=lambda evaluation: evaluation.value)


def shares(*measured: Evaluation) -> dict[str, list[float]]:
    """How often each answer is a target, and how often each prompt gives it.

    Args:
        measured: prompts on the same examples.

    Returns:
        By answer the share among the targets, then that among each prompt's answers, the most
        common first; empty where targets are no classes: few, and shared by examples.
    """
    targets = [r.example.target for r in measured[0].rollouts]
    classes = classes_of(targets)
    if not classes:
        return {}
    pattern = label_pattern(classes, ignore_case=True)
    columns = [targets, *([said(r, classes, pattern) for r in e.rollouts] for e in measured)]
    counted = [Counter(column) for column in columns]
    names = sorted(
        {name for counts in counted for name in counts},
        key=lambda name: (-max(counts[name] for counts in counted), name),
    )
    return {name: [counts[name] / len(targets) for counts in counted] for name in names}


def classes_of(targets: Sequence[str]) -> tuple[str, ...]:
    """The different targets where they are classes: few, and shared by examples; else nothing."""
    classes = tuple(dict.fromkeys(targets))
    return classes if 1 < len(classes) <= min(MAX_ANSWERS, len(targets) / 2) else ()


def said(rollout: Rollout, classes: Sequence[str], pattern: re.Pattern[str]) -> str:
    """Which class an answer says; in parentheses what is none.

    Args:
        rollout: the answer.
        classes: the classes.
        pattern: finds them, as `label_pattern` makes it.
    """
    return class_of(rollout.outcome, rollout.example.target, rollout.output, classes, pattern)


def class_of(
    outcome: str, target: str, output: str, classes: Sequence[str], pattern: re.Pattern[str]
) -> str:
    """Which class an answer says, as `said`, given its outcome, what would be right, and itself."""
    if outcome in ("refused", "error", "malformed"):
        return MALFORMED if outcome == "malformed" else UNANSWERED
    if outcome == "right":
        return target
    whole = plain(output, ignore_typography=True)
    exact = [name for name in classes if plain(name, ignore_typography=True) == whole]
    named = labels_in(output, pattern) or labels_in(untypeset(output), pattern)
    return exact[0] if exact else classes[named[-1]] if named else OTHER
