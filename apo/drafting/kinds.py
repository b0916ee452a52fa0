"""The kinds of tasks that `apo init` knows, and how each is told from the data."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from apo.data.columns import Column
from apo.drafting.lists import Several
from apo.drafting.pairs import Pairs
from apo.errors import DataError, SettingsError, near

KINDS = {
    "classification": "one of a few labels, two or more, or one of the options of each row",
    "several-labels": "all labels that apply",
    "extraction": "values out of a text: JSON fields, an item, a list, a number, a date",
    "question-answering": "a short answer, or one in sentences",
    "summary": "what matters in a longer text",
    "generation": "a text that was asked for",
    "correction": "the same text without its faults",
    "style": "the same content in another register, tone or language",
    "dialogue": "the next turn of a conversation",
    "code": "Python that passes unit tests",
    "sql": "a query for a database",
    "reasoning": "a result that must be worked out",
}
"""What is asked for, by the name that `--kind` takes."""

TESTS = re.compile(r"\bassert\b|^\s*(?:async )?def (?:test_|check\b)", re.MULTILINE)
QUERY = re.compile(r"\s*(?:SELECT\b|WITH\b.+\bSELECT\b)", re.IGNORECASE | re.DOTALL)
SHORT = 40
"""Letters up to which texts are short, on average."""
_LONG = 150
"""Letters from which an input is worth a summary."""
_SUMMARIES = ("summary", "abstract", "tldr", "highlights", "headline", "요약", "요약문", "초록")
_REPLIES = ("reply", "response", "next_turn", "utterance", "답변", "응답", "대답")


@dataclass(frozen=True)
class Kind:
    """A kind of task, and why data are taken to be of it."""

    name: str
    reason: str


def holds(pattern: re.Pattern[str], column: Column) -> bool:
    """Whether all cells of a column are of this form."""
    return bool(column.values) and all(map(pattern.search, column.values))


def known_kind(name: str) -> str:
    """A kind by its name.

    Raises:
        SettingsError: there is none of that name; the message lists them.
    """
    name = name.strip().lower().replace("_", "-").replace(" ", "-")
    if name and name not in KINDS:
        raise SettingsError(f"There is no kind of task {name!r}.{near(name, list(KINDS))}")
    return name


def guess_kind(target: Column, pairs: Pairs, several: Several | None, *, options: bool) -> Kind:
    """Tell the kind of a task from its targets, and from how they stand to their inputs."""
    if options:
        return Kind("classification", "the inputs hold options, of which the target is one")
    if target.is_object:
        return Kind("extraction", "the targets are JSON objects")
    labels = len(several.labels if several else target.values)
    if several and several.labels:
        name = "several-labels" if several.right == "all" else "classification"
        return Kind(name, f"cells hold several of {labels} labels")
    if target.is_label:
        return Kind("classification", f"{labels} labels come again")
    rows = (*_BY_FORM, *(() if several and several.reason else _BY_PAIRS))
    found = next(((name, told) for name, rule, told in rows if rule(target, pairs)), None)
    if found:
        return Kind(*found)
    if several is not None:
        right = "all of several items are right" if several.right == "all" else "any of several is"
        return Kind("extraction" if several.right == "all" else "question-answering", right)
    return Kind("generation", "the targets are long texts that stand in no input")


_Rule = tuple[str, Callable[[Column, Pairs], bool], str]
_BY_FORM: tuple[_Rule, ...] = (
    ("code", lambda t, _: holds(TESTS, t), "the targets are unit tests"),
    ("sql", lambda t, _: holds(QUERY, t), "the targets are SQL queries"),
    (
        "reasoning",
        lambda t, p: t.is_number and (p.asks > 0.5 or p.questions) and p.within < 0.5,
        "the inputs ask for a number that mostly stands in none of them",
    ),
    ("extraction", lambda t, _: t.is_number, "the targets are numbers"),
    ("extraction", lambda t, _: t.is_moment, "the targets are dates or times"),
    ("extraction", lambda t, _: t.versions is not None, "the targets are versions or sections"),
)
"""What the targets alone show."""


def _several_words(column: Column) -> bool:
    return column.spaced > column.n / 2


_BY_PAIRS: tuple[_Rule, ...] = (
    ("summary", lambda t, _: t.name.casefold() in _SUMMARIES, "the target's name says so"),
    (
        "dialogue",
        lambda t, p: p.turns > 0.8 or (p.turns > 0.5 and t.name.casefold() in _REPLIES),
        "the inputs are turns of speakers",
    ),
    ("question-answering", lambda _, p: p.questions, "the inputs hold a question"),
    (
        "correction",
        lambda t, p: p.near > 0.85 and 0.7 < p.ratio < 1.4 and _several_words(t),
        "the targets differ from the inputs in few letters",
    ),
    (
        "style",
        lambda t, p: p.near > 0.5 and 0.6 < p.ratio < 1.8 and _several_words(t),
        "the targets say with other words about what the inputs say",
    ),
    ("question-answering", lambda _, p: p.asks > 0.5, "the inputs ask questions"),
    (
        "extraction",
        lambda t, p: p.within > 0.5 and t.mean_length <= SHORT,
        "the targets stand in the inputs, word for word",
    ),
    (
        "summary",
        lambda t, p: p.length > _LONG and p.ratio < 0.6 and t.mean_length > SHORT,
        "the targets are much shorter than the inputs",
    ),
    ("question-answering", lambda t, _: t.mean_length <= SHORT, "the targets are short texts"),
)
"""What inputs and targets show together."""


def require_fitting(kind: str, target: Column, several: Several | None, *, options: bool) -> None:
    """Refuse a kind that was asked for and that the targets cannot be.

    Raises:
        DataError: they cannot; the message says what they would have to be.
    """
    labels = several.labels if several else tuple(target.values) if target.is_label else ()
    found = len(target.values)
    needed = {
        "classification": (options or bool(labels), "targets that come again and again"),
        "several-labels": (bool(several and several.labels), "cells with several labels, such as "
                           "a JSON list, or labels between semicolons, that come again"),
        "code": (holds(TESTS, target), "targets that are unit tests: asserts, functions test_… or "
                 "check(candidate)"),
        "sql": (holds(QUERY, target), "targets that are SELECT queries"),
    }  # fmt: skip
    fits, wanted = needed.get(kind, (True, ""))
    if not fits:
        raise DataError(
            f"The kind {kind} needs {wanted}; the column {target.name!r} has {found} different "
            f"cells. Name another --target, or another --kind: {', '.join(KINDS)}."
        )
