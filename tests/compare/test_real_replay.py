"""Runs with a real language model, replayed from their published answers without the model."""

import csv
from pathlib import Path

import pytest

from apo.compare.answers import take_answers
from apo.compare.cell import run_cell
from apo.compare.grid import make_cells
from apo.compare.settings import parse_experiment, read_experiment
from apo.errors import SettingsError
from apo.models import local_model
from experiments import real_runs

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "experiments/results/real/short-reviews"


def test_published_runs_are_replayed_to_the_digit_without_the_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rest is replayed by the command in experiments/results/README.md, as it needs its data.

    Where requests have changed, `--reuse --keep-answers` with the model writes the answers anew.
    """

    def missing(name: str) -> Path:
        raise SettingsError(f"The weights of {name} are not here.")

    monkeypatch.setattr(local_model, "find_weights", missing)
    names = {"tasks": ["short-reviews"], "optimizers": ["bootstrap-rs", "random-search"]}
    values = {**read_experiment(ROOT / "experiments/real.yaml"), **names, "seeds": 1}
    take_answers(PUBLISHED / "answers.jsonl.xz", tmp_path)
    cells = make_cells(parse_experiment(values, "real.yaml"), tmp_path, reuse=True)
    found = {cell.label: run_cell(cell, tmp_path) for cell in cells}
    assert {label: outcome.error for label, outcome in found.items()} == dict.fromkeys(found, "")
    with (PUBLISHED / "cells.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["optimizer"]: row for row in csv.DictReader(file)}
    for label, outcome in found.items():
        told = (float(rows[label]["seed_score"]), float(rows[label]["best_score"]))
        assert outcome.scores == told
    real_runs.main([str(tmp_path), "--out", str(tmp_path / "runs.md")])
    assert (tmp_path / "runs.md").read_bytes() == (PUBLISHED / "runs.md").read_bytes()
