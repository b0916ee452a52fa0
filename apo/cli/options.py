"""Options that several commands share."""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from apo.errors import SettingsError

if TYPE_CHECKING:
    from apo.options import Options


def _tasks() -> list[str]:
    from apo.taskfile.load import builtin_tasks

    return builtin_tasks()


def _runs() -> list[str]:
    from apo.cli.console import home
    from apo.runs import list_runs

    return ["last", *(folder.id for folder in list_runs(home()))]


def _optimizers() -> list[str]:
    from apo.plugins import optimizer_names

    return optimizer_names()


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
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
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
    str, typer.Option("--prompt", metavar="FILE", help="Seed prompt in place of the task's own.")
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
AuditCalls = Annotated[
    int,
    typer.Option("--audit-calls", help="Attack the best candidates before the verdict, so often."),
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
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds for one attempt at a call.")]
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


@dataclass(frozen=True, kw_only=True)
class RunFlags:
    """The flags of `apo optimize` and `apo estimate`, as they were typed."""

    task: TaskName
    optimizer: OptimizerName = "auto"
    settings: Settings = field(default_factory=list[str])
    model: ModelName = "embedded"
    optimizer_model: OptimizerModel = ""
    prompt: PromptFile = ""
    max_calls: MaxCalls = None
    max_tokens: MaxTokens = None
    max_usd: MaxUsd = None
    max_minutes: MaxMinutes = None
    concurrency: Concurrency = 16
    rpm: RequestsPerMinute = None
    tpm: TokensPerMinute = None
    hedge: Hedge = False
    fallback_model: FallbackModel = ""
    judge_model: JudgeModel = ""
    audit_calls: AuditCalls = 0
    reuse: Reuse = False
    batch: Batch = False
    folds: Folds = None
    seed: Seed = 0
    prices: Prices = field(default_factory=list[str])
    transport: Transport = "aiohttp"
    timeout: Timeout = 120.0
    meta_prompts: MetaPrompts = field(default_factory=list[str])
    track: Track = True
    tracking_uri: TrackingUri = ""
    experiment: Experiment = ""
    json: Json = False

    def arguments(self, home: Path) -> dict[str, Any]:
        """Turn the flags into the arguments of `aoptimize`.

        Raises:
            ApoError: a flag cannot be used.
        """
        from apo.options import Options
        from apo.taskfile.load import load_task

        # Large data are read here, where Ctrl-C still ends it, and are quick to open again.
        load_task(self.task, memory=home / "splits")
        options = Options(
            seed=self.seed,
            max_concurrency=self.concurrency,
            requests_per_minute=self.rpm,
            tokens_per_minute=self.tpm,
            hedge=self.hedge,
            fallback_model=self.fallback_model or None,
            judge_model=self.judge_model or None,
            audit_calls=self.audit_calls,
            reuse=self.reuse,
            batch=self.batch,
            transport=transport(self.transport),
            timeout=self.timeout,
            prices=prices(self.prices),
            meta_prompts={n: _text(Path(f)) for n, f in pairs("--meta-prompt", self.meta_prompts)},
            track=self.track,
            tracking_uri=self.tracking_uri or None,
            experiment=self.experiment or None,
        )
        return {
            "task": self.task,
            "optimizer": self.optimizer,
            "settings": dict(pairs("--set", self.settings)),
            "model": self.model,
            "optimizer_model": self.optimizer_model or None,
            "prompt": self._prompt(home),
            "budget": budget(self.max_calls, self.max_tokens, self.max_usd, self.max_minutes),
            "options": options,
            "home": home,
        }

    def _prompt(self, home: Path) -> Any:
        if not self.prompt:
            return None
        from apo.prompt_files import read_prompt
        from apo.taskfile.load import load_task

        task = load_task(self.task, memory=home / "splits")
        seed = task.seed_prompts[0]
        return read_prompt(Path(self.prompt), task.input_fields, seed.template)


def takes_run_flags(command: Callable[[RunFlags], None]) -> Callable[..., None]:
    """Give a command one option for each field of `RunFlags`."""

    def with_flags(**given: Any) -> None:
        command(RunFlags(**given))

    with_flags.__name__, with_flags.__doc__ = command.__name__, command.__doc__
    hints = get_type_hints(RunFlags, include_extras=True)
    with_flags.__annotations__ = hints
    parameters = [
        Parameter(
            f.name,
            Parameter.KEYWORD_ONLY,
            annotation=hints[f.name],
            default=_default(f),
        )
        for f in fields(RunFlags)
    ]
    with_flags.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return with_flags


def _default(flag: Field[Any]) -> Any:
    if flag.default_factory is not MISSING:
        return flag.default_factory()
    return Parameter.empty if flag.default is MISSING else flag.default


def budget(
    max_calls: int | None, max_tokens: int | None, max_usd: float | None, max_minutes: float | None
) -> Any:
    """Make a budget; without any limit it is the default one."""
    from apo.budget import Budget
    from apo.optimize import DEFAULT_BUDGET

    limits = (max_calls, max_tokens, max_usd, max_minutes)
    if all(limit is None for limit in limits):
        return DEFAULT_BUDGET
    return Budget(
        max_calls=max_calls, max_tokens=max_tokens, max_usd=max_usd, max_minutes=max_minutes
    )


def pairs(flag: str, values: list[str]) -> list[tuple[str, str]]:
    """Read KEY=VALUE options.

    Raises:
        SettingsError: one has no "=".
    """
    for value in values:
        if "=" not in value:
            raise SettingsError(f"{flag} {value!r} has no '='; write {flag} NAME=VALUE.")
    return [(k.strip(), v) for k, _, v in (value.partition("=") for value in values)]


def prices(values: list[str]) -> dict[str, Any]:
    """Read --price options."""
    from apo.models.prices import parse_price

    return dict(parse_price(value) for value in values)


def transport(name: str) -> Any:
    """Check the name of a transport.

    Raises:
        SettingsError: there is no such transport.
    """
    from apo.errors import near

    if name not in ("aiohttp", "openai"):
        raise SettingsError(f"There is no transport {name!r}.{near(name, ['aiohttp', 'openai'])}")
    return name


def asking(
    concurrency: int,
    judge_model: str | None,
    transport_name: str,
    timeout: float,
    price: list[str],
) -> "Options":
    """The options of a command that asks models outside of a run."""
    from apo.options import Options

    return Options(
        max_concurrency=concurrency,
        judge_model=judge_model or None,
        transport=transport(transport_name),
        timeout=timeout,
        prices=prices(price),
    )


def kept_answers() -> Path:
    """The journal that such commands share: what one has paid for costs the others nothing."""
    from apo.cli.console import home

    path = home() / "evaluations.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"Cannot read {path}: {error}.") from error
