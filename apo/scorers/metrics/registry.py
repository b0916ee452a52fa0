"""Metrics by name, and those of the user's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from apo.errors import USERS_ERRORS, TaskError, near, where
from apo.scorers.metrics.classes import F1, BalancedAccuracy, Kappa, MacroF1, OfLabels
from apo.scorers.metrics.values import CorpusBLEU, Correlation
from apo.task import Example, Metric, number
from apo.user_code import is_python_reference, load_object

SPACELESS = ("ko", "ja", "zh", "th")
"""Languages whose words carry particles or have no blanks between them: BLEU by characters."""


@dataclass(frozen=True, kw_only=True)
class FunctionMetric:
    """A user's function as a metric: `function(answers, examples)`, in [0, 1].

    Attributes:
        function: takes the answers, a list of texts, and the examples; gives the figure.
        name: what to call it in messages.
    """

    function: Callable[[list[str], list[Example]], Any] = field(repr=False)
    name: str
    by_class: bool = field(default=True, init=False)

    def __call__(
        self, answers: Sequence[str], examples: Sequence[Example], weights: Sequence[float]
    ) -> float:
        """Give the function's figure; it is not told the weights.

        Raises:
            TaskError: the function failed, or gave no number in [0, 1].
        """
        try:
            found: Any = self.function(list(answers), list(examples))
        except USERS_ERRORS as error:  # A user's function may raise anything.
            raise TaskError(
                f"The metric {self.name} failed on {len(examples)} examples{where(error)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        value = number(found)
        if value is not None and 0 <= value <= 1:
            return value
        raise TaskError(f"The metric {self.name} gave {found!r:.100}; it must be from 0 to 1.")


METRICS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "macro_f1": (MacroF1, {}),
    "f1": (F1, {}),
    "balanced_accuracy": (BalancedAccuracy, {}),
    "kappa": (Kappa, {}),
    "corpus_bleu": (CorpusBLEU, {}),
    "pearson": (Correlation, {"by": "value"}),
    "spearman": (Correlation, {"by": "rank"}),
}
"""The metrics by the names that task files use."""


def metric_name(metric: Metric | None) -> str:
    """What a metric is called in task files; "" for the mean score."""
    if metric is None or isinstance(metric, FunctionMetric):
        return "" if metric is None else metric.name
    for name, (kind, fixed) in METRICS.items():
        if type(metric) is kind and all(getattr(metric, k) == v for k, v in fixed.items()):
            return name
    return type(metric).__name__


def make_metric(
    spec: str | Mapping[str, Any],
    labels: Sequence[str] = (),
    language: str = "en",
    folder: Path = Path(),
) -> Metric:
    """Make a metric from what a task file says.

    Args:
        spec: a name such as "macro_f1", `file.py:name` for a function of the user's, or a mapping
            with the name and settings: {"name": "f1", "positive": "spam"}.
        labels: the task's.
        language: the task's; it chooses the tokenizer of corpus BLEU.
        folder: where the path of a Python file starts.

    Raises:
        TaskError: an unknown name or setting, or a task without labels where they are needed.
    """
    settings: dict[str, Any] = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = settings.pop("name", None)
    if not isinstance(name, str):
        raise TaskError('A metric needs a name, such as "macro_f1" or {name: f1, positive: spam}.')
    if is_python_reference(name):
        function: Any = load_object(name, folder)
        if not callable(function) or settings:
            raise TaskError(f"The metric {name} must be a function, and takes no settings.")
        return FunctionMetric(function=function, name=name)
    if name not in METRICS:
        raise TaskError(f"There is no metric {name!r}.{near(name, list(METRICS))}")
    kind, fixed = METRICS[name]
    given: dict[str, Any] = dict(fixed)
    known = [f.name for f in fields(kind) if f.init and f.name not in (*fixed, "labels")]
    for key in settings:
        if key not in known:
            raise TaskError(f"The metric {name} has no setting {key!r}.{near(key, known)}")
    if issubclass(kind, OfLabels):
        if not labels:
            raise TaskError(f"The metric {name} needs labels: list the allowed answers.")
        given["labels"] = tuple(labels)
    if kind is CorpusBLEU and language.split("-")[0].lower() in SPACELESS:
        given["tokenize"] = "char"
    try:
        return cast("Metric", kind(**{**given, **settings}))
    except TypeError as error:
        raise TaskError(f"The metric {name} does not take these settings: {error}.") from error
