"""Whether grades and numbers are read as they are written: the scale of a judge, decimal signs."""

from collections.abc import Iterator, Sequence

from apo.checking.finding import Finding
from apo.reading.answers import quote
from apo.reading.digits import decimal_shown
from apo.reading.grades import other_scale
from apo.reading.numbers import whole_number
from apo.scorers.judge import Judge
from apo.scorers.registry import Numeric
from apo.task import Example, Task


def scale_findings(task: Task) -> Iterator[Finding]:
    """A rubric that names another scale than the judge's setting."""
    judge = task.scorer
    if not isinstance(judge, Judge) or judge.pairwise:
        return
    other = other_scale(judge.rubric, judge.lowest, judge.highest)
    if other:
        yield Finding(
            "warning",
            f"The rubric names the scale {quote(other)}, and the judge is asked for a grade from "
            f"{judge.lowest} to {judge.highest}: set lowest and highest to the rubric's, or mend "
            "the rubric.",
        )


def decimal_findings(scorer: Numeric, examples: Sequence[Example]) -> Iterator[Finding]:
    """Whether the column shows another decimal sign than the setting, where that matters."""
    shown = [decimal_shown(example.target) for example in examples]
    signs = {sign for sign in shown if sign}
    doubtful = [
        example.target
        for example in examples
        if whole_number(example.target, ".") != whole_number(example.target, ",")
    ]
    if doubtful and signs and scorer.decimal not in signs:
        other = signs.pop()
        sure = examples[shown.index(other)].target
        yield Finding(
            "error",
            f"Targets such as {quote(sure)} show that {other!r} is the decimal sign, and "
            f"{quote(doubtful[0])} is read with {scorer.decimal!r}: say scorer: "
            f"{{name: numeric, decimal: '{other}'}}.",
        )
    elif doubtful and len(signs) > 1:
        yield Finding(
            "warning",
            f"Targets have both decimal signs, so that {quote(doubtful[0])} may be two numbers; "
            f"it is read with {scorer.decimal!r}.",
        )
