"""An audit as people read it on a terminal."""

from pathlib import Path

from rich.table import Table

from apo.audit import Audit
from apo.audit.attacks import NAMES
from apo.cli.console import percent, results, tell
from apo.cli.spent import tell_spent
from apo.language.catalogue import message, translated
from apo.reading.answers import quote

NARROW = 90
"""Columns of a terminal on which one blank has to part the table's."""


def tell_audit(found: Audit, file: Path | None) -> None:
    """Tell an audit: a table by kind, which prompt is worse, an example of each failure."""
    table = Table(box=None, pad_edge=False, collapse_padding=results.width < NARROW)
    several = len(found.prompts) > 1
    headings = (
        "trials",
        "failed",
        message("95 %\ninterval") if results.width < NARROW else message("95 % interval"),
        "answers lost",
        "form lost",
        "score without",
    )
    table.add_column("", no_wrap=True)
    for heading in ("prompt",) * several + (*headings, "score with"):
        whole = heading in ("prompt", "95 %\ninterval")
        table.add_column(heading, justify="left" if heading == "prompt" else "right", no_wrap=whole)
    kinds = {r.group: None for name in found.prompts for r in found.rates(name)}
    rates = {(name, r.group): r for name in found.prompts for r in found.rates(name)}
    for kind in kinds:
        for place, name in enumerate(found.prompts):
            if (name, kind) not in rates:
                continue
            r = rates[name, kind]
            low, high = r.interval
            between = translated(f"{100 * low:.1f} to {100 * high:.1f}") if r.n else "–"
            lost = translated(f"{r.lost} of {r.could_lose}")
            lost = f"{r.lost}/{r.could_lose}" if results.width < NARROW else lost
            shown = (
                str(r.n), percent(r.rate), between, lost, str(r.malformed),
                percent(r.clean_score), percent(r.score),
            )  # fmt: skip
            named = [translated(name)] if several else []
            table.add_row("" if place else translated(kind), *named, *shown)
    tell(table)
    _tell_pairs(found)
    _tell_examples(found)
    _cautions(found)
    tell_spent(found.spent)
    if file is not None:
        tell(f"All figures, and every trial that was failed: {file}")
        tell(f"To look at: {file.with_suffix('.html')}")


def _tell_pairs(found: Audit) -> None:
    for pair in found.pairs():
        if not pair.worse:
            continue
        first, second = map(translated, found.prompts)
        worse = first if pair.worse == "first" else second
        tell(
            f"{translated(pair.kind)}: {worse} fails more often: {pair.only_first} trials were "
            f"failed by {first} alone, {pair.only_second} by {second} alone, "
            f"p = {pair.p_value:.2g}.",
            "yellow",
        )


def _tell_examples(found: Audit) -> None:
    """One failed trial of each kind, with what was answered."""
    name = [*found.prompts][-1]
    told: set[str] = set()
    for outcome in found.outcomes[name]:
        trial = outcome.trial
        if not outcome.failed or trial.kind in told:
            continue
        told.add(trial.kind)
        attack = NAMES.get(trial.name, trial.name)
        how = ", ".join(translated(p) for p in (attack, trial.place, trial.dress) if p)
        tell(
            f"{translated(trial.kind)} ({how}) turned {translated(name)} from "
            f"{quote(outcome.clean.output)} to {quote(outcome.tried.output)}."
        )


def _cautions(found: Audit) -> None:
    if found.model == "embedded":
        tell(
            "The embedded model is a bag-of-words reader: it cannot follow an order, and cannot "
            "tell one from the text. These figures say nothing of a language model.",
            "yellow",
        )
    errors = sum(r.errors for name in found.prompts for r in found.rates(name))
    if errors:
        tell(f"Requests that the provider refused, or that were too long: {errors}.", "yellow")
