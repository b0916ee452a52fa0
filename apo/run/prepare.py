"""From names to a session: what a run is made of, and the folder that it begins in."""

import inspect
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from apo.calls.budget import Budget
from apo.calls.options import Options
from apo.edits.edit import edit_names
from apo.errors import SettingsError, near
from apo.evaluation.abilities import require_able
from apo.evaluation.room import target_room
from apo.model import Model
from apo.programs.fit import require_fit
from apo.prompts.files import check_variables
from apo.prompts.meta_prompts import known_names
from apo.prompts.prompt import Prompt
from apo.prompts.rules import require_kept
from apo.run.fit import fit_pools
from apo.run.models import open_models
from apo.run.recorded import (
    fold_of,
    optimizer_settings,
    public,
    public_options,
    require_same,
    require_same_wording,
    same_pools,
    wording,
)
from apo.run.session import Session
from apo.run.wishes import remember_run
from apo.search.plugins import make_optimizer, optimizer_name
from apo.search.search import Optimizer
from apo.storage.folder import RunFolder, create_run, find_run, require_home
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
        if not hasattr(self.budget, "max_calls"):
            raise SettingsError(
                f"budget is {self.budget!r:.80}; give it as apo.Budget(max_calls=500)."
            )
        task, optimizer = self.resolve(home)
        models = open_models(
            self.model,
            self.optimizer_model,
            task.scorer,
            program=task.program,
            budget=self.budget,
            options=self.options,
        )
        require_able(models.task.model, task.seed_prompts, task.program)
        if run is None:
            whole, task = task, fit_pools(task, self.budget.max_calls)
            folder = self.create(task, optimizer, home, whole=whole)
        else:
            folder = find_run(run, home)
            require_same(folder, self.options, optimizer)
            require_same_wording(folder, task)
            task = same_pools(folder, task)
        session = Session(
            folder=folder,
            task=task,
            optimizer=optimizer,
            models=models,
            budget=self.budget,
            options=self.options,
        )
        return folder, session

    def resolve(self, home: Path) -> tuple[Task, Optimizer]:
        """Load the task, or its fold, and the optimizer."""
        task = self._task(require_home(home))
        optimizer = self.optimizer
        if isinstance(optimizer, str):
            optimizer = make_optimizer(optimizer, dict(self.settings))
        if not callable(getattr(optimizer, "run", None)):
            raise SettingsError(
                f"{optimizer!r:.80} is no optimizer of apo, which has a coroutine run(search). One "
                "of DSPy is given by its name, such as dspy:MIPROv2, with its settings beside."
            )
        require: Callable[[], None] | None = getattr(optimizer, "require", None)
        if require is not None:  # What it needs beside apo is looked for before anything is paid.
            require()
        self._check_meta_prompts(optimizer)
        edit_names(self.options.edits)  # Raises where there is no such edit.
        check = getattr(optimizer, "check", None)
        if check is not None:
            check(task)
        return task, optimizer

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
            from apo.taskfile.folding import require_no_test
            from apo.taskfile.load import load_task

            if fold is not None:
                require_no_test(task)
            # Folds part all rows anew, so they do not hang on what an earlier split remembers.
            task = load_task(task, memory=None if fold else home / "splits")
        task = fold_of(task, fold, self.options.seed)
        if self.prompt is not None:
            task = replace(task, seed_prompts=(self.prompt, *task.seed_prompts[1:]))
        body, limit = self.options.body, self.options.max_answer
        if body or limit is not None:
            seeds = (p.with_extra(body).with_max_tokens(limit) for p in task.seed_prompts)
            task = replace(task, seed_prompts=tuple(seeds))
        if not task.validation or not task.train:
            raise SettingsError(f"{task.name!r} needs examples in train and in validation.")
        if not task.seed_prompts:
            raise SettingsError(f"{task.name!r} needs a seed prompt: give one as prompt=….")
        fields = tuple(task.train[0].inputs)
        for prompt in task.seed_prompts:
            require_fit(task.program, prompt, fields)
            if not prompt.variables or not {*prompt.variables} <= {*fields}:
                check_variables(prompt, fields)  # Raises, and says what is wrong.
        if task.contract is not None:
            require_kept(task.contract, task.seed_prompts, task.name)
        # From all rows, before a budget makes pools smaller: one room for search and verdict.
        return replace(task, answer_tokens=max(task.answer_tokens, target_room(task)))

    def create(
        self,
        task: Task,
        optimizer: Optimizer,
        home: Path,
        folds: int | None = None,
        *,
        whole: Task | None = None,
    ) -> RunFolder:
        """Make the run's folder, and write down all that is needed to run it again.

        Args:
            task: what `resolve` gave, its pools fitted to the budget.
            optimizer: the same.
            home: folder that holds `runs/`.
            folds: for a folder that holds runs on so many folds.
            whole: the task with all of its rows, where its pools were made smaller.
        """
        record, name = self._record(task, optimizer), optimizer_name(optimizer)
        pools = whole or task
        record["data"]["of"] = [len(pools.validation), len(pools.test)]
        if folds is not None:
            record["folds"], name = folds, f"{name}-folds"
        elif self.options.fold is not None:
            number, k = self.options.fold
            name += f"-fold{number}" if number <= k else "-last"
        called, method = (re.sub(r"[^\w.-]+", "-", part) for part in (task.name, name))
        folder = create_run(home, called, method, record)
        others = (self.options.fallback_model, self.options.judge_model)
        if not any(isinstance(m, FileName) for m in (self.model, self.optimizer_model, *others)):
            remember_run(folder)
        return folder

    def _record(self, task: Task, optimizer: Optimizer) -> dict[str, Any]:
        """All that is needed to run it again, as JSON values."""
        names = {
            "task": self.task,
            "optimizer": self.optimizer,
            "model": self.model,
            "optimizer_model": self.optimizer_model,
        }
        objects = [n for n, given in names.items() if not isinstance(given, str | Path | None)]
        return {
            "task": task.name,
            "task_ref": None if "task" in objects else str(self.task),
            "cwd": os.getcwd(),
            "optimizer": {
                "name": optimizer_name(optimizer),
                "ref": None if "optimizer" in objects else self.optimizer,
                "settings": optimizer_settings(optimizer),
            },
            "model": public(self.model),
            "optimizer_model": public(self.optimizer_model),
            "objects": objects,
            "prompt": None if self.prompt is None else self.prompt.to_dict(),
            **({} if task.program is None else {"calls_per_answer": task.program.calls}),
            "budget": asdict(self.budget),
            "options": public_options(self.options),
            "data": {
                "fingerprint": task.fingerprint,
                "train": len(task.train),
                "validation": len(task.validation),
                "test": len(task.test),
            },
            "wording": wording(task),
            "notes": list(task.notes),
            "versions": versions(),
            "git_commit": git_commit(),
        }
