"""Whole optimizations under planted faults; `experiments/benchmarks/faults` runs many more."""

from pathlib import Path

import pytest

from experiments.benchmarks.faults.disk import can_mount
from experiments.benchmarks.faults.outcome import CleanRuns, run
from experiments.benchmarks.faults.plans import PLANS

SAME, STOPPED, REFUSED = "same", "stopped", "refused"
QUICK = [
    ("429 with Retry-After", "random-search", {SAME}),
    ("server_error", "evoprompt-ga", {SAME}),
    ("cut", "gepa", {SAME}),
    ("html", "opro", {SAME}),
    ("drop", "capo", {SAME}),
    ("drop_after", "random-search", {SAME}),
    ("usage that is no number", "capo", {SAME}),
    ("headers that are no numbers", "opro", {SAME}),
    ("a day's rate limit, then a signal", "gepa", {STOPPED}),
    ("resumed with a smaller limit", "random-search", {STOPPED}),
    ("clock jumps, killed and resumed", "opro", {STOPPED}),
    ("wrong key", "gepa", {STOPPED}),
    ("host name unknown", "opro", {STOPPED}),
    ("clock jumps", "evoprompt-ga", {SAME}),
    ("SIGTERM", "capo", {STOPPED}),
    ("SIGKILL", "gepa", {STOPPED}),
    ("two runs of one id", "opro", {STOPPED}),
    ("outputs closed", "random-search", {SAME, STOPPED}),
    ("disk full", "evoprompt-ga", {STOPPED}),
    ("journal's tail torn after a kill", "capo", {STOPPED, REFUSED}),
    ("journal's answers altered after a stop", "random-search", {STOPPED, REFUSED}),
]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> CleanRuns:
    return CleanRuns(tmp_path_factory.mktemp("clean"))


@pytest.mark.parametrize(
    ("fault", "optimizer", "endings"), QUICK, ids=[f"{fault}, {name}" for fault, name, _ in QUICK]
)
def test_a_run_survives(
    fault: str, optimizer: str, endings: set[str], clean: CleanRuns, tmp_path: Path
) -> None:
    plan = PLANS[fault]
    if plan.root and not can_mount(tmp_path):
        pytest.skip("It takes the right to mount a disk.")
    outcome = run(plan, optimizer, 1, clean.get(optimizer, 1), tmp_path)
    assert outcome.good, "\n".join(outcome.problems)
    assert outcome.ending in endings
