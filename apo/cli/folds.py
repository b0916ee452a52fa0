"""A result of runs on folds as people read it, and when folds are worth a try."""

from pathlib import Path
from typing import Any

from rich.table import Table

from apo.cli.console import percent, say, tell, tell_framed
from apo.cli.prompts import shortened
from apo.cli.report import next_steps, report, spent_line, tell_outcome, titled
from apo.data.folds import FEW_ROWS
from apo.prompts.prompt import Prompt
from apo.results.outcome import Outcome, outcome
from apo.results.words import scope
from apo.storage.folder import find_run
from apo.storage.shapes import NUMBER, require

_OR_NONE = (*NUMBER, type(None))
_PROCEDURE = {"folds": int, "rows": int, "tested": int, "spread": _OR_NONE, "by_fold": list}
_FIGURES = ("seed_score", "best_score", "difference", "wins", "losses")
_FOLD = {"run_id": str, "n": int, "found": bool, **dict.fromkeys(_FIGURES, _OR_NONE)}


def report_any(result: dict[str, Any]) -> None:
    """Tell the result of a run, or of runs on folds."""
    report_folds(result) if "procedure" in result else report(result)


def report_folds(result: dict[str, Any]) -> None:
    """Tell a result of runs on folds: the verdict on the search, each fold, the prompt to use."""
    procedure, run, spent = result["procedure"], result["run_id"], result["spent"]
    where = f"the result of {run}: procedure"
    require(procedure, _PROCEDURE, where)
    for fold in procedure["by_fold"]:
        require(fold, _FOLD, f"{where}: by_fold")
    tell()
    found = outcome(result)
    tell_outcome(found, result["verdict"] or {}, run)
    _tell_more(found, result["verdict"])
    tell(scope(procedure))
    tell(_table(procedure, result["verdict"] or {}))
    if procedure["spread"] is not None:
        tell(
            f"The folds' gains have a standard deviation of {100 * procedure['spread']:.1f} "
            "points. Interval and p allow for the rows that the searches share."
        )
    notes: list[str] = result.get("notes") or []
    for note in notes:
        tell(note, "yellow")
    judge: dict[str, Any] = result.get("judge") or {}
    if judge.get("told"):
        tell(judge["told"], "yellow" if judge["warning"] else "")
    seed, best = (Prompt.from_dict(result[name]) for name in ("seed_prompt", "best_prompt"))
    if best == seed:
        tell("The last run, on all rows, found nothing better than the seed prompt.", "yellow")
    else:
        shown = shortened(best, f"apo export {run} --best")
        tell_framed(shown, titled(found))
    tell(spent_line(spent))
    mlflow: dict[str, Any] = result["mlflow"]
    if mlflow.get("complete"):
        tell(f"MLflow: run {mlflow['run_id']} at {mlflow.get('url') or mlflow.get('tracking_uri')}")
    elif mlflow.get("problem"):
        tell(f"MLflow: {mlflow['problem']}", "yellow")
    next_steps(run, logged=bool(mlflow))


def _tell_more(found: Outcome, verdict: dict[str, Any] | None) -> None:
    if found.favourable:
        tell("The verdict is on this search, which finds better prompts than the seed.")
    counts = [verdict[f"{name}_counts"] for name in ("seed", "best")] if verdict else []
    both = [count.get("refused", 0) for count in counts]
    if any(both):
        tell(f"Refused requests, which score 0: {both[0]} of the seed's, {both[1]} of the best's.")


def _table(procedure: dict[str, Any], verdict: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("", "rows", "seed", "best", "gain", "won", "lost"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for i, fold in enumerate(procedure["by_fold"], 1):
        table.add_row(*_cells(f"fold {i}", fold), "" if fold["found"] else "nothing found")
    if verdict:
        table.add_row(*_cells("all", verdict), style="bold")
    return table


def _cells(name: str, figures: dict[str, Any]) -> list[str]:
    gain = figures["difference"]
    scores = (percent(figures["seed_score"]), percent(figures["best_score"]))
    counts = ("–" if figures[key] is None else str(figures[key]) for key in ("wins", "losses"))
    return [
        name,
        str(figures["n"]),
        *scores,
        "–" if gain is None else f"{100 * gain:+.1f}",
        *counts,
    ]


def tell_few_rows(run: str, home: Path, task: str) -> None:
    """Mention folds after a run on few rows whose gain is not proven.

    Args:
        run: the run's id.
        home: where runs are.
        task: the task's name, as it was typed.
    """
    from apo.taskfile.folding import folds_hint

    folder = find_run(run, home)
    result, data = folder.result or {}, folder.settings["data"]
    # All rows of the task: a small budget uses fewer of them, and folds part all.
    n = data["train"] + sum(data.get("of") or (data["validation"], data["test"]))
    if n < FEW_ROWS and data["test"] and result.get("winner") != "best":
        hint = f"With {n} rows in all, a verdict on part of them proves little (docs/folds.md)."
        say(f"{hint} {folds_hint(task)}", "dim")
