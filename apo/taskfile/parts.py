"""Parts of a task file: how rows become pools, and what every prompt must keep to."""

from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from apo.data.pools import POOLS, Split
from apo.prompts.rules import Rules
from apo.reading.characters import composed

STRICT = ConfigDict(
    extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True, allow_inf_nan=False
)
"""Of every part: no other keys, and values of the kinds that are meant."""
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Name = Annotated[Text, AfterValidator(composed)]
"""Of a column: one in NFD is the same, as names are composed when rows are read."""


class SplitSettings(BaseModel):
    """How rows become pools; see `apo.data.pools.Split`."""

    model_config = STRICT

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

    model_config = STRICT

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
