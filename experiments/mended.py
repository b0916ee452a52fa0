"""Is the step of a program that was broken on purpose the one that is mended? The table of docs.

    python -m experiments.mended        # some minutes; for docs/programs.md

`ticket-routing` with the embedded model: once as it is, with a vague first step, and once with a
first step that knows what to look for and a second one that names the teams alone. For each winner
also what its prompt of one step gains alone, in place of the seed program's, on the test rows.
"""

import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from apo import Budget, Options, Prompt, Task, aoptimize, load_task
from apo.assessment.evaluate import aevaluate

OPTIMIZERS = {"extract": ("gepa", "textgrad", "opro"), "decide": ("gepa", "miprov2", "opro")}
KNOWS = """\
Say what the customer wants: one of billing, refund, login, account change, cancellation, delivery,
bug, feature request. Answer with the label only.
- billing: invoice, charge, payment
- refund: refund, money back
- login: password, sign in, code
- account change: email, address, name
- cancellation: cancel, stop
- delivery: parcel, courier, arrive
- bug: crash, error, broken
- feature request: add, wish, could you"""
NAMES = "Which team takes it: finance, accounts, retention, logistics or engineering?"
CALLS = 3000


def broken(step: str) -> Task:
    """The task with one of its steps broken."""
    task = load_task("ticket-routing")
    if step == "extract":
        return task
    [seed] = task.seed_prompts
    steps = {
        name: replace(seed.steps[name], instruction=text)
        for name, text in {"extract": KNOWS, "decide": NAMES}.items()
    }
    return replace(task, seed_prompts=(seed.with_steps(steps),))


async def row(step: str, optimizer: str, home: Path) -> str:
    """A line of the table."""
    task = broken(step)
    [seed] = task.seed_prompts
    options = Options(track=False, reuse=False)
    result = await aoptimize(
        task, optimizer, budget=Budget(max_calls=CALLS), home=home, options=options
    )
    verdict = result.verdict
    assert verdict is not None
    best: Prompt = result.best.prompt
    alone = [
        (await aevaluate(task, seed.with_steps({name: best.steps[name]})))[0].value
        - verdict.seed_score
        for name in ("extract", "decide")
    ]
    told = " | ".join(f"{100 * gain:+.1f}".replace("-", "−") for gain in alone)
    yes = "yes" if verdict.favourable else "no"
    return (
        f"| {step} | {optimizer} | {verdict.seed_score:.1%} | {verdict.best_score:.1%} | {told} | "
        f"{yes}, p = {verdict.p_value:.1g} |"
    ).replace("%", " %")


def main() -> None:
    """Print the table."""
    head = ("broken", "optimizer", "seed", "best", "extract alone", "decide alone", "proven")
    sys.stdout.write(f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n")
    with tempfile.TemporaryDirectory() as folder:
        for step, optimizers in OPTIMIZERS.items():
            for optimizer in optimizers:
                sys.stdout.write(f"{asyncio.run(row(step, optimizer, Path(folder)))}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
