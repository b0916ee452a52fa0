"""A model of apo as a `dspy.LM`: every call is metered, kept, and found again."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from apo.bridges.dspy_door import Door, Ended
from apo.bridges.dspy_engine import dspy_module, language_model, no_answer
from apo.calls.budget import Budget
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.options import Options
from apo.errors import FINAL, ModelError
from apo.evaluation.outside import open_caller
from apo.model import Completion, Model, Request
from apo.storage.journal import Journal

_draw: ContextVar[list[str]] = ContextVar("draw")
"""The places of the answers that the LM's call under way has yet to give, the next one first."""


@contextmanager
def dspy_lm(
    model: Model | str,
    *,
    budget: Budget | None = None,
    options: Options | None = None,
    journal: Path | None = None,
    **settings: Any,
) -> Generator[Any]:
    """Use a model of apo as a `dspy.LM`, within a budget.

    The same request is answered once and kept, like an answer in DSPy's own cache; another
    `rollout_id` draws another one. Threads and coroutines may ask at once. `lm.spent` counts.

    Args:
        model: a model or its name, such as "openai/gpt-5-mini".
        budget: what may be spent; by default no limit.
        options: transport, time-out, concurrency, prices.
        journal: a file that keeps the answers: a program that was stopped and runs again finds
            them there, and counts them. By default they are kept until the end alone.
        **settings: of `dspy.LM`, such as temperature or max_tokens.

    Raises:
        SettingsError: DSPy is not installed, or there is no such model.
        BudgetExhausted: from the `with` block, where a call would overspend. It passes through
            DSPy, which scores other errors as wrong answers.
        ModelUnavailable, ModelError: from the block: no answer, or a wrong key.
    """
    dspy = dspy_module("apo.dspy_lm")
    with _Line(model, budget, options, journal) as line:
        lm = language_model(dspy, line.name, line.complete, callbacks=[_callback(dspy)], **settings)
        lm.spent = line.caller.meter.spent
        try:
            yield lm
        except Ended as end:
            if end.__cause__ is None:
                raise
            raise end.__cause__ from None


class _Line:
    """A caller on a loop of its own, in a thread of its own, for whatever thread asks."""

    caller: Caller
    endpoint: Endpoint
    door: Door

    def __init__(
        self,
        model: Model | str,
        budget: Budget | None,
        options: Options | None,
        journal: Path | None,
    ) -> None:
        self._given = model, budget, options, journal
        self._ready, self._failure = threading.Event(), list[BaseException]()
        self._thread = threading.Thread(target=self._work, name="apo", daemon=True)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.endpoint.model.name

    def __enter__(self) -> "_Line":
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure[0]
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        if self._failure and exception[0] is None:
            raise self._failure[0]

    def complete(self, request: Request) -> Completion:
        """Answer a request; called from any thread but the line's own."""
        found = self.door.wait(self._answer(request, _place()))
        if isinstance(found, ModelError):
            raise no_answer(dspy_module("apo.dspy_lm"), found)
        return found

    async def _answer(self, request: Request, place: str) -> Completion | ModelError:
        call = Call.to(self.endpoint, request, place=place, note="dspy")
        self.caller.charge([call])
        try:
            return await self.caller.answer(call)
        except FINAL as refusal:
            return refusal

    def _work(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # It is told to whoever entered.
            self._failure.append(error)
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        model, budget, options, path = self._given
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        with Journal(path) as kept:
            opened = open_caller([model], None, budget=budget, options=options, journal=kept)
            async with opened as (self.caller, [self.endpoint]):
                self.door = Door()
                self._ready.set()
                await self._end.wait()
                await self.caller.drain()  # What is under way is paid.


def _place() -> str:
    """Where the answer that is asked for stands: "" for the one that the request has."""
    places = _draw.get([])
    return places.pop(0) if places else ""


def _callback(dspy: Any) -> Any:
    """What is told of the LM's calls: which draw each answer is. Engines are not told."""
    kind: Any = dspy.utils.callback.BaseCallback

    class Draws(kind):  # type: ignore[misc]
        def on_lm_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
            options = {**instance.kwargs, **inputs.get("kwargs", {})}
            rollout = options.get("rollout_id")
            first = "" if rollout is None else f"rollout {rollout}"
            more = range(1, options.get("n") or 1)
            _draw.set([first, *(f"{first or 'draw'}:{i}" for i in more)])

    return Draws()
