"""Scorers of apo in `mlflow.genai.evaluate`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from apo.errors import TaskError
from apo.scorers.awaited import AwaitedScorer, judges_of
from apo.task import Example, Score, Scorer


def to_mlflow(
    scorer: Callable[..., Any] | AwaitedScorer | str | Mapping[str, Any],
    *,
    name: str = "",
    labels: Sequence[str] = (),
    judge_model: str | None = None,
) -> Any:
    """Make a scorer of MLflow of one of apo's, for `mlflow.genai.evaluate`.

    The data's `inputs` become the example's fields, `expectations` must hold `expected_response`: a
    text, or a list of accepted ones. The score is the feedback's value, what is wanting its
    rationale, and the points of parts are its metadata.

    Args:
        scorer: a scorer, such as a task's, or what `scorer` in a task file may be.
        name: what MLflow calls it; by default the scorer's own name.
        labels: allowed answers, for a scorer that is given by name and needs them.
        judge_model: name of the model that judges, for a scorer that asks one and names none.

    Raises:
        TaskError: there is no such scorer, or it needs a judge and none is named.
    """
    from apo.environment import prepare_environment
    from apo.scorers.registry import make_scorer, scorer_of

    prepare_environment()
    from mlflow.genai.scorers import scorer as decorate

    called = name or _name_of(scorer)
    named = isinstance(scorer, str | Mapping)
    given: Any = scorer
    made: Scorer | AwaitedScorer = make_scorer(given, labels) if named else scorer_of(given, called)
    if isinstance(made, AwaitedScorer) and "" in judges_of(made) and not judge_model:
        raise TaskError(f"The scorer {called} asks a judge: give judge_model, its model's name.")

    def score(inputs: Any, outputs: Any, expectations: Any) -> Any:
        return _assessed(made, _example(inputs, expectations, called), str(outputs), judge_model)

    return decorate(score, name=called)


def _name_of(scorer: object) -> str:
    if isinstance(scorer, Mapping):
        scorer = cast("Mapping[str, Any]", scorer).get("name", "scorer")
    if isinstance(scorer, str):
        return scorer
    return str(
        getattr(scorer, "name", "") or getattr(scorer, "__name__", "") or type(scorer).__name__
    )


def _example(inputs: Any, expectations: Any, name: str) -> Example:
    wanted: object = cast("dict[str, Any]", expectations or {}).get("expected_response")
    targets = tuple(cast("Sequence[Any]", wanted)) if isinstance(wanted, list) else (wanted,)
    if not targets or not all(isinstance(target, str) for target in targets):
        raise TaskError(
            f"The scorer {name} needs the right answer: expectations with expected_response, a "
            f"text or a list of texts, not {wanted!r:.80}."
        )
    given: object = inputs
    fields = cast("Mapping[Any, Any]", given) if isinstance(given, dict) else {"input": given}
    return Example(
        {str(key): str(value) for key, value in fields.items()}, cast("tuple[str, ...]", targets)
    )


def _assessed(
    scorer: Scorer | AwaitedScorer, example: Example, output: str, judge_model: str | None
) -> Any:
    from mlflow.entities import Feedback

    if isinstance(scorer, AwaitedScorer):
        from apo.concurrency import wait

        found = wait(_awaited(scorer, example, output, judge_model))
    else:
        found = scorer(output, example)
    points = {part: f"{value:g}" for part, value in found.parts.items()}
    return Feedback(value=found.value, rationale=found.feedback or None, metadata=points or None)


async def _awaited(
    scorer: AwaitedScorer, example: Example, output: str, judge_model: str | None
) -> Score:
    from apo.calls.options import Options
    from apo.evaluation.measure import put
    from apo.evaluation.outside import open_caller

    async with open_caller((), scorer, options=Options(judge_model=judge_model)) as (caller, _):
        return await scorer.score(output, example, partial(put, caller))
