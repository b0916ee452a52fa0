"""DSPy's metrics as scorers: functions of an example, a prediction and a trace."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from apo.errors import TaskError
from apo.task import Example, Score, number


def is_dspy_metric(function: object) -> bool:
    """Whether a function is a metric of DSPy: its third argument is the trace."""
    if not callable(function) or inspect.isclass(function):
        return False
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # Of some built-in functions nothing is known.
        return False
    return len(names) > 2 and names[2] == "trace"


@dataclass(frozen=True)
class DspyMetric:
    """A metric of DSPy as a function of an answer and its example.

    The example has the input fields and the target, the prediction the answer, both under the name
    of the output field. Where several targets are accepted, the best score counts.

    Attributes:
        metric: the metric; it gives a number, a bool, or an object with score and feedback.
        output: name of the output field, as the metric reads it.
        target: another name of the target, as the data have it; "" for the same.
    """

    metric: Callable[..., Any] = field(repr=False)
    output: str = "answer"
    target: str = ""

    def __call__(self, output: str, example: Example) -> Any:
        """Score an answer.

        Raises:
            TaskError: DSPy is not installed, or the metric reads a field that is not there.
        """
        found = [self._score(output, example, target) for target in example.targets]
        return max(found, key=lambda one: one.value)

    def _score(self, output: str, example: Example, target: str) -> Score:
        if find_spec("dspy") is None:
            raise TaskError(
                "A metric of DSPy needs DSPy, which is not installed: pip install dspy-ai"
            )
        dspy: Any = import_module("dspy")
        labels = {self.output: target, self.target or self.output: target}
        row = dspy.Example(**{**labels, **example.inputs}).with_inputs(*example.inputs)
        prediction = dspy.Prediction(**{self.output: output})
        wanted = list(inspect.signature(self.metric).parameters.values())[2:]
        more = [None for one in wanted if one.default is one.empty and one.kind < one.KEYWORD_ONLY]
        try:
            result = self.metric(row, prediction, *more)
        except (AttributeError, KeyError) as error:
            raise TaskError(
                f"The metric reads a field that is not there: {error}. The inputs are "
                f"{', '.join(example.inputs)}; the target and the answer are called "
                f"{self.output!r}: set output to the name that the metric reads."
            ) from error
        return self._read(result, example)

    def _read(self, result: Any, example: Example) -> Score:
        value = number(result)
        if value is not None:
            right = value >= 1
            return Score(value, feedback="" if right else f"Expected {example.target}")
        value = number(_part(result, "score"))
        if value is None:
            raise TaskError(f"The metric gave {result!r:.100}; it must give a number, or a score.")
        return Score(value, feedback=str(_part(result, "feedback") or ""))


def _part(result: Any, name: str) -> Any:
    return result.get(name) if hasattr(result, "get") else getattr(result, name, None)
