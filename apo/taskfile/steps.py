"""The program of a task: its steps, each with a prompt and, where it says so, a model."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from apo.errors import PromptError, TaskError
from apo.model import Decoding
from apo.programs.chain import Chain
from apo.programs.fit import require_fit
from apo.programs.function import FunctionProgram, require_coroutine
from apo.programs.program import Program
from apo.prompts.beside import Beside
from apo.prompts.files import default_template, parse_step, put_beside
from apo.prompts.prompt import Prompt
from apo.prompts.prompt_set import PromptSet
from apo.taskfile.settings import TaskSettings
from apo.taskfile.solver import solver_of
from apo.user_code import load_object


def read_steps(settings: TaskSettings) -> PromptSet:
    """Read the prompt of each step.

    A step without a user turn of its own is given the answer of the step before it, the first one
    the task's inputs. Images and the conversation go with the steps that name them, as `images`
    and `history`, and what none names goes with the first.

    Raises:
        PromptError: one is not usable; the text says which.
    """
    found: dict[str, Prompt] = {}
    beside, fields = settings.beside, tuple(settings.inputs)
    template = default_template(beside.texts(fields))
    for name, given in settings.steps.items():
        value: Any = given
        if isinstance(given, Mapping):
            value = {k: v for k, v in cast("Mapping[str, Any]", given).items() if k != "model"}
        try:
            made = parse_step(value, (*fields, *found), template)
            made = replace(put_beside(made, beside), images=made.images, history=made.history)
        except PromptError as error:
            raise PromptError(f"steps.{name}: {error}") from error
        if settings.decoding is not None:
            made = replace(made, decoding=Decoding.from_dict(settings.decoding))
        found[name] = made
        template = default_template((name,))
    return PromptSet.of(_shown(found, beside))


def _shown(steps: Mapping[str, Prompt], beside: Beside) -> dict[str, Prompt]:
    """The steps, the first with the images and the conversation that none shows."""
    named = {name for step in steps.values() for name in (*step.images, step.history)}
    name, first = next(iter(steps.items()))
    left = tuple(image for image in beside.images if image not in named)
    history = first.history or ("" if beside.history in named else beside.history)
    return {**steps, name: replace(first, images=(*first.images, *left), history=history)}


def with_own_prompts(
    settings: TaskSettings, prompt: Prompt | None, folder: Path, where: str
) -> tuple[TaskSettings, Prompt | None]:
    """The prompts of a program that brings some (`seed`), where the settings give none.

    Raises:
        TaskError: it brings none, or its file fails.
    """
    given: Any = settings.program
    if given is None or prompt is not None or settings.prompt is not None or settings.steps:
        return settings, prompt
    if isinstance(given, str):
        given = load_object(given, folder)
    own = getattr(given, "seed", None)
    if not (isinstance(given, Program) and isinstance(own, Prompt)):
        raise TaskError(
            f"{where}: the program brings no prompts: give steps, with a prompt each. A "
            "dspy.Module brings some as apo.DspyProgram(module)."
        )
    return settings.model_copy(update={"program": given}), own


def make_program(settings: TaskSettings, seed: Prompt, folder: Path, where: str) -> Program | None:
    """Make what answers an example; None where the prompt is sent as it is.

    Args:
        settings: the task's.
        seed: its seed prompt, or those of its steps.
        folder: where the path of a program's Python file starts.
        where: opens the messages.

    Raises:
        TaskError: the program is no coroutine function, or its steps do not fit together.
    """
    steps, models = tuple(seed.steps), step_models(settings)
    program: Program
    if settings.solver is not None:
        return solver_of(settings, seed, folder, where)
    if settings.program is not None:
        given: Any = settings.program
        name = given if isinstance(given, str) else getattr(given, "__name__", repr(given))
        if isinstance(given, str):
            given = load_object(given, folder)
        if isinstance(given, Program) and not isinstance(given, type):
            program = given
        else:
            program = FunctionProgram(
                function=require_coroutine(given, name),
                name=name,
                steps=steps,
                calls=settings.calls or len(steps),
                models=models,
            )
    elif steps == ("",):
        return None
    else:
        program = Chain(steps=steps, models=models)
    try:
        require_fit(program, seed, tuple(settings.inputs))
    except PromptError as error:
        raise TaskError(f"{where}: {error}") from error
    return program


def step_models(settings: TaskSettings) -> dict[str, str]:
    """The model of each step that names one."""
    return {
        name: cast("Mapping[str, Any]", given)["model"]
        for name, given in settings.steps.items()
        if isinstance(given, Mapping) and "model" in given
    }
