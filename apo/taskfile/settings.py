"""What a task file may say: its keys, their kinds, and error messages for people."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from apo.data.pools import POOLS, Split
from apo.errors import TaskError
from apo.prompts.rules import Rules
from apo.reading.characters import composed
from apo.scorers.awaited import AwaitedScorer

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Name = Annotated[Text, AfterValidator(composed)]
"""Of a column: one in NFD is the same, as names are composed when rows are read."""
NAME = r"^[\w][\w .-]*$"
MAX_NAME = 100


def task_name(called: str) -> str:
    """The name of a task that says none, after its folder or file: what no name may hold is "-"."""
    kept = re.sub(r"[^\w .-]+", "-", composed(called))[:MAX_NAME]
    return re.sub(r"^\W+|\W+$", "", kept) or "task"


class SplitSettings(BaseModel):
    """How rows become pools; see `apo.data.pools.Split`."""

    model_config = _STRICT

    column: Name | None = None
    fractions: dict[str, float] = {}
    caps: dict[str, Annotated[int, Field(ge=1)]] = {}
    seed: int | None = None

    @field_validator("fractions", "caps", mode="after")
    @classmethod
    def _known_pools(cls, value: dict[str, float]) -> dict[str, float]:
        for name in value:
            if name not in POOLS:
                raise ValueError(f"{name!r} is no pool; the pools are {', '.join(POOLS)}")
        return value

    @field_validator("fractions", mode="after")
    @classmethod
    def _whole(cls, value: dict[str, float]) -> dict[str, float]:
        rest = 1 - sum(value.values())
        missing = [name for name in POOLS if name not in value]
        complete = value if len(missing) != 1 else {**value, missing[0]: round(rest, 9)}
        if value and (len(missing) > 1 or abs(sum(complete.values()) - 1) > 1e-6):
            raise ValueError(f"must give shares for {', '.join(POOLS)} that add up to 1")
        if any(share < 0 for share in complete.values()) or complete.get("train") == 0:
            raise ValueError("no share may be negative, and train needs one above 0")
        if complete.get("validation") == 0:
            raise ValueError("validation needs a share above 0: it chooses between candidates")
        return complete

    def split(self, seed: int) -> Split:
        """Give the settings with the defaults filled in; `seed` holds where none is set."""
        default = Split()
        return Split(
            column=self.column,
            fractions=self.fractions or default.fractions,
            caps={**default.caps, **self.caps},
            seed=seed if self.seed is None else self.seed,
            anew=bool(self.model_fields_set),
        )


class ContractSettings(BaseModel):
    """What every prompt must keep to; see `apo.prompts.rules.Rules`."""

    model_config = _STRICT

    frozen: tuple[Text, ...] = ()
    forbidden: tuple[Text, ...] = ()
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    language: Literal["en", "ko"] | None = None

    @field_validator("frozen", "forbidden", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        items = cast("object", [value] if isinstance(value, str) else value)
        return tuple(cast("list[object]", items)) if isinstance(items, list) else items

    def rules(self) -> Rules:
        """Give the rules.

        Raises:
            TaskError: a pattern is no regular expression.
        """
        return Rules(
            frozen=self.frozen,
            forbidden=self.forbidden,
            max_tokens=self.max_tokens,
            language=self.language or "",
        )


class TaskSettings(BaseModel):
    """What a task is, apart from its data; the keys of task.yaml, described in docs/tasks.md."""

    model_config = _STRICT

    name: Annotated[str, Field(max_length=MAX_NAME, pattern=NAME)]
    description: str = ""
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")] = "en"
    inputs: dict[str, str]
    target: tuple[str, ...]
    labels: tuple[Text, ...] = ()
    slices: tuple[Text, ...] = ()
    must_pass: Name | None = None
    group: tuple[Text, ...] = ()
    scorer: Any = None
    metric: Any = None
    prompt: Any = None
    template: Text | None = None
    decoding: dict[str, Any] | None = None
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

    @field_validator("target", "labels", "slices", "group", mode="before")
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
        if (self.prompt is None) == (self.prompt_file is None):
            raise ValueError("give one of prompt and prompt_file: where the search starts")
        return self


Settings = TypeVar("Settings", bound=TaskSettings)


def parse_settings(kind: type[Settings], values: Mapping[str, Any], where: str) -> Settings:
    """Check the keys and values of a task.

    Args:
        kind: `TaskFile`, or `TaskSettings` where the data comes apart from them.
        values: by key.
        where: opens the messages.

    Raises:
        TaskError: says the key, what is wrong with it, and what is meant or allowed.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        problems = [*dict.fromkeys(_problem(kind, detail) for detail in error.errors())]
        more = f"; and {len(problems) - 5} more of this kind" if len(problems) > 6 else ""
        told = [_cut(text, 500) for text in problems[: 5 if more else 6]]
        raise TaskError(f"{where}: {'; '.join(told)}{more}.") from None


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[:size]}…"


def _given(value: object) -> str:
    try:
        return repr(value)[:80]
    except (ValueError, RecursionError):  # A number of thousands of digits, lists in lists.
        return f"a {type(value).__name__} that is too long to show"


def _problem(kind: type[BaseModel], detail: ErrorDetails) -> str:
    path = [_cut(str(part), 80) for part in detail["loc"]]
    name, given = ".".join(path), _given(detail["input"])
    match detail["type"]:
        case "extra_forbidden":
            inner: dict[str, type[BaseModel]]
            inner = {"split": SplitSettings, "contract": ContractSettings}
            known = list(inner.get(path[0], kind).model_fields)
            close = get_close_matches(path[-1], known, n=1, cutoff=0.5)
            guess = f"Did you mean {close[0]!r}? " if close else ""
            return f"there is no key {name!r}. {guess}Known: {', '.join(known)}"
        case "missing":
            return f"the key {name!r} is missing"
        case "string_type":
            return f"{name} is {given}; it must be a text, in quotes if need be"
        case "string_pattern_mismatch" | "string_too_long" if name == "name":
            return (
                f"name is {given}; it may hold at most {MAX_NAME} letters, digits, blanks, '_', "
                "'-' and '.', the first of them a letter, a digit or '_'"
            )
        case "string_pattern_mismatch" | "string_too_short" | "string_too_long":
            return f"{name} is {given}, which cannot be used ({detail['msg']})"
        case "value_error":
            return f"{name} {detail['msg'].removeprefix('Value error, ')}".strip()
        case _:
            return f"{name} is {given}: {detail['msg'].lower()}"
