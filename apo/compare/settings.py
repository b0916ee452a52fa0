"""What an experiment file may say: which runs make up a comparison."""

import re
from collections import Counter
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from apo.calls.budget import Budget
from apo.errors import SettingsError, near
from apo.run.optimize import DEFAULT_BUDGET
from apo.run.wishes import experiment_wishes
from apo.taskfile.yaml_file import read_mapping
from apo.trust import FileName, require

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
_Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
MAX_NAME = 60
MAX_CELLS = 100_000
"""The most runs of one comparison: each is a folder, and is known from the start."""
ALL = "all"
"""In place of a list of optimizers: every one that is installed."""


class OptimizerEntry(BaseModel):
    """One optimizer of a comparison.

    Attributes:
        name: a name that `apo optimize -o` takes.
        settings: its settings by name; those left out keep their defaults.
        label: what tables call it; needed where the same optimizer takes part twice.
    """

    model_config = _STRICT

    name: _Text
    settings: dict[str, Any] = {}
    label: _Text = ""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """Take a bare name, and let it be the label."""
        if isinstance(value, str):
            return {"name": value, "label": value}
        if isinstance(value, dict):
            given = cast("dict[object, Any]", value)
            return {"label": given.get("name"), **given} if "name" in given else given
        return value


class BudgetSettings(BaseModel):
    """What each run may spend; see `apo.Budget`."""

    model_config = _STRICT

    max_calls: Annotated[int, Field(gt=0)] | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    max_usd: Annotated[float, Field(gt=0)] | None = None
    max_minutes: Annotated[float, Field(gt=0)] | None = None

    def budget(self) -> Budget:
        """The budget; without any limit the one that a run has by default."""
        limits = self.model_dump()
        return Budget(**limits) if any(limits.values()) else DEFAULT_BUDGET


class Experiment(BaseModel):
    """A comparison: every optimizer on every task with every model, once a seed.

    Attributes:
        name: of its folder and its MLflow experiment.
        tasks: built-in names, folders with a task.yaml, `file.py:name`, or data folders.
        optimizers: who takes part; the text "all" stands for all that are installed.
        models: answer the examples, one at a time; every model is compared by itself.
        optimizer_model: writes prompts; the model that answers when None.
        seeds: of each run's random streams.
        budget: of each run; the same for all.
        concurrency: the most calls that one run has under way.
        max_answer: tokens of the longest answer to an example; None for what the targets need.
        prices: "IN,OUT" in dollars per million tokens, by the name of a model.
    """

    model_config = _STRICT

    name: str
    tasks: Annotated[tuple[_Text, ...], Field(min_length=1, strict=False)]
    optimizers: Annotated[tuple[OptimizerEntry, ...], Field(min_length=1, strict=False)]
    models: Annotated[tuple[_Text, ...], Field(min_length=1, strict=False)] = ("embedded",)
    optimizer_model: _Text | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1, strict=False)] = (0, 1, 2, 3, 4)
    budget: BudgetSettings = BudgetSettings()
    concurrency: Annotated[int, Field(ge=1)] = 16
    max_answer: Annotated[int, Field(ge=1)] | None = None
    prices: dict[str, str] = {}

    @field_validator("name")
    @classmethod
    def _folder(cls, value: str) -> str:
        if len(value) > MAX_NAME or not re.fullmatch(r"\w[\w.-]*", value):
            raise ValueError(
                f"it names a folder: at most {MAX_NAME} letters, digits, '_', '-' and '.', the "
                "first of them a letter, a digit or '_'"
            )
        return value

    @field_validator("optimizers", mode="before")
    @classmethod
    def _all(cls, value: Any) -> Any:
        if value != ALL:
            return value
        from apo.search.plugins import optimizer_names

        return optimizer_names()

    @field_validator("seeds", mode="before")
    @classmethod
    def _count(cls, value: Any) -> Any:
        """Take a number of seeds for the first so many."""
        if type(value) is int and value < 1:
            raise ValueError(f"seeds is {value}; give at least 1")
        if type(value) is int and value > MAX_CELLS:
            raise ValueError(f"seeds is {value:,}; at most {MAX_CELLS:,} are possible")
        return tuple(range(value)) if type(value) is int else value

    @model_validator(mode="after")
    def _apart(self) -> "Experiment":
        lists: dict[str, tuple[object, ...]] = {
            "tasks": self.tasks,
            "models": self.models,
            "seeds": self.seeds,
            "the labels of optimizers": tuple(entry.label for entry in self.optimizers),
        }
        for name, values in lists.items():
            twice = [value for value, times in Counter(values).items() if times > 1]
            if twice:
                raise ValueError(f"{name}: {twice[0]!r} stands twice")
        if (n_cells := prod(map(len, lists.values()))) > MAX_CELLS:
            raise ValueError(
                f"it has {n_cells:,} runs, and at most {MAX_CELLS:,} are possible: name fewer "
                "tasks, models, optimizers or seeds"
            )
        return self


def read_experiment(path: Path) -> dict[str, Any]:
    """Read the keys of an experiment file; it is called like the file where it says no name.

    What a name may not hold, such as a blank, becomes "-".

    Raises:
        SettingsError: it cannot be read, or is no YAML mapping.
    """
    stem = re.sub(r"[^\w.-]+", "-", path.stem)[:MAX_NAME].strip("-.") or "comparison"
    return {"name": stem, **read_mapping(path, SettingsError, "tasks and optimizers")}


def read_trusted_experiment(path: Path) -> dict[str, Any]:
    """Read an experiment file, and make sure that the user allows what it wants.

    Returns:
        Its keys.

    Raises:
        TrustError: it is not allowed yet.
        SettingsError: the file is not usable.
    """
    values = read_experiment(path)
    tasks, models = _texts(values.get("tasks")), _texts(values.get("models"))
    models += _texts(values.get("optimizer_model"))
    optimizers: list[tuple[str, object]] = [
        (name, None) for name in _texts(values.get("optimizers"))
    ]
    for entry in _items(values.get("optimizers")):
        if isinstance(entry, dict):
            given = cast("dict[str, object]", entry)
            optimizers.append((str(given.get("name")), given.get("settings")))
    require(path, experiment_wishes(tasks, optimizers, models))
    return values


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _texts(value: object) -> list[str]:
    return [item for item in _items(value) if isinstance(item, str)]


def mark_models(experiment: Experiment, values: Mapping[str, Any]) -> Experiment:
    """Mark the models that a file gave, so that no key goes to a URL in them.

    Args:
        experiment: as it was parsed.
        values: the keys that stand as the file gave them.
    """
    update: dict[str, Any] = {}
    if "models" in values:
        update["models"] = tuple(FileName(name) for name in experiment.models)
    if "optimizer_model" in values and experiment.optimizer_model:
        update["optimizer_model"] = FileName(experiment.optimizer_model)
    return experiment.model_copy(update=update)


def parse_experiment(values: Mapping[str, Any], where: str) -> Experiment:
    """Check the keys and values of an experiment.

    Args:
        values: by key.
        where: opens the message.

    Raises:
        SettingsError: says the key, what was given, and what is meant or allowed.
    """
    known = list(Experiment.model_fields)
    for key in values:
        if key not in known:
            raise SettingsError(f"{where}: there is no key {key!r}.{near(key, known)}")
    try:
        return Experiment.model_validate(dict(values))
    except ValidationError as error:
        problems: list[str] = []
        for detail in error.errors():
            name = ".".join(str(part) for part in detail["loc"])
            said = detail["msg"].removeprefix("Value error, ")
            given = "" if detail["type"] == "missing" else f" (given: {detail['input']!r:.80})"
            problems.append(said if not name else f"{name}: {said.lower()}{given}")
        raise SettingsError(f"{where}: {'; '.join(dict.fromkeys(problems))}.") from None
