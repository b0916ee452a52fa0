"""The solvers by name: how one prompt is run on an example."""

from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import fields
from typing import Any

from apo.errors import TaskError, near
from apo.programs.program import Program
from apo.programs.program_aided import ProgramAided
from apo.programs.react import ReAct
from apo.programs.reasoning import ChainOfThought, SelfConsistency
from apo.programs.two_calls import Decomposition, GeneratedKnowledge

DIRECT = "direct"
Run = Callable[[str], Awaitable[str]]
SOLVERS: dict[str, Callable[..., Program]] = {
    "chain-of-thought": ChainOfThought,
    "self-consistency": SelfConsistency,
    "generated-knowledge": GeneratedKnowledge,
    "decomposition": Decomposition,
    "react": ReAct,
    "program-aided": ProgramAided,
}
"""Each class by the name that a task file gives; direct, one call with the prompt, needs none."""


def make_solver(
    name: str, given: Mapping[str, Any], *, korean: bool, run: Run | None = None
) -> Program | None:
    """Make a solver; None for direct.

    Args:
        name: in `SOLVERS`, or direct.
        given: its settings.
        korean: whether it asks in Korean.
        run: runs what a program-aided model writes.

    Raises:
        TaskError: no such solver or setting, or a value out of its range.
    """
    if name == DIRECT and not given:
        return None
    known = [DIRECT, *SOLVERS]
    if name not in SOLVERS:
        raise TaskError(f"There is no solver {name!r}.{near(name, known)}")
    kind: Any = SOLVERS[name]
    settings = [f.name for f in fields(kind) if f.init and f.name not in ("korean", "run")]
    for key in given:
        if not settings:
            raise TaskError(f"The solver {name} has no settings; leave out {key}.")
        if key not in settings:
            raise TaskError(f"The solver {name} has no setting {key!r}.{near(key, settings)}")
    beside: dict[str, Any] = {"korean": korean}
    if kind is ProgramAided:
        beside["run"] = run
    defaults = kind(**beside)
    for key, value in given.items():
        _require_kind(f"{name}.{key}", value, getattr(defaults, key))
    solver: Program = kind(**given, **beside)
    return solver


def require_together(name: str, solver: Program, extra: Container[str]) -> None:
    """Make sure that a solver can go with the tools and the form of answers of its prompt.

    Raises:
        TaskError: it cannot; the text says what does.
    """
    acts = isinstance(solver, ReAct | ProgramAided)
    if acts and "tools" in extra:
        raise TaskError(
            f"The solver {name} has the model act in words of its own, and not by calls of tools: "
            "leave out tools, or take the solver chain-of-thought."
        )
    reasons = isinstance(solver, ChainOfThought | Decomposition) or getattr(solver, "reason", False)
    if (acts or reasons) and "response_format" in extra:
        raise TaskError(
            f"The solver {name} has the model write more than its answer, and output_schema lets "
            "it write nothing else: give the schema a first field for reasons and leave out the "
            "solver, or take generated-knowledge."
        )


def writes_more(program: Program | None) -> bool:
    """Whether a solver has the model write more than the answer in some call."""
    more = ChainOfThought | Decomposition | GeneratedKnowledge | ProgramAided | ReAct
    return isinstance(program, more) or (isinstance(program, SelfConsistency) and program.reason)


def _require_kind(where: str, value: object, default: object) -> None:
    kinds: dict[type[object], tuple[type[object], ...]] = {float: (int, float)}
    if type(value) not in kinds.get(type(default), (type(default),)):
        raise TaskError(f"The solver's setting {where} is {value!r:.80}; such as {default!r} fits.")
