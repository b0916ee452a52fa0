"""`apo judge`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o
from apo.cli.ask import AskFlags
from apo.cli.flags import takes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apo.assessment.judging import Scored
    from apo.assessment.ratings import Ratings


@takes(AskFlags)
def judge(
    task: o.TaskName,
    ratings: Annotated[
        str,
        typer.Argument(
            metavar="RATINGS", help="A data file: the task's inputs, an answer, people's rating."
        ),
    ],
    answer: Annotated[
        str, typer.Option("--answer", metavar="COLUMN", help="The column of the answers.")
    ] = "",
    rating: Annotated[
        str, typer.Option("--rating", metavar="COLUMN", help="The column of people's ratings.")
    ] = "",
    judge_model: Annotated[
        list[str],
        typer.Option(
            "--judge-model", metavar="MODEL", help="Who judges; several are compared; repeatable."
        ),
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    draws: Annotated[int, typer.Option("--draws", help="How often each answer is judged.")] = 2,
    max_calls: o.MaxCalls = None,
    fresh: o.Fresh = False,
    csv: o.Csv = False,
    *,
    flags: AskFlags,
) -> None:
    """Measure a task's judge: does it agree with people, and with itself?

    Ratings are yes or no, shares from 0 to 1, or grades on the judge's scale. What was found is
    kept in judges/, and told with the results of runs that use this judge.

    Example: `apo judge my-task rated.csv --judge-model openai/gpt-5-mini`
    """
    from functools import partial

    from apo.assessment.agreement import measured
    from apo.assessment.judging import ascore
    from apo.assessment.rated import affordable, judging_scorer, rated_answers
    from apo.cli.console import home, one_form, print_csv, print_json, say, tell
    from apo.cli.judge_report import tell_judges
    from apo.errors import SettingsError
    from apo.taskfile.load import load_task

    document = one_form(json=flags.json, csv=csv)
    if draws < 1:
        raise SettingsError(f"--draws is {draws}; an answer is judged at least once.")
    loaded = load_task(task, memory=home() / "splits")
    scorer, own = judging_scorer(loaded, judge_model)
    rated = rated_answers(task, loaded, scorer, ratings, answer, rating)
    rated = affordable(rated, scorer, draws, max_calls)
    if not document:
        say(f"Rated answers: {len(rated.answers)}; ratings understood as {rated.scale}.")
        for note in rated.notes:
            say(note, "dim")
    asked = flags.ask(
        partial(ascore, scorer, rated, draws=draws),
        f"{loaded.name} · judge",
        judge_model=own,
        max_calls=max_calls,
        fresh=fresh,
        quiet=document,
    )
    found, spent = asked.found
    about = {"task": loaded.name, "scale": rated.scale, "notes": [*rated.notes], "draws": draws}
    figures = _kept(measured(found, rated), found, rated, own, about)
    result = {**about, **figures, "spent": spent.to_dict(), "overspent": asked.overspent}
    if document:
        print_json(result) if flags.json else print_csv(figures["judges"])
    else:
        tell_judges(result)
        for note in asked.kept:
            tell(note, "dim")
    asked.end()


def _kept(
    figures: dict[str, Any],
    found: "Sequence[Scored]",
    rated: "Ratings",
    own: str | None,
    about: dict[str, Any],
) -> dict[str, Any]:
    """Keep what was found of each judge; the figures then say where."""
    from functools import partial

    from apo.cli.console import home, kept
    from apo.results.judge_trust import keep
    from apo.task import content_hash

    about["ratings"] = content_hash([e.id for e in rated.examples])
    for one, scored in zip(figures["judges"], found, strict=True):
        write = partial(keep, home(), scored.scorer, own, {**about, **one})
        file = None if one["people"]["kappa"] is None else kept(write)
        one["file"] = file and str(file)
    return figures
