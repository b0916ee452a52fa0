"""Reading the finished cells: a row of figures for each, and the course of each search."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from apo.compare.runner import Grid
from apo.prompts.prompt import Prompt
from apo.results.outcome import outcome
from apo.storage.folder import RunFolder
from apo.storage.record import BEST, read_record


@dataclass(frozen=True, kw_only=True)
class CellRow:
    """A finished cell's figures.

    Attributes:
        cell: the run's id.
        task: what tables call the task, with the model where several are compared.
        optimizer: the label of the optimizer.
        model: answers the examples.
        optimizer_model: writes prompts.
        seed: of the random streams.
        n_test: test examples with a score under both prompts.
        seed_score: of the seed prompt on them, in [0, 1].
        best_score: of the prompt that the search chose, whatever the verdict on it.
        p_value: of "there is no difference" between the two.
        favourable: whether the outcome is.
        outcome: how the run came out, in a word or two (`apo.results.outcome`).
        validation_seed: score of the seed prompt on the validation split.
        validation_best: score of the chosen prompt there; too high, as it was chosen by it.
        seed_chars: length of the seed prompt, in characters of its plain text.
        best_chars: length of the chosen one.
        calls: answered calls.
        input_tokens: tokens in.
        output_tokens: tokens out.
        usd: US dollars; None when a price is unknown.
        minutes: running time.
    """

    cell: str
    task: str
    optimizer: str
    model: str
    optimizer_model: str
    seed: int
    n_test: int
    seed_score: float
    best_score: float
    p_value: float
    favourable: bool
    outcome: str
    validation_seed: float
    validation_best: float
    seed_chars: int
    best_chars: int
    calls: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    minutes: float

    @property
    def gain(self) -> float:
        """How much the chosen prompt scores above the seed prompt."""
        return self.best_score - self.seed_score

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON values."""
        return {**asdict(self), "gain": self.gain}


@dataclass(frozen=True)
class Curve:
    """The course of one search: the best validation score so far, by calls.

    Attributes:
        row: the cell.
        calls: answered calls at each rise, ascending; the first is the seed prompt's measurement.
        scores: the best score from there on, in [0, 1].
        end: answered calls when the search measured something last; the verdict comes after it.
    """

    row: CellRow
    calls: tuple[int, ...]
    scores: tuple[float, ...]
    end: int


def collect(grid: Grid) -> list[Curve]:
    """Read all cells that are finished and have a verdict, in the order of the grid."""
    curves: list[Curve] = []
    for cell in grid.cells:
        ended = grid.outcomes.get(cell.id)
        if ended is None or ended.state != "finished":
            continue
        folder = grid.folder(cell)
        result = folder.result or {}
        if not result.get("verdict"):
            continue
        spent, verdict = result["spent"], result["verdict"]
        row = CellRow(
            cell=cell.id,
            task=cell.block,
            optimizer=cell.label,
            model=result["model"],
            optimizer_model=result["optimizer_model"],
            seed=cell.seed,
            n_test=verdict["n"],
            seed_score=verdict["seed_score"],
            best_score=verdict["best_score"],
            p_value=verdict["p_value"],
            favourable=outcome(result).favourable,
            outcome=outcome(result).kind,
            validation_seed=result["validation"]["seed"],
            validation_best=result["validation"]["best"],
            seed_chars=len(Prompt.from_dict(result["seed_prompt"]).text()),
            best_chars=len(Prompt.from_dict(result["best_prompt"]).text()),
            calls=spent["calls"],
            input_tokens=spent["input_tokens"],
            output_tokens=spent["output_tokens"],
            usd=spent["usd"],
            minutes=spent["seconds"] / 60,
        )
        curves.append(_curve(row, folder))
    return curves


def without_verdict(grid: Grid, curves: Iterable[Curve]) -> list[str]:
    """Ids of finished cells that have no verdict, because no test example has two scores."""
    known = {curve.row.cell for curve in curves}
    finished = [c.id for c in grid.cells if c.id in grid.outcomes]
    return [i for i in finished if i not in known and grid.outcomes[i].state == "finished"]


def _curve(row: CellRow, folder: RunFolder) -> Curve:
    """Read the best value so far at each measurement, and keep those that were a rise."""
    record = read_record(folder.journal_path)
    rises: list[tuple[int, float]] = []
    for point in record.curves:
        if point.key == BEST and (not rises or point.value > rises[-1][1]):
            rises.append((point.step, point.value))
    calls, scores = zip(*rises, strict=True) if rises else ((), ())
    return Curve(row, tuple(calls), tuple(scores), record.calls)
