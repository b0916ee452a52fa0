"""Flags that several commands take together, and how what was typed is read."""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from apo.cli import options as o
from apo.cli.values import body, budget, pairs, prices, texts, transport

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, kw_only=True)
class RunFlags:
    """The flags of `apo optimize` and `apo estimate`, as they were typed."""

    task: o.TaskName
    optimizer: o.OptimizerName = "auto"
    settings: o.Settings = field(default_factory=list[str])
    model: o.ModelName = "embedded"
    optimizer_model: o.OptimizerModel = ""
    prompt: o.PromptFile = ""
    max_calls: o.MaxCalls = None
    max_tokens: o.MaxTokens = None
    max_usd: o.MaxUsd = None
    max_minutes: o.MaxMinutes = None
    concurrency: o.Concurrency = 16
    rpm: o.RequestsPerMinute = None
    tpm: o.TokensPerMinute = None
    hedge: o.Hedge = False
    fallback_model: o.FallbackModel = ""
    judge_model: o.JudgeModel = ""
    edits: o.Edits = field(default_factory=list[str])
    audit_calls: o.AuditCalls = 0
    review: o.Review = False
    reuse: o.Reuse = False
    batch: o.Batch = False
    folds: o.Folds = None
    seed: o.Seed = 0
    prices: o.Prices = field(default_factory=list[str])
    body: o.Body = field(default_factory=list[str])
    transport: o.Transport = "aiohttp"
    timeout: o.Timeout = 120.0
    max_answer: o.MaxAnswer = None
    max_thinking: o.MaxThinking = 8192
    meta_prompts: o.MetaPrompts = field(default_factory=list[str])
    track: o.Track = True
    tracking_uri: o.TrackingUri = ""
    experiment: o.Experiment = ""
    json: o.Json = False

    def arguments(self, home: Path) -> dict[str, Any]:
        """Turn the flags into the arguments of `aoptimize`.

        Raises:
            ApoError: a flag cannot be used.
        """
        from apo.calls.options import Options
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
            edits=tuple(name for given in self.edits for name in given.split(",")),
            audit_calls=self.audit_calls,
            review=self.review,
            reuse=self.reuse,
            batch=self.batch,
            body=body(self.body),
            transport=transport(self.transport),
            timeout=self.timeout,
            max_answer=self.max_answer,
            max_thinking=self.max_thinking,
            prices=prices(self.prices),
            meta_prompts=texts("--meta-prompt", self.meta_prompts),
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
        from apo.cli.prompts import prompt_of
        from apo.taskfile.load import load_task

        return prompt_of(self.prompt, load_task(self.task, memory=home / "splits"))[0]


def takes(kind: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option for each field of a dataclass, in place of its `flags`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        shared = get_type_hints(kind, include_extras=True)
        own = [p for p in signature(command).parameters.values() if p.name != "flags"]
        hints = get_type_hints(command, include_extras=True)
        hints = {p.name: hints[p.name] for p in own} | {
            f.name: shared[f.name] for f in fields(kind)
        }

        def with_flags(**given: Any) -> None:
            typed = {f.name: given.pop(f.name) for f in fields(kind)}
            command(**given, flags=kind(**typed))

        with_flags.__name__, with_flags.__doc__ = command.__name__, command.__doc__
        with_flags.__annotations__ = hints
        defaults = {p.name: p.default for p in own} | {f.name: _default(f) for f in fields(kind)}
        parameters = [
            Parameter(name, Parameter.KEYWORD_ONLY, annotation=hint, default=defaults[name])
            for name, hint in hints.items()
        ]
        with_flags.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        return with_flags

    return decorate


def _default(flag: Field[Any]) -> Any:
    if flag.default_factory is not MISSING:
        return flag.default_factory()
    return Parameter.empty if flag.default is MISSING else flag.default
