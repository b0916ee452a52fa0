"""Tests of promptfoo as rows: what a prompt is filled with, and what its answer must be.

A configuration holds them under `tests`, a JSON file as a list, each with `vars` and `assert`; a
table has a column for each variable and the assertion in `__expected`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apo.data.cells import Row, cell
from apo.errors import DataError, PromptError
from apo.files import TEXT, read_text
from apo.prompts.forms.yaml_text import load
from apo.reading.json_text import as_list, as_object

TARGET = "target"
"""The column that the accepted answers come to stand in."""
SUFFIXES = (".yaml", ".yml")
_EXPECTED = ("__expected", "__expected1")
_SAYS = ("equals", "contains", "icontains", "contains-any", "icontains-any")
"""Assertions that say the answer, the ones in `_SAYS[3:]` several."""
_ASSERTION = re.compile(
    r"(?P<kind>(?:not-)?(?:i?contains(?:-a(?:ny|ll)|-json|-sql|-xml)?|equals|starts-with|regex"
    r"|is-[a-z-]+|similar|llm-rubric|grade|factuality|model-graded-[a-z]+|javascript|python|fn|eval"
    r"|file|levenshtein|rouge-n|bleu|cost|latency|perplexity|webhook))(?:\([\d.]+\))?:",
    re.ASCII,
)


@dataclass
class Assertions:
    """Turns tests into rows with a target, and counts those that say no answer.

    Attributes:
        left_out: tests without an assertion that says the answer.
        several: whether a test accepts several answers.
    """

    left_out: int = 0
    several: bool = False

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Give the tests that say their answer, with it last."""
        for row in rows:
            accepted = _accepted(row)
            if not accepted:
                self.left_out += 1
                continue
            self.several |= len(accepted) > 1
            yield {**_shown(row), TARGET: cell(accepted if len(accepted) > 1 else accepted[0])}

    def note(self) -> str:
        """Say what was taken for what, and what was left out."""
        text = (
            "The rows are tests of promptfoo: their variables are the inputs, and what is asserted "
            "of the answer is the target."
        )
        if self.left_out:
            text += f" Left out, as no equals or contains says the answer: {self.left_out}."
        return text


def is_test(row: Row) -> bool:
    """Whether a row is a test of promptfoo."""
    if any(row.get(name) for name in _EXPECTED):
        return True
    return bool(_object(row.get("vars"))) and as_list(_parsed(row.get("assert"))) is not None


def config_tests(path: Path) -> list[dict[str, Any]]:
    """The tests of a configuration, or of a file that holds nothing else.

    Raises:
        DataError: it holds none, or names another file in their place.
    """
    try:
        value: object = load(read_text(path, TEXT))
    except PromptError as error:
        raise DataError(f"{path}: {error}") from None
    except (OSError, UnicodeError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None
    config = as_object(value)
    tests = value if config is None else config.get("tests")
    if isinstance(tests, str):
        raise DataError(f"The tests of {path} stand in {tests}: give that file.")
    found = [test for test in map(as_object, as_list(tests) or []) if test and "vars" in test]
    if not found:
        raise DataError(
            f"{path} holds no tests of promptfoo, which are what apo reads from a YAML file as "
            "data: a list `tests`, each with `vars` and `assert`."
        )
    return found


def _shown(row: Row) -> Row:
    values = _object(row.get("vars"))
    if values:
        return {str(name): cell(value) for name, value in values.items()}
    return {name: value for name, value in row.items() if not name.startswith("__")}


def _accepted(row: Row) -> list[str]:
    for name in _EXPECTED:
        text = (row.get(name) or "").strip()
        kind = _ASSERTION.match(text)
        if text and kind is None:
            return [text]
        if kind is not None and kind["kind"] in _SAYS:
            said = text[kind.end() :].strip()
            return said.split(",") if kind["kind"] in _SAYS[3:] else [said]
    for item in as_list(_parsed(row.get("assert"))) or []:
        found = as_object(item) or {}
        value, several = found.get("value"), found.get("type") in _SAYS[3:]
        values = as_list(value) if several else [value]
        texts = [cell(one) for one in values or [] if one not in (None, "")]
        if found.get("type") in _SAYS and texts and "file://" not in str(value):
            return [text for text in texts if text]
    return []


def _parsed(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


def _object(text: str | None) -> dict[str, Any]:
    return as_object(_parsed(text)) or {}
