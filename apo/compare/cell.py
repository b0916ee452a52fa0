"""One cell of the grid, run in a worker process; the process lives for many cells."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from apo.calls.options import Options
from apo.compare.data_folder import is_data_folder
from apo.compare.flag import Flag
from apo.compare.grid import Cell, read_task
from apo.compare.spending import purse_of
from apo.errors import ApoError, Interrupted, SharedBudgetExhausted
from apo.model import Model
from apo.models.absent import stand_in
from apo.results.result import Result
from apo.run.ending import conclude
from apo.run.prepare import Setup
from apo.run.wishes import remember_run
from apo.trust import FileName

LOOK = 0.2  # Seconds between two looks at whether the comparison is to stop.


@dataclass(frozen=True)
class CellOutcome:
    """How a cell ended.

    Attributes:
        state: as said; an interrupted cell, and one that could not be paid, goes on when the
            comparison is started again.
        error: why it failed or was not paid; else "".
        scores: of the seed prompt and of the best one on the test split, when finished.
    """

    state: Literal["finished", "interrupted", "unpaid", "failed"]
    error: str = ""
    scores: tuple[float, float] | None = None


def run_cell(cell: Cell, root: Path, flag: Flag | None = None) -> CellOutcome:
    """Run a cell to its end, from its start or from where it was left; nothing is raised.

    Args:
        cell: the run.
        root: the comparison's folder.
        flag: when it goes down the cell stops; one that is down before is not begun.
    """
    if flag is not None and not flag.is_up():
        return CellOutcome("interrupted")
    try:
        if not (root / "runs" / cell.id).exists():
            _create(cell, root)
        result = asyncio.run(_run(cell, root, flag))
    except SharedBudgetExhausted as over:
        return CellOutcome("unpaid", str(over))
    except Interrupted:
        return CellOutcome("interrupted")
    except ApoError as error:
        return CellOutcome("failed", f"{type(error).__name__}: {error}")
    except Exception as error:  # One cell must never end the others.
        return CellOutcome("failed", f"{type(error).__name__}: {error}")
    verdict = result.verdict
    scores = None if verdict is None else (verdict.seed_score, verdict.best_score)
    return CellOutcome("finished", "", scores)


def _create(cell: Cell, root: Path) -> None:
    """Make the run's folder under the cell's id; it appears whole or not at all."""
    folder, _ = _setup(cell, root).prepare(None, root / "new")
    named: dict[str, Any] = {"id": cell.id, "label": cell.label}
    if not is_data_folder(cell.task):  # Then `apo resume` finds the task by this name as well.
        named |= {"task_ref": cell.task, "objects": []}
    folder.update(**named)
    if not any(isinstance(name, FileName) for name in (cell.model, cell.optimizer_model)):
        remember_run(folder)
    (root / "runs").mkdir(exist_ok=True)
    folder.path.rename(root / "runs" / cell.id)


def _setup(cell: Cell, root: Path) -> Setup:
    return Setup(
        task=read_task(cell.task, root),
        optimizer=cell.optimizer,
        settings=cell.settings,
        model=_opened(cell, cell.model),
        optimizer_model=cell.optimizer_model and _opened(cell, cell.optimizer_model),
        prompt=None,
        budget=cell.budget,
        options=Options(
            seed=cell.seed,
            max_concurrency=cell.concurrency,
            prices=cell.prices,
            max_answer=cell.max_answer,
            reuse=cell.reuse,
            track=False,  # The comparison is logged as one, at its end.
        ),
    )


def _opened(cell: Cell, name: str) -> Model | str:
    """The model's name; where answers are reused and it cannot be run here, what stands for it."""
    return (cell.reuse and stand_in(name)) or name


async def _run(cell: Cell, root: Path, flag: Flag | None) -> Result:
    _, session = _setup(cell, root).prepare(cell.id, root)
    session.purse = purse_of(cell, root)
    work = asyncio.ensure_future(conclude(session))
    while not work.done():
        await asyncio.wait({work}, timeout=LOOK)
        if flag is not None and not flag.is_up():
            session.progress.stop()
    return work.result()
