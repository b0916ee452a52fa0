"""An ablation as people read it on a terminal, and as programs read it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from apo.assessment.ablate import Ablated, Plan
from apo.assessment.ablation_found import Ablation, Finding
from apo.assessment.gate import Gate
from apo.cli.console import results, say, tell, tell_framed
from apo.cli.prompts import marked, opening
from apo.cli.spent import tell_spent
from apo.language.catalogue import message, translated
from apo.prompts.forms.registry import write_prompt
from apo.prompts.parts import Part, parts_of
from apo.prompts.prompt import Prompt
from apo.results.provenance import provenance_of
from apo.results.words import change, in_groups, missing, span
from apo.storage.folder import RunFolder
from apo.storage.uses import Uses

WORDS: dict[Finding, tuple[str, str]] = {
    "earns": (message("earns"), "green"),
    "back": (message("kept, in doubt"), "green"),
    "idle": (message("goes"), "yellow"),
    "needed": (message("needed"), ""),
    "open": (message("not clear, stays"), "dim"),
}
NARROW = 90
"""Columns of a terminal below which the interval is left out."""


def tell_plan(plan: Plan, prompt: Prompt, before: Uses) -> None:
    """Say what is about to be measured, and what it takes at most."""
    say(
        f"Parts that are left out in turn: {len(parts_of(prompt))}, on {len(plan.rows)} train and "
        f"validation examples: {plan.calls:,} calls at most; those with kept answers are not made."
    )
    if plan.test:
        say(
            f"Then the shorter prompt is compared with the whole one on {len(plan.test)} test "
            f"examples. {used(before)}"
        )


def used(before: Uses) -> str:
    """Say how often the test split was looked at."""
    n, runs = len(before.prompts), before.runs
    if not n:
        return "They were not used before."
    where = [f"{runs} run" + "s" * (runs != 1)] * bool(runs)
    where += ["commands beside runs"] * before.outside
    return (
        f"They were used for {n} prompt{'s' * (n != 1)} before, in {' and '.join(where)}: the more "
        "often, the less they prove."
    )


def document_of(done: Ablated, folder: RunFolder, before: Uses) -> dict[str, Any]:
    """All figures as JSON values."""
    return {
        "run_id": folder.id,
        **done.found.to_dict(),
        "test": None if done.proof is None else done.proof.to_dict(),
        "test_used_before": {"prompts": len(before.prompts), "runs": before.runs},
        "spent": done.spent.to_dict(),
    }


def write_shorter(found: Ablation, folder: RunFolder, out: str) -> None:
    """Write the prompt without its idle parts, or say that there are none."""
    from apo.cli.export import write_file

    if found.shorter == found.prompt:
        say(f"No part goes, so {out} is not written.", "yellow")
        return
    known = provenance_of(folder, found.shorter)
    write_file(write_prompt(found.shorter, "json", known), out)


def tell_ablation(done: Ablated, notes: Iterable[str], file: Path | None, out: str) -> None:
    """Tell what each part is worth, and whether the shorter prompt holds on the test split."""
    found = done.found
    tell(_table(found))
    tell(
        "Points: the score without the part less that with it; 5 +2 is part 5, left out together "
        "with two others. Intervals are of these alone; p is corrected for the number of parts.",
        "dim",
    )
    left = sum(finding == "open" for finding in found.findings.values())
    if left:
        tell(f"Parts that stay because the calls ended: {left}. --max-calls gives more.", "yellow")
    if found.shorter == found.prompt:
        tell("No part goes.", "bold")
    else:
        _tell_shorter(found, done.proof, out)
    for note in notes:
        tell(note, "yellow")
    tell_spent(done.spent)
    if file is not None:
        tell(f"All figures: {file}")


def _tell_shorter(found: Ablation, proof: Gate | None, out: str) -> None:
    before, after = found.tokens
    n = sum(finding == "idle" for finding in found.findings.values())
    tell(
        f"{n} part{'s' * (n != 1)} go{'es' * (n == 1)}: about {before:,} → {after:,} tokens, "
        f"{(before - after) / max(1, before):.0%} less with each call.",
        "bold",
    )
    if found.loss is not None:
        gain, interval = found.loss
        tell(
            f"Without them {100 * gain:+.1f} points on the {found.rows} train and validation "
            f"examples, {span(interval)}."
        )
    if proof is not None:
        _tell_proof(proof)
    tell_framed(marked(found.shorter), "prompt without them")
    if not out:
        say("To keep it: --out FILE (nothing is asked again).")


def _tell_proof(proof: Gate) -> None:
    points = f"{100 * (proof.margin or 0):g} point" + "s" * (proof.margin != 0.01)
    word, colour = {
        "no worse": (f"No worse: it loses less than {points}.", "bold green"),
        "worse": ("Worse: keep the whole prompt.", "bold red"),
        "open": (f"Not proven to lose less than {points}: keep the whole prompt.", "bold yellow"),
    }[proof.decision]
    measured = (
        f"{change(proof.old_score, proof.new_score)} on {proof.n} of {proof.rows} "
        f"{translated('test')} examples{in_groups(proof.groups)}, {span(proof.interval)}."
    )
    tell(f"{translated(word)} {translated(measured)}", colour)
    if proof.ungraded:
        tell(missing(proof.ungraded), "yellow")


def _table(found: Ablation) -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("part", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    wide = results.width >= NARROW
    for name in ("tokens", "points", *["95 % interval"] * wide, "p", "rows"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("text", no_wrap=True, overflow="ellipsis", ratio=1)
    for number, part in enumerate(found.parts, 1):
        word, style = WORDS[found.findings[part]]
        trial = found.trials[part]
        figures = [""] * (4 if wide else 3)
        name = f"{number}"
        if trial is not None and trial.n:
            low, high = trial.interval
            figures = [f"{100 * trial.gain:+.1f}"]
            figures += [translated(f"{100 * low:+.1f} to {100 * high:+.1f}")] * wide
            figures += [f"{trial.p_value:.2g}", f"{trial.n}"]
            others = len(trial.parts) - 1
            name += f" +{others}" if others else ""
        table.add_row(
            Text(name),
            Text(translated(word), style=style),
            Text(f"{found.tokens_of(part)}"),
            *map(Text, figures),
            opening(": ".join([*_place(part), part.text])),
        )
    return table


def _place(part: Part) -> list[str]:
    """Where a part stands, where that needs to be said."""
    return [name for name in (part.step, part.kind) if name not in ("", "instruction")]
