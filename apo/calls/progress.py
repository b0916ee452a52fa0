"""What a run is doing now, for whoever watches it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from apo.calls.caller import Caller


class SearchState(Protocol):
    """What a search has found so far."""

    @property
    def best(self) -> Any:
        """The best prompt's `Evaluation` on the whole validation split; None before the first."""
        ...

    @property
    def n_candidates(self) -> int:
        """How many prompts have been measured or begun."""
        ...

    @property
    def newest(self) -> str:
        """The instruction of the newest proposal; "" before the first."""
        ...


@dataclass
class Progress:
    """What a run is doing now, for whoever watches it.

    Attributes:
        run_id: the run's name, once it has one.
        phase: "start", "seed", "search", "verdict", "logging" or "done".
        caller: the run's caller, once there is one.
        search: the run's search, once there is one.
        waiting: says what else than single calls the run waits for; "" for nothing.
        pausing: leaves the terminal to others meanwhile, where a view is drawn on it.
    """

    run_id: str = ""
    phase: str = "start"
    caller: Caller | None = None
    search: SearchState | None = None
    waiting: Callable[[], str] = str
    pausing: Callable[[], AbstractContextManager[None]] = nullcontext

    def stop(self) -> None:
        """Ask the run to end in order: calls under way are finished and kept."""
        if self.caller is not None:
            self.caller.stop()
