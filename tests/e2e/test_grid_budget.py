"""A grid under one budget, held by a server that counts: in processes, on Ray, and resumed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Done
from tests.e2e.test_compare import compare
from tests.e2e.test_ray import (
    CONCURRENCY,
    Counting,
    kill_a_worker,
    served,
    winners,
    with_ray,
)

EVERY = """
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Every:
    async def run(self, search):
        seed, labels = search.seed_prompts[0], ", ".join(search.task.labels)
        cues = "- refund: refund, money, back\\n- delivery: parcel, courier\\n- login: password"
        better = f"Choose one of: {labels}. Look for these words:\\n{cues}\\nSay the label only."
        await search.evaluate(seed.with_instruction(better))
        for number in range(10**6):
            await search.evaluate(seed.with_instruction(f"{number}"), search.task.train[:1])
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    """Requests and winners of the cells where nothing is limited and nothing ends."""
    counting, folder = Counting(), tmp_path_factory.mktemp("alone")
    served(counting, folder)
    assert len(winners(folder)) == 2
    return counting.requests, winners(folder)


def spend_the_limit(folder: Path, *more: str) -> tuple[Counting, dict[str, Any]]:
    """Two cells of up to 150 calls, with 8 under way, and 150 calls for both."""
    counting = Counting()
    found = served(counting, folder, *more, "--grid-max-calls", "150", code=1)
    assert counting.requests == 150
    assert "150 of 150 calls are spent by all runs together." in found["problems"][-1]
    assert found["failed"] == {}
    return counting, found


def test_all_cells_together_never_pass_the_limit(
    alone: tuple[int, dict[str, Any]], tmp_path: Path
) -> None:
    counting, found = spend_the_limit(tmp_path)
    again = served(counting, tmp_path, "--grid-max-calls", "150", code=1)
    assert (counting.requests, again["problems"]) == (150, found["problems"])
    served(counting, tmp_path)
    assert (counting.requests, winners(tmp_path)) == alone


@with_ray
def test_on_ray_a_killed_worker_costs_its_unfinished_calls(
    alone: tuple[int, dict[str, Any]], tmp_path: Path
) -> None:
    """It dies within the limit of all cells, and what is left of them goes on without Ray."""
    requests, expected = alone
    counting = Counting(75, lambda: kill_a_worker(tmp_path))
    limited = ["--on", "ray", "--grid-max-calls", "150"]
    assert served(counting, tmp_path, *limited, code=1)["failed"] == {}
    assert 75 < counting.requests <= 150 + CONCURRENCY  # No record has what it had under way.
    assert served(counting, tmp_path)["failed"] == {}
    assert winners(tmp_path) == expected
    assert requests <= counting.requests <= requests + CONCURRENCY


def test_the_sum_is_what_is_spent_when_each_uses_its_limit(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(EVERY, encoding="utf-8")
    flags = ["-t", "support-tickets", "-o", "mine.py:Every", "--seeds", "2", "--max-calls", "300"]
    done: Done = compare(tmp_path, *flags, "--no-track", "-j", "2")
    assert "2 cells are to run, each up to 300 calls: in all up to 600 calls." in done.stderr
    root = tmp_path / ".apo/compare/comparison"
    cells: list[Any] = json.loads((root / "comparison.json").read_text("utf-8"))["cells"]
    assert sum(cell["calls"] for cell in cells) == 600


def test_much_money_is_asked_for(tmp_path: Path) -> None:
    flags = ["-t", "word-problems", "-o", "opro", "-m", "openai/gpt-5-mini", "--max-usd", "5"]
    told = compare(tmp_path, *flags, "--no-track", code=1).stderr
    assert "5 cells are to run, each up to $5.00: in all up to $25.00." in told
    assert "give --yes, or a limit over all cells, such as --grid-max-usd" in told
    assert not (tmp_path / ".apo/compare/comparison/runs").exists()
