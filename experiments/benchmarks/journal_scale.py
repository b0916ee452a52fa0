"""Whether the journal and the record of candidates stay as fast and small as they grow.

Time of one operation and the memory of the process, with 10,000, 100,000 and 1,000,000 answers in
a journal on disk, and with 100 to 10,000 candidates accepted. Flat is what is wanted: the last
column says how many times the time of the smallest size an operation takes.

    python experiments/benchmarks/journal_scale.py
    python experiments/benchmarks/journal_scale.py --sizes 10000,100000
"""

import argparse
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Example, Prompt
from apo.guards.contract import Contract
from apo.search.candidates import Candidates
from apo.storage.journal import Journal
from apo.storage.rows import Entry
from experiments.benchmarks.recording import record

SIZES = (10_000, 100_000, 1_000_000)
CANDIDATES = (100, 1_000, 10_000)
EXAMPLES = 200
"""Rows that a candidate must not copy."""
BATCH = 2_000
"""Operations of a measurement."""
MARK = 2.0
"""Times the smallest size's time that counts as flat: a tree of keys grows by a level."""
Figures = dict[str, float]


def main() -> None:
    """Measure each size in a process of its own, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--candidates", default=",".join(map(str, CANDIDATES)))
    given = parser.parse_args()
    found: list[tuple[str, int, Figures]] = []
    for what, measure, sizes in (
        ("journal", journal, given.sizes),
        ("candidates", candidates, given.candidates),
    ):
        for size in map(int, sizes.split(",")):
            found.append((what, size, alone(measure, size)))
            print(*found[-1], flush=True)
    rows = table(found)
    notes = [
        verdict(rows),
        f"Microseconds of one operation, the median of ten parts of {BATCH} operations. Memory is "
        "what the process took beside what it started with, at its peak, in MB.",
    ]
    print(notes[0])
    record("journal_scale", "Time of an operation as the journal grows", rows, notes=notes)


def alone(measure: Callable[[int], Figures], size: int) -> Figures:
    """Call it in a fresh process, so that memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (size,))


def table(found: list[tuple[str, int, Figures]]) -> list[dict[str, Any]]:
    """A row for each operation, a column for each size's rank."""
    rows: list[dict[str, Any]] = []
    for what in ("journal", "candidates"):
        sized = [(size, figures) for kind, size, figures in found if kind == what]
        for figure in sized[0][1]:
            row: dict[str, Any] = {"of": what, "figure": figure}
            row["sizes"] = ", ".join(f"{size:,}" for size, _ in sized)
            for place, (_, figures) in zip(("small", "middle", "large"), sized, strict=False):
                row[place] = figures[figure]
            row["times the smallest"] = sized[-1][1][figure] / sized[0][1][figure]
            rows.append(row)
    return rows


def verdict(rows: list[dict[str, Any]]) -> str:
    """Whether all operations are flat."""
    steep = [
        f"{row['of']} {row['figure']} ({row['times the smallest']:.1f} times)"
        for row in rows
        if row["figure"].endswith("µs") and row["times the smallest"] > MARK
    ]
    if steep:
        return f"MISSED: more than {MARK:g} times the time of the smallest: {', '.join(steep)}."
    return f"Met: no operation takes more than {MARK:g} times the time of the smallest."


def journal(size: int) -> Figures:
    """Fill a journal on disk to a size, and measure what is done with it then."""
    luck, before = Random(0), memory()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        with Journal(path) as filled:
            for i in range(size):
                filled.add(entry(i))
            keys = [key(i) for i in luck.sample(range(size), min(size, 10 * BATCH))]
            figures = {
                "add µs": timed(lambda i: filled.add(entry(size + i))),
                "find µs": timed(lambda i: filled.find(keys[i % len(keys)])),
                "find, not there µs": timed(lambda i: filled.find(key(-1 - i))),
                "find_all, 100 keys µs": timed(
                    lambda i: filled.find_all(some(keys, i)), BATCH // 100
                ),
                "note µs": timed(lambda i: filled.note("evaluation", f"0.{i}", {"mean": 0.5})),
            }
        start = time.perf_counter()
        Journal(path).close()
        figures["open ms"] = 1000 * (time.perf_counter() - start)
        figures["disk bytes an answer"] = path.stat().st_size / (size + 10 * BATCH)
    figures["memory MB"] = max(0.1, memory() - before)
    return figures


def candidates(size: int) -> Figures:
    """Accept so many candidates, and measure what one more takes."""
    before = memory()
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.db") as kept:
        seed = Prompt("Answer.")
        rows = [Example({"input": f"{TEXT} Row {i}."}, ("A",)) for i in range(EXAMPLES)]
        known = Candidates(kept, Contract([seed], rows, max_chars=8000), [seed])

        def accept(i: int, again: int) -> None:
            known.accept([Prompt(f"Answer {i}: {TEXT}")], f"{again}.{i}", "mutate", [seed])

        for i in range(size):
            accept(i, 0)
        figures = {
            "accept µs": timed(lambda i: accept(size + i, 0), BATCH // 10),
            "refuse µs": timed(lambda i: accept(i % size, 1 + i), BATCH // 10),
        }
    figures["memory MB"] = max(0.1, memory() - before)
    return figures


TEXT = "Read the message with care, and name the team that can help. " * 5


def key(number: int) -> str:
    """A key as the journal has them: 16 hex digits in no order."""
    return f"{Random(number).getrandbits(64):016x}"


def some(keys: list[str], place: int) -> list[str]:
    """A hundred of the keys, others at each place."""
    first = 100 * place % len(keys)
    return keys[first : first + 100]


def entry(number: int) -> Entry:
    """An answered call of usual size."""
    note = f"{number % 1000:012x} {number:016x}"
    return Entry(key=key(number), role="task", model="m", request=note, reply="The answer is B.")


def timed(operation: Callable[[int], object], batch: int = BATCH) -> float:
    """Median microseconds of an operation that is given 0, 1, 2 and so on."""
    parts: list[float] = []
    for part in range(10):
        start = time.perf_counter()
        for i in range(part * batch, (part + 1) * batch):
            operation(i)
        parts.append((time.perf_counter() - start) / batch)
    return 1e6 * statistics.median(parts)


def memory() -> float:
    """The most memory that the process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
