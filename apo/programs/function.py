"""A user's own coroutine function as a program."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import Any, cast

from apo.errors import TaskError
from apo.programs.program import Ask

MAX_CALLS = 100
"""Calls an example that a program may ask for: more is a slip."""


@dataclass(frozen=True, kw_only=True)
class FunctionProgram:
    """A coroutine function as a program.

    Attributes:
        function: `async def answer(ask, **inputs) -> str`; `await ask("step", field=…)` gives the
            answer of a step.
        name: what to call it in messages.
        steps: see `Program`.
        calls: the most calls that one example takes.
        models: see `Program`.
    """

    function: Callable[..., Awaitable[str]] = field(repr=False)
    name: str
    steps: tuple[str, ...]
    calls: int
    models: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        if not 1 <= self.calls <= MAX_CALLS:
            raise TaskError(f"calls is {self.calls}; an example may take 1 to {MAX_CALLS} calls.")

    async def answer(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Await the function."""
        return await self.function(ask, **inputs)


def require_coroutine(function: Any, name: str) -> Callable[..., Awaitable[str]]:
    """Make sure that an object is a coroutine function, or has one as its `__call__`.

    Raises:
        TaskError: it is not.
    """
    kind = cast("type[object]", type(function))
    call: object = getattr(kind, "__call__", None)  # noqa: B004 (its kind is wanted)
    if not (iscoroutinefunction(function) or iscoroutinefunction(call)):
        raise TaskError(
            f"The program {name} must be a coroutine function, async def NAME(ask, **inputs) -> "
            f"str, with await ask(…) for each call; it is a {kind.__name__}."
        )
    found: Callable[..., Awaitable[str]] = function
    return found
