"""What a run can be told beside task, optimizer, models and budget."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from apo.errors import SettingsError
from apo.models.prices import Price


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a run can be told beside task, optimizer, models and budget.

    Attributes:
        seed: of all random streams.
        max_concurrency: the most calls under way at once.
        transport: what carries calls: "aiohttp", or the "openai" SDK.
        timeout: seconds after which an attempt at a call is given up.
        prices: dollars per million tokens, by model name; beats the table.
        max_chars: longest instruction that a candidate may have, in characters.
        meta_prompts: your own meta-prompts, by name.
        track: log the run to MLflow.
        tracking_uri: where to; by default MLFLOW_TRACKING_URI, or mlflow.db in this folder.
        experiment: name of the MLflow experiment; by default one a task.
    """

    seed: int = 0
    max_concurrency: int = 16
    transport: Literal["aiohttp", "openai"] = "aiohttp"
    timeout: float = 120.0
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    max_chars: int = 8000
    meta_prompts: Mapping[str, str] = field(default_factory=dict[str, str])
    track: bool = True
    tracking_uri: str | None = None
    experiment: str | None = None

    def __post_init__(self) -> None:
        if self.max_concurrency < 1:
            raise SettingsError(
                f"max_concurrency is {self.max_concurrency}; it must be at least 1."
            )
        if not self.timeout > 0:
            raise SettingsError(f"timeout is {self.timeout} s; it must be greater than 0.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Options":
        """Read what `dataclasses.asdict` gives."""
        prices = {name: Price(**price) for name, price in values.get("prices", {}).items()}
        options: dict[str, Any] = {**values, "prices": prices}
        return cls(**options)
