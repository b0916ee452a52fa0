"""What the trials of edits and of solvers share: readers, tasks of texts, gains, tables in docs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apo import Evaluation, Example, Prompt, Request, Score, Task
from apo.results.proof import prove
from apo.testing import FakeModel
from experiments.benchmarks.recording import RESULTS

ROWS = 60
"""Test rows of a trial with a simulated reader."""


def exact(output: str, example: Example) -> Score:
    """Score 1 for the target, word for word."""
    return Score(float(output.strip() == example.target))


@dataclass
class Reader(FakeModel):
    """A task model that says what a function of the request says."""

    says: Callable[[Request], str] = lambda request: "?"

    def answer(self, request: Request) -> str:
        """Ask the function."""
        return self.says(request)


def whole(request: Request) -> str:
    """All messages as one text."""
    return "\n\n".join(message.content for message in request.messages)


def weakness(reader: Callable[[Request], object]) -> str:
    """What is told of a reader: its docstring."""
    return (reader.__doc__ or "").strip().rstrip(".")


def plain(examples: Sequence[Example], prompt: Prompt, name: str = "simulated") -> Task:
    """A task of texts: the first rows to learn from, the others to test on."""
    train, test = examples[:ROWS], examples[ROWS:]
    return Task(name=name, scorer=exact, seed_prompts=(prompt,), train=train, validation=train,
                test=test)  # fmt: skip


def gain(before: Evaluation, after: Evaluation) -> str:
    """The points between two evaluations, with their interval."""
    low, high = prove(before, after).interval
    return (
        f"{100 * (after.value - before.value):+.0f} ({100 * low:+.0f} to {100 * high:+.0f}), "
        f"n = {len(after.rollouts)}"
    )


def put_table(page: Path, name: str, lines: Sequence[str]) -> None:
    """Put a table between the marks of its name on a page of the docs."""
    begin, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    before, _, rest = page.read_text("utf-8").partition(begin)
    text = "\n".join([f"{before}{begin}", *lines, end]) + rest.partition(end)[2]
    page.write_text(text, "utf-8")


def table_of(page: Path, name: str) -> list[str]:
    """The lines of a table that a page of the docs holds."""
    text = page.read_text("utf-8").partition(f"<!-- {name}: start -->")[2]
    return text.partition(f"<!-- {name}: end -->")[0].strip().splitlines()


def small_model(of: str) -> list[dict[str, Any]]:
    """What `small_model.py` recorded of "solver" or "edit"."""
    recorded = json.loads((RESULTS / "small_model.json").read_text("utf-8"))["rows"]
    return [row for row in recorded if row["of"] == of]
