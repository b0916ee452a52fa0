"""Options that several commands share."""

from typing import Annotated

import typer


def _tasks() -> list[str]:
    from apo.taskfile.places import builtin_tasks

    return builtin_tasks()


def _runs() -> list[str]:
    from apo.cli.console import home
    from apo.storage.folder import list_runs

    return ["last", *(folder.id for folder in list_runs(home()))]


def _optimizers() -> list[str]:
    from apo.search.plugins import all_names

    return all_names()


TaskName = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help="A built-in task, a folder with task.yaml, or file.py:name.",
        autocompletion=_tasks,
    ),
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run's id, a part of it, or 'last'.", autocompletion=_runs
    ),
]
RunOrCandidate = Annotated[
    str,
    typer.Argument(
        metavar="RUN[:ID]",
        help="A run, as its id, a part of it, or 'last'; RUN:ID is one of its candidates.",
        autocompletion=_runs,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Csv = Annotated[bool, typer.Option("--csv", help="The table as CSV on standard output.")]
OptimizerName = Annotated[
    str,
    typer.Option("--optimizer", "-o", help="Name, or file.py:Name.", autocompletion=_optimizers),
]
Settings = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the optimizer; repeatable."),
]
ModelName = Annotated[
    str,
    typer.Option("--model", "-m", help="Answers examples: embedded, openai/NAME, URL#NAME, …"),
]
OptimizerModel = Annotated[
    str, typer.Option("--optimizer-model", help="Writes prompts; by default the same model.")
]
PromptFile = Annotated[
    str,
    typer.Option(
        "--prompt",
        metavar="FILE|RUN[:ID]",
        help="Seed prompt in place of the task's own: a file's, a run's, or a candidate's.",
    ),
]
MaxCalls = Annotated[int | None, typer.Option("--max-calls", help="Most answered calls.")]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", help="Most tokens, in and out.")]
MaxUsd = Annotated[float | None, typer.Option("--max-usd", help="Most US dollars.")]
MaxMinutes = Annotated[float | None, typer.Option("--max-minutes", help="Most minutes.")]
Concurrency = Annotated[int, typer.Option("--concurrency", "-c", help="Most calls at once.")]
RequestsPerMinute = Annotated[
    float | None,
    typer.Option("--rpm", help="Most requests a minute; by default what the provider says."),
]
TokensPerMinute = Annotated[
    float | None,
    typer.Option("--tpm", help="Most tokens a minute; by default what the provider says."),
]
Hedge = Annotated[
    bool, typer.Option("--hedge", help="Ask again when an answer is overdue; take the first.")
]
FallbackModel = Annotated[
    str, typer.Option("--fallback-model", help="Writes prompts when the optimizer model is down.")
]
JudgeModel = Annotated[
    str, typer.Option("--judge-model", help="Judges answers; by default the optimizer model.")
]
Edits = Annotated[
    list[str],
    typer.Option(
        "--edits", help="Techniques to try on the best prompt at the end, or all; repeatable."
    ),
]
AuditCalls = Annotated[
    int,
    typer.Option("--audit-calls", help="Attack the best candidates before the verdict, so often."),
]
Review = Annotated[
    bool,
    typer.Option("--review", help="Ask you about each proposal: accept, edit, or veto it."),
]
Reuse = Annotated[
    bool, typer.Option("--reuse", help="Take answers that earlier runs here paid for.")
]
Batch = Annotated[
    bool,
    typer.Option(
        "--batch", help="Ask the task model in batches: half the price, up to a day each."
    ),
]
Folds = Annotated[
    int | None,
    typer.Option(
        "--folds", metavar="K", help="For few rows: K + 1 runs that share the limits test all rows."
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Of all random draws.")]
Prices = Annotated[
    list[str],
    typer.Option("--price", metavar="MODEL=IN,OUT", help="Dollars per million tokens; repeatable."),
]
Transport = Annotated[str, typer.Option("--transport", help="aiohttp, or openai (the SDK).")]
Body = Annotated[
    list[str],
    typer.Option(
        "--body",
        metavar="KEY=VALUE",
        help="A field of the request's body, JSON or text: reasoning_effort=low; repeatable.",
    ),
]
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds for one attempt at a call.")]
MaxAnswer = Annotated[
    int | None,
    typer.Option("--max-answer", help="Most tokens of an answer; by default what targets need."),
]
MaxThinking = Annotated[
    int, typer.Option("--max-thinking", help="Tokens beside that for models that think first.")
]
MetaPrompts = Annotated[
    list[str],
    typer.Option("--meta-prompt", metavar="NAME=FILE", help="Your own meta-prompt; repeatable."),
]
Track = Annotated[bool, typer.Option("--track/--no-track", help="Log the run to MLflow.")]
TrackingUri = Annotated[
    str,
    typer.Option(
        "--tracking-uri", help="By default MLFLOW_TRACKING_URI, or mlflow.db in this folder."
    ),
]
Experiment = Annotated[str, typer.Option("--experiment", help="MLflow experiment.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Ask again instead of using kept answers.")]
