"""A result as people read it on a terminal."""

from typing import Any

from rich.table import Table
from rich.text import Text

from apo.cli.console import clock, dollars, percent, say, tell, tell_framed
from apo.cli.prompts import shortened
from apo.prompts.prompt import Prompt
from apo.results.constants import MAX_SAID
from apo.results.verdict import FAVOURABLE, form_gain, heading, missing, sentence
from apo.run.estimate import Estimate
from apo.storage.refusals import told

NOTHING_FOUND = (
    "Nothing found: no candidate did better than the seed prompt on the validation examples. If "
    "hardly any was measured (apo show tells), the budget was too small for this optimizer."
)
NOTHING_TRIED = "Nothing found: the search had no candidate to try beside the seed prompt."
COUNTED = {"right": "right", "wrong": "wrong", "malformed": "malformed", "errors": "error"}
RARE = ("refused", "cut")
"""Counts that are told where there are any."""


def report(result: dict[str, Any]) -> None:
    """Tell a result: the verdict first, then the figures, the prompt, and what to do next."""
    verdict, run = result["verdict"], result["run_id"]
    tell()
    seed, best = (Prompt.from_dict(result[name]) for name in ("seed_prompt", "best_prompt"))
    if best == seed:
        _nothing(result.get("refused") or {})
    else:
        _verdict(verdict)
        _tell_refused(result.get("refused") or {})
    tell(_scores(result))
    gap: dict[str, Any] = result.get("gap") or {}  # Results of earlier versions have none.
    for text in (gap.get("text"), *(result.get("notes") or ())):
        if text:
            tell(text, "yellow")
    judge: dict[str, Any] = result.get("judge") or {}
    if judge.get("told"):
        tell(judge["told"], "yellow" if judge["warning"] else "")
    if best != seed:
        title = "best prompt" if result["winner"] == "best" else "best prompt found (not proven)"
        shown = shortened(best, f"apo export {run} --best")
        tell_framed(shown, title)
    tell(_spent(result["spent"]))
    if result.get("overspent"):  # Results of earlier versions do not say it.
        tell(result["overspent"], "bold red")
    _mlflow(result["mlflow"])
    next_steps(run, logged=bool(result["mlflow"]))


def _tell_refused(refused: dict[str, Any]) -> None:
    if line := told(refused):
        tell(line, "yellow" if refused["n"] == refused["of"] else "")


def _nothing(refused: dict[str, Any]) -> None:
    """Say why nothing was found: what was refused is a reason, and the budget may be another."""
    all_refused = bool(refused and refused["n"]) and refused["n"] == refused["of"]
    tell(NOTHING_TRIED if all_refused else NOTHING_FOUND, "yellow")
    _tell_refused(refused)
    if all_refused:
        if refused.get("example"):
            tell(f"One began: {refused['example']}")
        tell(
            "Another --optimizer-model may write what can be used; or look at the contract, the "
            "meta-prompts and the optimizer's settings."
        )


def next_steps(run: str, *, logged: bool) -> None:
    """Say what to do next, a command a line, to be copied; pages show what was logged alone."""
    steps = [("Look closer", f"apo show {run}"), ("Take the prompt", f"apo export {run}")]
    for what, command in [*steps, ("Pages", "apo ui")] if logged else steps:
        say(f"{what + ':':16} {command}")


def _verdict(verdict: dict[str, Any] | None) -> None:
    if verdict is None:
        tell("No verdict: no test example has a score under both prompts.", "yellow")
        return
    if verdict["wins"] == verdict["losses"] == 0 and not verdict["difference"]:
        tell(
            "Nothing gained: the best prompt scores like the seed on every test example.", "yellow"
        )
        return
    tell_verdict(verdict, sentence(verdict))
    _content(verdict)
    if not verdict["complete"]:
        tell("The budget ended before all test examples were measured.", "yellow")


def tell_verdict(verdict: dict[str, Any], sentence: str) -> None:
    """Tell a verdict in its colour, and what to look at where it is not favourable."""
    proven = verdict["favourable"] and heading(verdict) == FAVOURABLE
    tell(sentence, "bold green" if proven else "bold yellow")
    if broken := verdict.get("broken"):  # Results of earlier versions say neither.
        more = ", …" if len(broken) > 5 else ""
        tell(f"They are {', '.join(broken[:5])}{more}; look at them: apo show RUN --flips")
    elif not verdict["favourable"]:
        tell(verdict.get("advice") or "")
    if verdict.get("ungraded"):  # Results of earlier versions left such examples out.
        tell(missing(verdict["ungraded"]), "yellow")


def _content(verdict: dict[str, Any]) -> None:
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
    measured = f"test {result.get('metric') or 'score'}"
    verdict: dict[str, Any] = result["verdict"] or {}
    both = [verdict.get(f"{name}_counts", {}) for name in ("seed", "best")]
    counted = COUNTED | {name: name for name in RARE if any(c.get(name) for c in both)}
    for column in ("", measured, "validation", "length", *counted):
        table.add_column(column, justify="right" if column else "left")
    for name in ("seed", "best"):
        counts: dict[str, int] = verdict.get(f"{name}_counts", {})
        length = len(Prompt.from_dict(result[f"{name}_prompt"]).text())
        shown = [f"{length:,}", *(_count(counts, key) for key in counted.values())]
        score, validation = verdict.get(f"{name}_score"), result["validation"][name]
        table.add_row(name, percent(score), percent(validation), *shown)
    return table


def _count(counts: dict[str, int], key: str) -> str:
    return str(counts.get(key, 0 if key in RARE and counts else "–"))


def spent_line(spent: dict[str, Any]) -> str:
    """Say what was spent, in a sentence."""
    thought = spent.get("thinking_tokens")  # Results of earlier versions do not say it.
    return (
        f"Spent {spent['calls']:,} calls, {spent['input_tokens']:,} tokens in, "
        f"{spent['output_tokens']:,} out{f' ({thought:,} of them thought)' if thought else ''}, "
        f"{dollars(spent['usd'])}, {clock(spent['seconds'])}."
    )


def _spent(spent: dict[str, Any]) -> str:
    text = spent_line(spent)
    if spent["cached_tokens"]:
        text += f" {spent['cached_tokens']:,} of the tokens in came from the provider's cache."
    if spent["reused_calls"]:
        text += (
            f" {spent['reused_calls']:,} of the calls, {dollars(spent['reused_usd'])}, were paid "
            "for by earlier runs."
        )
    if spent["retries"]:
        text += f" {spent['retries']} attempts were made again."
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
        tell(f"  money    {dollars(found.usd)}")
        tell(f"  time     {clock(60 * (found.minutes or 0))}")
    tell(
        f"From {found.probes} calls with the seed prompt. Prompts are taken to grow by 250 tokens, "
        "and 1 call in 20 to be the optimizer model's, of 3,000. A serious candidate is measured "
        f"on {found.validation} validation examples, the verdict on "
        f"{found.test} test examples for each of two prompts."
    )
    say(f"Start it: apo resume {found.run_id}", "bold")
