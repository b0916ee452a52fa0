"""A comparison as tables: one set of columns for the terminal and for Markdown."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from apo.compare.standing import Comparison, Interval, MethodStanding, Ranking

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
        note: what stands below it, a sentence or two a line.
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
        parts += [f"## {_literal(table.title)}", "\n".join(lines), table.note.replace("\n", "  \n")]
    legend = "\n".join(f"- {line}" for line in LEGEND)
    return "\n\n".join([*parts, legend]) + "\n"


def _literal(text: str) -> str:
    """Write a cell in Markdown, so that it makes no link, no HTML, and stays in its cell."""
    return re.sub(r"([\\`<>\[\]|])", r"\\\1", " ".join(text.split()))


LEGEND = (
    "seed, best: mean test score of the seed prompt, and of the prompts found. 95 %: where the "
    "mean may lie, by how seeds differ.",
    "gain: best less seed, in points. rank: 1 has the highest score; over tasks the mean of ranks.",
    "to first: points above (+) or below (-) the first line, seed by seed. worse: yes if its "
    "interval is below 0 and p at most 0.05; perhaps if one is so; ? if there are too few seeds.",
    "p: how often chance alone sets so many against the first line (Wilcoxon, corrected by Holm). "
    "proven: runs that proved a gain of their own on the test examples.",
    "chars: length of the prompts found. calls, tokens, usd, min: means of one run.",
)
"""What the columns are, a line each."""


def _overall(found: Comparison) -> Table:
    first, *others = found.overall.standings
    note = [f"Over {_plural(len(found.tasks), 'task')}, sorted by the mean of the ranks on each."]
    ahead = [s for s in others if s.score > first.score and s.rank > first.rank]
    if ahead:
        note.append(
            f"{first.optimizer} is first by rank, though {ahead[0].optimizer} has more points: "
            "ranks count each task alike, and points the tasks with large differences more."
        )
    if found.friedman_p is not None:
        differ = found.friedman_p < ALPHA
        said = "differ as well" if differ else "may well come in another order"
        note.append(
            f"If all were alike, ranks would differ so much with {_p(found.friedman_p)} "
            f"(Friedman's test): on other tasks they {said}."
        )
    if found.critical_difference is not None and others:
        far = [s for s in others if s.rank - first.rank >= found.critical_difference]
        told = f"{len(far)} of the {len(others)} others {'is' if len(far) == 1 else 'are'}"
        told = "none is" if not far else "all others are" if len(far) == len(others) else told
        note.append(
            f"On other tasks two surely differ where ranks are {found.critical_difference:.2f} "
            f"apart here (Nemenyi's test): {told} that far below {first.optimizer}."
        )
    if found.left_out:
        note.append(f"Left out, without a run on every task: {', '.join(found.left_out)}.")
    return _table("All tasks", found.overall, note)


def _task(ranking: Ranking) -> Table:
    low, high = ranking.n_test
    size = f"{low}" if low == high else f"{low} to {high}"
    counts = sorted({standing.n for standing in ranking.standings})
    seeds = " to ".join(map(str, counts[:1] + counts[1:][-1:]))
    note = [f"{size} test examples, {seeds} {'seed' if seeds == '1' else 'seeds'}."]
    first, *others = ranking.standings
    if not others:
        return _table(ranking.task, ranking, note)
    by_word = {word: [s.optimizer for s in others if worse(s) == word] for word in WORDS}
    if counts[0] < FEW_SEEDS:
        note.append(f"Too few seeds to tell optimizers apart: {FEW_SEEDS} at least, --seeds.")
    elif len(by_word["yes"]) == len(others):
        note.append(f"{first.optimizer} is better than all others, beyond chance.")
    elif by_word["no"]:
        note.append(f"Not to be told from {first.optimizer}: {', '.join(by_word['no'])}.")
    else:
        ahead = ", ".join(by_word["perhaps"])
        note.append(f"{first.optimizer} is perhaps better than {ahead}: more seeds would tell.")
    return _table(ranking.task, ranking, note)


WORDS = ("yes", "perhaps", "no", "?")


def worse(standing: MethodStanding) -> str:
    """Whether an optimizer is worse than the first one, in one word; "" for the first itself.

    The interval asks for the mean over seeds, p for the signs and ranks of the differences, and
    allows for the number of optimizers. Where they disagree, that is no proof.
    """
    if standing.p_value is None:
        return ""
    if standing.behind_interval is None or standing.n < FEW_SEEDS:
        return "?"
    both = (standing.behind_interval[0] > 0, standing.p_value <= ALPHA and standing.behind > 0)
    return "yes" if all(both) else "perhaps" if any(both) else "no"


def _plural(n: int, word: str) -> str:
    return f"{n} {word}{'s' * (n != 1)}"


def _table(title: str, ranking: Ranking, note: Sequence[str]) -> Table:
    priced = any(standing.usd != 0 for standing in ranking.standings)
    scores = ("optimizer", "seed", "best", "95 %", "gain", "rank", "to first", "95 %", "worse", "p")
    money = ("usd",) if priced else ()
    headings = (*scores, "proven", "chars", "calls", "tokens", *money, "min")
    rows = tuple(_cells(standing, priced) for standing in ranking.standings)
    return Table(title, headings, rows, "\n".join(note))


def _cells(s: MethodStanding, priced: bool) -> tuple[str, ...]:
    first = s.p_value is None
    cells = (
        s.optimizer,
        f"{100 * s.seed_score:.1f}",
        f"{100 * s.score:.1f}",
        _interval(s.score_interval),
        f"{100 * s.gain:+.1f}",
        f"{s.rank:.2f}".removesuffix("0").removesuffix(".0"),
        "" if first else f"{-100 * s.behind + 0.0:+.1f}",
        "" if first or not s.behind_interval else _interval(_negative(s.behind_interval)),
        worse(s),
        ""
        if s.p_value is None or worse(s) == "?"
        else _p(s.p_value).removeprefix("p = ").removeprefix("p "),
        f"{100 * s.favourable:.0f} %",
        f"{s.chars:.0f}",
        f"{s.calls:,.0f}",
        _short(s.tokens),
    )
    money = ("?" if s.usd is None else f"{s.usd:.4f}",) if priced else ()
    return (*cells, *money, f"{s.minutes:.2f}")


def _negative(found: tuple[float, float]) -> tuple[float, float]:
    low, high = found
    return -high + 0.0, -low + 0.0  # And no -0.0.


def _interval(found: Interval) -> str:
    return "" if found is None else f"{100 * found[0]:.1f} … {100 * found[1]:.1f}"


def _p(value: float) -> str:
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.2g}"


def _short(value: float) -> str:
    power = 0 if value < 1000 else min(2, int(math.log10(value)) // 3)
    return f"{value / 1000**power:.0f}{['', 'k', 'M'][power]}"
