"""Pictures of the tables: how many times the limit each system takes, beside each other."""

import json
from collections.abc import Sequence
from typing import Any

from experiments.benchmarks.recording import RESULTS

OWN, OTHER, BARE = "#D55E00", "#9A9A9A", "#D9D9D9"
BARE_CLIENTS = ("aiohttp", "openai")
Row = dict[str, Any]


def draw() -> None:
    """Draw what there are figures of, into the folder `plots` beside them."""
    import matplotlib as mpl

    mpl.use("agg")
    for name, picture in (("throughput", throughput), ("searches", searches)):
        path = RESULTS / f"{name}.json"
        if not path.is_file():
            print(f"skipped the plot of {name}: there is no {path}", flush=True)
            continue
        rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))["rows"]
        picture([row for row in rows if row["x limit"] == row["x limit"]])


def throughput(rows: Sequence[Row]) -> None:
    """A small picture for each latency and concurrency."""
    cells = sorted({(row["L ms"], row["C"]) for row in rows})
    titled = [
        (f"{ms} ms, {c} at once", [r for r in rows if (r["L ms"], r["C"]) == (ms, c)])
        for ms, c in cells
    ]
    panels("throughput", "1,000 calls: time over the limit N·L/C", titled, columns=3)


def searches(rows: Sequence[Row]) -> None:
    """A small picture for each kind of faults."""
    titled = [
        (
            "no faults" if fault == "clean" else f"faults: {fault}",
            [row for row in rows if row["faults"] == fault],
        )
        for fault in dict.fromkeys(row["faults"] for row in rows)
    ]
    title = "Searches of about 800 calls, 200 ms, 32 at once: time over the limit calls·L/C"
    panels("searches", title, titled, columns=2)


def panels(
    name: str, title: str, titled: Sequence[tuple[str, Sequence[Row]]], *, columns: int
) -> None:
    """Bars of `x limit` by system, the shortest at the top; a line where the limit is."""
    from matplotlib import pyplot as plt

    n_rows = -(-len(titled) // columns)
    height = 0.28 * max(len(rows) for _, rows in titled) + 0.8
    size = (4.4 * columns, height * n_rows + 0.5)
    figure, axes = plt.subplots(n_rows, columns, figsize=size, squeeze=False)
    for axis, (heading, rows) in zip(axes.flat, titled, strict=False):
        ordered = sorted(rows, key=lambda row: -float(row["x limit"]))
        bars = axis.barh(
            [row["system"] for row in ordered],
            [row["x limit"] for row in ordered],
            color=[color(row["system"]) for row in ordered],
        )
        axis.bar_label(bars, fmt="{:.2f}", fontsize=7, padding=2)
        axis.set_xscale("log")
        widest = 1.6 * max(float(row["x limit"]) for row in rows)
        axis.set_xlim(0.9, widest)
        ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick < widest]
        axis.set_xticks(ticks, map(str, ticks))
        axis.axvline(1, color="#0072B2", linewidth=1)
        axis.set_title(heading, fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
        axis.xaxis.set_minor_formatter("")
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes.flat[len(titled) :]:
        axis.set_axis_off()
    figure.suptitle(title, fontsize=10)
    figure.tight_layout()
    folder = RESULTS / "plots"
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=130)
    plt.close(figure)
    print(f"drawn: {folder / name}.png", flush=True)


def color(system: str) -> str:
    """Ours, a bare client's, or a peer's."""
    if system.startswith("apo"):
        return OWN
    return BARE if system in BARE_CLIENTS else OTHER
