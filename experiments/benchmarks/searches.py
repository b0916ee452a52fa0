"""Whole searches of about 800 calls over a loopback server, beside those of other frameworks.

200 examples, 32 calls at once, 200 ms a call. Read from the server's trace: the time from the first
request to the last answer over the limit calls·L/C, and the mean number of calls in flight. Then
the same under faults: a share of all requests is refused with 429 (Retry-After 1 s) or fails with
500, and what counts is the time over the system's own clean time.

apo's calls hold those of its verdict on 100 test examples, beside the 800 of the search; told are
the whole and the search alone. Its methods with a population have the five prompts to start from,
and the size, that promptolution's have; all else starts from one prompt. MIPROv2 takes no budget
in DSPy but a preset, the light one. A search may end before: its next step must be affordable.

    APO_BENCH_PEERS=…/bin/python python experiments/benchmarks/searches.py
    python experiments/benchmarks/searches.py --systems apo-gepa,apo-capo --faults clean --runs 1

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

OWN = ("evoprompt-ga", "capo", "opro", "gepa", "gepa-4", "miprov2", "copro", "auto")
PEERS = {
    "promptolution": ("evoprompt-ga", "capo", "opro"),
    "dspy": ("miprov2", "copro", "gepa"),
    "gepa": ("optimize",),
}
SYSTEMS = {
    **{f"apo-{method}": System("with_apo", method) for method in OWN},
    **{
        f"{package}-{method}": System(f"with_{package}", method, peer=True)
        for package, methods in PEERS.items()
        for method in methods
    },
}
FAULTS: dict[str, dict[str, float]] = {
    "clean": {},
    "5 % 429, 5 % 500": {"rate_429": 0.05, "rate_500": 0.05},
    "10 % 429": {"rate_429": 0.1},
    "10 % 500": {"rate_500": 0.1},
}
OFF: dict[str, float] = {"rate_429": 0, "rate_500": 0, "retry_after": 1}
MARKS = dict.fromkeys(("evoprompt-ga", "capo", "opro"), 1.3) | dict.fromkeys(
    ("gepa", "gepa-4", "miprov2"), 2.0
)
"""Wall over limit that apo's methods are to reach without faults."""
FAULTY_MARK = 1.8
"""Time under faults over its own clean time."""
LATENCY, CONCURRENCY, EXAMPLES, BUDGET = 200, 32, 200, 800
Results = dict[tuple[str, str], list[dict[str, Any]]]


def main() -> None:
    """Measure the systems under the faults, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--faults", default="all", help="names by semicolon: clean;10 %% 429")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--name", default="searches", help="of the files in results/engine")
    given = parser.parse_args()
    names = [name for name in given.systems.split(",") if usable(name)]
    faults = list(FAULTS) if given.faults == "all" else given.faults.split(";")
    found: Results = defaultdict(list)
    with loopback() as server:
        for run in range(given.runs):
            for fault in faults:
                for name in names:
                    if SYSTEMS[name].peer and fault.startswith("10"):
                        continue
                    found[fault, name].append(result := measure(server, name, fault))
                    print(run, fault, name, result, flush=True)
    rows = [row(found, fault, name) for fault, name in found]
    versions: dict[str, str] = {}
    for results in found.values():
        for result in results:
            versions |= result.get("versions", {})
    notes = [
        *verdicts(rows),
        f"{LATENCY} ms, {CONCURRENCY} at once, about {BUDGET} calls, medians of {given.runs}. "
        "“x search” leaves out the calls on test examples, which only apo makes.",
        "Used: " + ", ".join(f"{n} {v}" for n, v in sorted(versions.items())) + ".",
    ]
    print("\n".join(notes))
    record(given.name, "Whole searches: time over the limit calls·L/C", rows, notes=notes)


def usable(name: str) -> bool:
    """Whether the system can be measured here; says why not."""
    missing = SYSTEMS[name].missing
    if missing:
        print(f"skipped {name}: {missing}", flush=True)
    return not missing


def measure(server: Loopback, name: str, fault: str) -> dict[str, Any]:
    """One search, as the server saw it."""
    server.reset(latency_ms=LATENCY, **{**OFF, **FAULTS[fault]})
    result = drive(
        SYSTEMS[name],
        "search",
        server.url,
        examples=EXAMPLES,
        concurrency=CONCURRENCY,
        budget=BUDGET,
    )
    return {**shape(server.trace()), **result}


def shape(trace: Sequence[tuple[float, float, str, int]]) -> dict[str, Any]:
    """Answered calls, the span of all requests in seconds, x and the mean calls in flight."""
    before = [call for call in trace if call[2] != "test"]
    if not before:
        return {"failed": "it made no call"}
    answered = sum(1 for *_, status in trace if status == 200)
    searching = sum(1 for *_, status in before if status == 200)
    return {
        "calls": answered,
        "meta": sum(1 for *_, kind, status in trace if kind == "meta" and status == 200),
        "span_s": span(trace),
        "x": span(trace) / (answered * LATENCY / 1000 / CONCURRENCY),
        "x_search": span(before) / (searching * LATENCY / 1000 / CONCURRENCY),
        "busy": sum(end - start for start, end, *_ in trace) / span(trace),
    }


def span(trace: Sequence[tuple[float, float, str, int]]) -> float:
    """Seconds from the first request to the last answer."""
    return max(end for _, end, *_ in trace) - min(start for start, *_ in trace)


def row(found: Results, fault: str, name: str) -> dict[str, Any]:
    """The medians of a system's searches under a fault."""
    results = [result for result in found[fault, name] if "x" in result]
    failed = [str(r["failed"]) for r in found[fault, name] if r.get("failed")]

    def median(figure: str, of: Sequence[Mapping[str, Any]] = results) -> float:
        return statistics.median(r[figure] for r in of) if of else float("nan")

    clean = [result for result in found.get(("clean", name), []) if "x" in result]
    # A call more or less is another search; what a call takes is compared.
    slower = median("x") / median("x", clean)
    return {
        "faults": fault,
        "system": name,
        "calls": round(median("calls")) if results else 0,
        "meta": round(median("meta")) if results else 0,
        "x limit": round(median("x"), 2),
        "x search": round(median("x_search"), 2),
        "mean in flight": round(median("busy"), 1),
        "x own clean": round(slower, 2),
        "failed": failed[0][-100:] if failed else "",
    }


def verdicts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each mark: met or not, by how much."""
    said: list[str] = []
    for found in rows:
        method = str(found["system"]).removeprefix("apo-")
        if method == found["system"]:
            continue
        x, what = found["x limit"], f"apo {method}, {found['faults']}"
        peers = [r for r in rows if r["faults"] == found["faults"] and rival(r, method)]
        if found["faults"] != "clean":
            slower = found["x own clean"]
            said.append(f"{met(slower <= FAULTY_MARK)}: {what}: {slower} of its clean time.")
        elif method in MARKS:
            said.append(f"{met(x <= MARKS[method])}: {what}: {x} of the limit, {MARKS[method]}.")
        said += [
            f"{met(x < r['x limit'])}: {what}: {x}, {r['system']} {r['x limit']}." for r in peers
        ]
    return said


def rival(found: Mapping[str, Any], method: str) -> bool:
    """Whether it is a peer's search by the same method that ended well."""
    name = str(found["system"]).replace("gepa-optimize", "gepa-gepa")
    peer = SYSTEMS[str(found["system"])].peer
    return peer and name.endswith(f"-{method.removesuffix('-4')}") and not found["failed"]


def met(good: bool) -> str:
    """The word that a verdict starts with."""
    return "Met" if good else "MISSED"


if __name__ == "__main__":
    main()
