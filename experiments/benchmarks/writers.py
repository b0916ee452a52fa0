"""How well a model writes when it is asked by apo's meta-prompts: whole, begun for it, or in brief.

For each meta-prompt and way of asking: how many replies can be read at the first ask and after the
second, and how many proposals are right about more of the same examples than their parent, the
task's seed prompt (`--task`). The same model answers and writes.

    python experiments/benchmarks/writers.py --model local/smollm2
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import apo
from apo import Completion, Model, Options, Request, Search, Task
from apo.calls.budget import Budget
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.models import open_model
from apo.storage.journal import Journal
from experiments.benchmarks.recording import record

OPTIMIZERS = Path(apo.__file__).parents[1] / "optimizers"
NAMES = (
    "induce", "improve", "repair", "gepa_reflect", "protegi_edit", "evoprompt_ga", "distill"
)  # fmt: skip
WAYS = ("whole", "begun", "brief")


@dataclass
class Asked:
    """A model as it is to be asked: whether its replies are begun for it."""

    model: Model
    begins: bool
    continues: bool = True

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    async def complete(self, request: Request) -> Completion:
        """Answer as the model does."""
        return await self.model.complete(request)

    async def aclose(self) -> None:
        """Leave the model open for the next way."""


def main() -> None:
    """Measure all, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="local/smollm2")
    parser.add_argument("--task", default="short-reviews")
    parser.add_argument("--names", nargs="+", default=NAMES)
    parser.add_argument("--samples", type=int, default=6, help="replies to each meta-prompt")
    parser.add_argument("--examples", type=int, default=12, help="by which proposals are judged")
    parser.add_argument("--out", default="writers")
    options = parser.parse_args()
    rows = asyncio.run(measure(options))
    notes = [f"{options.model} on {options.task}, {options.samples} replies each."]
    record(options.out, "Writers by meta-prompt and way of asking", rows, notes=notes)


async def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each meta-prompt and way of asking."""
    model, task = open_model(options.model, timeout=900), apo.load_task(options.task)
    rows: list[dict[str, Any]] = []
    try:
        for name in options.names:
            for way in WAYS:
                rows.append(await ask(model, task, name, way, options))
                print(rows[-1], flush=True)
    finally:
        await model.aclose()
    return rows


async def ask(
    model: Model, task: Task, name: str, way: str, options: argparse.Namespace
) -> dict[str, Any]:
    """Have proposals written in one way, and judge them beside their parent."""
    whole = (OPTIMIZERS / "meta_prompts" / "en" / f"{name}.md").read_text(encoding="utf-8")
    with Journal() as journal:
        search = Search(
            replace(task, test=()),
            caller=Caller(journal, Meter(Budget()), limits=Limits(max_concurrency=4)),
            task_model=Endpoint("task", model),
            optimizer_model=Endpoint("optimizer", Asked(model, begins=way != "whole")),
            options=Options(meta_prompts={name: whole} if way == "begun" else {}),
        )
        [parent] = search.seed_prompts
        seed = await search.evaluate(parent, task.train[: options.examples])
        values: dict[str, Any] = {
            "prompt": parent,
            "prompts": [parent, parent.with_instruction(f"Is it {' or '.join(task.labels)}?")],
            "evaluation": seed,
            "history": [seed],
            "rollouts": seed.failures[:4] or seed.rollouts[:4],
            "failures": seed.failures[:4],
            "examples": search.minibatch(6),
            "reason": "It does not say which outputs are allowed.",
            "page": search.failure_page(seed.rollouts),
        }
        module = str(OPTIMIZERS / "opro.py")
        metas = [search.meta_prompt(module, name, parents=[parent], **values)]
        made = await search.propose(metas, options.samples)
        found = await search.map(lambda p: search.evaluate(p, task.train[: options.examples]), made)
        replies = search.refused["replies"]
        return {
            "meta-prompt": name,
            "way": way,
            "read at once": f"{replies['n'] - replies['again']} of {replies['n']}",
            "read in the end": f"{replies['n'] - replies['unread']} of {replies['n']}",
            "proposals": len(made),
            "parent": f"{seed.mean:.0%}",
            "better": sum(e.mean > seed.mean for e in found),
            "best": f"{max((e.mean for e in found), default=0):.0%}",
        }


if __name__ == "__main__":
    main()
