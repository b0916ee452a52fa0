"""The solver of a task, with the documents that it searches."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from apo.errors import PromptError, TaskError
from apo.files import TEXT, require_file
from apo.language.catalogue import message
from apo.programs.fit import require_fit
from apo.programs.program import Program
from apo.programs.react import ReAct
from apo.programs.solvers import make_solver, require_together
from apo.prompts.prompt import Prompt
from apo.scorers.solution import run_solution
from apo.taskfile.settings import TaskSettings
from apo.taskfile.wishes import inside

_FILE = re.compile(r"\S+\.(txt|md|csv|jsonl?|pdf)", re.IGNORECASE)


def solver_of(settings: TaskSettings, seed: Prompt, folder: Path, where: str) -> Program | None:
    """Make the solver that a task names.

    Raises:
        TaskError: there is none of this name, or it does not fit; the text names the task.
    """
    spec: Any = settings.solver
    given = dict(cast("Mapping[str, Any]", spec)) if isinstance(spec, Mapping) else {}
    name = str(given.pop("name", spec))
    try:
        if isinstance(given.get("documents"), str):
            given["documents"] = read_documents(folder, given["documents"])
        if "documents" in given:
            given["documents"] = _texts(given["documents"])
        korean = settings.language.split("-")[0] == "ko"
        solver = make_solver(name, given, korean=korean, run=run_solution)
        require_fit(solver, seed)
        if solver is not None:
            require_together(name, solver, seed.decoding.extra)
    except (PromptError, TaskError) as error:
        raise TaskError(f"{where}: {error}") from error
    return solver


def _texts(documents: Any) -> tuple[str, ...]:
    """The documents that a solver is given, as texts.

    Raises:
        TaskError: they are no texts, or one is the name of a file.
    """
    if not isinstance(documents, list | tuple):
        raise TaskError(
            "solver.documents must be the name of a text file in the task's folder, with blank "
            "lines between documents, or a list of texts."
        )
    texts = tuple(map(str, cast("Sequence[Any]", documents)))
    for text in texts:
        if _FILE.fullmatch(text):
            raise TaskError(
                f"solver.documents is a list with {text!r}, which would be a document's text: name "
                "one file alone, with blank lines between documents."
            )
    return texts


def read_documents(folder: Path, name: str) -> tuple[str, ...]:
    """Read a text file of documents, which blank lines set apart.

    Raises:
        TaskError: it cannot be read, lies outside of the folder, or holds none.
    """
    path = inside(folder, name, "solver.documents")
    try:
        require_file(path, TEXT)
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TaskError(f"The documents {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TaskError(f"The documents {path} are not UTF-8: save them as UTF-8.") from error
    found = tuple(part.strip() for part in re.split(r"\n\s*\n", text) if part.strip())
    if not found:
        raise TaskError(f"The file {path} holds no documents; blank lines set them apart.")
    return found


def solver_note(settings: TaskSettings, program: Program | None) -> str:
    """Say how examples are answered, where a solver does it; else ""."""
    spec: Any = settings.solver
    if program is None or spec is None:
        return ""
    name = cast("Mapping[str, Any]", spec)["name"] if isinstance(spec, Mapping) else spec
    calls = f"{program.calls} call{'s' * (program.calls > 1)}"
    note = message(f"Examples are answered by the solver {name}, with {calls} each at most.")
    if isinstance(program, ReAct) and program.documents:
        n, longest = len(program.documents), max(map(len, program.documents))
        note += message(
            f" It searches {n:,} document{'s' * (n > 1)}, and shows each whole: the longest has "
            f"{longest:,} characters."
        )
    return note
