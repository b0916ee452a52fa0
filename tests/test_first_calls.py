"""The comparison of first calls: kept answers, and what was published with a real model."""

import csv
import json
import os
from argparse import Namespace
from pathlib import Path

import pytest

from apo import Completion, Request, SettingsError
from apo.compare.answers import take_answers
from apo.models import local_model
from experiments.benchmarks import first_calls
from experiments.benchmarks.first_calls import Ends, end, table
from experiments.benchmarks.real_tasks import VARIABLE

RESULTS = Path(__file__).parents[1] / "experiments/results"
REAL_TASKS = Path(__file__).parents[1] / "experiments/benchmarks/real_tasks.py"


class Gone:
    """The embedded model, which answers nothing any more."""

    name = "embedded"

    async def complete(self, request: Request) -> Completion:
        raise SettingsError(f"{request.messages[-1].content[:60]} was asked.")

    async def aclose(self) -> None:
        pass


def asked(model: str, calls: int, rows: int, kept: Path | None = None) -> Namespace:
    return Namespace(
        model=model, optimizer_model="", calls=calls, rows=rows, max_answer=32, keep_answers=kept
    )


def published() -> Ends:
    with (RESULTS / "real/first_calls.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["task"], int(row["seed"]), row["method"]): (float(row["score"]), int(row["calls"]))
            for row in csv.DictReader(file)
        }


def test_what_was_kept_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "answers.jsonl.xz"
    given = asked("embedded", 40, 5, kept)
    found = end("short-reviews", 1, "distill", given, tmp_path / "first")
    assert take_answers(kept, tmp_path / "second")

    def gone(name: str) -> Gone:
        return Gone()

    monkeypatch.setattr(first_calls, "opened", gone)
    assert end("short-reviews", 1, "distill", given, tmp_path / "second") == found
    with pytest.raises(SettingsError, match="was asked"):
        end("short-reviews", 2, "distill", given, tmp_path / "second")


def test_the_published_table_is_that_of_its_cells() -> None:
    ends = published()
    tasks, seeds = [*dict.fromkeys(key[0] for key in ends)], sorted({key[1] for key in ends})
    _, *rows = json.loads((RESULTS / "engine/first_calls_smollm2.json").read_text("utf-8"))["rows"]
    assert table(ends, tasks, seeds) == rows


@pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no folder of the data")
@pytest.mark.parametrize("method", ["distill", "miprov2"])
def test_published_cells_are_replayed_without_the_model(
    method: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(name: str) -> Path:
        raise SettingsError(f"The weights of {name} are not here.")

    monkeypatch.setattr(local_model, "find_weights", missing)
    take_answers(RESULTS / "real/answers.jsonl.xz", tmp_path)
    found = end(
        f"{REAL_TASKS}:ii_larger_animal", 0, method, asked("local/smollm2", 100, 50), tmp_path
    )
    assert found == published()["ii_larger_animal", 0, method]
