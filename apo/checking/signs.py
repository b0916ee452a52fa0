"""Whether grades and numbers are read as they are written: the scale of a judge, decimal signs."""

import re
from collections.abc import Iterator, Sequence

from apo.checking.finding import Finding
from apo.reading.answers import quote
from apo.reading.digits import decimal_shown
from apo.reading.grades import other_scale
from apo.reading.numbers import whole_number
from apo.scorers.judge import Judge
from apo.scorers.registry import Exact, Numeric
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


def bracket_findings(examples: Sequence[Example]) -> Iterator[Finding]:
    """Targets that all stand in brackets: `numeric` reads (1) as −1, as accountants write it."""
    if len(examples) > 1 and all(re.fullmatch(r"\(\d+\)", e.target) for e in examples):
        yield Finding(
            "error",
            f"All targets stand in brackets, and numeric reads {quote(examples[0].target)} as a "
            "loss, with a minus. Take the brackets out of the data, or say scorer: exact.",
        )


def code_findings(scorer: Exact, examples: Sequence[Example]) -> Iterator[Finding]:
    """Codes in groups, such as an IBAN, that are wrong where an answer writes them in one."""
    for example in examples[:30]:
        joined = re.sub(r"(?<=[\dA-Z])[ -](?=[\dA-Z])", "", example.target)
        if sum(map(str.isdigit, joined)) < 7 or joined == example.target:
            return
        if scorer(joined, example).value == 1:
            return
    if examples:
        yield Finding(
            "note",
            f"The targets are written in groups, such as {quote(examples[0].target)}, and an "
            "answer without them scores 0: let the prompt say how they are written.",
        )
