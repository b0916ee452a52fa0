"""From names to a session: what a run is made of, and what is written down of it."""

import inspect
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from apo.calls.budget import Budget
from apo.calls.call import Endpoint
from apo.calls.options import Options
from apo.data.folds import fold_tasks
from apo.errors import RunError, SettingsError, near
from apo.evaluation.endpoints import MAX_OUTPUT, open_judges, open_with
from apo.model import Model
from apo.models.batches.batch import BatchModel
from apo.models.batches.log import BatchLog
from apo.models.batches.terms import batch_address, batch_price
from apo.models.prices import find_price
from apo.models.providers import public_name
from apo.prompts.files import check_variables
from apo.prompts.meta_prompts import known_names
from apo.prompts.prompt import Prompt
from apo.prompts.rules import require_kept
from apo.run.fit import fit_pools, sample_pools
from apo.run.session import Session
from apo.run.wishes import remember_run
from apo.search.plugins import make_optimizer, optimizer_name
from apo.search.search import Optimizer
from apo.storage.folder import RunFolder, create_run, find_run
from apo.storage.shapes import USED, require, typed
from apo.storage.versions import git_commit, versions
from apo.task import Task
from apo.trust import FileName


@dataclass(frozen=True)
class Setup:
    """What a run is made of, as the caller gave it."""

    task: Task | str | Path
    optimizer: Optimizer | str
    settings: Mapping[str, Any]
    model: Model | str
    optimizer_model: Model | str | None
    prompt: Prompt | None
    budget: Budget
    options: Options

    def prepare(self, run: str | None, home: Path) -> tuple[RunFolder, Session]:
        """Resolve names, and make the run's folder or find it again."""
        task, optimizer = self.resolve(home)
        model = self._open(self.model)
        writer = self.optimizer_model
        if writer is None or writer is self.model or (writer, type(writer)) == (self.model, str):
            writer = model
        writer = self._open(writer)
        task_model = self._endpoint("task", model)
        address = batch_address(self.model) if self.options.batch else None
        optimizer_model = self._with_fallback(self._endpoint("optimizer", writer))
        judges = open_judges(task.scorer, writer, self.options, self._endpoint)
        models = (task_model, optimizer_model, optimizer_model.fallback, *judges.values())
        self._check_bounded(*models)
        if run is None:
            task = fit_pools(task, self.budget.max_calls)
            folder = self.create(task, optimizer, home)
        else:
            folder = find_run(run, home)
            self._check_same(folder, optimizer)
            task = same_pools(folder, task)
        session = Session(
            folder=folder,
            task=task,
            optimizer=optimizer,
            task_model=task_model,
            optimizer_model=optimizer_model,
            judges=judges,
            budget=self.budget,
            seed=self.options.seed,
            audit_calls=self.options.audit_calls,
            limits=self.options.limits,
            max_chars=self.options.max_chars,
            meta_prompts=self.options.meta_prompts,
        )
        if address is not None:
            log = BatchLog(folder.path / "batches.jsonl")
            patient = BatchModel(address, log, timeout=self.options.timeout)
            session.batched = replace(task_model, model=patient, patient=True)
        return folder, session

    def resolve(self, home: Path) -> tuple[Task, Optimizer]:
        """Load the task, or its fold, and the optimizer."""
        task = self._task(home)
        optimizer = self.optimizer
        if isinstance(optimizer, str):
            optimizer = make_optimizer(optimizer, dict(self.settings))
        self._check_meta_prompts(optimizer)
        return task, optimizer

    def _with_fallback(self, endpoint: Endpoint) -> Endpoint:
        name = self.options.fallback_model
        if name is None:
            return endpoint
        return replace(endpoint, fallback=self._endpoint("fallback", self._open(name)))

    def _check_bounded(self, *endpoints: Endpoint | None) -> None:
        """Make sure that a limit ends the run.

        Raises:
            SettingsError: dollars are the only limit, and no model costs any.
        """
        others = (self.budget.max_calls, self.budget.max_tokens, self.budget.max_minutes)
        prices = [endpoint.price for endpoint in endpoints if endpoint is not None]
        free = all(price is not None and price.input == price.output == 0 for price in prices)
        if free and all(limit is None for limit in others):
            raise SettingsError(
                "These models cost nothing, so a limit in dollars never ends the run. "
                "Give --max-calls, --max-tokens or --max-minutes."
            )

    def _check_same(self, folder: RunFolder, optimizer: Optimizer) -> None:
        """Make sure that a resumed run walks the way it was started on.

        Raises:
            RunError: another seed, or other settings of the optimizer.
        """
        record = folder.settings
        if "folds" in record:
            raise RunError(
                f"{folder.id} is made of runs on folds: go on with apo resume {folder.id}, or in "
                f"Python with apo.resume_folds({folder.id!r})."
            )
        given = {"seed": self.options.seed, "settings": _settings(optimizer)}
        before = {"seed": record["options"]["seed"], "settings": record["optimizer"]["settings"]}
        for name, value in given.items():
            if value != before[name]:
                raise RunError(
                    f"{folder.id} was started with the {name} {before[name]}, not {value}. Give "
                    "the same again, or start a new run."
                )

    def _check_meta_prompts(self, optimizer: Optimizer) -> None:
        known = known_names(inspect.getfile(type(optimizer)))
        for name in self.options.meta_prompts:
            if name not in known:
                raise SettingsError(
                    f"{optimizer_name(optimizer)} has no meta-prompt {name!r}.{near(name, known)}"
                )

    def _task(self, home: Path) -> Task:
        task, fold = self.task, self.options.fold
        if not isinstance(task, Task):
            from apo.taskfile.load import load_task, require_no_test

            if fold is not None:
                require_no_test(task)
            # Folds part all rows anew, so they do not hang on what an earlier split remembers.
            task = load_task(task, memory=None if fold else home / "splits")
        task = _fold(task, fold, self.options.seed)
        if self.prompt is not None:
            task = replace(task, seed_prompts=(self.prompt, *task.seed_prompts[1:]))
        if body := self.options.body:
            seeds = tuple(prompt.with_extra(body) for prompt in task.seed_prompts)
            task = replace(task, seed_prompts=seeds)
        if not task.validation or not task.train:
            raise SettingsError(f"{task.name!r} needs examples in train and in validation.")
        if not task.seed_prompts:
            raise SettingsError(f"{task.name!r} needs a seed prompt: give one as prompt=….")
        fields = tuple(task.train[0].inputs)
        for prompt in task.seed_prompts:
            if not prompt.variables or not {*prompt.variables} <= {*fields}:
                check_variables(prompt, fields)  # Raises, and says what is wrong.
        if task.contract is not None:
            require_kept(task.contract, task.seed_prompts, task.name)
        return task

    def _open(self, model: Model | str) -> Model:
        return open_with(self.options, model) if isinstance(model, str) else model

    def _endpoint(self, role: str, model: Model) -> Endpoint:
        find = batch_price if self.options.batch and role == "task" else find_price
        price = find(model.name, self.options.prices)
        if price is None and self.budget.max_usd is not None:
            raise SettingsError(
                f"The price of {model.name} is unknown, so a limit in dollars cannot be kept. "
                f"State it, in dollars per million tokens: --price '{model.name}=IN,OUT'."
            )
        return Endpoint(role, model, price, MAX_OUTPUT[role])

    def _options(self) -> dict[str, Any]:
        """The options as they are written down: without passwords."""
        options, uri = asdict(self.options), self.options.tracking_uri
        if uri:
            from apo.tracking.environment import public_uri

            options["tracking_uri"] = public_uri(uri)
        others = {n: _public(getattr(self.options, n)) for n in ("fallback_model", "judge_model")}
        return {**options, **others}

    def create(
        self, task: Task, optimizer: Optimizer, home: Path, folds: int | None = None
    ) -> RunFolder:
        """Make the run's folder, and write down all that is needed to run it again.

        Args:
            task: what `resolve` gave.
            optimizer: the same.
            home: folder that holds `runs/`.
            folds: for a folder that holds runs on so many folds.
        """
        names = {
            "task": self.task,
            "optimizer": self.optimizer,
            "model": self.model,
            "optimizer_model": self.optimizer_model,
        }
        objects = [n for n, given in names.items() if not isinstance(given, str | Path | None)]
        name = optimizer_name(optimizer)
        record: dict[str, Any] = {
            "task": task.name,
            "task_ref": None if "task" in objects else str(self.task),
            "cwd": os.getcwd(),
            "optimizer": {
                "name": name,
                "ref": None if "optimizer" in objects else self.optimizer,
                "settings": _settings(optimizer),
            },
            "model": _public(self.model),
            "optimizer_model": _public(self.optimizer_model),
            "objects": objects,
            "prompt": None if self.prompt is None else self.prompt.to_dict(),
            "budget": asdict(self.budget),
            "options": self._options(),
            "data": {
                "fingerprint": task.fingerprint,
                "train": len(task.train),
                "validation": len(task.validation),
                "test": len(task.test),
            },
            "notes": list(task.notes),
            "versions": versions(),
            "git_commit": git_commit(),
        }
        if folds is not None:
            record["folds"], name = folds, f"{name}-folds"
        elif self.options.fold is not None:
            number, k = self.options.fold
            name += f"-fold{number}" if number <= k else "-last"
        folder = create_run(home, re.sub(r"[^\w.-]+", "-", task.name), name, record)
        others = (self.options.fallback_model, self.options.judge_model)
        if not any(isinstance(m, FileName) for m in (self.model, self.optimizer_model, *others)):
            remember_run(folder)
        return folder


def _public(model: Model | str | None) -> str | None:
    """A model's name as it is written down: without a login that its URL may hold."""
    return public_name(model) if isinstance(model, str) else None


def same_pools(folder: RunFolder, task: Task) -> Task:
    """Take the pools that the run was started with.

    Raises:
        RunError: the data are no longer the same, or the run's settings are damaged.
    """
    settings, where = folder.settings, str(folder.path / "run.json")
    require(settings, {"data": USED["data"], "options": dict}, where)
    options = typed(Options, settings["options"], f"{where}: options")
    data, task = settings["data"], _fold(task, options.fold, options.seed)
    sizes = data["validation"], data["test"]
    for by_class in (True, False):  # As runs of earlier versions were.
        fitted = sample_pools(task, *sizes, by_class=by_class)
        if fitted.fingerprint == data["fingerprint"]:
            return fitted
    raise RunError(
        f"The data of {task.name!r} changed since {folder.id} was started, so its scores "
        "cannot be compared. Restore the data, or start a new run."
    )


def _fold(task: Task, fold: Sequence[int] | None, seed: int) -> Task:
    """The task of a fold. A fold of a fold's task is the same again, as it has all rows."""
    if fold is None:
        return task
    number, k = fold
    return fold_tasks(task, k, seed)[number - 1]


def _settings(optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer's settings as JSON gives them back; functions and classes by their names."""
    settings = {f.name: getattr(optimizer, f.name) for f in fields(optimizer)}
    plain: dict[str, Any] = json.loads(json.dumps(settings, default=_named))
    return plain


def _named(value: object) -> str:
    return str(getattr(value, "__qualname__", value))
