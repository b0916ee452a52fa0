"""The ways in which servers say the same answer, or fail to, for clients to be tried on."""

import asyncio

import orjson

from apo.errors import ModelError, OptionRefusedError
from apo.model import Completion, Model, Request
from apo.models.address import Address
from apo.models.replies import read_reply
from apo.testing.changes import (
    Body,
)
from apo.testing.manners import Manner, manner
from apo.testing.wire import chat_completion, error_body, read_request, refusal

JSON, EVENTS = "application/json", "text/event-stream"


async def answer(model: Model, body: Body, manner: Manner) -> Body:
    """Answer a request's body with that of a reply.

    Raises:
        OptionRefusedError: it asks with an option that the server refuses.
        ModelError: what the model raises.
    """
    request = read_request(body)
    for option in manner.refuses:
        if option in body or option in [message.role for message in request.messages]:
            raise OptionRefusedError(
                f"Unsupported parameter: '{option}' is not supported with this model."
                if option != "system"
                else "System role not supported",
                option,
            )
    completion = await model.complete(request)
    data = chat_completion(body, completion)
    manner.change(data, completion.text)
    return data


def encode(data: Body, manner: Manner) -> tuple[bytes, str]:
    """Write a reply's body as bytes, and say what kind they are."""
    if not manner.streams:
        return orjson.dumps(data), JSON
    events = [data]
    if "choices" in data:
        (choice,) = data["choices"]
        text = choice["message"]["content"]
        deltas: list[Body] = [{"role": "assistant"}, {"content": text[:2]}, {"content": text[2:]}]
        reason = choice["finish_reason"]
        choices: list[Body] = [{"delta": delta} for delta in deltas]
        choices.append({"delta": {}, "finish_reason": reason})
        events = [{**data, "choices": [one], "usage": None} for one in choices]
        events.append({**data, "choices": []})
    lines = [b"data: " + orjson.dumps(event) for event in events]
    return b"\n\n".join([*lines, b"data: [DONE]", b""]), EVENTS


class InProcess:
    """A model asked and read as over the wire, in a server's way of speaking, without a socket.

    Args:
        model: what answers.
        name: of the way of speaking, from `MANNERS`.
    """

    def __init__(self, model: Model, name: str = "plain") -> None:
        self.name, self.asked = model.name, 0
        self._model, self._manner = model, manner(name)
        self._address = Address(name=model.name, model=model.name, url="http://in.process/v1")
        self.dialect = self._address.dialect

    async def complete(self, request: Request) -> Completion:
        """Answer the request.

        Raises:
            ModelError: what the server says is no answer.
        """
        self.asked += 1
        await asyncio.sleep(0)
        if self._manner.refuses_all:
            said = error_body("403", self._manner.refuses_all)
            return read_reply(self._address, 403, {}, orjson.dumps(said))
        try:
            data = await answer(self._model, self._address.body(request), self._manner)
        except ModelError as error:
            status, said = refusal(error)
            return read_reply(self._address, status, {}, orjson.dumps(said))
        written, kind = encode(data, self._manner)
        return read_reply(self._address, 200, {"content-type": kind}, written)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()
