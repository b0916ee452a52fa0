"""A task of what a DSPy user has: a module, examples and a metric."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from apo.bridges.dspy_module import DspyProgram
from apo.data.dspy_examples import roles
from apo.errors import DataError
from apo.model import Decoding
from apo.scorers.dspy_metrics import DspyMetric
from apo.scorers.function import FunctionScorer
from apo.task import Task
from apo.taskfile.load import task_from_data


def dspy_task(
    module: Any,
    data: Any,
    metric: Callable[..., Any] | None = None,
    *,
    output: str = "",
    calls: int = 0,
    adapter: Any = None,
    decoding: Decoding = Decoding(),
    name: str = "dspy",
    **settings: Any,
) -> Task:
    """Make a task that a `dspy.Module` answers; every optimizer of apo improves its predictors.

    `task.program.module(result.prompt)` is the module with what was found.

    Args:
        module: the module, such as `dspy.ChainOfThought("question -> answer")`.
        data: a list of `dspy.Example`s, whose `with_inputs` names the inputs, or a dict of such
            lists: train, validation, test. Or any other data, with `inputs` and `target`.
        metric: a metric of DSPy; by default the scorer of a task file without one.
        output: the field of the prediction that is the answer.
        calls: the most calls that one example takes; see `DspyProgram`.
        adapter: renders and reads; see `DspyProgram`.
        decoding: how the answers are drawn, where a predictor does not say.
        name: of the task.
        **settings: as for `task_from_data`: inputs, target, description, labels, scorer, split.

    Raises:
        SettingsError: DSPy is not installed.
        TaskError: the module has no predictors, or the data cannot be used.
    """
    program = DspyProgram(module, output=output, calls=calls, adapter=adapter, decoding=decoding)
    pools: Any = data
    first = (
        next(iter(cast("Mapping[str, Any]", data).values())) if isinstance(data, Mapping) else pools
    )
    inputs, target = roles(first)
    inputs, target = settings.pop("inputs", inputs), settings.pop("target", target)
    if not inputs or not target:
        raise DataError(
            "Say which fields are given: dspy.Example(…).with_inputs(…) names them and leaves one "
            "field, the target; or give inputs and target."
        )
    if metric is not None:
        function = DspyMetric(metric, program.output, str(target))
        called = getattr(metric, "__name__", type(metric).__name__)
        settings["scorer"] = FunctionScorer(function=function, name=called)
    return task_from_data(
        data, inputs=inputs, target=target, prompt=program.seed, program=program, name=name,
        **settings,
    )  # fmt: skip
