"""MLflow's scorers and judges as scorers of apo; MLflow is loaded only where there is one."""

import asyncio
import inspect
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import mean
from typing import Any, cast

from apo.errors import USERS_ERRORS, ModelUnavailable, TaskError
from apo.reading.answers import quote
from apo.scorers.awaited import Ask, Ungraded
from apo.scorers.mlflow_judges import PLACE, Ended, Place, model_of
from apo.task import Example, Score

RATINGS = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "pass": 1.0, "fail": 0.0}
"""What a word is worth; MLflow's built-in judges say yes, no or unknown."""
NOT_GIVEN = ("trace", "session")
"""What apo has not, and some scorers ask for."""


def is_mlflow(thing: object) -> bool:
    """Whether a thing is a scorer or judge of MLflow."""
    base = sys.modules.get("mlflow.genai.scorers.base")  # Whoever made one has loaded it.
    return base is not None and isinstance(thing, base.Scorer)


@dataclass(frozen=True, kw_only=True)
class MlflowScorer:
    """A scorer of MLflow: of the decorator `@scorer`, built in, or a judge of `make_judge`.

    It is given inputs (the example's fields by name), outputs (the answer) and expectations:
    `expected_response` is the target, and `accepted_responses` all of them where there are several.
    It runs in a thread. Yes and no, true and false, and numbers from lowest to highest become a
    score from 0 to 1; of several assessments it is their mean. The rationale is the feedback.

    A judge's model is asked by apo, within the budget and the journal, where its name is one that
    apo can open; where it is MLflow's or Databricks' own, the judge asks it itself.

    Attributes:
        scorer: the scorer.
        name: what to call it in messages.
        lowest: the number that scores 0.
        highest: the number that scores 1.
    """

    scorer: Any = field(repr=False)
    name: str
    lowest: float = 0.0
    highest: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (("lowest", self.lowest), ("highest", self.highest)):
            if isinstance(value, bool) or not isinstance(cast("object", value), int | float):
                raise TaskError(f"The setting {self.name}.{name} is {value!r:.80}, not a number.")
        if not self.lowest < self.highest:
            raise TaskError(
                f"The scorer {self.name} grades from {self.lowest:g} to {self.highest:g}; lowest "
                "must be below highest."
            )
        for missing in NOT_GIVEN:
            if self._needs(missing):
                raise TaskError(
                    f"The MLflow scorer {self.name} needs a {missing}. apo has none: it can use "
                    "scorers of inputs, outputs and expectations."
                )

    def _needs(self, name: str) -> bool:
        if name == "session" and self.scorer.is_session_level_scorer:
            return True
        variables = getattr(self.scorer, "template_variables", ())
        wanted = inspect.signature(self.scorer.__call__).parameters.get(name)
        return name in variables or (wanted is not None and wanted.default is wanted.empty)

    @cached_property
    def _judges(self) -> bool:
        from mlflow.genai.judges.base import Judge

        return isinstance(self.scorer, Judge)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The model of a judge, by apo's name; () where none is asked, or MLflow asks it."""
        return tuple(filter(None, [model_of(self.scorer)])) if self._judges else ()

    @property
    def n_calls(self) -> int:
        """The most calls that apo makes for one answer."""
        return len(self.models)

    @property
    def note(self) -> str:
        """What people must know of it before a run; "" for a scorer that asks no model itself."""
        if not self._judges or self.models:
            return ""
        model = getattr(self.scorer, "model", None) or "MLflow's default model"
        return (
            f"The scorer {self.name} is a judge of MLflow and asks {model} itself: apo neither "
            "counts nor limits these calls, and a resumed run makes them again."
        )

    async def score(self, output: str, example: Example, ask: Ask) -> Score:
        """Score an answer in a thread; what a judge asks comes back to be asked here.

        Raises:
            Ungraded: it gave no value, or one with an error.
            ModelUnavailable: a judge of MLflow failed.
            TaskError: it failed, or gave a value that is no score.
        """
        if not self.models:
            return self._read(await asyncio.to_thread(self._run, output, example), example)
        place = Place(ask, asyncio.get_running_loop(), self.models[0])
        before = PLACE.set(place)  # The thread has it in its context.
        try:
            found = await asyncio.to_thread(self._run, output, example)
        except Ended:
            raise place.error or Ungraded(f"The judge {self.name} gave no answer.") from None
        finally:
            PLACE.reset(before)
        return self._read(found, example)

    def _run(self, output: str, example: Example) -> Any:
        expectations: dict[str, Any] = {"expected_response": example.target}
        if len(example.targets) > 1:
            expectations["accepted_responses"] = [*example.targets]
        inputs = dict(example.inputs)
        try:
            return self.scorer.run(inputs=inputs, outputs=output, expectations=expectations)
        except USERS_ERRORS as error:  # A user's function may raise anything.
            said = f"{type(error).__name__}: {error}"
            if self.models:
                raise Ungraded(f"The MLflow judge {self.name} gave no grade: {said}") from error
            if self.note:
                raise ModelUnavailable(f"The MLflow judge {self.name} failed: {said}") from error
            raise TaskError(
                f"The MLflow scorer {self.name} failed on example {example.id}: {said}"
            ) from error

    def _read(self, found: Any, example: Example) -> Score:
        given: object = found
        if not isinstance(given, list):
            value, reason = self._value(found, example)
            return Score(value, True, "" if value >= 1 else reason)
        several = cast("Sequence[Any]", given)
        if not several:
            raise Ungraded(f"The MLflow scorer {self.name} gave no assessment.")
        read = {str(one.name): self._value(one, example) for one in several}
        wanting = [f"{name}: {reason}" for name, (value, reason) in read.items() if value < 1]
        parts = {name: value for name, (value, _) in read.items()}
        return Score(mean(parts.values()), True, "\n".join(wanting), parts)

    def _value(self, found: Any, example: Example) -> tuple[float, str]:
        """The score of one assessment, and what it finds wanting."""
        reason = f"Expected {quote(example.target)}."
        if hasattr(found, "rationale"):
            if found.error is not None:
                said = getattr(found.error, "error_message", None) or found.error
                raise Ungraded(f"The MLflow scorer {self.name} gave an error: {said}")
            found, reason = found.value, found.rationale or reason
        if found is None or (isinstance(found, str) and found.strip().lower() == "unknown"):
            raise Ungraded(f"The MLflow scorer {self.name} gave no value.")
        if isinstance(found, bool):
            return float(found), reason
        if isinstance(found, str) and found.strip().lower() in RATINGS:
            return RATINGS[found.strip().lower()], reason
        low, high = self.lowest, self.highest
        if isinstance(found, int | float) and math.isfinite(found) and low <= found <= high:
            return (found - low) / (high - low), reason
        raise TaskError(
            f"The MLflow scorer {self.name} gave {found!r:.100} on example {example.id}; it must "
            f"give yes or no, true or false, or a number from {low:g} to {high:g}. Other numbers: "
            f"scorer: {{name: {self.name}, lowest: 1, highest: 5}}."
        )
