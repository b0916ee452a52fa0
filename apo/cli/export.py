"""`apo export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o

if TYPE_CHECKING:
    from apo.runs import RunFolder


def export(
    run: o.RunName,
    form: Annotated[
        str, typer.Option("--format", "-f", help="text, json, messages or python.")
    ] = "text",
    out: Annotated[
        str, typer.Option("--out", "-o", help="File to write; by default standard output.")
    ] = "",
    best: Annotated[
        bool, typer.Option("--best", help="The best prompt found, even without a proven gain.")
    ] = False,
    within: Annotated[
        float | None,
        typer.Option(
            "--within",
            metavar="POINTS",
            help="The cheapest prompt that scores within so many points of the best on "
            "validation, such as 1.",
        ),
    ] = None,
) -> None:
    """Write the prompt to use: the best one if the verdict is favourable, otherwise the seed.

    Example: `apo export last --format messages --out prompt.json`
    """
    from apo.cli.console import home, say, write_document
    from apo.cli.folds import scope
    from apo.errors import SettingsError
    from apo.prompt import Prompt
    from apo.prompt_files import write_prompt
    from apo.runs import find_run

    folder = find_run(run, home())
    result = folder.need_result()
    if within is not None and best:
        raise SettingsError("Give --best or --within, not both: each names another prompt.")
    which = "best" if best else result["winner"]
    chosen = result[f"{which}_prompt"]
    if within is not None:
        chosen = _cheapest(folder, result, within)
    elif which == "seed":
        say(
            "The gain is not proven, so this is the seed prompt; --best gives the best one found.",
            "yellow",
        )
    elif result["winner"] != "best":
        say("This is the best prompt found; that it beats the seed is not proven.", "yellow")
    if which == "best" and "procedure" in result:
        say(scope(result["procedure"]))
    prompt = Prompt.from_dict(chosen)
    if form in ("text", "messages") and prompt.literal_variables:
        say(
            f"{prompt.literal_variables[0]} stands in it as text, such as that of a demo, but is "
            "read as a variable in this form; --format json and python keep them apart.",
            "yellow",
        )
    text = write_prompt(prompt, form)
    _write(text, out) if out else write_document(text)


def _write(text: str, out: str) -> None:
    from apo.cli.console import say
    from apo.errors import SettingsError

    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"Cannot write {out}: {error.strerror}.") from error
    say(f"Wrote {out}")


def _cheapest(folder: "RunFolder", result: dict[str, Any], points: float) -> dict[str, Any]:
    """The cheapest prompt near the best one; says which it is, and what is not known of it."""
    from apo.cli.console import percent, say
    from apo.front import cheapest, price_of
    from apo.prompt import Prompt
    from apo.standings import standings

    found = standings(folder)
    chosen, by = cheapest(found, points)
    reach = f"{points:g} point{'' if points == 1 else 's'}"
    best = found[0]
    if chosen is best:
        say(f"The best prompt found, {best.id}, is the cheapest within {reach}.")
        proven = Prompt.from_dict(result["best_prompt"]).id == best.id
        if result["winner"] != "best" or not proven:
            say("That it beats the seed is not proven.", "yellow")
        return dict(best.prompt)
    costs = [price_of(s, by) for s in (chosen, best)]
    saved = 1 - costs[0] / costs[1] if costs[1] else 0.0
    unit = "dollars" if by == "cost" else "guessed tokens" if chosen.estimated else "tokens"
    say(
        f"{chosen.id} ({chosen.operator}) is the cheapest within {reach} of the best: "
        f"{percent(chosen.score)} on validation, the best {percent(best.score)}; "
        f"{_amount(costs[0], by)} {unit} a call for {_amount(costs[1], by)}, {percent(saved)} less."
    )
    say(
        "There is no verdict on this prompt: its score is of the validation examples that it was "
        "chosen on. Measure it on others: apo evaluate TASK --prompt FILE",
        "yellow",
    )
    return dict(chosen.prompt)


def _amount(value: float, by: str) -> str:
    return f"{value:.6f}" if by == "cost" else f"{value:,.1f}"
