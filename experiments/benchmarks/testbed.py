"""How well each optimizer searches, on synthetic landscapes whose optimum is known.

    python experiments/benchmarks/testbed.py --out experiments/results/testbed

Every optimizer searches the same landscapes (apo.testing.landscape) with the same budget in calls.
Since the quality of every prompt is known exactly, regret is exact: the part of the optimum that
the best prompt so far, chosen as in any run on the validation split, still lacks. Synthetic: it
measures search, and says nothing about language models.
"""

import asyncio
import csv
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from apo import Budget, Options, Prompt, aoptimize, make_optimizer
from apo.search.plugins import optimizer_names
from apo.statistics import interval
from apo.storage.folder import find_run
from apo.testing.landscape import Landscape
from apo.testing.landscape_model import LandscapeModel
from apo.testing.landscape_writer import LandscapeWriter

KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"ruggedness": 0.5},
    {"noise": 0.1},
    {"traps": 1},
)
"""What every fourth landscape is like: plain, more rugged, noisier, with a trap."""
TARGET = 0.95
"""Part of the optimum that a search is to reach."""
BASELINE = "random-search"

Course = list[tuple[int, float]]
"""Calls, and the part of the optimum that the best prompt reaches from there on."""


def search(optimizer: str, seed: int, max_calls: int) -> Course:
    """Run one optimizer on one landscape."""
    landscape = Landscape(seed=seed, **KINDS[seed % len(KINDS)])
    task = replace(landscape.task(), test=())
    home = Path(tempfile.mkdtemp(prefix="apo-testbed-"))
    try:
        work = aoptimize(
            task,
            make_optimizer(optimizer),
            model=LandscapeModel(landscape),
            optimizer_model=LandscapeWriter(landscape),
            budget=Budget(max_calls=max_calls),
            options=Options(track=False, seed=seed),
            home=home,
        )
        with find_run(asyncio.run(work).run_id, home).open_journal() as journal:
            events = list(journal.events())
    finally:
        shutil.rmtree(home)
    candidates = (Prompt.from_dict(e.body["prompt"]) for e in events if e.kind == "candidate")
    known = {prompt.id: prompt for prompt in (*task.seed_prompts, *candidates)}
    whole = [e.body for e in events if e.kind == "evaluation" and e.body["whole"]]
    course: Course = []
    best = -1.0
    for body in sorted(whole, key=lambda body: body["calls"]):
        if body["mean"] > best:
            best = body["mean"]
            quality = landscape.quality_of(known[body["candidate"]])
            course.append((body["calls"], quality / landscape.optimum))
    return course


def reached(course: Course, max_calls: int) -> int:
    """Calls until the target was first reached; the whole budget where it was not."""
    return next((calls for calls, share in course if share >= TARGET), max_calls)


def table(courses: Mapping[str, Sequence[Course]], max_calls: int) -> str:
    """A Markdown table, the quickest first."""
    calls = {name: [reached(c, max_calls) for c in found] for name, found in courses.items()}
    lines = [
        f"| optimizer | calls to {TARGET:.0%} of the optimum | 95 % interval | reached "
        "| optimum at the end | calls against random search |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in sorted(calls, key=lambda name: (np.mean(calls[name]), name)):
        low, high = interval([calls[name]]) or (float("nan"), float("nan"))
        final = np.mean([course[-1][1] for course in courses[name]])
        ratio = np.mean(calls[name]) / np.mean(calls[BASELINE]) if BASELINE in calls else 1.0
        n_reached = sum(n < max_calls for n in calls[name])
        lines.append(
            f"| {name} | {np.mean(calls[name]):.0f} | {low:.0f} to {high:.0f} "
            f"| {n_reached} of {len(calls[name])} | {final:.1%} | {ratio:.2f} |"
        )
    return "\n".join(lines) + "\n"


def regret(course: Course, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of the optimum that is lacking after so many calls; all of it before the first."""
    calls, shares = np.array([0, *(c for c, _ in course)]), [0.0, *(s for _, s in course)]
    return 1 - np.array(shares)[np.searchsorted(calls, places, side="right") - 1]


def plot(courses: Mapping[str, Sequence[Course]], max_calls: int, path: Path) -> None:
    """Draw mean regret over calls, one small picture for each optimizer before the others."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    places = np.linspace(1, max_calls, 200)
    means = {
        name: np.mean([regret(c, places) for c in found], axis=0) for name, found in courses.items()
    }
    order = sorted(means, key=lambda name: float(means[name].mean()))
    columns = 4
    rows = -(-len(order) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(11, 2.1 * rows), sharex=True, sharey=True, squeeze=False
    )
    for axis, name in zip(axes.flat, order, strict=False):
        for other in order:
            axis.plot(places, means[other], color="#DDDDDD", linewidth=0.7)
        if BASELINE in means:
            axis.plot(places, means[BASELINE], color="#4D4D4D", linewidth=1, linestyle="--")
        axis.plot(places, means[name], color="#D55E00", linewidth=2)
        axis.axhline(1 - TARGET, color="#0072B2", linewidth=0.8, linestyle=":")
        axis.set_title(name, fontsize=9, loc="left")
        axis.set_ylim(0, 1)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes.flat[len(order) :]:
        axis.set_axis_off()
    figure.suptitle(
        f"Mean regret over calls, {len(next(iter(courses.values())))} landscapes "
        "(dashed: random search; dotted: 95 % of the optimum)",
        fontsize=10,
    )
    figure.supxlabel("calls", fontsize=9)
    figure.tight_layout()
    figure.savefig(path.with_suffix(".png"), dpi=130)
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    plt.close(figure)


def main(
    out: Annotated[Path, typer.Option(help="Folder for rows.csv, table.md and the picture.")],
    optimizers: Annotated[str, typer.Option(help="Names, by comma.")] = "",
    landscapes: Annotated[int, typer.Option(help="How many, from seed 0.")] = 20,
    max_calls: Annotated[int, typer.Option(help="Budget of one search.")] = 12000,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 2,
) -> None:
    """Run all optimizers on all landscapes, and say how near they come to the optimum."""
    names = optimizers.split(",") if optimizers else optimizer_names()
    cells = [(name, seed) for name in names for seed in range(landscapes)]
    found: defaultdict[str, list[Course]] = defaultdict(list)
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        made: list[Any] = [pool.submit(search, name, seed, max_calls) for name, seed in cells]
        for (name, _), future in zip(cells, made, strict=True):
            found[name].append(future.result())
            if len(found[name]) == landscapes:
                mean = np.mean([reached(course, max_calls) for course in found[name]])
                print(f"{name}: {mean:.0f} calls", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["optimizer", "landscape", "calls", "part_of_optimum"])
        for name, courses in found.items():
            for seed, course in enumerate(courses):
                writer.writerows([name, seed, calls, f"{part:.4f}"] for calls, part in course)
    text = table(found, max_calls)
    (out / "table.md").write_text(text, encoding="utf-8")
    plot(found, max_calls, out / "regret")
    print(text)


if __name__ == "__main__":
    typer.run(main)
