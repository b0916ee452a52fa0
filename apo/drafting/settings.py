"""The keys of a task file that say what is asked and how answers are judged."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from apo.data.cells import Row
from apo.data.columns import Column
from apo.drafting.cautions import tell_alike
from apo.drafting.format import Wanted
from apo.drafting.guess import ENTRY_POINT, field_name, guess_signs
from apo.drafting.judged import Judged, judge_kind, tell_free
from apo.drafting.kinds import Kind, guess_kind, require_fitting
from apo.drafting.lists import Several, lists_note, may_be_lists, several_of
from apo.drafting.options import options_settings
from apo.drafting.pairs import QUESTIONS, Pairs, look_at_pairs
from apo.drafting.prompt import Wording, seed_prompt
from apo.drafting.talks import history_of
from apo.errors import DataError
from apo.scorers.sql import SqlRows

_TEXTS = ("correction", "style", "dialogue", "summary", "generation")
"""Kinds whose targets are whole texts: where a cell holds several, each is right."""


def asked_settings(
    name: str,
    inputs: Sequence[Column],
    target: Column,
    language: str,
    wanted: Wanted,
    head: Sequence[Row],
    notes: list[str],
) -> dict[str, Any]:
    """Give the keys from `name` to `prompt`.

    Args:
        name: of the task.
        inputs: the input columns.
        target: the column of the answers.
        language: of the texts.
        wanted: what the user says.
        head: the first rows.
        notes: what was found is added, in words.

    Raises:
        TaskError: the targets do not fit the kind that the user names.
    """
    fields = {field_name(column.name, place): column.name for place, column in enumerate(inputs, 1)}
    same = all(field == column for field, column in fields.items())
    settings: dict[str, Any] = {"name": name, "language": language}
    settings["inputs"] = list(fields) if same else fields
    columns = [column.name for column in inputs]
    if talk := history_of(head, columns):
        settings["history"] = next(field for field, column in fields.items() if column == talk)
        notes.append(f"The column {talk!r} holds conversations: they are sent as turns (history).")
    settings["target"] = target.name
    options = options_settings(head, columns, target.name, notes)
    several = several_of(target, wanted.lists) if options is None else None
    notes += filter(None, [may_be_lists(target, wanted.lists)])
    pairs = look_at_pairs(head, columns, target.name)
    kind = _kind(wanted, target, pairs, several, notes, options=options is not None)
    if several and not several.labels and kind.name in _TEXTS:
        several = replace(several, right="any", reason="as each is a whole text")
    if several is not None:
        notes.append(lists_note(target, several))
    judged = judge_kind(kind.name, target, pairs, several, options, wanted.database)
    notes.append(f"Answers are judged by the scorer {judged.name!r}: {judged.reason}.")
    tell_free(kind.name, notes)
    labels = _labels(judged.name, target, several)
    scorer, details = _signed(judged, target, list(fields), labels, notes), _details(labels, target)
    if kind.name == "sql":
        details = _tables(judged.scorer, wanted.database, notes)
    words = _wording(list(fields), target, pairs, several, judged, kind, details)
    if labels:
        settings["labels"] = labels
    prompt = seed_prompt(judged.seed, language, words)
    return {**settings, "scorer": scorer, **judged.settings, "prompt": prompt}


def _kind(
    wanted: Wanted,
    target: Column,
    pairs: Pairs,
    several: Several | None,
    notes: list[str],
    *,
    options: bool,
) -> Kind:
    if wanted.kind:
        require_fitting(wanted.kind, target, several, options=options)
        if wanted.kind == "sql" and wanted.database is None:
            raise DataError(
                "Queries are judged by the rows that they give: name the database with --database, "
                "a SQLite file or an .sql script that builds it, or put it beside the data."
            )
        return Kind(wanted.kind, "as you said")
    kind = guess_kind(target, pairs, several, options=options)
    notes.append(
        f"The kind of task is taken to be {kind.name}: {kind.reason}. `--kind` sets another."
    )
    return kind


def _labels(scorer: str, target: Column, several: Several | None) -> list[str]:
    marks = scorer == "multiple_choice" and target.is_label and max(map(len, target.values)) <= 3
    if several is not None:
        return list(several.labels) if scorer in ("choice", "label_set") else []
    return sorted(target.values) if scorer == "choice" or marks else []


def _details(labels: Sequence[str], target: Column) -> list[str]:
    marked = any("," in label or label.endswith(".") for label in labels)
    shown = [f'"{label}"' for label in labels] if marked else list(labels)
    return shown or [key for key, _ in target.keys.most_common()]


def _signed(
    judged: Judged,
    target: Column,
    fields: Sequence[str],
    labels: Sequence[str],
    notes: list[str],
) -> Any:
    """The scorer with what the columns show of how numbers, dates, labels, tests are written."""
    signs = guess_signs(judged.name, target, notes) if isinstance(judged.scorer, str) else {}
    if judged.name == "code" and ENTRY_POINT in fields:
        signs = {"entry_point": ENTRY_POINT}
    if tell_alike(labels, notes):
        return {"name": judged.name, "ignore_case": False}
    return {"name": judged.name, **signs} if signs else judged.scorer


def _placeholder(kinds: set[str]) -> Any:
    """What stands in a form for a value of these kinds: a text where they are mixed."""
    shown = {"int": 0, "float": 0, "bool": True, "list": ["…"]}
    found = {json.dumps(shown.get(kind, "…")) for kind in kinds}
    return json.loads(found.pop()) if len(found) == 1 else "…"


def _tables(scorer: Any, database: Path | None, notes: list[str]) -> list[str]:
    """The tables of a database with their columns, for the seed prompt."""
    if database is None:
        notes.append(
            "The targets are SQL queries, and are compared as texts, as no database is known. With "
            "--database FILE (SQLite, or an .sql script) their rows are."
        )
        return []
    settings: Mapping[str, Any] = {key: text for key, text in scorer.items() if key != "name"}
    tables = SqlRows(**settings, folder=database.parent).tables()
    return [f"{table}({', '.join(columns)})" for table, columns in tables.items()]


def _wording(
    fields: Sequence[str],
    target: Column,
    pairs: Pairs,
    several: Several | None,
    judged: Judged,
    kind: Kind,
    details: Sequence[str],
) -> Wording:
    example = several.example if several is not None else ""
    if target.is_object and target.keys:
        form = {key: _placeholder(target.kinds[key]) for key in details}
        example = json.dumps(form, ensure_ascii=False)
    finals = {"numeric": "number", "multiple_choice": "mark"}
    asked = [name for name in fields if name.casefold() in QUESTIONS]
    others = [name for name in fields if name not in asked]
    return Wording(
        inputs=fields,
        target=target.name,
        details=details,
        example=example,
        most=pairs.most,
        context=others[0] if asked and others and kind.name == "question-answering" else "",
        absent=any(count < target.objects for count in target.keys.values()),
        final=finals.get(judged.name, "text"),
    )
