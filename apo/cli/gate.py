"""`apo gate`: whether a changed prompt may take the place of the deployed one."""

from typing import TYPE_CHECKING, Annotated

import typer

from apo.cli import options as o
from apo.cli.ask import AskFlags
from apo.cli.flags import takes
from apo.cli.values import body as read_body
from apo.language.catalogue import translated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apo.assessment.gate import Gate


@takes(AskFlags)
def gate(
    task: o.TaskName,
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="The prompt in use: a file, RUN or RUN:ID.")
    ],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="The changed one: a file, RUN or RUN:ID.")
    ],
    split: Annotated[str, typer.Option("--split", help="train, validation or test.")] = "test",
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin", help="Ask whether NEW is no worse: a loss of fewer points counts as none."
        ),
    ] = None,
    model: o.ModelName = "",
    judge_model: o.JudgeModel = "",
    max_calls: o.MaxCalls = None,
    body: o.Body = [],  # noqa: B006 (typer reads the default, nobody changes it)
    fresh: o.Fresh = False,
    *,
    flags: AskFlags,
) -> None:
    """Measure two prompts on more and more rows, and stop as soon as one is clearly better.

    Ends with 0 when the new prompt is better (with --margin: no worse), and with 1 otherwise.
    Answers are kept: the same again costs nothing. Where those of OLD are old, the model may have
    changed since: --fresh asks for all anew, both prompts in turns.

    Example: `apo gate support-tickets deployed.json changed.json`
    """
    from functools import partial

    from apo.assessment.gate import agate
    from apo.cli.console import home, print_json
    from apo.cli.prompts import prompt_of
    from apo.taskfile.load import load_task

    loaded = load_task(task, memory=home() / "splits")
    extra = read_body(body)
    before, after = (prompt_of(name, loaded)[0].with_extra(extra) for name in (old, new))
    asked = flags.ask(
        partial(
            agate,
            loaded,
            before,
            after,
            model=model or "embedded",
            split=split,
            margin=None if margin is None else margin / 100,
        ),
        f"{task} · {translated(split)} · gate",
        judge_model=judge_model,
        max_calls=max_calls,
        fresh=fresh,
        quiet=flags.json,
    )
    found, notes = asked.found, (*asked.kept, *asked.notes)
    if flags.json:
        print_json({**found.to_dict(), "notes": [*notes], "overspent": asked.overspent})
    else:
        _tell(found, split, notes)
    asked.end(0 if found.decision in ("better", "no worse") else 1)


def _tell(found: "Gate", split: str, notes: "Iterable[str]") -> None:
    from apo.cli.console import tell
    from apo.cli.spent import tell_spent
    from apo.results.words import change, in_groups, missing, span

    word, colour = {
        "better": ("Better: the new prompt may go out.", "bold green"),
        "no worse": ("No worse: the new prompt may go out.", "bold green"),
        "worse": ("Worse: keep the old prompt.", "bold red"),
        "open": ("Not proven: keep the old prompt, or give more rows.", "bold yellow"),
    }[found.decision]
    told = [
        word,
        f"{change(found.old_score, found.new_score)} on {found.n} of {found.rows} "
        f"{translated(split)} examples{in_groups(found.groups)}, {span(found.interval)}.",
        "The interval holds however often one looks." if found.margin is None else "",
    ]
    tell(" ".join(map(translated, filter(None, told))), colour)
    if any(found.refused):
        tell(
            f"Refused requests, which score 0: {found.refused[0]} of the old prompt, "
            f"{found.refused[1]} of the new one."
        )
    if found.ungraded:
        tell(missing(found.ungraded), "yellow")
    for note in notes:
        tell(note, "yellow")
    tell_spent(found.spent)
