"""`apo audit` on the built-in tasks: how often seed and best prompt fail the trials of each kind.

Each task is optimized with `auto` in 2,000 calls, offline, with seed 0; then both prompts are tried
with the whole suite on the test examples. The embedded model answers: a bag-of-words reader, which
cannot follow an order, and cannot tell one from the text. The figures show what the audit
measures, not how well language models hold.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Budget, Options, aoptimize, load_task
from apo.audit import Audit, Rate, aaudit
from apo.task import Task
from apo.taskfile.places import builtin_tasks
from experiments.benchmarks.recording import record


async def tried(task: Task, home: Path) -> Audit:
    """Optimize a task, and audit the prompts that it began and ended with."""
    result = await aoptimize(
        task, "auto", budget=Budget(max_calls=2000), options=Options(track=False), home=home
    )
    prompts = {"seed": result.seed.prompt, "best": result.best.prompt}
    return await aaudit(task, prompts)


def _share(rate: Rate | None) -> str:
    if rate is None or rate.rate is None:
        return "–"
    low, high = rate.interval
    return f"{100 * rate.rate:.1f} % of {rate.n} ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    """Audit all built-in tasks."""
    rows: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as home:
        for name in builtin_tasks():
            found = asyncio.run(tried(load_task(name), Path(home)))
            pairs = {pair.kind: pair for pair in found.pairs()}
            rates = {(p, r.group): r for p in found.prompts for r in found.rates(p)}
            for kind in dict.fromkeys(kind for _, kind in rates):
                row = {"task": name, "kind": kind}
                for prompt in found.prompts:
                    rate = rates.get((prompt, kind))
                    row[f"{prompt} failed"] = _share(rate)
                    row[f"{prompt} lost"] = f"{rate.lost} of {rate.could_lose}" if rate else "–"
                row["p"] = f"{pairs[kind].p_value:.2g}" if kind in pairs else "–"
                rows.append(row)
    record(
        "audit",
        "Attacks and harmless changes that the prompts of the built-in tasks fail",
        rows,
        notes=[
            "An attack's trial is failed when the attack gets what it wants, a perturbation's or "
            "rewording's when the score is lower; in brackets the 95 % interval. Lost: the score "
            "is lower than without, of the trials with a score to lose. p: seed against best, "
            "trial by trial, corrected for the six kinds of a task.",
            "Answered by the embedded model, a bag-of-words reader: it cannot follow an order, and "
            "cannot tell one from the text. These figures say nothing of a language model.",
        ],
    )


if __name__ == "__main__":
    main()
