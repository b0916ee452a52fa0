"""What was found of a judge, as people read it on a terminal."""

from typing import Any

from rich.table import Table

from apo.assessment.agreement import LEANING
from apo.cli.console import dollars, percent, say, tell
from apo.language.catalogue import translated

FEW = 30
"""Below so many answers little is known, whatever the figures say."""


def tell_judges(document: dict[str, Any]) -> None:
    """Tell each judge in plain words, and the agreement of judges with each other."""
    judges = document["judges"]
    tell(_table(judges))
    for one in judges:
        if len(judges) > 1:
            tell(one["judge"], "bold")
        _people(one)
        _itself(one)
        _leanings(one)
        if one["ungraded"]:
            tell(f"Answers without a score: {one['ungraded']}. {one['problem']}", "yellow")
    for pair in document["between"]:
        if pair["kappa"] is not None:
            low, high = pair["interval"]
            tell(
                f"{' and '.join(pair['judges'])} agree with each other: κ {pair['kappa']:.2f} "
                f"({low:.2f} to {high:.2f})."
            )
    spent = document["spent"]
    tell(
        f"{spent['calls']:,} calls, {dollars(spent['usd'])} (kept answers counted at their price)."
    )
    if kept := [one["file"] for one in judges if one["file"]]:
        say(f"Kept for the reports of runs: {', '.join(kept)}")


def _table(judges: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("judge", overflow="fold")
    for name in ("answers", "κ with people", "95 % interval", "same", "ρ", "κ with itself"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in judges:
        people: dict[str, Any] = one["people"]
        itself: dict[str, Any] = one["itself"] or {}
        table.add_row(
            one["judge"],
            str(people["n"]),
            _number(people["kappa"]),
            "–"
            if people["interval"] is None
            else translated("{:.2f} to {:.2f}".format(*people["interval"])),
            percent(people["same"]),
            _number(people["spearman"]),
            _number(itself.get("kappa")),
        )
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _people(one: dict[str, Any]) -> None:
    people = one["people"]
    if people["kappa"] is None:
        tell("No answer got a score, so nothing is known of this judge.", "bold red")
        return
    if one["better_than_chance"]:
        tell(f"Agreement with people beyond chance: {one['quality']}.", "bold green")
    else:
        tell(
            f"Not better than chance (p = {people['p_value']:.2g}). What this judge prefers may "
            "have nothing to do with what people prefer; do not optimize for it. Reword the "
            "rubric, take another model, or rate more answers.",
            "bold red",
        )
    few = people["n"] < FEW
    if few or one["ratings_needed"] > people["n"]:
        tell(
            f"{people['n']} ratings leave κ this uncertain; about "
            f"{max(one['ratings_needed'], FEW):,} give it within ± 0.1."
        )
    low, high = people["leniency_interval"]
    if low > 0 or high < 0:
        word, apart = "kinder" if low > 0 else "harsher", 100 * abs(people["leniency"])
        tell(f"It is {word} than people by {apart:.0f} points of 100, on average.")


def _itself(one: dict[str, Any]) -> None:
    itself = one["itself"]
    if itself is None or itself["same"] == 1:
        return
    tell(
        f"Asked again, it gives the same score {percent(itself['same'])} of the time; the scores "
        f"are {100 * itself['apart']:.1f} points of 100 apart on average."
    )
    if itself["interval"][0] <= 0:
        tell("It does not even agree with itself beyond chance.", "bold red")


def _leanings(one: dict[str, Any]) -> None:
    position, length = one["position"], one["length"]
    if position is not None:
        low, high = position["interval"]
        told = (
            f"The order of the two answers changes its choice in {percent(position['changed'])} of "
            f"{position['n']} pairs ({100 * low:.0f} to {100 * high:.0f} %)"
        )
        if position["favours_first"] is not None:
            told += f", {percent(position['favours_first'])} of these to the one shown first"
        tell(f"{told}. Both orders are asked, so neither place wins by it.")
    if length is not None and length["p_value"] < LEANING:
        beyond, p_value = f"{length['beyond']:+.2f}", f"{length['p_value']:.2g}"
        told = (
            f"Of answers that people rate alike, it favours the longer ones (partial ρ {beyond}, "
            f"p = {p_value}): a search may win by making answers longer."
        )
        if length["beyond"] <= 0:
            told = (
                f"Of answers that people rate alike, it favours the shorter ones (partial ρ "
                f"{beyond}, p = {p_value}): a search may win by making answers shorter."
            )
        tell(told, "yellow")
