"""What a task file may say: its keys, their kinds, and error messages for people."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import (
    BaseModel,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from apo.data.pools import POOLS
from apo.prompts.beside import Beside
from apo.reading.characters import composed
from apo.reading.json_text import as_object
from apo.scorers.awaited import AwaitedScorer
from apo.taskfile.parts import STRICT, ContractSettings, Name, SplitSettings, Text
from apo.user_code import is_python_reference

NAME = r"^[\w][\w .-]*$"
MAX_NAME = 100


def task_name(called: str) -> str:
    """The name of a task that says none, after its folder or file: what no name may hold is "-"."""
    kept = re.sub(r"[^\w .-]+", "-", composed(called))[:MAX_NAME]
    return re.sub(r"^\W+|\W+$", "", kept) or "task"


class TaskSettings(BaseModel):
    """What a task is, apart from its data; the keys of task.yaml, described in docs/tasks.md."""

    model_config = STRICT

    name: Annotated[str, Field(max_length=MAX_NAME, pattern=NAME)]
    description: str = ""
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")] = "en"
    inputs: dict[str, str]
    images: tuple[Text, ...] = ()
    history: Text | None = None
    target: tuple[str, ...]
    labels: tuple[Text, ...] = ()
    slices: tuple[Text, ...] = ()
    must_pass: Name | None = None
    group: tuple[Text, ...] = ()
    scorer: Any = None
    metric: Any = None
    prompt: Any = None
    steps: dict[Name, Any] = {}
    program: Any = None
    calls: Annotated[int, Field(ge=1)] | None = None
    solver: Any = None
    template: Text | None = None
    decoding: dict[str, Any] | None = None
    output_schema: Any = None
    tools: Any = None
    split: SplitSettings = SplitSettings()
    contract: ContractSettings | None = None

    @field_validator("inputs", mode="before")
    @classmethod
    def _fields(cls, value: Any) -> dict[str, str]:
        value = [value] if isinstance(value, str) else value
        if isinstance(value, list | tuple):
            columns = cast("list[object]", value)
            for column in columns:
                if not isinstance(column, str):
                    raise ValueError(f"{column!r:.80} must be a text; put each in quotes")
            value = {column: column for column in columns}
        if not value or not isinstance(value, Mapping):
            raise ValueError("must be a list of columns, or a mapping of field: column")
        fields = dict[str, str]()
        for name, column in cast("Mapping[object, object]", value).items():
            if not (isinstance(name, str) and isinstance(column, str) and column.strip()):
                raise ValueError(f"{name!r}: {column!r} must be texts; put each in quotes")
            if not re.fullmatch(r"[^{}\s](?:[^{}\n]*[^{}\s])?", name):
                raise ValueError(
                    f"{name!r} cannot be a variable of a prompt: no braces, no blanks at the ends. "
                    "Write field: column to give the column another name"
                )
            fields[name] = composed(column)
        return fields

    @field_validator("target", "labels", "slices", "group", "images", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> tuple[str, ...]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not items:
            raise ValueError("must be a text or a list of texts")
        found = cast("list[Any]", items)
        for item in found:
            if not isinstance(item, str):
                raise ValueError(f'{item!r} is not a text; put it in quotes: "{item}"')
            if found.count(item) > 1:
                raise ValueError(f"{item!r} stands twice")
        return tuple(dict.fromkeys(map(composed, found)))

    @property
    def beside(self) -> Beside:
        """The input fields that are shown beside the text of the user turn."""
        return Beside(self.images, self.history or "")

    @model_validator(mode="after")
    def _beside_the_text(self) -> "TaskSettings":
        for key, names in (("images", self.images), ("history", (self.history,))):
            for name in filter(None, names):
                if name not in self.inputs:
                    raise ValueError(
                        f"{key} names {name!r}, which is no input: inputs has "
                        f"{', '.join(self.inputs)}"
                    )
        if self.history in self.images:
            raise ValueError(f"{self.history!r} is both an image and the history")
        return self

    @model_validator(mode="after")
    def _apart(self) -> "TaskSettings":
        for column in self.target:
            if column in self.inputs.values():
                raise ValueError(f"the column {column!r} is both input and target")
        if self.must_pass in (*self.target, *self.inputs.values(), *self.slices):
            raise ValueError(f"must_pass is {self.must_pass!r}, which says something else already")
        for column in self.group:
            if column in (*self.target, self.must_pass, self.split.column):
                raise ValueError(f"group is {column!r}, which says something else already")
        return self

    @field_validator("steps", mode="after")
    @classmethod
    def _steps(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, given in value.items():
            if not re.fullmatch(r"[^\W\d]\w*", name):
                raise ValueError(f"{name!r} is no name of a step: letters, digits and _ alone")
            if not isinstance(given, str | list | Mapping):
                raise ValueError(f"{name}: must be a text, a list of chat messages, or a mapping")
            model: object = (
                cast("Any", given).get("model", "") if isinstance(given, Mapping) else ""
            )
            if not isinstance(model, str):
                raise ValueError(f"{name}: model must be the name of a model")
        return value

    @model_validator(mode="after")
    def _one_seed(self) -> "TaskSettings":
        if self.steps and (self.prompt is not None or self.template is not None):
            raise ValueError("give prompt and template, or steps with a prompt each; not both")
        if self.solver is not None and (self.steps or self.program is not None):
            raise ValueError("give a solver, or a program or steps; not both")
        for name in self.steps:
            if name in self.inputs:
                raise ValueError(f"the step {name!r} has the name of an input field")
        if self.calls is not None and not (isinstance(self.program, str) or callable(self.program)):
            raise ValueError("calls is the most that a program of your own makes: give program")
        return self

    @field_validator("solver", mode="after")
    @classmethod
    def _solver(cls, value: Any) -> object:
        given = cast("object", value)
        pairs = as_object(given)
        if given is not None and not isinstance((pairs or {"name": given}).get("name"), str):
            raise ValueError("must be the name of a solver, or a mapping with a name and settings")
        return value

    @field_validator("program", mode="after")
    @classmethod
    def _program(cls, value: Any) -> object:
        given = cast("object", value)
        runs = callable(given) or hasattr(given, "answer")
        if given is None or runs or (isinstance(given, str) and is_python_reference(given)):
            return value
        raise ValueError("must be file.py:name, a coroutine function that answers an example")

    @field_validator("scorer", "metric", "prompt", mode="after")
    @classmethod
    def _shape(cls, value: Any, info: ValidationInfo) -> object:
        given = cast("object", value)
        if given is None or isinstance(given, str | Mapping):
            return value
        usable = callable(given) or isinstance(given, AwaitedScorer)
        if info.field_name != "prompt" and not usable:
            raise ValueError("must be a name, or a mapping with a name and settings")
        if info.field_name == "prompt" and not isinstance(given, list):
            raise ValueError("must be a text, a list of chat messages, or a mapping")
        return value


class TaskFile(TaskSettings):
    """All keys of task.yaml."""

    prompt_file: Text | None = None
    data: str | dict[str, str]
    encoding: Text = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None

    @field_validator("data", mode="before")
    @classmethod
    def _sources(cls, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            return value
        if not isinstance(value, dict) or "train" not in value:
            raise ValueError("must be a path, hf:owner/name, or a mapping with train: at least")
        for name, source in cast("dict[object, object]", value).items():
            if name not in POOLS or not isinstance(source, str) or not source.strip():
                raise ValueError(f"{name!r}: give the paths of {', '.join(POOLS)}")
        return cast("dict[str, str]", value)

    @model_validator(mode="after")
    def _one_prompt(self) -> "TaskFile":
        given = [self.prompt is not None, self.prompt_file is not None, bool(self.steps)]
        if sum(given) != 1 and (any(given) or self.program is None):  # It may bring its own.
            raise ValueError("give one of prompt, prompt_file and steps: where the search starts")
        return self
