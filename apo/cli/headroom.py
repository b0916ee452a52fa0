"""What `apo check --headroom` asks and tells."""

from functools import partial
from typing import TYPE_CHECKING, Any

from apo.language.catalogue import message

if TYPE_CHECKING:
    from apo.assessment.headroom import Headroom
    from apo.checking.finding import Finding
    from apo.cli.ask import AskFlags
    from apo.task import Task

SAID = {
    "worth it": message("Worth it."),
    "more rows first": message("More rows first."),
    "fix the form first": message("Fix the form first."),
    "no gain in sight": message("No gain in sight."),
    "temperature or model first": message("Temperature or model first."),
    "nothing to gain": message("Nothing to gain."),
}
"""The verdicts as sentences."""
GUESS = message("The gain is a guess, from so few rows and from what searches usually bring.")
UNSEEN = message(
    "Four prompts on few rows are a look: a run of a few hundred calls tries many others. If it "
    "finds none, try another model."
)


def look_at(
    ref: str,
    task: "Task",
    model: str,
    optimizer_model: str,
    body: "dict[str, Any]",
    flags: "AskFlags",
    *,
    fresh: bool,
) -> "list[Finding]":
    """Look whether a search is worth it, after saying what the look takes.

    Args:
        ref: the task's name, as it was typed.
        task: the task.
        model: who answers.
        optimizer_model: who writes; "" for the same.
        body: further fields of each request.
        flags: of the calls.
        fresh: use no kept answers.
    """
    from dataclasses import replace

    from apo.assessment.headroom import ASKS, aheadroom, rows_of_look
    from apo.checking.finding import Finding
    from apo.cli.console import say

    n = rows_of_look(task)
    calls = 7 * n * task.calls_per_example + ASKS
    say(
        f"Headroom: at most {calls} calls: four prompts on {n} validation examples or a half "
        f"more, some of them twice, and {ASKS} to write one of them. Kept answers cost nothing."
    )
    asked = replace(task, seed_prompts=tuple(p.with_extra(body) for p in task.seed_prompts))
    work = flags.ask(
        partial(aheadroom, asked, model=model, optimizer_model=optimizer_model or None),
        f"{task.name} · headroom · {model}",
        fresh=fresh,
        quiet=flags.json,
    )
    told = [*_told(work.found, ref), *work.kept, *work.notes]
    return [Finding("headroom", text) for text in told if text]


def _told(found: "Headroom", ref: str) -> list[str]:
    from apo.cli.console import percent
    from apo.taskfile.folding import folds_hint

    verdict, spent = found.verdict, found.spent
    scores = ", ".join(f"{name} {percent(score)}" for name, score in found.prompts.items())
    caveats = {"worth it": GUESS, "more rows first": GUESS, "no gain in sight": UNSEEN}
    return [
        f"{SAID[verdict.kind]} {verdict.reason}",
        folds_hint(ref) if verdict.kind == "more rows first" else "",
        caveats.get(verdict.kind, ""),
        f"Scores on {found.n} examples: {scores}.",
        f"A row's score varies by {verdict.between_prompts:.3f} between prompts, and by "
        f"{verdict.between_answers:.3f} between two answers to one prompt (variances); "
        f"{percent(verdict.malformed)} of the answers lack the form.",
        f"{spent.calls} call{'s' * (spent.calls != 1)}.",
    ]
