"""One of DSPy's optimizers at work in a search of apo."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apo.bridges.dspy_door import Door
from apo.bridges.dspy_engine import dspy_module, language_model, no_answer
from apo.bridges.dspy_program import Program
from apo.bridges.dspy_search import Measured, Solved
from apo.errors import ModelError
from apo.model import Completion, Request
from apo.search.search import Search

RESTARTS = 3
"""How often DSPy begins again after a reply of the optimizer model that it could not read."""


@dataclass(frozen=True, kw_only=True)
class Student:
    """What DSPy's optimizers are given.

    Attributes:
        dspy: the module.
        program: a `dspy.Module` of one predictor, as the seed prompt is.
        train: the train split, as `dspy.Example`s.
        validation: the validation split.
        metric: the task's scorer, from 0 to 1.
        metric_with_feedback: the same with what the scorer says is missing, for GEPA.
        writer: the optimizer model.
        seed: for DSPy's own draws, from 1; it follows from the run's.
        calls_left: how many calls may still be made.
    """

    dspy: Any
    program: Any
    train: Sequence[Any]
    validation: Sequence[Any]
    metric: Callable[..., Any]
    metric_with_feedback: Callable[..., Any]
    writer: Any
    seed: int
    calls_left: float


async def run(search: Search, name: str, optimize: Callable[[Student], Any]) -> None:
    """Let one of DSPy's optimizers search; the prompt that it chooses is measured like any other.

    Args:
        search: the search.
        name: of the optimizer.
        optimize: has DSPy optimize the student, and gives the compiled program.

    Raises:
        SettingsError: DSPy is not installed.
        BudgetExhausted: a call would overspend.
    """
    dspy, door = dspy_module(name), Door()
    program = Program(dspy, search.seed_prompts[0], search.task.input_fields)
    measured = Measured(search, program, name, door)
    student = _student(search, measured, dspy)
    settings = {
        "lm": student.writer,
        "adapter": _adapter(dspy, measured),
        "callbacks": [_watch(dspy, measured)],
        "num_threads": 1,  # One after the other: the same calls whatever the timing.
        "disable_history": True,
    }

    def work() -> Any:
        with dspy.context(**settings):
            return _compiled(student, optimize)

    try:
        best = (await door.run(work)).answer
        await measured.whole(program.prompt(best.signature, best.demos))
    except Solved:
        return
    except dspy.utils.exceptions.LMError as error:
        raise search.unreadable(f"the optimizer model refused what DSPy asks: {error}.") from error
    except dspy.utils.exceptions.AdapterParseError as error:
        raise search.unreadable(
            f"{RESTARTS + 1} times DSPy could not read what the optimizer model wrote. Another "
            "model may keep to DSPy's forms: name one by --optimizer-model."
        ) from error


def _compiled(student: Student, optimize: Callable[[Student], Any]) -> Any:
    for _ in range(RESTARTS):
        try:
            return optimize(student)
        except student.dspy.utils.exceptions.AdapterParseError:
            continue
    return optimize(student)


def _student(search: Search, measured: Measured, dspy: Any) -> Student:
    program = measured.program

    def write(request: Request) -> Completion:
        found = measured.ask(request)
        if isinstance(found, ModelError):
            raise no_answer(dspy, found)
        return found

    def metric(row: Any, prediction: Any, trace: Any = None) -> float:
        return measured.score(row, prediction[program.output]).value

    def metric_with_feedback(
        row: Any, prediction: Any, trace: Any = None, name: Any = None, own_trace: Any = None
    ) -> Any:
        score = measured.score(row, prediction[program.output])
        return dspy.Prediction(score=score.value, feedback=score.feedback or None)

    return Student(
        dspy=dspy,
        program=program.student,
        train=[program.row(example) for example in search.task.train],
        validation=[program.row(example) for example in search.task.validation],
        metric=metric,
        metric_with_feedback=metric_with_feedback,
        writer=language_model(dspy, "optimizer", write, temperature=1.0),
        seed=search.rng.randrange(1, 2**31),
        calls_left=search.calls_left,
    )


def _adapter(dspy: Any, measured: Measured) -> Any:
    """What sends predictors' calls: the student's through the search, others as DSPy has it."""
    kind: Any = dspy.ChatAdapter

    class Adapter(kind):  # type: ignore[misc]
        def __call__(
            self, lm: Any, lm_kwargs: Any, signature: Any, demos: Any, inputs: Mapping[str, Any]
        ) -> Any:
            program = measured.program
            if not program.owns(signature):
                return kind.__call__(self, lm, lm_kwargs, signature, demos, inputs)
            options = {**lm.kwargs, **lm_kwargs}
            # DSPy marks a fresh draw with an id, past its own cache.
            drawn = None if options.get("rollout_id") is None else options["temperature"]
            prompt = program.prompt(signature, demos)
            return [{program.output: measured.answer(prompt, inputs, drawn)}]

    return Adapter()


def _watch(dspy: Any, measured: Measured) -> Any:
    """What is told of DSPy's evaluations: each is measured at once before DSPy walks through it."""
    from dspy.utils.callback import BaseCallback  # type: ignore[import-untyped]

    kind: Any = BaseCallback

    class Watch(kind):  # type: ignore[misc]
        def on_evaluate_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
            answer = inputs["program"].answer
            rows = instance.devset if inputs["devset"] is None else inputs["devset"]
            measured.batch(measured.program.prompt(answer.signature, answer.demos), rows)

    return Watch()
