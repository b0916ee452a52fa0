"""What large data cost: seconds to the first model call, and peak memory, by the number of rows.

A task is made of so many rows of text and label, and `apo optimize` is run on it twice, as any
user runs it (a process of its own, logging to MLflow on SQLite), against a server on this machine:
the first time the data are read and the split is made, the second time both are known. Marks, at
ten million rows of Parquet: first call within 5 s of the second start, peak memory of the whole
process at most 600 MB in both.

    python experiments/benchmarks/big_data.py                    # minutes
    python experiments/benchmarks/big_data.py --rows 100000      # tries the script out
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments.benchmarks.loopback import Loopback, loopback
from experiments.benchmarks.recording import record

LABELS = ("billing", "access", "delivery", "device")
WORDS = ("invoice", "card", "refund", "charge", "login", "reset", "order", "parcel", "screen")
TASK = """
inputs: [text]
target: label
labels: [billing, access, delivery, device]
data: data.{kind}
prompt: |
  Sort the ticket: billing, access, delivery or device.
"""
CHUNK = 100_000  # rows made at once
RUNS = 3  # second starts, of which the median is told


def main() -> None:
    """Measure each kind and number of rows, in a folder that is removed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", default="100000,1000000,10000000", help="numbers, by comma")
    parser.add_argument("--kinds", default="parquet,csv,jsonl", help="of files, by comma")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with loopback() as server:
        for kind in given.kinds.split(","):
            for n in map(int, given.rows.split(",")):
                with tempfile.TemporaryDirectory(prefix="apo-big-") as folder:
                    rows.append(measure(server, Path(folder), kind, n))
    record(
        "big_data",
        "Large data: seconds to the first call, and peak memory of the process",
        rows,
        notes=[
            "Marks, for ten million rows of Parquet: first call of the second start within 5 s, "
            "peak memory at most 600 MB.",
            f"Second starts: the median of {RUNS}. Parquet has row groups of a million rows.",
        ],
    )


def measure(server: Loopback, folder: Path, kind: str, n: int) -> dict[str, Any]:
    """Start apo on one file until it is known, and give a row of the table."""
    print(f"{n:,} rows of {kind}", flush=True)
    path = folder / f"data.{kind}"
    # Elsewhere: a process starts with the peak of the one that starts it, so this one stays small.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(MAKE[kind], path, n).result()
    (folder / "task.yaml").write_text(TASK.format(kind=kind), encoding="utf-8")
    first = start(server, folder)
    later = [start(server, folder) for _ in range(RUNS)]
    return {
        "file": kind,
        "rows": f"{n:,}",
        "file MB": round(path.stat().st_size / 1e6),
        "first start: s to the first call": first[0],
        "peak MB": round(first[1]),
        "later start: s to the first call": median(seconds for seconds, _ in later),
        "later peak MB": round(max(peak for _, peak in later)),
    }


def start(server: Loopback, folder: Path) -> tuple[float, float]:
    """Run a small search; give the seconds to the first call, and the peak memory in MB."""
    command = [sys.executable, "-m", "apo", "optimize", ".", "--optimizer", "random-search"]
    command += ["--model", f"{server.url}#mock", "--max-calls", "60", "--json"]
    server.reset(latency_ms=20)
    before = time.perf_counter()
    log = folder / "log.txt"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=file)
        _, status, usage = os.wait4(process.pid, 0)  # Its own peak, not that of all children.
        process.returncode = os.waitstatus_to_exitcode(status)
    whole = time.perf_counter() - before
    if process.returncode:
        sys.exit(log.read_text(encoding="utf-8"))
    first_call = min(begin for begin, *_ in server.trace())  # Since the reset.
    scale = 1 if sys.platform == "darwin" else 1024
    peak = usage.ru_maxrss * scale / 1e6
    print(f"  first call after {first_call:.2f} s of {whole:.2f} s, {peak:.0f} MB", flush=True)
    return first_call, peak


def texts(first: int, n: int) -> Iterator[tuple[str, str]]:
    """Give rows: texts that are all different, with a label each."""
    size = len(WORDS)
    for i in range(first, first + n):
        a, b, c, d = (
            WORDS[i // step % size] for step in (1, size, size * size, size * size * size)
        )
        text = (
            f"Hello, my {a} and the {b} do not work since the {c} came with the {d}; please help, "
            f"ticket number {i}."
        )
        yield text, LABELS[i * 7919 % len(LABELS)]


def make_parquet(path: Path, n: int) -> None:
    """Write a Parquet file."""
    pa: Any = import_module("pyarrow")  # Untyped.
    pq: Any = import_module("pyarrow.parquet")
    schema = pa.schema({"text": pa.string(), "label": pa.string()})
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, n, 10 * CHUNK):
            columns = zip(*texts(first, min(10 * CHUNK, n - first)), strict=True)
            writer.write_table(pa.table(list(columns), schema=schema), row_group_size=10 * CHUNK)


def make_csv(path: Path, n: int) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        file.writelines(f'"{text}",{label}\n' for text, label in texts(0, n))


def make_jsonl(path: Path, n: int) -> None:
    """Write a JSONL file."""
    with path.open("w", encoding="utf-8") as file:
        for text, label in texts(0, n):
            file.write(json.dumps({"text": text, "label": label}) + "\n")


MAKE: dict[str, Callable[[Path, int], None]] = {
    "parquet": make_parquet,
    "csv": make_csv,
    "jsonl": make_jsonl,
}

if __name__ == "__main__":
    main()
