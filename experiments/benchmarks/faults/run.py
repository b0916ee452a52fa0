"""Whole optimizations under planted faults: lost, paid twice, wrong, secret, overspent are 0.

    python experiments/benchmarks/faults/run.py [--only NAME] [--jobs 2] [--seeds 1]

For every fault in `plans.py` and every optimizer, runs `apo optimize` under the fault and, where it
stopped, `apo resume` without it, each against a server of its own on this machine; and compares
with a run of the same optimizer and seed that nothing befell: the same winner, verdict and scores,
or a clear stop and then the same; no answer paid twice; none that is not in the journal. The marks
are 0 in every column from "bad" on, but for what is unavoidable: calls that were under way when the
process was killed, and what stood in a part of the journal that was destroyed.

Goes on where it stopped; delete the folder given as --out to begin anew.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from experiments.benchmarks.faults.disk import can_mount
from experiments.benchmarks.faults.outcome import CleanRuns, Outcome, run
from experiments.benchmarks.faults.plans import PLANS
from experiments.benchmarks.recording import record

OPTIMIZERS = ("random-search", "evoprompt-ga", "gepa", "opro", "capo", "auto")
Case = tuple[str, str, int]
"""A fault, an optimizer, a seed."""


class Suite:
    """Runs cases, and writes each outcome down at once.

    Args:
        folder: for the outcomes and the trials.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcomes: dict[Case, Outcome] = {}
        self._file = folder / "outcomes.jsonl"
        self._clean = CleanRuns(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for line in self._file.read_text().splitlines() if self._file.exists() else []:
            values: dict[str, Any] = json.loads(line)
            values["problems"] = tuple(values["problems"])
            self._add(Outcome(**values))

    def _add(self, outcome: Outcome) -> None:
        self.outcomes[outcome.fault, outcome.optimizer, outcome.seed] = outcome

    def run(self, cases: list[Case], jobs: int) -> None:
        """Run the cases that have no outcome yet."""
        left = [case for case in cases if case not in self.outcomes]
        with ThreadPoolExecutor(jobs) as pool:
            futures = [pool.submit(self._one, *case) for case in left]
            for i, future in enumerate(as_completed(futures), 1):
                outcome = future.result()
                self._add(outcome)
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
                name = f"{outcome.fault}, {outcome.optimizer}, seed {outcome.seed}"
                print(f"{i}/{len(left)} {name}: {outcome.ending} ({outcome.seconds} s)", flush=True)
                for problem in outcome.problems:
                    print(f"    {problem[-1500:]}", flush=True)

    def _one(self, fault: str, optimizer: str, seed: int) -> Outcome:
        clean = self._clean.get(optimizer, seed)
        return run(PLANS[fault], optimizer, seed, clean, self.folder)


def table(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """Sum up the outcomes by fault, and all of them last."""
    faults = dict.fromkeys(outcome.fault for outcome in outcomes)
    rows = [_row(fault, [o for o in outcomes if o.fault == fault]) for fault in faults]
    return [*rows, _row("all", outcomes)]


def _row(name: str, outcomes: list[Outcome]) -> dict[str, Any]:
    endings = Counter(outcome.ending for outcome in outcomes)
    sums = {
        key: sum(getattr(outcome, key) for outcome in outcomes)
        for key in ("lost", "paid_twice", "excused", "wrong", "secrets", "overspent")
    }
    return {
        "fault": name,
        "runs": len(outcomes),
        "same winner": endings["same"],
        "clear stop, same after resume": endings["stopped"],
        "clear refusal": endings["refused"],
        "bad": endings["bad"],
        "lost": sums["lost"],
        "paid twice": sums["paid_twice"],
        "paid again, unavoidable": sums["excused"],
        "wrong scores": sums["wrong"],
        "secrets": sums["secrets"],
        "overspent": sums["overspent"],
    }


def main() -> None:
    """Run the suite, and record its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="parts of faults' names, by comma; no table")
    parser.add_argument("--optimizers", default=",".join(OPTIMIZERS))
    parser.add_argument("--jobs", type=int, default=2, help="trials at once")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "apo-faults")
    given = parser.parse_args()
    suite = Suite(given.out)
    mounts = can_mount(given.out)
    parts = given.only.split(",")
    chosen = [plan for plan in PLANS.values() if any(part in plan.name for part in parts)]
    skipped = [plan.name for plan in chosen if plan.root and not mounts]
    cases = [
        (plan.name, optimizer, seed)
        for seed in range(given.seeds)
        for plan in chosen
        for optimizer in given.optimizers.split(",")
        if plan.name not in skipped
    ]
    suite.run(cases, given.jobs)
    outcomes = [suite.outcomes[case] for case in cases]
    rows = table(outcomes)
    if given.only:
        print(", ".join(f"{name}: {value}" for name, value in rows[-1].items()))
    else:
        notes = [
            f"{len(outcomes)} runs of `apo optimize`, each compared with the same run without the "
            'fault. The marks: 0 in every column from "bad" on, but for what is unavoidable: '
            "calls under way when the process was killed, and answers in a part of the journal "
            "that was destroyed. What was destroyed may be refused, in words.",
            *([f"Not run, since they take root: {', '.join(skipped)}."] if skipped else []),
        ]
        record("faults", "Whole optimizations under planted faults", rows, notes=notes)
    sys.exit(any(not outcome.good for outcome in outcomes))


if __name__ == "__main__":
    main()
