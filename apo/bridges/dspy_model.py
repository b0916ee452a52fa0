"""A `dspy.LM` as a model of apo."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from apo.bridges.dspy_engine import DECODING, dspy_module
from apo.errors import (
    AuthenticationError,
    BadRequestError,
    ContextLengthError,
    LikelihoodError,
    ModelError,
    QuotaError,
    RateLimitError,
    SettingsError,
    TimedOutError,
    TransportError,
)
from apo.model import Completion, Request
from apo.usage import Usage


class DspyModel:
    """Asks a `dspy.LM`, or any `dspy.BaseLM`, whose cache and retries are off: apo has its own.

    What is sent is the prompt's own decoding; the LM's own temperature and max_tokens are not.

    Args:
        lm: the LM.

    Raises:
        SettingsError: DSPy is not installed, or it is no LM.
    """

    def __init__(self, lm: Any) -> None:
        self._dspy = dspy_module("apo.DspyModel")
        if isinstance(lm, type) or not hasattr(lm, "copy") or not hasattr(lm, "model"):
            raise SettingsError(
                f"DspyModel takes a dspy.LM, and was given {lm!r:.80}. A model that has a name is "
                "given by it alone, without DspyModel."
            )
        self._lm = lm.copy(cache=False, num_retries=0)
        self.name = str(lm.model)
        own = not isinstance(getattr(lm, "engine", "auto"), str)
        self._waits = own and getattr(lm, "_async_engine_spec", None) is None

    lacks: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("images", "tools", "logprobs"), "apo sends text alone to a dspy.LM."
    )
    """What it cannot do, for `apo.evaluation.abilities`."""

    async def complete(self, request: Request) -> Completion:
        """Make one attempt; see `apo.Model`."""
        if request.continuation:
            raise LikelihoodError(self.name, "A dspy.LM gives no log-probabilities of one.")
        asked = self._request(request)
        try:
            if self._waits:  # Its engine knows no coroutines.
                found = await asyncio.to_thread(self._lm, asked)
            else:
                found = await self._lm.acall(asked)
        except self._dspy.utils.exceptions.LMError as error:
            raise self._failure(error) from error
        usage = found.usage
        return Completion(
            text=found.message.text or "",
            usage=Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens),
            truncated=found.finish_reason == "length",
        )

    async def aclose(self) -> None:
        """Close the LM's connections."""
        if hasattr(self._lm, "aclose"):
            await self._lm.aclose()

    def _request(self, request: Request) -> Any:
        kinds, turns = self._dspy.lm15, list(request.messages)
        opening = turns.pop(0).content if turns and turns[0].role == "system" else None
        decoding = request.decoding
        drawn = decoding.temperature is None or decoding.temperature > 0
        config = kinds.Config(
            **{name: getattr(decoding, name) for name in DECODING},
            stop=decoding.stop,
            seed=request.seed if drawn else None,
            extensions=dict(decoding.extra) or None,
        )
        told = (
            kinds.Message(
                role="developer" if turn.role == "system" else turn.role,
                parts=(kinds.TextPart(turn.content),),
            )
            for turn in turns
        )
        return kinds.Request(
            model=self._lm.model, system=opening, messages=tuple(told), config=config
        )

    def _failure(self, error: Any) -> ModelError:
        """An error of DSPy as apo's, which says whether a retry can help."""
        said = str(error).partition("\n")[0].removeprefix(f"[{self.name}] ")
        kinds, told = self._dspy.utils.exceptions, f"{self.name}: {said}"
        wait = getattr(error, "retry_after", None)
        final: dict[Any, type[ModelError]] = {
            kinds.ContextWindowExceededError: ContextLengthError,
            kinds.LMAuthError: AuthenticationError,
            kinds.LMNotConfiguredError: AuthenticationError,
            kinds.LMBillingError: QuotaError,
            kinds.LMTimeoutError: TimedOutError,
            kinds.LMInvalidRequestError: BadRequestError,
            kinds.LMUnsupportedFeatureError: BadRequestError,
            kinds.LMUnsupportedModelError: BadRequestError,
            kinds.LMConfigurationError: BadRequestError,
        }
        for kind, ours in final.items():
            if isinstance(error, kind):
                return ours(told)
        if isinstance(error, kinds.LMRateLimitError):
            return RateLimitError(told, wait)
        return TransportError(told, retry_after=wait)
