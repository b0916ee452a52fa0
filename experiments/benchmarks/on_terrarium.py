"""apo as an adapter of Terrarium (github.com/gepa-ai/terrarium), whose server counts and scores.

Terrarium keeps the data, the scoring and the budget: each answer that apo's search wants is one
evaluation of its server, of training or validation examples; the test examples are its own. With
Terrarium installed, and its data in its folder:

    export APO_OPTIMIZER=gepa APO_OPTIMIZER_MODEL=openai/gpt-5 APO_HOME=.apo
    python -m terrarium task=formula adapter=custom budget.max_evals=4000 \
        adapter.path=experiments/benchmarks/on_terrarium.py

Tasks with examples and a prompt as their candidate work, such as `finer`, `formula`,
`livebench_math` and `aime_math`. A candidate there is one text: demos stand behind the instruction.
Without APO_HOME the run is deleted at its end.
"""

import asyncio
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import (
    Budget,
    BudgetExhausted,
    Completion,
    Example,
    Message,
    Model,
    Optimizer,
    Options,
    Prompt,
    Request,
    Score,
    Search,
    SettingsError,
    Task,
    aoptimize,
    make_optimizer,
)
from apo.bridges import marks
from apo.evaluation.endpoints import open_with

WRITER_SHARE = 0.2
"""Calls of the model that writes, beside the evaluations, which the server alone counts."""


class Server(Protocol):
    """What is used of Terrarium's evaluation server."""

    @property
    def budget(self) -> Any:
        """What is left: its `remaining` and `used`."""
        ...

    @property
    def max_concurrency(self) -> int:
        """How many evaluations it makes at once."""
        ...

    def evaluate(self, candidate: str, example: Any) -> tuple[float, dict[str, Any]]:
        """Score a candidate on an example; raises where the budget is used up."""
        ...


@dataclass
class Answers:
    """The server as a task model: the score comes along behind the answer.

    Attributes:
        server: Terrarium's.
        rows: its examples, by the number in the marks of an input.
        left: evaluations that may still be begun; None for any number. The server counts one at its
            end, so that of several at once it would solve some for nothing, and then refuse them.
        name: of the model in the journal.
    """

    server: Server
    rows: Sequence[Any]
    left: int | None = None
    name: str = "terrarium"

    async def complete(self, request: Request) -> Completion:
        """Evaluate what the messages hold before the input, on the example of the input."""
        example = self.rows[marks.row_of(request.messages[-1].content)]
        if self.left is not None:
            if self.left <= 0:
                raise BudgetExhausted("Terrarium's budget is used up.")
            self.left -= 1
        candidate = candidate_of(request.messages)
        try:
            score, info = await asyncio.to_thread(self.server.evaluate, candidate, example)
        except Exception as error:  # Its error is a class of a package that may not be installed.
            if type(error).__name__.endswith("BudgetExhausted"):
                raise BudgetExhausted(f"Terrarium: {error}") from error
            raise
        told = str(info.get("output", ""))
        return Completion(marks.with_score(told, score, str(info.get("feedback", ""))))

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass
class Writer:
    """A model that writes prompts, and is shown no marks."""

    model: Model

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    async def complete(self, request: Request) -> Completion:
        """Ask about clean texts."""
        clean = tuple(Message(m.role, marks.plain(m.content)) for m in request.messages)
        return await self.model.complete(request._replace(messages=clean))

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()


@dataclass(frozen=True)
class Watched:
    """An optimizer whose search is kept: what it measured is there when the budget has ended it."""

    inner: Optimizer
    seen: list[Search] = field(default_factory=list[Search])

    async def run(self, search: Search) -> None:
        """Search as it does."""
        self.seen.append(search)
        await search.work(self.inner)


def candidate_of(messages: Sequence[Message]) -> str:
    """The text that a search tries: all before the input, demos as inputs and outputs."""
    heads = {"user": "Input: ", "assistant": "Output: "}
    parts = [heads.get(m.role, "") + marks.plain(m.content) for m in messages[:-1]]
    return "\n\n".join(parts)


def brought(output: str, example: Example) -> Score:
    """The score that came along with an answer."""
    return marks.carried(output)


def task_of(task: Any) -> tuple[Task, list[Any]]:
    """Terrarium's task as one of apo's, and its examples in the order of their marks.

    Raises:
        SettingsError: it has no training or no validation examples.
    """
    pools: list[tuple[Example, ...]] = []
    rows: list[Any] = []
    for examples in (task.train_set, task.val_set):
        if not examples:
            raise SettingsError(
                f"{task.name!r} has no training and validation examples: apo searches prompts on "
                "examples. Take a task such as formula or finer."
            )
        made: dict[str, Example] = {}
        for example in examples:
            text = text_of(example.inputs)
            if text not in made:  # The same input twice would be one that apo cannot tell apart.
                shown = marks.marked(text, len(rows), 0)
                made[text] = Example({"input": shown}, (str(example.expected or "-"),))
                rows.append(example)
        pools.append(tuple(made.values()))
    about = "\n\n".join(text for text in (task.objective, task.background) if text)
    seed = Prompt(task.initial_candidate, template="{{input}}")
    return (
        Task(
            name=f"terrarium-{task.name}", scorer=brought, seed_prompts=(seed,),
            train=pools[0], validation=pools[1], description=about, input_fields=("input",),
        ),
        rows,
    )  # fmt: skip


def text_of(inputs: Mapping[str, Any]) -> str:
    """What the solver is shown of an example: its field "input" or "problem", else all fields."""
    for name in ("input", "problem", "question"):
        if name in inputs:
            return str(inputs[name])
    return "\n".join(f"{name}: {text}" for name, text in marks.texts_of(inputs).items())


@dataclass
class Adapter:
    """Searches with an optimizer of apo until the server's budget is used up.

    Attributes:
        optimizer: of apo.
        writer: opens the model that writes prompts.
        home: folder for the runs; "" for one that is deleted afterwards.
    """

    optimizer: Optimizer
    writer: Callable[[], Model]
    home: str = ""

    def evolve(self, task: Any, server: Server) -> Any:
        """Search, and give Terrarium the best candidate on the validation examples."""
        result: Any = importlib.import_module("terrarium.adapter").Result
        candidate, score = asyncio.run(self.search(task, server))
        return result(best_candidate=candidate, best_score=score, total_evals=server.budget.used)

    def process_result(self, result: Any, output_dir: Path) -> None:
        """All files of a run are in its folder already."""

    async def search(self, task: Any, server: Server) -> tuple[str, float]:
        """Give the best candidate and its score on the validation examples."""
        made, rows = task_of(task)
        left: int | None = server.budget.remaining
        calls = None if left is None else left + int(WRITER_SHARE * left)
        watched, at_once = Watched(self.optimizer), server.max_concurrency
        # As many threads as it evaluates at once; a machine of two cores would have six.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(at_once))
        with tempfile.TemporaryDirectory() as folder:
            result = await aoptimize(
                made, watched, model=Answers(server, rows, left),
                optimizer_model=Writer(self.writer()), budget=Budget(max_calls=calls),
                home=Path(self.home or folder),
                options=Options(track=False, max_concurrency=at_once),
            )  # fmt: skip
        best = watched.seen[0].best or result.best
        example = made.validation[0]
        return candidate_of(best.prompt.messages(example.inputs)), best.value


def create_adapter() -> Adapter:
    """What Terrarium calls; see the module for the variables.

    Raises:
        SettingsError: APO_OPTIMIZER_MODEL is not set.
    """
    model = os.environ.get("APO_OPTIMIZER_MODEL", "")
    if not model:
        raise SettingsError("Set APO_OPTIMIZER_MODEL to the model that writes prompts.")
    name = os.environ.get("APO_OPTIMIZER", "gepa")
    home = os.environ.get("APO_HOME", "")
    return Adapter(make_optimizer(name, {}), lambda: open_with(Options(), model), home)
