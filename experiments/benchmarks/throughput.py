"""What apo costs beside the model: one prompt on N examples over a loopback server.

Prints, for each transport, the wall time over the limit N·L/C that latency and concurrency set,
and the client's CPU time a call; journal and scoring are on, as in a run.

    python experiments/benchmarks/throughput.py --calls 1000 --latency-ms 200 --concurrency 16
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from apo import Example, Task
from apo.estimate import aevaluate
from apo.journal import Journal
from apo.options import Options
from apo.testing import fake_task


def main() -> None:
    """Measure both transports against one server in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--latency-ms", type=float, default=200)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    command = [sys.executable, "-m", "apo.testing.server", "--latency-ms", str(given.latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            limit = given.calls * given.latency_ms / 1000 / given.concurrency
            print(f"{given.calls} calls, {given.latency_ms:g} ms, concurrency {given.concurrency}")
            for transport in ("aiohttp", "openai"):
                times = sorted(
                    measure(f"{url}#embedded", transport, given.calls, given.concurrency)
                    for _ in range(given.runs)
                )
                wall, cpu = times[len(times) // 2]
                print(
                    f"{transport:8} {wall / limit:5.2f}x limit  {1000 * cpu / given.calls:.2f} ms"
                )
        finally:
            server.terminate()


def measure(model: str, transport: str, calls: int, concurrency: int) -> tuple[float, float]:
    """Wall and CPU seconds of one evaluation."""
    examples = [Example({"input": f"word {i}"}, (f"word {i}",)) for i in range(calls)]
    task: Task = replace(fake_task(), test=examples)
    options = Options(max_concurrency=concurrency, transport=transport)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j.db") as journal:
        wall, cpu = time.perf_counter(), time.process_time()
        asyncio.run(
            aevaluate(task, task.seed_prompts[0], model=model, options=options, journal=journal)
        )
        return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
