"""How fast `local/smollm2` answers, beside llama-server on the same machine, file and requests.

The two take turns in blocks of a few requests, so that whatever else the machine does meets both
alike. Beside calls a second stand the seconds of processor time that a call takes, which a busy
machine changes less. The last columns say how many answers are the same letters as those of
`local` when each is asked alone, and when as many as there are slots are asked at once, in another
order. Mark: at least 0.8 of llama-server's calls a second.

    python experiments/benchmarks/local_speed.py --server /path/to/llama-server
"""

import argparse
import asyncio
import os
import random
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import apo
from apo.concurrency import n_cpus
from apo.model import Completion, Decoding, Model, Request
from apo.models import open_model
from apo.models.local import server as servers
from apo.models.local.weights import find_weights
from experiments.benchmarks.recording import record

BLOCK = 10
psutil: Any = import_module("psutil")  # It has no types.


class Asked(NamedTuple):
    """One that is measured: its name, the model, and the process that works for it."""

    what: str
    model: Model
    worker: Any


def main() -> None:
    """Measure both, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--server", help="llama-server; without one local is measured alone")
    parser.add_argument("--model", default="local/smollm2")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=16, help="the longest answer")
    parser.add_argument("--slots", type=int, default=servers.SLOTS)
    asyncio.run(measure(parser.parse_args()))


async def measure(options: argparse.Namespace) -> None:
    """Let them take turns, and write the table."""
    servers.SLOTS = options.slots
    requests = made(options.requests, options.tokens)
    with llama_server(options) as url:
        local = open_model(options.model)
        first = await local.complete(requests[0])
        asked = [Asked("local", local, psutil.Process().children()[-1])]
        if url:
            await (server := open_model(url)).complete(requests[0])
            asked.append(Asked("llama-server", server, psutil.Process().children()[0]))
        rows = await take_turns(asked, requests, options.slots)
        for one in asked:
            await one.model.aclose()
    notes = [
        f"{len(requests)} requests of support-tickets, {options.tokens} tokens at most, "
        f"{options.slots} slots, {servers.n_threads(n_cpus())} threads, "
        f"{first.model}; load of the machine {os.getloadavg()[0]:.0f}."
    ]
    record(f"local_speed_{options.slots}", "Speed of local models", rows, notes=notes)


async def take_turns(
    asked: Sequence[Asked], requests: Sequence[Request], at_once: int
) -> list[dict[str, Any]]:
    """Ask all in blocks; give a row for each."""
    seconds, work = {one.what: 0.0 for one in asked}, {one.what: 0.0 for one in asked}
    answers: dict[str, list[str]] = {one.what: [] for one in asked}
    for start in range(0, len(requests), BLOCK):
        block = requests[start : start + BLOCK]
        for one in random.Random(start).sample(asked, len(asked)):
            before, began = busy(one.worker), time.perf_counter()
            answers[one.what] += await ask(one.model, block, at_once)
            seconds[one.what] += time.perf_counter() - began
            work[one.what] += busy(one.worker) - before
        print(f"{start + len(block)} of {len(requests)}", flush=True)
    return [
        {
            "who": one.what,
            "calls/s": round(len(requests) / seconds[one.what], 2),
            "CPU s a call": round(work[one.what] / len(requests), 3),
            **await again(one.model, requests, answers[one.what], at_once),
        }
        for one in asked
    ]


async def again(
    model: Model, requests: Sequence[Request], answers: Sequence[str], at_once: int
) -> dict[str, str]:
    """How many answers are the same letters when they are asked for again."""
    few = 2 * BLOCK
    alone = same(answers, await ask(model, requests[:few], 1))
    mixed = random.Random(0).sample(range(len(requests)), len(requests))
    found = await ask(model, [requests[i] for i in mixed], at_once)
    others = same([answers[i] for i in mixed], found)
    return {
        "the same alone": f"{alone} of {few}",
        "the same in another order": f"{others} of {len(requests)}",
    }


def made(n: int, tokens: int) -> list[Request]:
    """Requests with the seed prompt of a built-in task."""
    task = apo.load_task("support-tickets")
    examples = (*task.train, *task.validation, *task.test)[:n]
    decoding = Decoding(max_tokens=tokens)
    return [Request(task.seed_prompts[0].messages(e.inputs), decoding) for e in examples]


async def ask(model: Model, requests: Sequence[Request], at_once: int) -> list[str]:
    """The answers, asked so many at once."""
    turn = asyncio.Semaphore(at_once)

    async def one(request: Request) -> Completion:
        async with turn:
            return await model.complete(request)

    return [found.text for found in await asyncio.gather(*map(one, requests))]


def busy(process: Any) -> float:
    """Seconds of processor time that a process has taken."""
    times = process.cpu_times()
    return float(times.user + times.system)


def same(left: Sequence[str], right: Sequence[str]) -> int:
    """How many answers are the same letters."""
    return sum(a == b for a, b in zip(left, right, strict=False))


@contextmanager
def llama_server(options: argparse.Namespace) -> Generator[str]:
    """Run llama-server as `local` runs its own; gives the model's name, "" without one."""
    if not options.server:
        yield ""
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    key = os.environ["APO_API_KEY"] = secrets.token_hex()
    context = str(servers.CONTEXT * options.slots)
    threads = str(servers.n_threads(n_cpus()))
    flags = ["--port", str(port), "-t", threads, "-np", str(options.slots), "-c", context]
    process = subprocess.Popen(
        [options.server, "-m", str(find_weights(options.model)), "--api-key", key, *flags],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"OMP_WAIT_POLICY": "passive", **os.environ},
    )
    try:
        for _ in range(600):
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health")
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1#m"
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
