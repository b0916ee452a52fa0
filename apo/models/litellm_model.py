"""Models whose servers speak another protocol, as Bedrock's and Vertex's: through LiteLLM."""

import asyncio
import logging
import re
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from apo.environment import prepare_environment
from apo.errors import AuthenticationError, LikelihoodError, ModelError, SettingsError
from apo.model import Completion, Request, calls_tools
from apo.models.address import Address
from apo.models.dialect import Dialect
from apo.models.failures import failure
from apo.models.network import timed_out
from apo.models.replies import completion

HOME = "https://docs.litellm.ai/docs/providers"


class LiteLlmModel:
    """A model asked through LiteLLM, which reads its provider's keys from the environment itself.

    Args:
        name: "litellm/PROVIDER/MODEL", such as "litellm/bedrock/anthropic.claude-3-haiku".
        timeout: seconds that one attempt may take in all.
        max_connections: the most calls at once.

    Raises:
        SettingsError: LiteLLM is not installed, or knows no such provider.
    """

    def __init__(self, name: str, *, timeout: float = 120.0, max_connections: int = 64) -> None:
        if find_spec("litellm") is None:
            raise SettingsError(f"{name} needs LiteLLM: pip install 'apo[litellm]'")
        self.name, self._model = name, name.partition("/")[2]
        self._timeout, self._slots = timeout, asyncio.Semaphore(max_connections)
        self._litellm = _library()
        try:
            self._litellm.get_llm_provider(self._model)
        except Exception as error:  # It raises several kinds for a provider that it lacks.
            raise SettingsError(
                f"LiteLLM does not know the provider of {name!r}. Write litellm/PROVIDER/MODEL, "
                f"with a provider of {HOME}."
            ) from error
        self._address = Address(
            name=name, model=self._model, url=HOME, dialect=Dialect.of(self._model)
        )

    @property
    def dialect(self) -> Dialect:
        """How it is asked."""
        return self._address.dialect

    @property
    def lacks(self) -> dict[str, str]:
        """What LiteLLM would drop of a request, for `apo.evaluation.abilities`."""
        taken: list[str] = self._litellm.get_supported_openai_params(self._model) or []
        said = "as far as LiteLLM knows, it takes none."
        found = {need: said for need in ("tools", "logprobs") if taken and need not in taken}
        costs: Any = self._litellm.model_cost
        known: Any = costs.get(self._model) or costs.get(self._model.rpartition("/")[2])
        return found if not known or known.get("supports_vision") else {**found, "images": said}

    async def complete(self, request: Request) -> Completion:
        """Ask once.

        Raises:
            ModelError: the attempt failed; the subclass says whether a retry can help.
        """
        if request.continuation:
            raise LikelihoodError(self.name, "LiteLLM gives no log-probabilities of a given text.")
        body = self._address.body(request)
        try:
            async with self._slots, asyncio.timeout(self._timeout):
                reply = await self._litellm.acompletion(
                    **body, drop_params=True, num_retries=0, timeout=self._timeout, caching=False
                )
        except TimeoutError:
            found: ModelError = timed_out(self._address, self._timeout)
        except Exception as error:  # LiteLLM's own, and those of the SDK that a provider has.
            found = self._failure(error)
        else:
            return completion(self._address, reply.model_dump(), tools=calls_tools(request))
        raise found  # Out here, so that it brings no request, and so no key, as its context.

    async def aclose(self) -> None:
        """Close the clients that LiteLLM keeps for all of its models."""
        await self._litellm.close_litellm_async_clients()

    def _failure(self, error: Exception) -> ModelError:
        kind, status = type(error).__name__, getattr(error, "status_code", None)
        if kind == "Timeout":
            return timed_out(self._address, self._timeout)
        said = str(getattr(error, "message", error)).partition("Traceback (most recent")[0]
        said = said.removeprefix(f"litellm.{kind}: ").strip()
        if status in (401, 403) or _NO_KEY.search(said):
            return AuthenticationError(
                f"{self.name}: {self._address.shown(said, 400)} LiteLLM reads a provider's key "
                f"from the environment: {HOME}."
            )
        headers: Any = getattr(getattr(error, "response", None), "headers", None) or {}
        body = {"error": {"message": f"{kind}: {said}", "code": _CODES.get(kind, "")}}
        return failure(self._address, status if isinstance(status, int) else 500, headers, body)


_NO_KEY = re.compile(r"credentials? (were |was )?not found|locate credentials|api key", re.I)
_CODES = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_filter",
    "BudgetExceededError": "insufficient_quota",
}


def _library() -> Any:
    prepare_environment()  # Or it looks for prices on the network for half a minute.
    library: Any = import_module("litellm")
    library.suppress_debug_info = True
    library.telemetry = False
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
    return library
