"""Peers' rows beside those of `apo compare`, in Markdown: each method against its counterpart."""

import re
from collections.abc import Callable, Mapping, Sequence

from apo.statistics import interval, mean, signed_rank_p

COUNTERPARTS: Mapping[str, tuple[str, ...]] = {
    "dspy-miprov2": ("miprov2",),
    "dspy-copro": ("copro",),
    "dspy-gepa": ("gepa",),
    "dspy-simba": ("simba",),
    "dspy-random-search": ("bootstrap-rs", "bootstrap", "bootstrap-random-search"),
    "gepa": ("gepa",),
    "promptolution-capo": ("capo",),
    "promptolution-evoprompt-ga": ("evoprompt-ga", "evoprompt"),
    "promptolution-evoprompt-de": ("evoprompt-de",),
    "promptolution-opro": ("opro",),
}
"""Labels of apo's optimizers that a peer is set against; the first that has rows counts."""
Row = Mapping[str, str]
Scores = dict[tuple[str, int], float]
"""A test score for each task and seed."""


def side_by_side(peers: Sequence[Row], ours: Sequence[Row]) -> str:
    """Make the tables.

    Args:
        peers: rows that run.py wrote.
        ours: rows of `apo compare` (cells.csv).
    """
    parts = ["# Peers", *_pairs_table(peers, ours), *_means_tables(peers, ours)]
    return "\n\n".join([*parts, _LEGEND]) + "\n"


_LEGEND = (
    "Scores are of the chosen prompts on the test split, in percent. Differences are apo's minus "
    "the peer's, in points, over the tasks and seeds that both have; the interval is a 95 % "
    "by Student over the seeds within each task, p is Wilcoxon's signed-rank test over all pairs, "
    "two-sided. *Behind* says that the interval lies below 0."
)


def _pairs_table(peers: Sequence[Row], ours: Sequence[Row]) -> list[str]:
    """Each peer and its counterpart, over tasks and by task."""
    rows = [_HEADINGS]
    for peer in _names(peers):
        theirs = _scores(peers, peer)
        found = (label for label in _names(ours) if _plain(label) in _counterparts(peer))
        label = min(found, key=lambda name: _counterparts(peer).index(_plain(name)), default="")
        mine = _scores(ours, label)
        pairs = sorted(theirs.keys() & mine.keys())
        if not pairs:
            rows.append([peer, label or "–", "0", *["–"] * 7])
            continue
        tasks = sorted({task for task, _ in pairs})
        groups = [[mine[k] - theirs[k] for k in pairs if k[0] == task] for task in tasks]
        by_task = [f"{t} {100 * mean(g):+.1f}" for t, g in zip(tasks, groups, strict=True)]
        ends = interval(groups)
        rows.append(
            [peer, label, str(len(pairs))]
            + [_percent(_over(scores, pairs)) for scores in (theirs, mine)]
            + [f"{100 * mean([mean(group) for group in groups]):+.1f}"]
            + ["–" if ends is None else f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f}"]
            + [f"{signed_rank_p([d for group in groups for d in group]):.2g}"]
            + [_standing(ends), ", ".join(by_task)]
        )
    return ["## Each method against its counterpart", _markdown(rows)]


_HEADINGS = [
    *("peer", "apo", "pairs", "peer's score", "apo's score", "difference", "interval"),
    *("p", "apo is", "by task"),
]


def _standing(ends: tuple[float, float] | None) -> str:
    if ends is None:
        return "one seed says nothing"
    return "behind" if ends[1] < 0 else "ahead" if ends[0] > 0 else "not different"


def _means_tables(peers: Sequence[Row], ours: Sequence[Row]) -> list[str]:
    """All optimizers of both sides by mean test score over tasks, and what they took."""
    tasks = list(dict.fromkeys(row["task"] for row in peers))
    both = [*peers, *(row for row in ours if row["task"] in tasks)]
    sides = [(name, peers) for name in _names(peers)] + [(name, ours) for name in _names(ours)]
    table: list[tuple[float, list[str]]] = []
    for name, rows in sides:
        own = [row for row in rows if row["optimizer"] == name and row["task"] in tasks]
        means = {
            task: mean([float(row["best_score"]) for row in own if row["task"] == task])
            for task in tasks
            if any(row["task"] == task for row in own)
        }
        if not means:
            continue
        score = mean(list(means.values()))
        cells = [name if rows is peers else f"**apo {name}**", str(len(own)), _percent(score)]
        cells += [_percent(means[task]) if task in means else "–" for task in tasks]
        cells += [f"{_mean_of(own, key):,.0f}" for key in ("calls", "seed_chars", "best_chars")]
        table.append((-score, cells))
    seed = {t: mean([float(r["seed_score"]) for r in both if r["task"] == t]) for t in tasks}
    headings = ["optimizer", "runs", "mean", *tasks, "calls", "seed chars", "chars"]
    first = ["seed prompt", "", _percent(mean(list(seed.values())))]
    first += [_percent(seed[task]) for task in tasks] + ["", "", ""]
    ranked = [cells for _, cells in sorted(table, key=lambda item: item[0])]
    note = "An optimizer with a dash has no run on that task; its mean is over the others."
    return ["## All optimizers", _markdown([headings, *ranked, first]), note]


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["optimizer"] for row in rows))


def _plain(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.lower())


def _counterparts(peer: str) -> list[str]:
    return [_plain(label) for label in COUNTERPARTS.get(peer, ())]


def _scores(rows: Sequence[Row], optimizer: str) -> Scores:
    return {
        (row["task"], int(row["seed"])): float(row["best_score"])
        for row in rows
        if row["optimizer"] == optimizer
    }


def _over(scores: Scores, pairs: Sequence[tuple[str, int]]) -> float:
    """Mean over tasks of the mean over seeds."""
    tasks = {task for task, _ in pairs}
    return mean([mean([scores[key] for key in pairs if key[0] == task]) for task in tasks])


def _mean_of(rows: Sequence[Row], key: str) -> float:
    return mean([float(row[key]) for row in rows])


_percent: Callable[[float], str] = "{:.1%}".format


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    cells = [rows[0], ["---", *["---:"] * (len(rows[0]) - 1)], *rows[1:]]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)
