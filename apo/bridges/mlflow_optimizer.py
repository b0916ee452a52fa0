"""apo's optimizers in `mlflow.genai.optimize_prompts`."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apo.bridges import marks
from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.concurrency import wait
from apo.errors import USERS_ERRORS, ApoError, DataError, SettingsError, TaskError, TransportError
from apo.evaluation.endpoints import open_with
from apo.model import Completion, Message, Model, Request
from apo.prompts.files import parse_prompt
from apo.prompts.fill import VARIABLE
from apo.results.result import Result
from apo.run.optimize import DEFAULT_BUDGET, aoptimize
from apo.search.search import Optimizer
from apo.storage.folder import HOME
from apo.task import Task
from apo.taskfile.load import task_from_data
from apo.taskfile.settings import task_name

FAILED = "Failed to invoke the predict_fn with"
"""What MLflow puts in the place of an answer where the user's function failed."""
Evaluate = Callable[[dict[str, str], list[dict[str, Any]]], list[Any]]


def mlflow_optimizer(
    optimizer: Optimizer | str = "auto",
    *,
    optimizer_model: Model | str,
    settings: Mapping[str, Any] | None = None,
    budget: Budget = DEFAULT_BUDGET,
    options: Options | None = None,
    run: str | None = None,
    home: Path = HOME,
) -> Any:
    """Make an optimizer for `mlflow.genai.optimize_prompts(…, optimizer=…)`.

    MLflow's `predict_fn` answers and its scorers score; apo searches within its budget, splits
    `train_data` into train, validation and test, and hands back the prompt with its verdict: the
    seed prompt where the gain is not proven. Several prompts are improved one after the other, each
    with an even share of the limits. `results` of the optimizer holds what each run found.

    Args:
        optimizer: an optimizer of apo, or its name.
        optimizer_model: writes prompts: a model or its name, such as "openai/gpt-5".
        settings: settings of an optimizer that is given by name.
        budget: what the search may spend; each call of `predict_fn` is one call.
        options: everything else, such as concurrency.
        run: id of a run to go on with, which was stopped; of one prompt alone.
        home: folder that holds `runs/`.

    Raises:
        SettingsError: from `optimize_prompts`: no train_data or no scorers.
    """
    from apo.environment import prepare_environment

    prepare_environment()
    from mlflow.genai.optimize import BasePromptOptimizer, PromptOptimizerOutput

    options = options or Options()

    class ApoPromptOptimizer(BasePromptOptimizer):
        """Searches with apo, within a budget, and proves the gain."""

        def __init__(self) -> None:
            self.results: dict[str, Result] = {}

        def optimize(
            self,
            eval_fn: Any,
            train_data: list[dict[str, Any]],
            target_prompts: dict[str, str],
            enable_tracking: bool = True,
        ) -> Any:
            """Improve the prompts; see `mlflow_optimizer`."""
            if eval_fn is None or not train_data:
                raise SettingsError(
                    "apo proves a gain on data: give optimize_prompts train_data and scorers."
                )
            if run is not None and len(target_prompts) > 1:
                raise SettingsError("run goes on with one prompt; optimize_prompts was given more.")
            prompts = dict(target_prompts)
            for name in target_prompts:
                place = _Place(name, prompts, _distinct(train_data), eval_fn)
                self.results[name] = result = wait(search(place, len(target_prompts)))
                prompts[name] = place.template_of(result.prompt.messages())
            found = [*self.results.values()]
            return PromptOptimizerOutput(
                optimized_prompts=prompts,
                initial_eval_score=_score(found[0], "seed"),
                final_eval_score=_score(found[-1], found[-1].winner),
            )

    async def search(place: "_Place", n: int) -> Result:
        writer = optimizer_model
        opened = open_with(options, writer) if isinstance(writer, str) else writer
        return await aoptimize(
            place.task(), optimizer, settings=settings, model=_Answers(place),
            optimizer_model=_Writer(opened), budget=_share(budget, n), options=options, run=run,
            home=home,
        )  # fmt: skip

    return ApoPromptOptimizer()


def _share(budget: Budget, n: int) -> Budget:
    def part(limit: Any) -> Any:
        return (
            None if limit is None else max(1, limit // n) if isinstance(limit, int) else limit / n
        )

    return Budget(
        max_calls=part(budget.max_calls), max_tokens=part(budget.max_tokens),
        max_usd=part(budget.max_usd), max_minutes=part(budget.max_minutes),
    )  # fmt: skip


def _score(result: Result, which: str) -> float | None:
    if result.verdict is None:
        return None
    return result.verdict.best_score if which == "best" else result.verdict.seed_score


def _distinct(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with different inputs: none may be in two pools."""
    found = {json.dumps(row["inputs"], sort_keys=True, default=str): row for row in rows}
    if len(found) > marks.MAX_ROWS:
        raise DataError(f"train_data has {len(found):,} rows; apo takes {marks.MAX_ROWS:,} here.")
    return [*found.values()]


@dataclass
class _Place:
    """One of MLflow's prompts, with the rows that it is measured on.

    Attributes:
        name: of the prompt.
        prompts: all prompts as they are now, as templates.
        rows: MLflow's rows.
        evaluate: asks the user's program about rows; one call at a time.
    """

    name: str
    prompts: dict[str, str]
    rows: list[dict[str, Any]]
    evaluate: Evaluate
    fields: list[str] = field(init=False)
    chat: bool = field(init=False)

    def __post_init__(self) -> None:
        text = self.prompts[self.name]
        self.chat = text.lstrip().startswith("[")
        found = dict.fromkeys(VARIABLE.findall(text))
        self.fields = [*found] or ["input"]
        self.bare = not found

    def task(self) -> Task:
        """The task that the rows make; without variables, the row itself is the user turn."""
        value: Any = self.prompts[self.name]
        seed = parse_prompt(json.loads(value) if self.chat else value, self.fields)
        target = "target" + "_" * max(map(len, self.fields))  # No field is called so.
        rows: list[dict[str, str]] = []
        for number, row in enumerate(self.rows):
            inputs = marks.texts_of(row["inputs"])
            whole = json.dumps(inputs, ensure_ascii=False)
            shown = [inputs.get(name, whole) for name in self.fields]
            texts = [marks.marked(text, number, i) for i, text in enumerate(shown)]
            rows.append({**dict(zip(self.fields, texts, strict=True)), target: _wanted(row)})
        columns = {name: name for name in self.fields}
        return task_from_data(
            rows, inputs=columns, target=target, prompt=seed, name=task_name(f"mlflow-{self.name}"),
            scorer=marks.Carried(),
        )  # fmt: skip

    def template_of(self, messages: Sequence[Message], row: int = -1) -> str:
        """MLflow's template of messages; one that had no variables has no user turn."""
        kept = messages[:-1] if self.bare else messages
        told = [
            {"role": m.role, "content": marks.template(m.content, row, self.fields)} for m in kept
        ]
        if self.chat:
            return json.dumps(told, ensure_ascii=False)
        return "\n\n".join(message["content"] for message in told)


def _wanted(row: Mapping[str, Any]) -> str:
    """What the right answer is, for those who write prompts; a scorer of MLflow knows itself."""
    expected: Any = row.get("expectations") or {"expected_response": row.get("outputs")}
    texts = marks.texts_of(expected)
    if set(texts) == {"expected_response"}:
        return texts["expected_response"] or "-"
    return json.dumps(texts, ensure_ascii=False)


class _Answers:
    """The user's program as a model: what is asked at once about one template goes together."""

    name = "mlflow"

    def __init__(self, place: _Place) -> None:
        self._place = place
        self._asked: dict[str, list[tuple[int, asyncio.Future[Any]]]] = {}
        self._work: asyncio.Task[None] | None = None

    async def complete(self, request: Request) -> Completion:
        """Have the program answer about the row that the messages are filled with."""
        row = marks.row_of(request.messages[-1].content)
        template = self._place.template_of(request.messages, row)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(template, []).append((row, answer))
        if self._work is None:
            self._work = asyncio.ensure_future(self._ask())
        found = await answer
        output = found.outputs if isinstance(found.outputs, str) else str(found.outputs)
        if output.startswith(FAILED):
            raise TransportError(f"The predict_fn failed: {output.removeprefix(FAILED)[-300:]}")
        reasons = "\n".join(text for text in found.rationales.values() if text)
        return Completion(marks.with_score(output, found.score, reasons))

    async def _ask(self) -> None:
        await asyncio.sleep(0)  # Whatever is asked in one go comes along.
        place = self._place
        while self._asked:
            template, asked = self._asked.popitem()
            prompts = {**place.prompts, place.name: template}
            rows = [place.rows[row] for row, _ in asked]
            try:
                found: list[Any] = await asyncio.to_thread(place.evaluate, prompts, rows)
            except ApoError as error:
                found = [error] * len(asked)
            except USERS_ERRORS as error:  # Of the user's scorer: whoever asked gets it.
                told = f"MLflow could not evaluate: {type(error).__name__}: {error}"
                found = [TaskError(told)] * len(asked)
            for (_, answer), one in zip(asked, found, strict=True):
                if answer.done():
                    continue
                if isinstance(one, Exception):
                    answer.set_exception(one)
                else:
                    answer.set_result(one)
        self._work = None

    async def aclose(self) -> None:
        """Nothing is open."""


class _Writer:
    """A model that writes prompts, and is shown no marks."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.name = model.name

    async def complete(self, request: Request) -> Completion:
        """Ask about clean texts."""
        clean = tuple(Message(m.role, marks.plain(m.content)) for m in request.messages)
        return await self._model.complete(request._replace(messages=clean))

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()
