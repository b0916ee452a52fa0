"""A result as people read it on a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from apo.cli.console import clock, dollars, percent, say, say_next, tell, tell_framed
from apo.cli.prompts import shortened
from apo.language.catalogue import message, translated
from apo.prompts.prompt import Prompt
from apo.results.constants import MAX_SAID
from apo.results.outcome import Outcome, outcome, vetoed_line
from apo.results.told import about
from apo.results.words import form_gain
from apo.run.estimate import Estimate
from apo.storage.refusals import told, told_replies

COUNTED = {
    message("right"): "right",
    message("wrong"): "wrong",
    message("malformed"): "malformed",
    message("errors"): "error",
}
RARE = (message("refused"), message("cut"))
"""Counts that are told where there are any."""


def report(result: dict[str, Any]) -> None:
    """Tell a result: the verdict first, then the figures, the prompt, and what to do next."""
    verdict, run = result["verdict"], result["run_id"]
    tell()
    seed, best = (Prompt.from_dict(result[name]) for name in ("seed_prompt", "best_prompt"))
    found = outcome(result)
    tell_outcome(found, verdict or {}, run)
    if verdict and best != seed:
        _content(verdict)
    _tell_beside(found, result)
    tell(_scores(result))
    gap: dict[str, Any] = result.get("gap") or {}  # Results of earlier versions have none.
    for text in (gap.get("text"), *(result.get("notes") or ())):
        if text:
            tell(text, "yellow")
    judge: dict[str, Any] = result.get("judge") or {}
    if judge.get("told"):
        tell(judge["told"], "yellow" if judge["warning"] else "")
    if best != seed:
        shown = shortened(best, f"apo export {run} --best")
        tell_framed(shown, titled(found))
    tell(_spent(result["spent"]))
    if result.get("overspent"):  # Results of earlier versions do not say it.
        tell(result["overspent"], "bold red")
    _mlflow(result["mlflow"])
    next_steps(run, logged=bool(result["mlflow"]))


def titled(found: Outcome) -> str:
    """What stands above the best prompt."""
    return message("best prompt") if found.favourable else f"best prompt found ({found.kind})"


def tell_outcome(found: Outcome, verdict: Mapping[str, Any], run: str) -> None:
    """Tell how a run came out in its colour, and what to look at where it is not favourable.

    Args:
        found: the outcome.
        verdict: as JSON values; empty where there is none.
        run: the run's id.
    """
    tell(found.reason, "bold green" if found.favourable else "bold yellow")
    for line, caution in about(found, verdict, run):
        tell(line, "yellow" if caution else "")


def _tell_beside(found: Outcome, result: Mapping[str, Any]) -> None:
    """What was refused or vetoed, where that is not the outcome already."""
    refused: Mapping[str, Any] = result.get("refused") or {}
    vetoed: Mapping[str, Any] = result.get("vetoed") or {}
    if found.kind != "vetoed" and vetoed:
        tell(vetoed_line(vetoed, result["run_id"]), "yellow")
    if line := told_replies(refused):
        tell(line)
    if found.kind != "refused":
        tell(told(refused)) if refused and refused["n"] else None
        return
    if refused.get("example"):
        tell(f"One began: {refused['example']}")
    tell(
        "Another --optimizer-model may write what can be used; or look at the contract, the "
        "meta-prompts and the optimizer's settings."
    )


def next_steps(run: str, *, logged: bool) -> None:
    """Say what to do next, a command a line, to be copied; pages show what was logged alone."""
    steps = [
        (message("Look closer"), f"apo show {run}"),
        (message("As a page"), f"apo report {run}"),
        (message("Take the prompt"), f"apo export {run}"),
    ]
    for what, command in [*steps, (message("Pages"), "apo ui")] if logged else steps:
        say_next(what, command)


def _content(verdict: Mapping[str, Any]) -> None:
    """Tell what was gained in form alone, and what each prompt answers."""
    if gained := form_gain(verdict):
        tell(f"{gained}.")
    shares: dict[str, list[float]] = verdict.get("shares") or {}
    if shares:
        table = Table(box=None, pad_edge=False)
        table.add_column("answers", overflow="ellipsis", no_wrap=True, max_width=40)
        for name in ("targets", "seed", "best"):
            table.add_column(name, justify="right", no_wrap=True)
        for answer, found in list(shares.items())[:MAX_SAID]:
            table.add_row(Text(answer), *(percent(share) for share in found))
        tell(table)


def _scores(result: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    metric = result.get("metric")
    measured = message(f"test {metric}") if metric else message("test score")
    verdict: dict[str, Any] = result["verdict"] or {}
    both = [verdict.get(f"{name}_counts", {}) for name in ("seed", "best")]
    counted = COUNTED | {name: name for name in RARE if any(c.get(name) for c in both)}
    for column in ("", measured, message("validation"), message("length"), *counted):
        table.add_column(column, justify="right" if column else "left")
    for name in ("seed", "best"):
        counts: dict[str, int] = verdict.get(f"{name}_counts", {})
        length = len(Prompt.from_dict(result[f"{name}_prompt"]).text())
        shown = [f"{length:,}", *(_count(counts, key) for key in counted.values())]
        score, validation = verdict.get(f"{name}_score"), result["validation"][name]
        table.add_row(translated(name), percent(score), percent(validation), *shown)
    return table


def _count(counts: dict[str, int], key: str) -> str:
    return str(counts.get(key, 0 if key in RARE and counts else "–"))


def spent_line(spent: dict[str, Any]) -> str:
    """Say what was spent, in a sentence."""
    thought = spent.get("thinking_tokens")  # Results of earlier versions do not say it.
    return (
        f"Spent {spent['calls']:,} call{'s' * (spent['calls'] != 1)}, "
        f"{spent['input_tokens']:,} tokens in, {spent['output_tokens']:,} out"
        f"{f' ({thought:,} of them thought)' if thought else ''}, {dollars(spent['usd'])}, "
        f"{clock(spent['seconds'])}."
    )


def _spent(spent: dict[str, Any]) -> str:
    text = spent_line(spent)
    if spent["cached_tokens"]:
        text += f" {spent['cached_tokens']:,} of the tokens in came from the provider's cache."
    if spent["reused_calls"]:
        text += (
            f" Paid for by earlier runs: {spent['reused_calls']:,} of the calls, "
            f"{dollars(spent['reused_usd'])}."
        )
    if spent["retries"]:
        text += f" Attempts made again: {spent['retries']}."
    if spent["lost_usd"]:
        text += f" Failed attempts may have cost up to {dollars(spent['lost_usd'])} more."
    return text


def _mlflow(mlflow: dict[str, Any]) -> None:
    if not mlflow:
        return
    if mlflow.get("complete"):
        where = mlflow.get("url") or mlflow.get("tracking_uri")
        tell(f"MLflow: run {mlflow.get('run_id')} at {where}")
    if mlflow.get("problem"):
        tell(f"MLflow: {mlflow['problem']}", "yellow")


def report_estimate(found: Estimate) -> None:
    """Tell an estimate, and how to start the run."""
    if found.calls is None:
        tell("No limit bounds the run. Give --max-calls, --max-usd, --max-tokens or --max-minutes.")
    else:
        tell(f"About, until {found.limit} ends the run:", "bold")
        tell(f"  calls    {found.calls:,}")
        tell(f"  tokens   {found.input_tokens:,} in, {found.output_tokens:,} out")
        tell(f"  money    {translated(dollars(found.usd))}")
        told = translated("unknown") if found.minutes is None else clock(60 * found.minutes)
        tell(f"  time     {told}")
    tell(
        f"From {found.probes} calls with the seed prompt. {found.assumed} A serious candidate is "
        f"measured on {found.validation} validation examples, the verdict on {found.test} test "
        f"examples for each of two prompts. An answer may take {found.answer_tokens:,} tokens."
    )
    say(f"Start it: apo resume {found.run_id}", "bold")
