"""How long an answer is asked for, and how else a call is asked after what came back."""

from dataclasses import dataclass

from apo.calls.call import Call, Endpoint
from apo.calls.habits import Habits
from apo.calls.headers import NOTHING
from apo.errors import ModelError, OptionRefusedError
from apo.model import Completion, Model, Request
from apo.models.dialect import LIMITS
from apo.storage.rows import Entry
from apo.usage import Usage

LEAST = 16
"""Tokens of an answer; where a model's context has no room for more, the request is too long."""


class AskedOtherwise(ModelError):
    """An attempt that is made again in another way, which counts as no attempt again."""

    billed = True

    def __init__(self, usage: Usage) -> None:
        super().__init__("It is asked in another way.")
        self.usage = usage


@dataclass
class Try:
    """The attempts at one call so far.

    Attributes:
        start: when it was asked for, by the loop's clock.
        before: an answer that was cut, whose place the new one takes; None for none.
        number: of the attempt, from 1.
        refused: the longest answer, in tokens, for which the model's context has no room beside
            this request; 0 for none.
        against: what headers say nothing is left of, though this attempt was sent.
    """

    start: float
    before: Entry | None = None
    number: int = 0
    refused: int = 0
    against: frozenset[str] = NOTHING


class Ways:
    """Knows in which other way a call can be asked.

    Args:
        habits: what has been learnt of the models.
        needs_limit: whether every call must have a limit, as tokens or money are limited.
    """

    def __init__(self, habits: Habits, *, needs_limit: bool) -> None:
        self._habits, self._needs_limit = habits, needs_limit

    def limit(self, call: Call, endpoint: Endpoint) -> int | None:
        """The longest answer that is asked for; None where the server takes no limit."""
        if call.stated is not None:
            return call.stated
        if call.request.continuation or self._habits.boundless(endpoint.model):
            return None  # A continuation bounds itself.
        limit = call.limit(endpoint, thinks=self._habits.thinks(endpoint.model))
        while limit > LEAST and self._habits.overfills(endpoint.model, call.request, limit):
            limit = max(LEAST, limit // 2)
        return limit

    def fitted(self, request: Request, this: Try, model: Model) -> None:
        """Note what had room, where a longer answer had none."""
        if this.refused and request.decoding.max_tokens:
            self._habits.note_room(model, this.refused, request.decoding.max_tokens)

    def require_thought_out(self, call: Call, endpoint: Endpoint, completion: Completion) -> None:
        """Make sure that an answer that a limit cut was not cut for want of room for thinking.

        Raises:
            AskedOtherwise: it was; from now on the model has that room.
        """
        thought = completion.thinking or completion.usage.thinking_tokens
        # Nothing written at all is a context that the request has filled.
        cut = thought or (not completion.text.strip() and completion.usage.output_tokens != 0)
        own = call.stated is None and endpoint.max_thinking and not call.request.continuation
        if cut and own and self._habits.learn_thinking(endpoint.model):
            raise AskedOtherwise(completion.usage)

    def shrinks(
        self, call: Call, request: Request, this: Try, failure: ModelError, model: Model
    ) -> bool:
        """Whether a request that is too long may fit with less room for the answer."""
        limit = request.decoding.max_tokens
        if call.stated is not None or limit is None or limit <= LEAST or not failure.of_limit:
            return False
        self._habits.learn_full(model, call.request, limit)
        this.refused = max(this.refused, limit)
        return True

    def mends(
        self,
        call: Call,
        request: Request,
        this: Try,
        error: ModelError,
        model: Model,
        refused: frozenset[str],
    ) -> bool:
        """Whether a call can be asked with less room, or without what the server has refused.

        Args:
            call: what is asked.
            request: as it was sent.
            this: the attempts so far.
            error: what came back.
            model: who was asked.
            refused: what the model was not sent even then.
        """
        if not isinstance(error, OptionRefusedError):
            return self.shrinks(call, request, this, error, model)
        if self._habits.learn(model, error.option, refused):
            return True
        sent = request.decoding.max_tokens is not None and error.option in LIMITS
        if self._needs_limit or call.stated is not None or not sent:
            return False
        self._habits.learn_boundless(model)
        return True
