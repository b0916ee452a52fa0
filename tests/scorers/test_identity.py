"""Whether a scorer is the one that it was: settings and a user's own text count, places do not."""

import shutil
from pathlib import Path

import pytest

from apo.scorers.identity import mark_of
from apo.scorers.registry import make_scorer

MINE = "WEIGHT = 1\n\ndef score(output, example):\n    return WEIGHT * (output == example.target)\n"
CLASS = (
    "class Mine:\n    def __call__(self, output, example):\n        return 1\n\nscore = Mine()\n"
)


def mark(folder: Path, text: str = MINE, **settings: object) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(text)
    return mark_of(make_scorer({"name": "mine.py:score", **settings}, (), folder))


@pytest.mark.parametrize("text", [MINE, CLASS, MINE.replace("def", "async def")])
def test_an_edit_of_the_file_is_seen_and_loading_it_again_is_none(
    text: str, tmp_path: Path
) -> None:
    first = mark(tmp_path, text)
    assert mark(tmp_path, text) == first
    assert mark(tmp_path, f"{text}\n# now\n") != first


def test_another_place_is_no_edit(tmp_path: Path) -> None:
    first = mark(tmp_path / "a")
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert mark(tmp_path / "b") == first


def test_settings_count() -> None:
    def numeric(tolerance: float) -> str:
        return mark_of(make_scorer({"name": "numeric", "tolerance": tolerance}))

    assert numeric(0.1) == numeric(0.1) != numeric(0.2)
    labels = [mark_of(make_scorer("choice", of)) for of in (("a", "b"), ("a", "b"), ("a", "c"))]
    assert labels[0] == labels[1] != labels[2]


def test_functions_without_a_file_are_told_apart_by_what_they_do() -> None:
    made: dict[str, object] = {}
    for name, body in (("a", "1"), ("b", "1"), ("c", "len(output)")):
        exec(f"def score(output, example):\n    return {body}", made)
        made[name] = mark_of(made.pop("score"))
    assert made["a"] == made["b"] != made["c"]
