"""From settings and sources to a task: prompt, scorer and pools, all checked."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from apo.data.examples import Columns
from apo.data.pools import Pools
from apo.data.sniff import TextFormat
from apo.data.stored import read_pools
from apo.errors import DataError, PromptError, TaskError
from apo.model import Decoding
from apo.prompts.files import check_variables, parse_prompt, put_beside
from apo.prompts.prompt import Prompt
from apo.prompts.rules import Rules, require_kept
from apo.scorers.awaited import AwaitedScorer
from apo.scorers.function import FunctionScorer
from apo.scorers.label_set import LabelSet
from apo.scorers.metrics.classes import OfLabels
from apo.scorers.metrics.registry import METRICS, FunctionMetric, make_metric, metric_name
from apo.scorers.registry import make_scorer, reads_lists, scorer_of
from apo.task import Example, Metric, Scorer, Task
from apo.taskfile.beside import looked_at
from apo.taskfile.output_schema import with_schema
from apo.taskfile.settings import TaskSettings
from apo.taskfile.solver import solver_note
from apo.taskfile.steps import make_program, read_steps, with_own_prompts
from apo.taskfile.tools import NOTE, with_tools

T = TypeVar("T")


def build_task(
    settings: TaskSettings,
    sources: Mapping[str, Any],
    prompt: Prompt | None,
    folder: Path,
    where: str,
    memory: Path | None,
    seed: int,
    text: TextFormat,
) -> Task:
    """Make a task of its settings and the sources of its rows.

    Args:
        settings: the keys of a task file.
        sources: what `apo.data.rows.read_rows` takes, by pool; or one source under another name.
        prompt: the seed prompt, where it is not in the settings.
        folder: where the path of a scorer's Python file starts.
        where: opens the messages.
        memory: folder where splits are remembered.
        seed: of the split, where the settings have none.
        text: how text files are written.

    Raises:
        TaskError: something is not usable.
    """
    settings, prompt = with_own_prompts(settings, prompt, folder, where)
    seed_prompt = _seed_prompt(settings, prompt, folder, where)
    contract = _contract(settings, seed_prompt, where)
    program = make_program(settings, seed_prompt, folder, where)
    scorer = _scorer(settings, folder, where)
    metric = _metric(settings, folder, where)
    _require_fitting(metric, scorer, where)
    split = settings.split.split(seed)
    columns = _columns(settings, split.column, scorer)
    try:
        pools = read_pools(
            sources, columns, split, memory, settings.name, text.encoding, text.delimiter
        )
        pools = looked_at(pools, settings.beside, folder)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    _require_judgeable(pools, scorer, where)
    return Task(
        name=settings.name,
        program=program,
        scorer=scorer,
        metric=metric,
        seed_prompts=(seed_prompt,),
        train=pools.train,
        validation=pools.validation,
        test=pools.test,
        description=settings.description.strip(),
        language=settings.language,
        input_fields=tuple(settings.inputs),
        labels=settings.labels,
        contract=contract,
        notes=(
            *pools.notes,
            *filter(None, [getattr(scorer, "note", ""), solver_note(settings, program)]),
            *([] if settings.tools is None else [NOTE]),
        ),
        warnings=pools.warnings,
    )


def _columns(settings: TaskSettings, split: str | None, scorer: Scorer) -> Columns:
    return Columns(
        inputs=settings.inputs,
        targets=settings.target,
        labels=settings.labels,
        split=split,
        whole_lists=reads_lists(scorer),
        slices=settings.slices,
        must_pass=settings.must_pass,
        group=settings.group,
    )


def _require_fitting(metric: Metric | None, scorer: Scorer, where: str) -> None:
    if isinstance(metric, OfLabels) and isinstance(scorer, LabelSet):
        raise TaskError(
            f"{where}: the metric {metric_name(metric)} is of answers with one label each, and the "
            "scorer label_set reads several. Leave metric out: the mean of the sets' F1 is judged."
        )


def usable_prompt(where: str, make: Callable[[], T]) -> T:
    """Make a prompt; where it cannot be made, the error is one of the task.

    Raises:
        TaskError: with the reason, after `where`.
    """
    try:
        return make()
    except PromptError as error:
        raise TaskError(f"{where}: {error}") from error


def _seed_prompt(settings: TaskSettings, prompt: Prompt | None, folder: Path, where: str) -> Prompt:
    fields = tuple(settings.inputs)

    def make() -> Prompt:
        if settings.steps and prompt is None:
            return formed(read_steps(settings))
        beside = settings.beside
        made = prompt or parse_prompt(settings.prompt, fields, settings.template, beside)
        made = put_beside(made, beside)
        check_variables(made, fields)
        if settings.template is not None and made.template != settings.template:
            raise PromptError(
                "template is given, but the prompt brings a user turn of its own; leave one out."
            )
        if settings.decoding is not None:
            drawn = Decoding.from_dict(settings.decoding)
            steps = {name: replace(step, decoding=drawn) for name, step in made.steps.items()}
            made = made.with_steps(steps)
        return formed(made)

    def formed(made: Prompt) -> Prompt:
        if settings.tools is not None:
            made = with_tools(made, settings.tools, folder)
        if settings.output_schema is None:
            return made
        return with_schema(made, settings.output_schema, folder, settings.language)

    return usable_prompt(where, make)


def _contract(settings: TaskSettings, seed: Prompt, where: str) -> Rules | None:
    if settings.contract is None:
        return None
    try:
        rules = settings.contract.rules()
    except TaskError as error:
        raise TaskError(f"{where}: {error}") from error
    require_kept(rules, (seed,), where)
    return rules


def _scorer(settings: TaskSettings, folder: Path, where: str) -> Scorer:
    spec = settings.scorer or ("choice" if settings.labels else "exact")
    try:
        if not isinstance(spec, str | Mapping):
            return scorer_of(spec, getattr(spec, "__name__", type(spec).__name__))
        return make_scorer(cast("str | Mapping[str, Any]", spec), settings.labels, folder)
    except TaskError as error:
        raise TaskError(f"{where}: {error}") from error


def _metric(settings: TaskSettings, folder: Path, where: str) -> Metric | None:
    spec = settings.metric
    if spec is None:
        return None
    if callable(spec):
        if type(spec) in {kind for kind, _ in METRICS.values()} or isinstance(spec, FunctionMetric):
            return cast("Metric", spec)
        name = getattr(spec, "__name__", type(spec).__name__)
        return FunctionMetric(function=cast("Any", spec), name=name)
    try:
        return make_metric(spec, settings.labels, settings.language, folder)
    except TaskError as error:
        raise TaskError(f"{where}: {error}") from error


def _require_judgeable(pools: Pools, scorer: Scorer, where: str) -> None:
    """Make sure that apo's own scorers can read the targets: a target is its own best answer."""
    for example in (*pools.train, *pools.validation, *pools.test):
        if not judgeable(example, scorer):
            feedback = scorer(example.target, example).feedback
            raise DataError(_unjudgeable(example, scorer, where, feedback))


def judgeable(example: Example, scorer: Scorer) -> bool:
    """Whether a target scores 1 when it is given as the answer."""
    if isinstance(scorer, FunctionScorer | AwaitedScorer):
        return True  # It may be slow, or have another idea of a target; `apo check` asks it.
    return scorer(example.target, example).value >= 1


def _unjudgeable(example: Example, scorer: Scorer, where: str, feedback: str) -> str:
    shown = " | ".join(example.inputs.values())
    return (
        f"{where}: the scorer {type(scorer).__name__} cannot judge the target {example.target!r} "
        f"of the input {shown[:80]!r}: given as the answer it does not score 1 ({feedback}) "
        "Choose another scorer, or mend the target."
    )
