"""`apo export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o

if TYPE_CHECKING:
    from apo.prompts.forms.provenance import Provenance
    from apo.prompts.prompt import Prompt
    from apo.storage.folder import RunFolder

FORMATS = (
    *("text", "json", "yaml", "markdown", "messages", "openai", "python", "dspy", "langchain"),
    *("prompty", "dotprompt", "github", "promptfoo", "huggingface", "curl"),
)
"""The names in `apo.prompts.forms.registry`, which brings more than the help has time for."""
NO_VERDICT = (
    "There is no verdict on this prompt: its score is of the validation examples that it was "
    "chosen on. Measure it on others: apo evaluate TASK --prompt FILE"
)


def export(
    run: o.RunOrCandidate,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help=f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}.",
            autocompletion=lambda: [*FORMATS],
        ),
    ] = "text",
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE|prompts:/NAME|models:/NAME|sqlite:///FILE",
            help="A file, the next version of a prompt in MLflow, or of a model that "
            "`mlflow models serve` answers with; a database, for the whole search as a study of "
            "Optuna; by default standard output.",
        ),
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

    RUN:ID gives any candidate: apo show lists them with their ids.

    Example: `apo export last --format messages --out prompt.json`
    """
    from apo.cli.console import home, write_document
    from apo.errors import SettingsError
    from apo.prompts.forms.registry import write_prompt
    from apo.prompts.prompt import Prompt
    from apo.results.provenance import provenance_of
    from apo.storage.lineage import find_named

    folder, candidate = find_named(run, home())
    given = [candidate is not None, best, within is not None]
    if "://" in out:
        if any(given):
            raise SettingsError(f"{out} takes the whole search as a study; give RUN alone.")
        _as_study(folder, out)
        return
    if sum(given) > 1:
        raise SettingsError(
            "Give RUN:ID, --best or --within, not two of them: each names another prompt."
        )
    if candidate is not None:
        _tell_candidate(folder, candidate)
        chosen = candidate["prompt"]
    else:
        chosen = _of_result(folder, folder.need_result(), best, within)
    prompt = Prompt.from_dict(chosen)
    known = provenance_of(folder, prompt)
    _tell_program(folder, prompt, out)
    if out.startswith(("prompts:/", "models:/")):
        _register(prompt, known, out)
        return
    text = write_prompt(prompt, form, known)
    _tell_lost(prompt, form, text)
    write_file(text, out) if out else write_document(text)


def _as_study(folder: "RunFolder", storage: str) -> None:
    """Write the whole search as a study of Optuna."""
    from apo.bridges.optuna_study import to_optuna
    from apo.cli.console import home, say
    from apo.secrecy import without_logins

    study = to_optuna(folder.id, storage, home=home())
    n = len(study.trials)
    say(f"Wrote the study {study.study_name} with {n} trial{'s' * (n != 1)}.")
    say(f"Look at it: pip install optuna-dashboard; optuna-dashboard {without_logins(storage)}")


def _of_result(
    folder: "RunFolder", result: dict[str, Any], best: bool, within: float | None
) -> dict[str, Any]:
    """The prompt of a result that was asked for; says where it is not a proven one."""
    from apo.cli.console import say
    from apo.results.outcome import outcome
    from apo.results.words import scope

    if within is not None:
        return _cheapest(folder, result, within)
    which = "best" if best else result["winner"]
    found = outcome(result)
    same = result["best_prompt"] == result["seed_prompt"]
    if which == "seed" or same:
        more = "" if same else " --best gives the best one found."
        say(f"This is the seed prompt ({found.kind}).{more} {found.reason}", "yellow")
    elif not found.favourable:
        say(f"This is the best prompt found ({found.kind}). {found.reason}", "yellow")
    if which == "best" and "procedure" in result:
        say(scope(result["procedure"]))
    chosen: dict[str, Any] = result[f"{which}_prompt"]
    return chosen


def _tell_candidate(folder: "RunFolder", row: dict[str, Any]) -> None:
    """Say what is known of a candidate that was chosen by its id."""
    from apo.cli.console import percent, say
    from apo.prompts.prompt import Prompt
    from apo.results.outcome import outcome

    result = folder.result or {}
    known = {n: Prompt.from_dict(result[f"{n}_prompt"]).id for n in ("seed", "best") if result}
    if row["id"] in known.values():
        word, found = "seed" if row["id"] == known["seed"] else "best", outcome(result)
        marked = "" if word == "seed" or found.favourable else f" ({found.kind})"
        say(f"{row['id']} is the {word} prompt of {folder.id}{marked}.")
        return
    told = f"{row['id']} ({row['operator']}) of {folder.id}"
    score = f"{percent(row['value'])} on {row['n']} example{'s' * (row['n'] != 1)}. {NO_VERDICT}"
    say(f"{told}: {score if row['n'] else 'it was never measured.'}", "yellow")


def _tell_program(folder: "RunFolder", prompt: "Prompt", out: str) -> None:
    """Say that a prompt was measured by a program of several calls, which no form holds."""
    from apo.cli.console import say
    from apo.errors import SettingsError

    calls = folder.settings.get("calls_per_answer")
    if calls is None or prompt.focus:
        return
    told = (
        f"This prompt was measured in a program or by a solver, up to {calls} "
        f"call{'s' * (calls > 1)} an answer"
    )
    if out.startswith("models:/"):
        raise SettingsError(f"{told}; a served model would send it as it is. Export it as json.")
    say(f"{told}, which the file does not hold: sent as it is, it was not measured.", "yellow")


def _tell_lost(prompt: "Prompt", form: str, text: str) -> None:
    """Say what a form cannot hold, so that what is deployed is what was measured."""
    from apo.cli.console import say
    from apo.prompts.forms.loss import lost

    for told in lost(prompt, form, text):
        say(told, "yellow")


def _register(prompt: "Prompt", known: "Provenance", out: str) -> None:
    """Write a version in MLflow: a prompt, or a model that answers with it."""
    from apo.cli.console import say

    if out.startswith("prompts:/"):
        from apo.tracking.registered import register_next
        from apo.tracking.registry import caution

        say(f"Registered {register_next(out, prompt, known)}")
        if note := caution(prompt):
            say(note, "yellow")
        return
    from apo.bridges.served import log_served

    made = log_served(out, prompt, known)
    say(f"Registered {made}. Serve it: mlflow models serve -m {made} --env-manager local")


def write_file(text: str, out: str) -> None:
    """Write a text to a file that was named on the command line, and say so.

    Raises:
        SettingsError: it cannot be written.
    """
    from apo.cli.console import say
    from apo.errors import SettingsError
    from apo.files import write_out

    try:
        write_out(Path(out), text)
    except OSError as error:
        raise SettingsError(f"Cannot write {out}: {error.strerror}.") from error
    say(f"Wrote {out}")


def _cheapest(folder: "RunFolder", result: dict[str, Any], points: float) -> dict[str, Any]:
    """The cheapest prompt near the best one; says which it is, and what is not known of it."""
    from apo.cli.console import percent, say
    from apo.prompts.prompt import Prompt
    from apo.results.front import cheapest, price_of
    from apo.results.outcome import outcome
    from apo.results.standings import standings

    found = standings(folder)
    chosen, by = cheapest(found, points)
    reach = f"{points:g} point{'' if points == 1 else 's'}"
    best = found[0]
    if chosen is best:
        say(f"The best prompt found, {best.id}, is the cheapest within {reach}.")
        ended, judged = outcome(result), Prompt.from_dict(result["best_prompt"]).id == best.id
        if not (judged and ended.favourable):
            say(ended.reason if judged else NO_VERDICT, "yellow")
        return dict(best.prompt)
    costs = [price_of(s, by) for s in (chosen, best)]
    saved = 1 - costs[0] / costs[1] if costs[1] else 0.0
    unit = "dollars" if by == "cost" else "guessed tokens" if chosen.estimated else "tokens"
    say(
        f"{chosen.id} ({chosen.operator}) is the cheapest within {reach} of the best: "
        f"{percent(chosen.score)} on validation, the best {percent(best.score)}; "
        f"{_amount(costs[0], by)} {unit} a call for {_amount(costs[1], by)}, {percent(saved)} less."
    )
    say(NO_VERDICT, "yellow")
    return dict(chosen.prompt)


def _amount(value: float, by: str) -> str:
    return f"{value:.6f}" if by == "cost" else f"{value:,.1f}"
