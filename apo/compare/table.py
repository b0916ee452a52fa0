"""A comparison as tables: one set of columns for the terminal and for Markdown."""

import math
import re
from dataclasses import dataclass

from apo.compare.standing import Comparison, Interval, Ranking, Standing

ALPHA = 0.05
FEW_SEEDS = 5
"""Below so many, resampling the seeds says little of how they spread."""


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: what it ranks.
        headings: of the columns; the first is aligned left, the others right.
        rows: their cells.
        note: what stands below it.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str

    @property
    def width(self) -> int:
        """Characters of a line, with two between columns."""
        columns = zip(self.headings, *self.rows, strict=True)
        return sum(max(map(len, column)) + 2 for column in columns) - 2


def tables(found: Comparison) -> list[Table]:
    """The ranking over all tasks, where there are several, and the one on each."""
    made = [_overall(found)] if len(found.tasks) > 1 and found.overall.standings else []
    return made + [_task(ranking) for ranking in found.tasks]


def markdown(found: Comparison) -> str:
    """The tables with their notes, in Markdown."""
    parts = [f"# {found.name}"]
    parts += [f"**{problem}**" for problem in found.problems]
    for table in tables(found):
        cells = [table.headings, ("---", *["---:"] * (len(table.headings) - 1)), *table.rows]
        lines = ["| " + " | ".join(map(_literal, row)) + " |" for row in cells]
        parts += [f"## {_literal(table.title)}", "\n".join(lines), table.note]
    return "\n\n".join([*parts, LEGEND]) + "\n"


def _literal(text: str) -> str:
    """Write a cell in Markdown, so that it makes no link, no HTML, and stays in its cell."""
    return re.sub(r"([\\`<>\[\]|])", r"\\\1", " ".join(text.split()))


LEGEND = (
    "*seed*, *best*: test score of the seed prompt and of the prompt that the search chose, "
    "mean over seeds, with Student's interval (95 %, over seeds). *gain*: their difference, in "
    "points. *behind*: points below the optimizer in the first line, with an interval over "
    "paired seeds; *p*: Wilcoxon's signed ranks against it, corrected by Holm. *proven*: share of "
    "runs whose own verdict is favourable. *chars*: length of the chosen prompt in characters. "
    "Means of one run: *calls*, *tokens*, *usd*, *min*."
)


def _overall(found: Comparison) -> Table:
    n = len(found.tasks)
    note = [f"Means over {n} tasks; rank is the mean of the ranks on each."]
    if found.friedman_p is not None:
        said = "differ" if found.friedman_p < ALPHA else "cannot be told apart"
        note.append(
            f"Friedman's test: {_p(found.friedman_p)}, so over these tasks the optimizers {said}."
        )
    if found.critical_difference is not None:
        first, *others = found.overall.standings
        far = sum(s.rank - first.rank >= found.critical_difference for s in others)
        told = f"{far} of the {len(others)} others {'is' if far == 1 else 'are'}"
        told = "none is" if far == 0 else "all others are" if far == len(others) else told
        note.append(
            f"Mean ranks differ at 5 % when they are {found.critical_difference:.2f} apart "
            f"(Nemenyi): {told} that far below {first.optimizer}."
        )
    if found.left_out:
        note.append(f"Left out, without a run on every task: {', '.join(found.left_out)}.")
    return _table("All tasks", found.overall, " ".join(note))


def _task(ranking: Ranking) -> Table:
    low, high = ranking.n_test
    size = f"{low}" if low == high else f"{low} to {high}"
    seeds = sorted({standing.n for standing in ranking.standings})
    note = f"{size} test examples, {' to '.join(map(str, seeds[:1] + seeds[1:][-1:]))} seeds."
    first, *others = ranking.standings
    like = [s.optimizer for s in others if not s.behind_interval or s.behind_interval[0] <= 0]
    if seeds[0] < FEW_SEEDS:
        note += " Too few to tell optimizers apart."
    elif like:
        note += f" Not to be told from {first.optimizer}: {', '.join(like)}."
    elif others:
        note += f" {first.optimizer} is ahead of all others, by their intervals."
    return _table(ranking.task, ranking, note)


def _table(title: str, ranking: Ranking, note: str) -> Table:
    priced = any(standing.usd != 0 for standing in ranking.standings)
    scores = ("optimizer", "seed", "best", "95 %", "gain", "rank", "behind", "95 %", "p")
    money = ("usd",) if priced else ()
    headings = (*scores, "proven", "chars", "calls", "tokens", *money, "min")
    rows = tuple(_cells(standing, priced) for standing in ranking.standings)
    return Table(title, headings, rows, note)


def _cells(s: Standing, priced: bool) -> tuple[str, ...]:
    first = s.p_value is None
    cells = (
        s.optimizer,
        f"{100 * s.seed_score:.1f}",
        f"{100 * s.score:.1f}",
        _interval(s.score_interval),
        f"{100 * s.gain:+.1f}",
        f"{s.rank:.2f}".removesuffix("0").removesuffix(".0"),
        "" if first else f"{100 * s.behind:.1f}",
        "" if first else _interval(s.behind_interval),
        "" if s.p_value is None else _p(s.p_value).removeprefix("p = ").removeprefix("p "),
        f"{100 * s.favourable:.0f} %",
        f"{s.chars:.0f}",
        f"{s.calls:,.0f}",
        _short(s.tokens),
    )
    money = ("?" if s.usd is None else f"{s.usd:.4f}",) if priced else ()
    return (*cells, *money, f"{s.minutes:.2f}")


def _interval(found: Interval) -> str:
    return "" if found is None else f"{100 * found[0]:.1f} … {100 * found[1]:.1f}"


def _p(value: float) -> str:
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.2g}"


def _short(value: float) -> str:
    power = 0 if value < 1000 else min(2, int(math.log10(value)) // 3)
    return f"{value / 1000**power:.0f}{['', 'k', 'M'][power]}"
