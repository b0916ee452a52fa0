"""What `apo export --within` gives and says."""

from typing import Any

from apo.cli.console import percent, say
from apo.front import cheapest, price_of
from apo.prompt import Prompt
from apo.runs import RunFolder
from apo.standings import standings


def cheapest_prompt(folder: RunFolder, result: dict[str, Any], points: float) -> dict[str, Any]:
    """The cheapest prompt near the best one; says which it is, and what is not known of it."""
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
