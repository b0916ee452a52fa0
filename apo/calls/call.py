"""What is asked of whom: the calls of a run, each with the key that its answer is kept under."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from apo.calls.costs import Cost, worst_case
from apo.media import identity
from apo.model import Message, Model, Request
from apo.models.prices import Price
from apo.storage.rows import Entry
from apo.task import text_hash


@dataclass(frozen=True)
class Endpoint:
    """A model in its role.

    Attributes:
        role: "task" (answers examples), "optimizer" (writes prompts), or "fallback" (writes them
            in its place).
        model: the model.
        price: dollars per million tokens; None when unknown.
        max_output: the longest answer, in tokens, where neither the request nor the call says.
        max_thinking: tokens beside that for a model that thinks before it answers.
        fallback: who is asked when this model gives no answer after all retries; for the optimizer
            model alone, since answers of two models are no measurement of one prompt.
        patient: whether an answer may take hours, and all calls that wait go to it at once.
    """

    role: str
    model: Model
    price: Price | None = None
    max_output: int = 1024
    max_thinking: int = 8192
    fallback: "Endpoint | None" = None
    patient: bool = False

    def at_once(self, most: int) -> int:
        """How many calls go to it at once: no more than the model says that it works on."""
        own: int = getattr(self.model, "slots", most)
        return min(own, most)

    async def ready(self) -> None:
        """Wait until the model can answer, where it has to be loaded first: that is no call.

        Raises:
            SettingsError: it cannot be loaded.
        """
        load: Callable[[], Awaitable[None]] | None = getattr(self.model, "ready", None)
        if load is not None:
            await load()


class Call(NamedTuple):
    """A request to an endpoint, with the key under which its answer is kept.

    Attributes:
        endpoint: which model is asked.
        request: what is asked; its seed is in `seed`, which is put in when it is sent.
        key: hash of what is asked and, for a sampled call, of its place in the search.
        note: what the journal keeps of the request, for people.
        seed: of the draw; follows from what is asked.
        room: the longest answer, in tokens; 0 for the endpoint's. It is no part of the key: an
            answer that came to its end is the same whatever room there was.
    """

    endpoint: Endpoint
    request: Request
    key: str
    note: str = ""
    seed: int = 0
    room: int = 0

    @classmethod
    def to(
        cls,
        endpoint: Endpoint,
        request: Request,
        *,
        place: str = "",
        note: str = "",
        room: int = 0,
    ) -> "Call":
        """Make a call; the same request at the same place is the same call.

        Args:
            endpoint: whom to ask.
            request: what to ask; its seed is not looked at.
            place: of a sampled call in the search; "" for a call that is the same everywhere.
            note: what the journal keeps of the request, for people.
            room: the longest answer, in tokens; 0 for the endpoint's.
        """
        asked: list[Any] = [
            [[*message[:2], *_images(message)] for message in request.messages],
            request.decoding.to_dict(),
            place,
        ]
        if request.continuation:
            asked.append(request.continuation)
        hashed = text_hash(asked)
        key = hashlib.sha256((hashed + endpoint.model.name).encode()).hexdigest()[:16]
        # The seed does not follow the model's name: one model under two addresses is one model.
        return cls(endpoint, request, key, note, int(hashed[:8], 16) >> 1, room)

    @property
    def stated(self) -> int | None:
        """The limit of the answer that the prompt or the user states; None for none."""
        return self.request.decoding.max_tokens

    def bound(self, endpoint: Endpoint, limit: int | None = None) -> Cost:
        """The most that an attempt at an endpoint can take.

        Args:
            endpoint: who is asked.
            limit: the longest answer, in tokens; None where none is stated.
        """
        request = self.request
        if request.continuation:  # It is read as well, and one token is written after it.
            shown = (*request.messages, Message("assistant", request.continuation))
            return worst_case(request._replace(messages=shown), endpoint.price, 1)
        stated = limit or self.stated or endpoint.max_output
        return worst_case(request, endpoint.price, stated)

    def limit(self, endpoint: Endpoint, *, thinks: bool = False) -> int:
        """The longest answer that is asked for, in tokens.

        Args:
            endpoint: who is asked.
            thinks: whether it thinks before it answers, which takes room as well.
        """
        if self.stated is not None:
            return self.stated
        return (self.room or endpoint.max_output) + (endpoint.max_thinking if thinks else 0)

    def too_short(self, entry: Entry) -> bool:
        """Whether an answer was cut by a limit that is lower than the room that there is now."""
        bound = entry.bound
        return entry.truncated and not entry.error and bound is not None and bound < self.room

    def answered_by(self, model: str) -> Endpoint:
        """The endpoint that an answer came from, by the model's name in the journal."""
        other = self.endpoint.fallback
        return other if other is not None and other.model.name == model else self.endpoint


def _images(message: Message) -> list[list[str]]:
    """What tells the images of a turn; nothing where there are none."""
    return [[identity(image) for image in message.images]] if message.images else []
