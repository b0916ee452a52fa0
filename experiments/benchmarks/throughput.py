"""One prompt on 1,000 examples over a loopback server: how near clients come to the limit.

The limit is N·L/C: N calls of latency L, C at once. Printed are the wall time over it, and the
client's CPU time a call, of all its threads. apo works as in a run: its journal is on disk, and
answers are scored. Set-up and a warm-up call are outside of the clock for all. Each measurement is
a process of its own; systems take turns within a repetition, so that a disturbance hits all.

    APO_BENCH_PEERS=…/bin/python python experiments/benchmarks/throughput.py
    python experiments/benchmarks/throughput.py --systems apo,aiohttp --cells 200/16,50/256

Peers are measured when APO_BENCH_PEERS names a python that has dspy, gepa, promptolution, litellm
and openai; it needs no apo.
"""

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments.benchmarks.loopback import Loopback, loopback
from experiments.benchmarks.recording import record
from experiments.benchmarks.speed_peers.launch import System, drive

Cell = tuple[int, int]
SYSTEMS = {
    "apo": System("with_apo"),
    "aiohttp": System("with_client", "aiohttp"),
    "openai": System("with_client", "openai"),
    "dspy": System("with_dspy", peer=True),
    "dspy, no cache": System("with_dspy", "no cache", peer=True),
    "gepa": System("with_gepa", peer=True),
    "promptolution": System("with_promptolution", peer=True),
}
MARKS: dict[Cell, float | None] = {
    (200, 16): 1.06,
    (200, 64): 1.15,
    (200, 256): 1.6,
    (50, 256): 3.5,
    (50, 16): None,
    (50, 64): None,
}
"""Wall over limit that apo is to reach, by latency in ms and concurrency."""
CPU_MARK = 0.8
"""Milliseconds of CPU a call, at most."""
CPU_RATIO = 4.0
"""How many times the CPU of apo the best peer takes, at least."""
EXAMPLES = 1000


def main() -> None:
    """Measure the systems in the cells, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--systems", default=",".join(n for n in SYSTEMS if "," not in n))
    parser.add_argument("--cells", default=",".join(f"{ms}/{c}" for ms, c in MARKS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--name", default="throughput", help="of the files in results/engine")
    given = parser.parse_args()
    systems = {name: SYSTEMS[name] for name in given.systems.split(",") if usable(name)}
    if "dspy" in systems:
        systems["dspy, no cache"] = SYSTEMS["dspy, no cache"]
    cells = [(int(ms), int(c)) for ms, c in (cell.split("/") for cell in given.cells.split(","))]
    rows: list[dict[str, Any]] = []
    versions: dict[str, str] = {}
    with loopback() as server:
        for cell in cells:
            found = measure(server, systems, cell, given.runs)
            for name, results in found.items():
                rows.append(row(cell, name, results))
                for result in results:
                    versions |= result.get("versions", {})
                print(rows[-1], flush=True)
    notes = [*verdicts(rows), f"{EXAMPLES} calls a measurement, medians of {given.runs}."]
    notes.append("Used: " + ", ".join(f"{n} {v}" for n, v in sorted(versions.items())) + ".")
    print("\n".join(notes))
    record(given.name, "Wall time over the limit N·L/C, and CPU a call", rows, notes=notes)


def usable(name: str) -> bool:
    """Whether the system can be measured here; says why not."""
    missing = SYSTEMS[name].missing
    if missing:
        print(f"skipped {name}: {missing}", flush=True)
    return not missing


def measure(
    server: Loopback, systems: Mapping[str, System], cell: Cell, runs: int
) -> dict[str, list[dict[str, Any]]]:
    """Each system in turn, and again."""
    latency, concurrency = cell
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for _ in range(runs):
        for name, system in systems.items():
            server.reset(latency_ms=latency)
            result = drive(
                system, "evaluate", server.url, examples=EXAMPLES, concurrency=concurrency
            )
            stats = server.stats()
            result["server_ms"] = 1000 * stats["server_cpu_s"] / max(1, stats["requests"])
            found[name].append(result)
    return found


def row(cell: Cell, name: str, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The medians of a system's measurements in a cell."""
    latency, concurrency = cell
    limit = EXAMPLES * latency / 1000 / concurrency
    good = [result for result in results if "wall_s" in result and not result.get("failed")]
    failed = [str(result["failed"]) for result in results if result.get("failed")]

    def median(figure: str) -> float:
        return statistics.median(r[figure] for r in good) if good else float("nan")

    return {
        "L ms": latency,
        "C": concurrency,
        "system": name,
        "x limit": round(median("wall_s") / limit, 3),
        "CPU ms a call": round(1000 * median("cpu_s") / EXAMPLES, 3),
        "server CPU ms a call": round(median("server_ms"), 3),
        "failed": failed[0][-100:] if failed else "",
    }


def verdicts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each mark: met or not, by how much."""
    said: list[str] = []
    for cell, mark in MARKS.items():
        here = {r["system"]: r for r in rows if (r["L ms"], r["C"]) == cell}
        if "apo" not in here:
            continue
        where = f"{cell[0]} ms, {cell[1]} at once"
        own, cpu = here["apo"]["x limit"], here["apo"]["CPU ms a call"]
        if mark is not None:
            said.append(f"{met(own <= mark)}: {where}: {own:.2f} of the limit, mark {mark}.")
        said.append(f"{met(cpu <= CPU_MARK)}: {where}: {cpu:.2f} ms CPU a call, mark {CPU_MARK}.")
        peers = [r for name, r in here.items() if SYSTEMS[name].peer and not r["failed"]]
        if peers:
            wall = min(peer["x limit"] for peer in peers)
            best = min(peer["CPU ms a call"] for peer in peers)
            said.append(f"{met(own < wall)}: {where}: ahead of the best peer's {wall:.2f}.")
            said.append(
                f"{met(best >= CPU_RATIO * cpu)}: {where}: the best peer takes {best / cpu:.1f} "
                f"times apo's CPU, mark {CPU_RATIO:g}."
            )
    return said


def met(good: bool) -> str:
    """The word that a verdict starts with."""
    return "Met" if good else "MISSED"


if __name__ == "__main__":
    main()
