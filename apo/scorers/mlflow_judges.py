"""Judges of MLflow asked by apo: their calls are metered, kept, and found again after a stop.

MLflow chooses who asks a judge's model by one function. In the threads in which apo runs a judge
that function gives a way to the run's own caller; everywhere else it does what it did.
"""

import asyncio
import json
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from apo.model import Decoding, Message, Request
from apo.models.providers import PROVIDERS
from apo.reading.json_text import json_in
from apo.scorers.awaited import Ask, Question

_SEAM = "mlflow.genai.judges.utils.invocation_utils"
_OWN = ("databricks", "endpoints", "gateway", "typesafe")
"""Kinds of models that MLflow alone can ask."""
_OPTIONS = ("temperature", "top_p", "max_tokens", "frequency_penalty", "presence_penalty")


class Ended(BaseException):
    """A judge got no answer: no `except Exception` of MLflow's may take that for a grade."""


@dataclass
class Place:
    """Where a judge is asked from.

    Attributes:
        ask: puts questions.
        loop: of the run.
        model: apo's name of who is asked.
        error: why there is no answer; None for nothing.
    """

    ask: Ask
    loop: asyncio.AbstractEventLoop
    model: str
    error: BaseException | None = field(default=None, init=False)

    def put(self, request: Request) -> str:
        """Put a question from the judge's thread, and wait for the answer; "" for a refusal.

        Raises:
            Ended: there is none; `error` says why.
        """
        asked: Any = self.ask([Question(request, self.model)])
        try:
            [said] = asyncio.run_coroutine_threadsafe(asked, self.loop).result()
        except BaseException as error:
            self.error = error
            raise Ended from error
        return str(said)


PLACE: ContextVar[Place | None] = ContextVar("apo_mlflow_judge", default=None)
"""Set around a judge; the thread that runs it has it in its context."""


def model_of(judge: Any) -> str:
    """Apo's name of the model that a judge of MLflow asks; "" where MLflow alone can ask it."""
    from mlflow.genai.judges.utils import get_default_model

    headers = getattr(judge, "_extra_headers", None) or getattr(judge, "extra_headers", None)
    uri = str(getattr(judge, "model", None) or get_default_model())
    provider, _, name = uri.partition(":/")
    if headers or not name or provider in _OWN or not _joined():
        return ""
    if base := getattr(judge, "_base_url", None):
        return f"{base}#{name}"
    return f"{provider}/{name}" if provider in PROVIDERS else f"litellm/{provider}/{name}"


@cache
def _joined() -> bool:
    """Take part in MLflow's choice, once a process; False where this MLflow has no such place."""
    try:
        seam: Any = import_module(_SEAM)
        theirs, adapter = seam.get_adapter, _adapter()
    except (ImportError, AttributeError):
        return False

    def choose(model_uri: str, prompt: Any) -> Any:
        return theirs(model_uri=model_uri, prompt=prompt) if PLACE.get() is None else adapter()

    seam.get_adapter = choose
    return True


def _adapter() -> Any:
    from mlflow.entities import AssessmentSource, Feedback
    from mlflow.exceptions import MlflowException
    from mlflow.genai.judges.adapters.base_adapter import (
        AdapterInvocationOutput,
        BaseJudgeAdapter,
    )

    class ApoAdapter(BaseJudgeAdapter):
        """Has the run's caller ask, and reads the answer as MLflow's own adapters do."""

        @classmethod
        def is_applicable(cls, model_uri: str, prompt: Any) -> bool:
            """Whether a judge of apo's asks."""
            return PLACE.get() is not None

        def _invoke(self, input_params: Any) -> Any:
            place = PLACE.get()
            if place is None:  # It was given to this thread alone.
                raise MlflowException("Nobody is there to ask.")
            said = place.put(request_of(input_params))
            found = json_in(said) or {}
            if "result" not in found:
                raise MlflowException(f"The judge {place.model} gave no result: {said[:200]!r}")
            feedback = Feedback(
                name=input_params.assessment_name,
                value=found["result"],
                rationale=str(found.get("rationale") or ""),
                source=AssessmentSource(source_type="LLM_JUDGE", source_id=input_params.model_uri),
            )
            return AdapterInvocationOutput(feedback=feedback)

    return ApoAdapter


def request_of(given: Any) -> Request:
    """What MLflow has a judge asked, as a request: its messages, options and form of answer."""
    turns: Sequence[Any] = given.prompt
    messages = (
        (Message("user", given.prompt),)
        if isinstance(given.prompt, str)
        else tuple(Message(turn.role, turn.content or "") for turn in turns)
    )
    options = dict(given.inference_params or {})
    drawn = {name: options.pop(name) for name in _OPTIONS if name in options}
    if given.response_format is not None:
        schema = given.response_format.model_json_schema()
        form = {"name": "judgement", "schema": schema}
        options["response_format"] = {"type": "json_schema", "json_schema": form}
    values = {"temperature": None, **drawn, "extra": options}
    return Request(messages, Decoding.from_dict(json.loads(json.dumps(values))))
