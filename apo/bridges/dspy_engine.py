"""apo's calls behind a `dspy.LM`: requests and answers in DSPy's words, and in apo's."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from apo.errors import ContextLengthError, ModelError, PromptError, SettingsError
from apo.model import Completion, Decoding, Message, Request

ROLES: Mapping[str, Any] = {"developer": "system", "user": "user", "assistant": "assistant"}
DECODING = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "max_tokens")
EXTRA = ("response_format", "top_k", "service_tier")
"""Fields of DSPy's requests that are options of a prompt's decoding, and further ones of the body;
others are refused."""


def dspy_module(wanted_by: str) -> Any:
    """DSPy, imported where it is first used.

    Raises:
        SettingsError: it is not installed.
    """
    require_dspy(wanted_by)
    return import_module("dspy")


def require_dspy(wanted_by: str) -> None:
    """Make sure, without importing it, that DSPy is installed.

    Raises:
        SettingsError: it is not.
    """
    if find_spec("dspy") is None:
        raise SettingsError(f"{wanted_by} needs DSPy, which is not installed: pip install dspy-ai")


def no_answer(dspy: Any, refusal: ModelError) -> Exception:
    """A refusal for good as an error of DSPy's engines: of this one request, and no end."""
    kinds = dspy.lm15
    long = isinstance(refusal, ContextLengthError)
    error: Exception = (kinds.ContextLengthError if long else kinds.InvalidRequestError)(
        f"{refusal}"
    )
    return error


def language_model(
    dspy: Any,
    name: str,
    complete: Callable[[Request], Completion],
    acomplete: Callable[[Request], Awaitable[Completion]] | None = None,
    **options: Any,
) -> Any:
    """Make a `dspy.LM` whose calls are made by a function.

    Args:
        dspy: the module.
        name: of the model.
        complete: answers a request; it may be called from any thread, and waits.
        acomplete: the same for coroutines; by default `complete` runs in a thread.
        **options: of `dspy.LM`, such as temperature.
    """
    # DSPy tells models apart by what follows the last slash, and refuses some options of theirs.
    called = f"apo/{name.replace('/', ':')}"
    engine = Engine(dspy, complete)
    engines = {"engine": engine, "async_engine": AsyncEngine(engine, acomplete)}
    return dspy.LM(called, **engines, cache=False, num_retries=0, **options)


class Engine:
    """What `dspy.LM` calls in the place of its own client."""

    def __init__(self, dspy: Any, complete: Callable[[Request], Completion]) -> None:
        self._dspy, self._complete = dspy, complete

    def complete(self, request: Any) -> Any:
        """Answer one of DSPy's requests."""
        return self.response(request, self._complete(self.request(request)))

    def response(self, request: Any, found: Completion) -> Any:
        """An answer in DSPy's words."""
        kinds = self._dspy.lm15
        read, written = found.usage.input_tokens or 0, found.usage.output_tokens or 0
        part = kinds.TextPart(found.text)
        return kinds.Response(
            id=None,
            model=request.model,
            message=kinds.Message(role="assistant", parts=(part,)),
            finish_reason="length" if found.truncated else "stop",
            usage=kinds.Usage(
                input_tokens=read, output_tokens=written, total_tokens=read + written
            ),
        )

    def request(self, request: Any) -> Request:
        """A request in apo's words.

        Raises:
            dspy.lm15.LM15Error: it holds what apo cannot send.
        """
        system = [Message("system", str(request.system))] if request.system else []
        turns = [
            Message(self._role(turn.role), self._text(turn.parts)) for turn in request.messages
        ]
        if getattr(request, "tools", None):
            raise self._refused("tools")
        try:
            return Request((*system, *turns), self._decoding(request.config))
        except PromptError as error:
            raise self._dspy.lm15.InvalidRequestError(f"{error}") from error

    def _decoding(self, config: Any) -> Decoding:
        """The options as apo sends them; what it cannot send is refused, never dropped."""
        given = {name: getattr(config, name) for name in config.__dataclass_fields__}
        given = {name: value for name, value in given.items() if value not in (None, (), {})}
        stop, reasoning = given.pop("stop", ()), given.pop("reasoning", None)
        extra = {name: given.pop(name) for name in EXTRA if name in given}
        if reasoning is not None:
            extra["reasoning_effort"] = reasoning.effort
        for name in given.keys() - {*DECODING}:
            raise self._refused(name)
        given.setdefault("temperature", None)
        return Decoding(**given, stop=tuple(stop), extra=extra)

    def _role(self, role: Any) -> Any:
        if str(role) not in ROLES:
            raise self._refused(f"a message of the role {role}")
        return ROLES[str(role)]

    def _text(self, parts: Any) -> str:
        if not all(isinstance(part, self._dspy.lm15.TextPart) for part in parts):
            raise self._refused("a message that is no text")
        return "".join(part.text for part in parts)

    def _refused(self, what: str) -> Exception:
        told = f"apo's models take text alone and give one answer: {what} cannot be sent."
        error: Exception = self._dspy.lm15.UnsupportedFeatureError(told)
        return error


class AsyncEngine:
    """The same for programs that await their answers: the loop goes on meanwhile.

    Args:
        engine: for the words.
        complete: answers a request; by default the engine does, in a thread.
    """

    def __init__(
        self, engine: Engine, complete: Callable[[Request], Awaitable[Completion]] | None = None
    ) -> None:
        self._engine, self._complete = engine, complete

    async def complete(self, request: Any) -> Any:
        """Answer one of DSPy's requests."""
        if self._complete is None:
            return await asyncio.to_thread(self._engine.complete, request)
        found = await self._complete(self._engine.request(request))
        return self._engine.response(request, found)
