"""`apo ablate`: which parts of a prompt earn their tokens, and the prompt without the others."""

from typing import Annotated

import typer

from apo.cli import options as o
from apo.cli.ask import AskFlags
from apo.cli.flags import takes


@takes(AskFlags)
def ablate(
    run: o.RunOrCandidate,
    out: Annotated[
        str, typer.Option("--out", help="File for the prompt without its idle parts, as JSON.")
    ] = "",
    margin: Annotated[
        float, typer.Option("--margin", help="A loss of fewer points of score counts as none.")
    ] = 3.0,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Prove the shorter prompt on the test split.")
    ] = True,
    model: o.ModelName = "",
    judge_model: o.JudgeModel = "",
    max_calls: o.MaxCalls = None,
    fresh: o.Fresh = False,
    csv: o.Csv = False,
    *,
    flags: AskFlags,
) -> None:
    """Leave out each part of a run's prompt: which sentences, demos and cues earn their tokens?

    Parts of the prompt to use, or of the candidate RUN:ID, are left out on train and validation
    examples. What nothing shows to be of use goes, and the shorter prompt is compared with the
    whole one on the test split. Answers are kept; ablation.json is put in the run's folder.

    Example: `apo ablate last --out shorter.json`
    """
    from functools import partial

    from apo.assessment.ablate import aablate, plan
    from apo.assessment.transfer import take_over
    from apo.cli.ablate_report import document_of, tell_ablation, tell_plan, write_shorter
    from apo.cli.console import home, kept, one_form, print_csv, print_json
    from apo.cli.prompts import prompt_of
    from apo.cli.transfer import task_of
    from apo.run.wishes import trusted_settings
    from apo.storage.lineage import find_named
    from apo.storage.uses import uses_of

    document = one_form(json=flags.json, csv=csv)
    folder, _ = find_named(run, home())
    task = task_of(folder)
    prompt, _ = prompt_of(run, task)
    settings = trusted_settings(folder)
    judging = settings["options"].get("judge_model") or settings["optimizer_model"]
    planned = plan(task, prompt, max_calls, test=test)
    before = uses_of([example.id for example in planned.test], home())
    if not document:
        tell_plan(planned, prompt, before)
    asked = flags.ask(
        partial(
            aablate,
            task,
            prompt,
            model=model or settings["model"] or "embedded",
            margin=margin / 100,
            test=test,
        ),
        f"{folder.id} · ablate",
        judge_model=judge_model or judging,  # As in the run.
        max_calls=max_calls,
        fresh=fresh,
        quiet=document,
        before=None if fresh else partial(take_over, folder, [prompt]),
    )
    figures = document_of(asked.found, folder, before)
    file = kept(lambda: folder.write("ablation.json", figures))
    if out:
        write_shorter(asked.found.found, folder, out)
    if csv:
        print_csv(figures["parts"])
    elif flags.json:
        print_json({**figures, "overspent": asked.overspent})
    else:
        tell_ablation(asked.found, (*asked.kept, *asked.notes), file, out)
    asked.end()
