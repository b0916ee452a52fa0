"""Verdicts in words, given as JSON values: the same wherever they are told."""

from collections.abc import Mapping, Sequence
from typing import Any

from apo.language.catalogue import message
from apo.reading.answers import quote
from apo.statistics.clusters import LEAST_GROUPS
from apo.statistics.means import CONFIDENCE

FAVOURABLE = message("Favourable")
INCOMPLETE = "The budget ended before all test examples were measured."


def heading(verdict: Mapping[str, Any]) -> str:
    """The word for a verdict, given as JSON values: the same wherever it is told.

    A best prompt that is better than the seed and not proven better than a constant answer is
    never called favourable alone.
    """
    if verdict.get("broken"):  # Results of earlier versions have no such keys.
        n = len(verdict["broken"])
        if n == 1:
            return "Not favourable, as 1 example that must pass is lost"
        return f"Not favourable, as {n} examples that must pass are lost"
    if not verdict.get("proven", verdict["favourable"]):
        return message("Worse") if is_worse(verdict) else message("Not proven")
    constant: Mapping[str, Any] = verdict.get("constant") or {"beaten": True}
    if constant["beaten"]:
        return FAVOURABLE
    return (
        "Better than the seed, but not proven better than always answering "
        f"{quote(constant['answer'])} ({100 * constant['score']:.1f} %)"
    )


def is_worse(verdict: Mapping[str, Any]) -> bool:
    """Whether a verdict proves a loss: its whole interval is below 0."""
    _, high = verdict.get("interval") or (0, 0)
    return bool(high < 0)


def in_groups(n: int) -> str:
    """What is said beside a number of rows: " in 27 groups"; "" for no groups."""
    return " " + message(f"in {n} group{'s' * (n != 1)}") if n else ""


def counted_groups(n: int) -> str:
    """Say what intervals and p-values rest on; "" for no groups."""
    return f" Interval and p count the groups that the examples come in: {n}." if n else ""


def missing(n: int) -> str:
    """Say what examples without a grade do to a verdict; there is at least one."""
    who = message(f"{n} example{'s' * (n > 1)}")
    return (
        f"Nobody could grade {who} under both prompts: the scores are without, and interval and p "
        "hold whatever the grades would have been."
    )


def form_gain(verdict: Mapping[str, Any]) -> str:
    """How many of the examples won are a gain in form, given as JSON values; "" for none."""
    n = verdict.get("form_wins")  # Results of earlier versions do not say.
    if not n:
        return ""
    return (
        f"{n} of the {verdict['wins']} won {'is' if n == 1 else 'are'} a gain in form: the seed "
        "prompt's answer could not be read there"
    )


def refused_gain(verdict: Mapping[str, Any]) -> str:
    """How many of the examples won are requests that were refused before; "" for none."""
    n = verdict.get("refused_wins")  # Results of earlier versions do not say.
    if not n:
        return ""
    what = "is a request" if n == 1 else "are requests"
    return (
        f" {n} of {verdict['wins']} won {what} that the provider refused for the seed prompt: "
        "there is no answer of its own to compare with."
    )


def _on(n: int, rows: str, where: str) -> str:
    if rows == "test examples":
        return message(f"{n} test example{'s' * (n != 1)}{where}")
    return message(f"{n} row{'s' * (n != 1)}{where}")


def sentence(verdict: Mapping[str, Any], rows: str = "test examples", where: str = "") -> str:
    """A verdict in a sentence, given as JSON values: the same wherever it is told.

    Args:
        verdict: as `Verdict.to_dict` gives it.
        rows: what it was given on.
        where: more words on that, such as " in 5 folds".
    """
    won = message(f"{verdict['wins']} won, {verdict['losses']} lost")
    where = in_groups(verdict.get("groups") or 0) + where  # Earlier versions have no groups.
    tested = _on(verdict["n"], rows, where)
    told = message(
        f"{heading(verdict)}: {change(verdict['seed_score'], verdict['best_score'])} on "
        f"{tested}, {span(verdict['interval'])}, p = {verdict['p_value']:.2g}; {won}."
    )
    told += refused_gain(verdict)
    return told if verdict["favourable"] else f"{told} The seed prompt stays the answer."


def advice(
    n: int, gain: float, visible_gain: float | None, rows_needed: int | None, *, groups: int = 0
) -> str:
    """What gain so many test examples can show, and how many this one would take.

    Args:
        n: test examples.
        gain: the best prompt's score less the seed prompt's.
        visible_gain: the smallest gain that they show; None where not even one of 1 would be.
        rows_needed: how many would show the gain; None where there is none.
        groups: independent groups that they come in; 0 for no groups.
    """
    rows = message(f"{n} test example{'s' * (n != 1)}{in_groups(groups)}")
    if visible_gain is not None:
        points = 100 * visible_gain
        told = f"With {rows} a gain under about {points:.0f} points may well stay unseen"
    elif 0 < groups < LEAST_GROUPS:
        told = f"With {rows} no gain can be seen; it takes {LEAST_GROUPS} groups at least"
    else:
        told = f"With {rows} no gain can be seen"
    if rows_needed is None or rows_needed <= n:
        return f"{told}."
    # To two digits: it rests on a gain that is itself uncertain.
    n = round(rows_needed, 2 - len(str(rows_needed)))
    if groups:
        return f"{told}; to see {100 * gain:.1f} points takes about {n:,} in groups like these."
    return f"{told}; to see {100 * gain:.1f} points takes about {n:,}."


def change(before: float, after: float) -> str:
    """Two scores from 0 to 1 and their difference: "36.6 % → 83.7 %, +47.1 points"."""
    gain = 100 * (after - before)
    return message(f"{100 * before:.1f} % → {100 * after:.1f} %, {gain:+.1f} points")


def span(interval: Sequence[float]) -> str:
    """The interval of a difference of scores: "95 % interval +11.3 to +25.2"."""
    low, high = interval
    return message(f"{100 * CONFIDENCE:.0f} % interval {100 * low:+.1f} to {100 * high:+.1f}")


def scope(procedure: Mapping[str, Any]) -> str:
    """Say what the verdict of runs on folds is on, and what it is not."""
    n, rows = procedure["tested"], procedure["rows"]
    more = f"{n} of {rows} rows (more calls would test all)"
    tested = message(f"all {n} rows") if n == rows else more
    return f"The procedure was tested on {tested}; this prompt's own score was not."
