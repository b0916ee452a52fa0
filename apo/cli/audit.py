"""`apo audit`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o
from apo.cli.ask import AskFlags
from apo.cli.flags import takes
from apo.language.catalogue import message, translated

if TYPE_CHECKING:
    from apo.audit import Audit
    from apo.prompts.prompt import Prompt
    from apo.storage.folder import RunFolder
    from apo.task import Task


@takes(AskFlags)
def audit(
    what: Annotated[
        str,
        typer.Argument(
            metavar="RUN[:ID]|PROMPT",
            help="A run (its seed and best prompt), a candidate of it, or a file.",
        ),
    ],
    task: Annotated[
        str, typer.Option("--task", "-t", help="The task; needed for a prompt file.")
    ] = "",
    split: Annotated[
        str, typer.Option("--split", help="Where the inputs are from: test, validation, train.")
    ] = "test",
    model: o.ModelName = "",
    judge_model: o.JudgeModel = "",
    max_calls: Annotated[
        int | None,
        typer.Option("--max-calls", help="Draw so many trials; by default the whole suite."),
    ] = None,
    canary: Annotated[
        str, typer.Option("--canary", metavar="TEXT", help="A text of the prompt to keep secret.")
    ] = "",
    max_rate: Annotated[
        float | None,
        typer.Option(
            "--max-rate",
            help="Exit with 1 when the prompt fails a larger share of a kind's trials, such as "
            "0.05; for CI.",
        ),
    ] = None,
    seed: o.Seed = 0,
    fresh: o.Fresh = False,
    out: Annotated[
        str,
        typer.Option("--out", metavar="FILE", help="Write the audit as a page of HTML to look at."),
    ] = "",
    csv: o.Csv = False,
    *,
    flags: AskFlags,
) -> None:
    """Attack a prompt: injections, leaking, jailbreaks, typos; does it keep its task and secret?

    Of a run, the seed and the best prompt are tried side by side; audit.json and a page to look at,
    audit.html, are put in its folder. Answers are kept: the same audit again costs nothing.

    Example: `apo audit last --max-calls 400`
    """
    from functools import partial

    from apo.audit.audit import aaudit, trials_of
    from apo.audit.trials import n_calls
    from apo.cli.audit_report import tell_audit
    from apo.cli.console import kept, one_form, print_csv, print_json, say
    from apo.cli.page import write_page
    from apo.errors import SettingsError
    from apo.report.audit_page import audit_page
    from apo.run.wishes import trusted_settings

    document = one_form(json=flags.json, csv=csv)
    if max_rate is not None and not 0 <= max_rate <= 1:
        raise SettingsError(f"--max-rate is {max_rate}; it is a share from 0 to 1, such as 0.05.")
    loaded, prompts, run = _subject(what, task)
    name = model or (run and trusted_settings(run)["model"]) or "embedded"
    n = len(prompts)
    named = message("seed and best") if [*prompts] == ["seed", "best"] else " and ".join(prompts)
    trials = trials_of(loaded, split, seed=seed, max_calls=max_calls, n_prompts=n)
    if not document:
        say(
            f"{len(trials)} trial{'s' * (len(trials) != 1)} on {translated(split)} examples of "
            f"{loaded.name}, {named}: {n * n_calls(loaded, trials):,} calls at most; those with "
            "kept answers are not made."
        )
    asked = flags.ask(
        partial(
            aaudit,
            loaded,
            prompts,
            model=name,
            split=split,
            max_calls=max_calls,
            seed=seed,
            canary=canary,
        ),
        f"{loaded.name} · audit · {name}",
        judge_model=judge_model,
        fresh=fresh,
        quiet=document,
    )
    found = asked.found
    figures = found.to_dict()
    whole = run is not None and "seed" in prompts
    file = kept(lambda: _keep(run, figures)) if run is not None and whole else None
    if csv:
        print_csv([{"prompt": n, **r.to_dict()} for n in found.prompts for r in found.rates(n)])
    elif flags.json:
        print_json({**figures, "overspent": asked.overspent})
    else:
        tell_audit(found, file)
    if out:
        write_page(audit_page(figures), Path(out), quiet=document)
    asked.end()
    if max_rate is not None:
        _gate(found, run if whole else None, max_rate)


def _keep(run: "RunFolder", figures: dict[str, Any]) -> Path:
    """Put the figures and their page in the run's folder; gives the file of the figures."""
    from apo.report.audit_page import FILE, audit_page

    file = run.write("audit.json", figures)
    run.write_text(FILE, audit_page(figures))
    return file


def _subject(what: str, task: str) -> "tuple[Task, dict[str, Prompt], RunFolder | None]":
    """What is audited: a prompt file, or the two prompts of a run on its own examples."""
    from apo.cli.console import home, say
    from apo.errors import PromptError, RunError, SettingsError
    from apo.prompts.forms.reading import read_prompt
    from apo.prompts.needs import as_task_asks
    from apo.prompts.prompt import Prompt
    from apo.run.recorded import measured_task
    from apo.run.wishes import trusted_settings
    from apo.storage.lineage import find_named
    from apo.taskfile.load import load_task

    path = Path(what)
    if path.is_file():
        if not task:
            raise SettingsError("A prompt file needs its task: give --task.")
        loaded = load_task(task, memory=home() / "splits")
        seed = loaded.seed_prompts[0]
        found = read_prompt(path, loaded.input_fields, seed.template, seed.beside)
        if found.note:
            say(f"{path}: {found.note}", "yellow")
        return loaded, {"prompt": as_task_asks(found.prompt, seed)}, None
    try:
        folder, candidate = find_named(what, home())
    except RunError as error:
        raise PromptError(f"{what!r} is neither a prompt file nor a run. {error}") from error
    name = task or trusted_settings(folder).get("task_ref")
    if not name:
        raise RunError(f"{folder.id} was started with a Python object as its task: give --task.")
    loaded = measured_task(folder, load_task(name, memory=home() / "splits"))
    if candidate is not None:
        return loaded, {candidate["id"]: Prompt.from_dict(candidate["prompt"])}, folder
    result = folder.need_result()
    prompts = {key: Prompt.from_dict(result[f"{key}_prompt"]) for key in ("seed", "best")}
    if prompts["best"] == prompts["seed"]:
        del prompts["best"]
    return loaded, prompts, folder


def _gate(found: "Audit", run: "RunFolder | None", max_rate: float) -> None:
    """Exit with 1 when the prompt that `apo export` gives fails too often."""
    from apo.cli.console import percent, say

    name = [*found.prompts][-1] if run is None else (run.result or {})["winner"]
    name = name if name in found.prompts else next(iter(found.prompts))
    worst = found.worst(name)
    if worst is None or worst.rate is None or worst.rate <= max_rate:
        return
    say(
        f"Over the limit: {name} fails {percent(worst.rate)} of the {worst.group} trials, and "
        f"--max-rate allows {percent(max_rate)}.",
        "bold red",
    )
    raise typer.Exit(1)
