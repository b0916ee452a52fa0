"""A scorer that is edited before a run is resumed: all is scored anew, and that is told."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from apo import Budget, Example, Options, Result, Score, Task, optimize, resume
from apo.storage.folder import find_run
from apo.storage.summary import candidates
from apo.testing import FakeModel, FakeOptimizerModel, fake_task

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Lenient:
    """Gives every answer at least half."""

    least: float = 0.5

    def __call__(self, output: str, example: Example) -> Score:
        return Score(1.0 if output == example.target else self.least)


def given(task: Task) -> dict[str, Any]:
    return {"task": task, "model": FakeModel(), "optimizer_model": FakeOptimizerModel()}


@pytest.fixture
def first(tmp_path: Path) -> Result:
    return optimize(
        optimizer="random-search",
        budget=Budget(max_calls=60),
        options=Options(track=False),
        home=tmp_path,
        **given(fake_task(6)),
    )


@pytest.mark.parametrize("scorer", [Lenient(), Lenient(0.25)])
def test_all_is_scored_anew_and_that_is_told(
    scorer: Lenient, first: Result, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert not any("scored anew" in note for note in first.notes)
    edited = replace(fake_task(6), scorer=scorer)
    with caplog.at_level(logging.WARNING, "apo"):
        again = resume("last", home=tmp_path, **given(edited))
    (note,) = (note for note in again.notes if "scored anew" in note)
    assert f"its {first.spent.calls} answers until then were scored anew" in note
    assert note in caplog.text
    assert again.seed.mean > first.seed.mean
    folder = find_run("last", tmp_path)
    seed = next(row for row in candidates(folder) if row["operator"] == "seed")
    assert seed["value"] == pytest.approx(again.seed.mean)
    once_more = resume("last", home=tmp_path, **given(edited))  # It stays told, and once.
    assert [note] == [n for n in once_more.notes if "scored anew" in n]


def test_the_same_scorer_is_no_edit(first: Result, tmp_path: Path) -> None:
    again = resume("last", home=tmp_path, **given(fake_task(6)))
    assert again.notes == first.notes


def test_a_run_of_an_earlier_version_does_not_say(first: Result, tmp_path: Path) -> None:
    folder = find_run("last", tmp_path)
    settings = folder.settings
    del settings["scorer"]
    folder.write("run.json", settings)
    again = resume("last", home=tmp_path, **given(replace(fake_task(6), scorer=Lenient())))
    assert not any("scored anew" in note for note in again.notes)
    assert "scorer" in folder.settings
