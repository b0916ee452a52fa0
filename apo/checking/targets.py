"""Scores targets against one another: whether a scorer tells apart what a person tells apart."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import combinations, pairwise
from typing import Any, cast

from apo.checking.finding import Finding, Named, all_examples
from apo.checking.meaning import means_the_same
from apo.checking.signs import bracket_findings, code_findings, decimal_findings
from apo.errors import USERS_ERRORS, ApoError
from apo.language.catalogue import message
from apo.reading.answers import quote
from apo.scorers.awaited import AwaitedScorer
from apo.scorers.function import FunctionScorer
from apo.scorers.registry import (
    Choice,
    Date,
    Exact,
    JsonFields,
    MultipleChoice,
    Numeric,
    judges_form,
    keeps_targets,
    make_scorer,
)
from apo.task import Example, Scorer, Task

MAX_PAIRS = 2_000
MAX_TARGETS = 500
SECONDS = 5.0
"""How long a scorer is asked: of a slow one fewer pairs are seen, in a fixed order."""

_SURE = (Exact, Choice, Numeric, JsonFields, Date, FunctionScorer)
"""Scorers that say "equal" with 1; to the others 1 may be an overlap."""


def target_findings(task: Task, pools: Named) -> Iterator[Finding]:
    """Different targets that score 1 for each other, and small changes that cost the score."""
    scorer = task.scorer
    if isinstance(scorer, MultipleChoice):
        return  # The options of multiple choice are told apart row by row: `option_findings`.
    if not isinstance(scorer, FunctionScorer):  # One with workers is asked in this process.
        if isinstance(scorer, AwaitedScorer) or not keeps_targets(scorer):
            return
    elif judges_form(scorer):
        return
    examples = _distinct(pools)
    try:
        yield from _alike(scorer, examples)
        yield from _small_changes(scorer, examples)
    except (ApoError, *USERS_ERRORS):
        return  # What fails is told by the check of each target with itself.
    if isinstance(scorer, Numeric):
        yield from decimal_findings(scorer, examples)
        yield from bracket_findings(examples)
    if isinstance(scorer, Exact):
        yield from code_findings(scorer, examples)


def _distinct(pools: Named) -> list[Example]:
    """One example for each target, at most MAX_TARGETS, spread over the data."""
    found: dict[str, Example] = {}
    for _, example in all_examples(pools):
        found.setdefault(example.target, example)
    examples = [*found.values()]
    if len(examples) <= MAX_TARGETS:
        return examples
    return random.Random(0).sample(examples, MAX_TARGETS)


def _alike(scorer: Scorer, examples: Sequence[Example]) -> Iterator[Finding]:
    asked = 0
    found = list[tuple[Example, Example, bool]]()
    end = time.monotonic() + SECONDS
    for one, other in _pairs(examples):
        if time.monotonic() > end:
            break
        asked += 1
        if {*one.targets} & {*other.targets} or means_the_same(scorer, one.target, other.target):
            continue
        there = scorer(one.target, other).value >= 1
        back = scorer(other.target, one).value >= 1
        if there or back:
            found.append((one, other, there and back))
    if not found:
        if asked:
            yield Finding("ok", f"The scorer tells different targets apart ({asked} pairs asked).")
        return
    both = [pair for pair in found if pair[2]]
    one, other, _ = (both or found)[0]
    yield Finding(
        "error" if both and isinstance(scorer, _SURE) else "warning",
        f"{len(found)} of {asked} pairs of different targets score 1 for each other (such as "
        f"{quote(one.target)} and {quote(other.target)}): an answer that is wrong is then taken "
        f"for right. {_advice(scorer, one, other)}",
    )


def _pairs(examples: Sequence[Example]) -> list[tuple[Example, Example]]:
    n = len(examples)
    if n * (n - 1) // 2 <= MAX_PAIRS:
        return list(combinations(examples, 2))
    rng = random.Random(0)
    # Neighbours in the order of the alphabet are the likeliest to be taken for each other.
    ordered = sorted(examples, key=lambda example: example.target)
    near = list(pairwise(ordered))
    drawn = [tuple(rng.sample(examples, 2)) for _ in range(MAX_PAIRS - len(near))]
    return [*near, *cast("list[tuple[Example, Example]]", drawn)]


def _advice(scorer: Scorer, one: Example, other: Example) -> str:
    """The setting, or the scorer, that tells two targets apart."""
    if isinstance(scorer, FunctionScorer):
        return "Mend the scorer so that it compares whole values."
    if is_dataclass(scorer):
        for setting in fields(scorer):
            if isinstance(setting.default, bool):
                value = not getattr(scorer, setting.name)
                changed = cast("Scorer", replace(cast("Any", scorer), **{setting.name: value}))
                if _tells_apart(changed, one, other):
                    return f"The setting {setting.name}: {str(value).lower()} tells them apart."
    for name in ("numeric", "date", "json", "exact", "list"):
        if _tells_apart(make_scorer(name), one, other):
            return f"The scorer {name} tells them apart."
    return "No scorer of apo tells them apart; look at these targets."


def _tells_apart(scorer: Scorer, one: Example, other: Example) -> bool:
    pairs = ((one, one, True), (other, other, True), (one, other, False), (other, one, False))
    return all((scorer(a.target, b).value >= 1) == same for a, b, same in pairs)


_CHANGES: tuple[tuple[str, Callable[[str], str]], ...] = (
    (message("blanks around it"), lambda text: f" {text}\n"),
    (message("a point after it"), lambda text: f"{text}."),
    (message("another case of letters"), str.swapcase),
)


def _small_changes(scorer: Scorer, examples: Sequence[Example]) -> Iterator[Finding]:
    """Which changes that mean nothing to a person cost an answer its score."""
    told = list[str]()
    asked = examples[:30]
    end = time.monotonic() + SECONDS
    changes = _CHANGES[:-1] if isinstance(scorer, Numeric | JsonFields | Date) else _CHANGES
    for words, change in changes:
        lower = list[Example]()
        for example in asked:
            if time.monotonic() > end:
                return
            if scorer(example.target, example).value < 1:
                continue
            if scorer(change(example.target), example).value < 1:
                lower.append(example)
        if lower and len(lower) > len(asked) / 2:
            told.append(f"{words} ({quote(change(lower[0].target).strip() or lower[0].target)})")
    if told:
        yield Finding(
            "note",
            f"A target scores less than 1 with {', '.join(told)}. Where these mean nothing, choose "
            "settings or a scorer that overlook them.",
        )
