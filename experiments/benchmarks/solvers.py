"""Each solver where it should help, where it has nothing to do, and where it harms.

Simulated readers have the one weakness that a solver answers, or one that it meets; the embedded
model and, in `small_model.py`, a small language model are measured as they are. Every solver is
measured against the same prompt sent as it is, self-consistency at the same temperature.

    python experiments/benchmarks/solvers.py     # a minute; writes the tables of docs/programs.md
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo.scorers.solution import run_solution
from experiments.benchmarks.recording import record
from experiments.benchmarks.solver_trials import Run, Trial, embedded, measured, simulated
from experiments.benchmarks.trials import put_table, small_model

PAGE = Path(__file__).resolve().parents[2] / "docs" / "programs.md"


def simulated_rows(run: Run = run_solution) -> list[dict[str, Any]]:
    """A line for each solver, with simulated readers."""
    rows: list[dict[str, Any]] = []
    for solver, trials in simulated().items():
        found = [asyncio.run(measured(trial, run=run)) for trial in trials]
        cells = [f"{trial.about}: {one.told}" for trial, one in zip(trials, found, strict=True)]
        helped = found[0]
        rows.append(
            {
                "solver": solver,
                "where it should help (points)": cells[0],
                "calls": f"{helped.calls:.3g}",
                "points a call": f"{helped.points / helped.calls:+.0f}",
                "where it has nothing to do": cells[1],
                "where it harms": cells[2],
            }
        )
    return rows


def embedded_rows(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """A line for each trial with the embedded model."""
    rows: list[dict[str, Any]] = []
    for trial in trials:
        found = asyncio.run(measured(trial))
        rows.append(
            {
                "solver": trial.solver,
                "task": trial.about,
                "as it is": f"{100 * found.before:.0f} %",
                "by the solver (points)": found.told,
                "calls": f"{found.calls:.3g}",
            }
        )
    return rows


def lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table in Markdown; solvers and edits stand as code."""
    head = list(rows[0])
    cells = [[f"`{first}`", *rest] for first, *rest in (row.values() for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *cells)]


def small_rows() -> list[dict[str, Any]]:
    """The lines of solvers that `small_model.py` recorded."""
    return [
        {
            "solver": row["name"],
            "task": row["task"],
            "expected": row["expected"],
            "as it is": row["before"],
            "by the solver (points)": row["points"],
            "calls": f"{row['calls']:.3g}",
        }
        for row in small_model("solver")
    ]


def main() -> None:
    """Try all solvers, and write the tables."""
    found = simulated_rows()
    notes = ["Readers are made to have the weakness that is named."]
    record("solvers", "Each solver where it should help, and where not", found, notes=notes)
    put_table(PAGE, "solvers", lines(found))
    put_table(PAGE, "solvers-embedded", lines(embedded_rows(embedded())))
    put_table(PAGE, "solvers-small", lines(small_rows()))


if __name__ == "__main__":
    main()
