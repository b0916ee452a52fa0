"""The models of a run: opened by their names, with their prices, and bounded by a limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from apo.calls.budget import Budget
from apo.calls.call import Endpoint
from apo.calls.options import Options
from apo.errors import SettingsError
from apo.evaluation.endpoints import MAX_OUTPUT, open_judges, open_others, open_with, unbounded
from apo.model import Model
from apo.models.address import Address
from apo.models.batches.batch import BatchModel
from apo.models.batches.log import BatchLog
from apo.models.batches.terms import batch_address, batch_price
from apo.models.prices import find_price
from apo.programs.program import Program


@dataclass(frozen=True, kw_only=True)
class RunModels:
    """Whom a run asks.

    Attributes:
        task: answers examples.
        optimizer: writes prompts.
        judges: judge answers, by the name that the scorer has for each.
        others: answer steps of a program in the task model's place, by name.
        batches: where the task model is asked in batches once the run has begun; None for calls.
    """

    task: Endpoint
    optimizer: Endpoint
    judges: Mapping[str, Endpoint] = field(default_factory=dict[str, Endpoint])
    others: Mapping[str, Endpoint] = field(default_factory=dict[str, Endpoint])
    batches: Address | None = None

    @property
    def all(self) -> Sequence[Endpoint]:
        """Every one, the stand-in of the optimizer model included."""
        fallback = self.optimizer.fallback
        others = [*([fallback] if fallback else []), *self.judges.values()]
        return [self.task, self.optimizer, *others, *self.others.values()]

    def opened(self) -> list[Model]:
        """Every model, to be closed."""
        return [endpoint.model for endpoint in self.all]

    def waiting(self) -> str:
        """What a model waits for beside answers, such as its batch or its file; "" for nothing."""
        told = (str(getattr(model, "waiting", "")) for model in self.opened())
        return next(filter(None, told), "")

    def in_batches(self, folder: Path, timeout: float) -> "RunModels":
        """The same with the task model in batches, where that was asked for.

        Args:
            folder: the run's, which remembers the batches.
            timeout: seconds after which an attempt at a request is given up.
        """
        if self.batches is None:
            return self
        patient = BatchModel(self.batches, BatchLog(folder / "batches.jsonl"), timeout=timeout)
        return replace(self, task=replace(self.task, model=patient, patient=True))


def _model(given: Model) -> Model:
    """A model of the caller's own, which has what a model has."""
    if not callable(getattr(given, "complete", None)) or not hasattr(given, "name"):
        raise SettingsError(
            f"{given!r:.80} is no model: give a name such as openai/gpt-5-mini, an object with "
            "name, complete and aclose (apo.Model), or a dspy.LM as apo.DspyModel(lm)."
        )
    return given


def open_models(
    model: Model | str,
    optimizer_model: Model | str | None,
    scorer: object,
    *,
    program: Program | None = None,
    budget: Budget,
    options: Options,
) -> RunModels:
    """Open the models of a run.

    Args:
        model: answers examples: a model, or its name.
        optimizer_model: writes prompts; None for the same model.
        scorer: the task's, which may ask models of its own.
        program: the task's, which may have steps that other models answer.
        budget: of the run.
        options: of the run.

    Raises:
        SettingsError: no such model, a price that a limit needs is unknown, or no limit ends the
            run.
    """

    def opened(given: Model | str) -> Model:
        return open_with(options, given) if isinstance(given, str) else _model(given)

    def endpoint(role: str, model: Model) -> Endpoint:
        return _endpoint(role, model, budget, options)

    answers, writer = opened(model), optimizer_model
    if writer is None or writer is model or (writer, type(writer)) == (model, str):
        writer = answers
    writer = opened(writer)
    task = endpoint("task", answers)
    batches = batch_address(model) if options.batch else None
    writes = endpoint("optimizer", writer)
    if options.fallback_model is not None:
        writes = replace(writes, fallback=endpoint("fallback", opened(options.fallback_model)))
    judges = open_judges(scorer, writer, options, endpoint)
    others = open_others(program, options, endpoint)
    models = RunModels(task=task, optimizer=writes, judges=judges, others=others, batches=batches)
    _require_bounded(models, budget)
    return models


def _endpoint(role: str, model: Model, budget: Budget, options: Options) -> Endpoint:
    find = batch_price if options.batch and role == "task" else find_price
    price = find(model.name, options.prices)
    if price is None and budget.max_usd is not None:
        raise SettingsError(
            f"The price of {model.name} is unknown, so a limit in dollars cannot be kept. "
            f"State it, in dollars per million tokens: --price '{model.name}=IN,OUT'."
        )
    return Endpoint(role, model, price, MAX_OUTPUT[role], options.max_thinking)


def _require_bounded(models: RunModels, budget: Budget) -> None:
    """Make sure that a limit ends the run: it is none in dollars alone where nothing costs any."""
    if unbounded(models.all, budget):
        raise SettingsError(
            "These models cost nothing, so a limit in dollars never ends the run. "
            "Give --max-calls, --max-tokens or --max-minutes."
        )
