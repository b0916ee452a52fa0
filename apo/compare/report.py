"""The files of a comparison: a page, its tables, its figures as JSON, cells, pictures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apo.compare.collect import Curve, collect, without_verdict
from apo.compare.runner import Grid
from apo.compare.settings import Experiment
from apo.compare.standing import Comparison, compare
from apo.compare.table import LEGEND, markdown, tables
from apo.display.figures import flat
from apo.errors import RunError
from apo.files import write_whole
from apo.results.csv_rows import rows_csv

PAGE = "report.html"


def conclude(experiment: Experiment, grid: Grid) -> tuple[Comparison, list[Curve]]:
    """Read what is finished, and rank the optimizers."""
    curves = collect(grid)
    problems = [f"{cell} has no verdict." for cell in without_verdict(grid, curves)]
    failed = grid.count("failed")
    left = len(grid.cells) - grid.count("finished") - failed
    if failed:
        problems.append(f"Failed: {failed} of {len(grid.cells)} cells.")
    if left:
        problems.append(f"Not finished: {left} of {len(grid.cells)} cells. {grid.over}".strip())
    return compare(experiment.name, [curve.row for curve in curves], problems), curves


def document(
    experiment: Experiment, grid: Grid, found: Comparison, curves: Sequence[Curve]
) -> dict[str, Any]:
    """Everything as JSON values: what was asked, the rankings, the cells and their curves."""
    failed = {i: o.error for i, o in grid.outcomes.items() if o.state == "failed"}
    return {
        "experiment": experiment.model_dump(mode="json"),
        "folder": str(grid.root),
        **found.to_dict(),
        "failed": failed,
        "cells": [
            {**c.row.to_dict(), "curve": {"calls": c.calls, "scores": c.scores}} for c in curves
        ],
    }


def write_report(
    folder: Path, whole: dict[str, Any], found: Comparison, curves: Sequence[Curve]
) -> list[Path]:
    """Write report.html, table.md, cells.csv, comparison.json and plots/.

    Raises:
        RunError: the folder cannot be written.
    """
    texts = {
        "table.md": markdown(found),
        "cells.csv": rows_csv([curve.row.to_dict() for curve in curves]),
        "comparison.json": json.dumps(whole, ensure_ascii=False, indent=1) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text)
        from apo.compare.plot import draw

        pictures = draw(found, curves, folder / "plots")
        write_whole(folder / PAGE, comparison_page(found, whole, [*pictures.values()]))
    except OSError as error:
        raise RunError(f"Cannot write the report in {folder}: {error.strerror}.") from error
    return [*(folder / name for name in texts), folder / PAGE, *pictures]


def comparison_page(found: Comparison, whole: Mapping[str, Any], pictures: Sequence[Any]) -> str:
    """Write a comparison as one page of HTML.

    Args:
        found: the rankings.
        whole: as `document` gives it.
        pictures: as parts of the page.
    """
    from apo.display.page import render

    return render(
        "compare.html",
        {
            "found": found,
            "tables": tables(found),
            "legend": LEGEND,
            "pictures": pictures,
            "failed": whole["failed"],
            "cells": whole["cells"],
            "settings": flat(whole["experiment"]),
        },
    )
