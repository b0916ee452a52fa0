"""What a run can be told beside task, optimizer, models and budget."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from apo.body import Extra
from apo.calls.limits import Limits
from apo.errors import SettingsError
from apo.models.prices import Price


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a run can be told beside task, optimizer, models and budget.

    Attributes:
        seed: of all random streams.
        max_concurrency: the most calls under way at once to one model.
        requests_per_minute: the most attempts at one model; by default what its headers say.
        tokens_per_minute: the most tokens of one model; by default what its headers say.
        hedge: ask a second time when an answer takes far longer than usual, and take the first.
        batch: ask the task model through its provider's Batch API, for half the price: a batch
            takes minutes to a day, and a search takes several, one after the other.
        transport: what carries calls: "aiohttp", or the "openai" SDK.
        fallback_model: name of the model that writes prompts while the optimizer model gives no
            answer; the task model has none, since answers of two models measure no prompt.
        judge_model: name of the model that judges answers, where the scorer asks one; by default
            the model that writes prompts.
        edits: names of techniques (docs/edits.md), or "all": when the optimizer has ended, or has
            spent three quarters of the budget, they are tried on the best prompt, one by one.
        audit_calls: calls for attacks on the best candidates before the verdict; one that fails
            more of them than the seed prompt, beyond chance, is passed over. 0 for none.
        review: ask a person about each proposal before it is measured; `aoptimize` is told whom.
        reuse: take answers that earlier runs of the same home paid for. They count as spent, so
            that the search is the same with and without.
        body: further fields of the body of requests to the task model, beside those that the seed
            prompts have in `decoding.extra`: {"reasoning_effort": "low"}.
        timeout: seconds after which an attempt at a call is given up; five times as many with a
            model that apo runs on this machine.
        prices: dollars per million tokens, by model name; beats the table.
        max_answer: tokens of the longest answer to an example, as `decoding.max_tokens` of the seed
            prompts; None for what the targets and the prompt need.
        max_thinking: tokens beside that, and beside what a proposal needs, of models that think
            before they answer; 0 for none.
        max_chars: longest instruction that a candidate may have, in characters.
        fold: (i, k) makes the run the i-th of the k that `aoptimize_folds` starts: it tests on
            the i-th of k folds of all rows. (k + 1, k) searches on all rows, without a test.
        meta_prompts: your own meta-prompts, by name.
        track: log the run to MLflow.
        tracking_uri: where to; by default MLFLOW_TRACKING_URI, or mlflow.db in this folder.
        experiment: name of the MLflow experiment; by default one a task.
    """

    seed: int = 0
    max_concurrency: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    hedge: bool = False
    fallback_model: str | None = None
    judge_model: str | None = None
    edits: tuple[str, ...] = ()
    audit_calls: int = 0
    review: bool = False
    reuse: bool = False
    batch: bool = False
    transport: Literal["aiohttp", "openai"] = "aiohttp"
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    timeout: float = 120.0
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    max_answer: int | None = None
    max_thinking: int = 8192
    max_chars: int = 8000
    fold: tuple[int, int] | None = None
    meta_prompts: Mapping[str, str] = field(default_factory=dict[str, str])
    track: bool = True
    tracking_uri: str | None = None
    experiment: str | None = None

    def __post_init__(self) -> None:
        _ = self.limits  # Raises when they are out of range.
        if self.audit_calls < 0:
            raise SettingsError(f"audit_calls is {self.audit_calls}; it must be at least 0.")
        _ = Extra.of(self.body)
        for name, least in (("max_answer", 1), ("max_thinking", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise SettingsError(f"{name} is {value} tokens; it must be at least {least}.")
        if not self.timeout > 0:
            raise SettingsError(f"timeout is {self.timeout} s; it must be greater than 0.")
        if self.fold is not None and not _is_fold(self.fold):
            raise SettingsError(f"fold is {self.fold!r:.80}; it must be (i, k), i from 1 to k + 1.")

    @property
    def limits(self) -> Limits:
        """How fast each model may be asked."""
        return Limits(
            max_concurrency=self.max_concurrency,
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            hedge=self.hedge,
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Options":
        """Read what `dataclasses.asdict` gives."""
        prices = {name: Price(**price) for name, price in values.get("prices", {}).items()}
        fold: Any = values.get("fold")  # Runs of earlier versions have none.
        fold = tuple(fold) if hasattr(fold, "append") else fold  # JSON has no tuples.
        options: dict[str, Any] = {**values, "prices": prices, "fold": fold}
        options["edits"] = tuple(values.get("edits", ()))
        return cls(**options)


def _is_fold(fold: object) -> bool:
    """Whether it is (i, k); that there are too few folds is told where they are made."""
    match fold:
        case (int(number), int(k)):
            return k < 2 or 1 <= number <= k + 1
        case _:
            return False
