"""Experiment files: what they may say, and what they are told when it is something else."""

from pathlib import Path
from typing import Any

import pytest

from apo.compare.settings import OptimizerEntry, parse_experiment, read_experiment
from apo.errors import SettingsError
from apo.run.optimize import DEFAULT_BUDGET
from apo.search.plugins import optimizer_names

LEAST = {"name": "x", "tasks": ["a"], "optimizers": ["ape"]}
EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def test_what_is_left_out_has_a_default() -> None:
    found = parse_experiment(LEAST, "x.yaml")
    assert found.models == ("embedded",)
    assert found.seeds == (0, 1, 2, 3, 4)
    assert found.budget.budget() == DEFAULT_BUDGET


def test_optimizers_by_name_with_settings_or_all() -> None:
    given = ["ape", {"name": "ape", "settings": {"n_samples": 2}, "label": "small"}]
    found = parse_experiment({**LEAST, "optimizers": given}, "x.yaml").optimizers
    assert found == (
        OptimizerEntry(name="ape", label="ape"),
        OptimizerEntry(name="ape", settings={"n_samples": 2}, label="small"),
    )
    every = parse_experiment({**LEAST, "optimizers": "all"}, "x.yaml").optimizers
    assert [entry.label for entry in every] == optimizer_names()


def test_seeds_by_number_or_by_name() -> None:
    assert parse_experiment({**LEAST, "seeds": 2}, "x.yaml").seeds == (0, 1)
    assert parse_experiment({**LEAST, "seeds": [7, 3]}, "x.yaml").seeds == (7, 3)


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"task": ["a"]}, "tasks"),
    ({"tasks": []}, "tasks"),
    ({"tasks": "support-tickets"}, "tasks"),
    ({"tasks": ["a", "a"]}, "'a' stands twice"),
    ({"optimizers": ["ape", {"name": "ape", "settings": {}}]}, "'ape' stands twice"),
    ({"optimizers": [{"settings": {}}]}, "optimizers.0.name"),
    ({"optimizers": [{"name": "ape", "setings": {}}]}, "setings"),
    ({"seeds": 0}, "seeds"),
    ({"seeds": True}, "seeds"),
    ({"seeds": ["one"]}, "seeds"),
    ({"budget": {"max_calls": 0}}, "max_calls"),
    ({"budget": {"calls": 5}}, "calls"),
    ({"name": "../x"}, "name"),
    ({"concurrency": 0}, "concurrency"),
]


@pytest.mark.parametrize(("given", "told"), MISTAKES)
def test_errors_name_the_key(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=r"x\.yaml") as raised:
        parse_experiment({**LEAST, **given}, "x.yaml")
    assert told in str(raised.value)


def test_a_file_is_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "비교.yaml"
    path.write_text("tasks: [a]\noptimizers: [ape]\n", encoding="utf-8")
    assert parse_experiment(read_experiment(path), str(path)).name == "비교"


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "", b"\xff\xfe\x00"])
def test_no_experiment_is_an_error(text: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError, match=r"x\.yaml"):
        read_experiment(path)
    with pytest.raises(SettingsError, match=r"none\.yaml"):
        read_experiment(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda p: p.name)
def test_the_experiments_of_the_project_are_valid(path: Path) -> None:
    parse_experiment(read_experiment(path), str(path))
