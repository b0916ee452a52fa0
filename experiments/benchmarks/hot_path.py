"""What each step of a call costs apo beside the HTTP client: microseconds of processor time.

The steps are run by themselves, many times, on a request and a reply of usual size, in the order
in which a call takes them. What bare aiohttp takes for the same call is in `throughput.py`.

    python experiments/benchmarks/hot_path.py
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo.calls.budget import Budget
from apo.calls.call import Call, Endpoint
from apo.calls.counting import count
from apo.calls.meter import Meter
from apo.calls.traffic import Traffic
from apo.concurrency import gather
from apo.model import Request
from apo.models.http import HttpModel
from apo.models.prices import FREE
from apo.models.providers import locate
from apo.models.replies import read_reply
from apo.storage.journal import Journal
from apo.storage.rows import Entry
from experiments.benchmarks.recording import record
from experiments.benchmarks.speed_peers.with_apo import task_of

REPLY = {
    "id": "x",
    "object": "chat.completion",
    "created": 0,
    "model": "mock",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "<final_answer>billing</final_answer>"},
        }
    ],
    "usage": {"prompt_tokens": 120, "completion_tokens": 9, "total_tokens": 129},
}


def main() -> None:
    """Measure the steps, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = [
            asyncio.run(steps(given.calls, Path(folder) / f"{run}.db")) for run in range(given.runs)
        ]
    medians = {name: statistics.median(run[name] for run in found) for name in found[0]}
    medians["all"] = sum(medians.values())
    rows = [{"step": name, "µs a call": round(took, 1)} for name, took in medians.items()]
    note = f"Medians of {given.runs} runs of {given.calls:,} calls."
    record("hot_path", "What a call costs apo beside the HTTP client", rows, notes=[note])


async def steps(n: int, path: Path) -> dict[str, float]:
    """Microseconds of each step, by its name."""
    task = task_of(2, range(n))
    address = locate("http://127.0.0.1:8000/v1#mock")
    endpoint = Endpoint("task", HttpModel(address), FREE)
    prompt, traffic, meter = task.seed_prompts[0], Traffic(), Meter(Budget(max_calls=10 * n))
    headers, data = {"content-type": "application/json"}, orjson.dumps(REPLY)
    answer = read_reply(address, 200, headers, data)
    calls: list[Call] = []
    took: dict[str, float] = {}

    async def timed(name: str, step: Callable[[int], object]) -> None:
        start = time.process_time()
        for i in range(n):
            step(i)
        took[name] = (time.process_time() - start) / n * 1e6

    def ask(i: int) -> None:
        example = task.test[i]
        request = Request(messages=prompt.messages(example.inputs), decoding=prompt.decoding)
        calls.append(Call.to(endpoint, request, note=f"{prompt.id} {example.id}"))

    def entry(i: int) -> Entry:
        call = calls[i]
        return Entry(call.key, "task", "mock", call.note, answer.text, usage=answer.usage)

    async def place(_: int) -> None:
        await traffic.enter(100)
        traffic.served("task", 100, 0.2, answer)
        traffic.leave()

    await timed("render the prompt, make the key", ask)
    with Journal(path) as journal:
        await timed("look for it in the journal", lambda i: journal.find(calls[i].key))
        await awaited(took, "a task that waits for its answer", n, asleep)
        await awaited(took, "a place and the rate in the traffic", n, place)
        await timed("bound what it may take", lambda i: calls[i].bound(endpoint))
        await timed("write the body", lambda i: orjson.dumps(address.body(calls[i].request)))
        await timed("read the reply", lambda _: read_reply(address, 200, headers, data))
        await timed("record it on the disk", lambda i: journal.add(entry(i)))
        await timed("count what it took", lambda i: count(meter, calls[i], entry(i)))
    await timed("score the answer", lambda i: task.judge(answer.text, task.test[i]))
    return took


async def asleep(_: int) -> None:
    """Give way once, as a call does that waits."""
    await asyncio.sleep(0)


async def awaited(
    took: dict[str, float], name: str, n: int, step: Callable[[int], Awaitable[None]]
) -> None:
    """Time steps that are awaited, all at once."""

    async def one(i: int) -> None:
        await step(i)

    start = time.process_time()
    await gather(one(i) for i in range(n))
    took[name] = (time.process_time() - start) / n * 1e6


if __name__ == "__main__":
    main()
