"""How the answers of each kind of task are judged, and how its rows are shared out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apo.data.columns import Column
from apo.drafting.kinds import SHORT
from apo.drafting.lists import Several
from apo.drafting.pairs import Pairs

Spec = str | dict[str, Any]

FEW_TO_LEARN = {"train": 0.2, "validation": 0.3, "test": 0.5}
"""Shares of the rows where a row teaches little and costs a long answer: most are for measuring."""
_LONG_ANSWERS = ("summary", "generation", "correction", "style", "dialogue", "code", "sql")
_MAX_CODE = 1024
"""Tokens of a program: its target, which is unit tests, says nothing of its length."""
_FREE = ("summary", "generation", "style", "dialogue")


@dataclass(frozen=True)
class Judged:
    """What a task file says of answers.

    Attributes:
        scorer: for the key `scorer`.
        seed: the form of the answer, by which the seed prompt is chosen.
        reason: why it is this scorer, in words.
        settings: further keys.
    """

    scorer: Spec
    seed: str
    reason: str
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The scorer's name."""
        return self.scorer if isinstance(self.scorer, str) else str(self.scorer["name"])


def judge_kind(
    kind: str,
    target: Column,
    pairs: Pairs,
    several: Several | None,
    options: Mapping[str, Any] | None,
    database: Path | None,
) -> Judged:
    """Choose the scorer and the form of the seed prompt for a kind of task.

    Args:
        kind: its name.
        target: the column of the answers.
        pairs: how inputs and targets stand to each other.
        several: what cells with several items are taken for.
        options: settings of `multiple_choice`, where the inputs hold options.
        database: what queries run on, for the kind sql.
    """
    more: dict[str, Any] = {"split": {"fractions": FEW_TO_LEARN}} if kind in _LONG_ANSWERS else {}
    if kind == "code":
        more["decoding"] = {"max_tokens": _MAX_CODE}
    found = _ways(pairs, database).get(kind)
    if found is not None:
        return Judged(*found, more)
    name, reason = scorer_of_targets(target, several, options=options is not None)
    if kind == "reasoning":
        name = "contains" if name in ("exact", "f1") else name
        return Judged(_with(name, options), "reasoning", reason, more)
    return Judged(_with(name, options), _seed(kind, name), reason, more)


def tell_free(kind: str, notes: list[str]) -> None:
    """Say what the scorer of a free text does not see."""
    if kind in _FREE:
        notes.append(
            "Words in common with one right text are a rough measure of a free text: what makes "
            "one good can be told a judge in words, scorer: {name: judge, rubric: …} "
            "(docs/judges.md), alone or as a part of a reward."
        )


def _ways(pairs: Pairs, database: Path | None) -> dict[str, tuple[Spec, str, str]]:
    """Scorer, seed and reason of the kinds for which the targets' form does not decide."""
    # The bound that the seed prompt names, and no lower one, of which it says nothing.
    pattern = rf"(?:\S+\s+){{0,{pairs.most - 1}}}\S+"
    form = {"name": "regex", "pattern": pattern, "whole": True}
    ways: dict[str, tuple[Spec, str, str]] = {
        "summary": (
            _reward(("form", form, 1), ("near", "rouge", 3)),
            "summary",
            f"a quarter for at most {pairs.most} words, as the targets have, the rest for words in "
            "common",
        ),
        "correction": (
            _reward(
                ("right", {"name": "exact", "strip_punctuation": False}, 3), ("near", "edit", 1)
            ),
            "correction",
            "three quarters for the very text, the rest for how near it comes",
        ),
        "style": ("chrf", "style", "runs of letters in common with the target"),
        "dialogue": ("chrf", "dialogue", "runs of letters in common with the target"),
        "code": ("code", "code", "the share of unit tests that the program passes"),
    }
    if database is not None:
        key = "schema" if database.suffix.lower() == ".sql" else "database"
        spec = {"name": "sql", key: database.name}
        ways["sql"] = (spec, "sql", f"the rows that the query gives in {database.name}")
    return ways


def _reward(*parts: tuple[str, Spec, int]) -> dict[str, Any]:
    made = [{"name": name, "scorer": scorer, "weight": weight} for name, scorer, weight in parts]
    return {"name": "reward", "parts": made}


def _with(name: str, options: Mapping[str, Any] | None) -> Spec:
    if name == "label_set":
        return {"name": name, "score": "f1"}
    return {"name": name, **options} if options else name


def _seed(kind: str, scorer: str) -> str:
    """The form of the seed prompt where the scorer is chosen by the targets."""
    forms = {"exact": "quoted" if kind == "extraction" else "short", "contains": "short"}
    forms["f1"] = "generation" if kind == "generation" else "long"
    if kind == "sql":
        return "query"
    return forms.get(scorer, scorer)


def scorer_of_targets(
    target: Column, several: Several | None = None, *, options: bool = False
) -> tuple[str, str]:
    """The scorer for what stands in the target column, and why."""
    if options:
        return "multiple_choice", "the inputs hold options, of which the target is one"
    if several is not None:
        right = "all of several items" if several.right == "all" else "any of several items"
        return (
            several.scorer,
            f"{right} in a cell {'are' if several.right == 'all' else 'is'} right",
        )
    if target.is_object:
        return "json", "all targets are JSON objects, or lists of them"
    if target.is_label:
        return "choice", f"there are {len(target.values)} different targets"
    if target.is_number:
        return "numeric", "all targets are numbers"
    if target.is_moment:
        return "date", "all targets are dates or times"
    if target.versions is not None:
        one, other = target.versions
        return "exact", f"{one!r} and {other!r} are one number, and two versions or sections"
    if target.mean_length <= SHORT:
        return "exact", "the targets are short texts"
    return "f1", "the targets are long texts, so shared words count"
