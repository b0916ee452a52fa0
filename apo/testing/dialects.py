"""The ways in which servers say the same answer, or fail to, for clients to be tried on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from apo.errors import ModelError, OptionRefusedError, SettingsError, near
from apo.model import Completion, Model, Request
from apo.models.address import Address
from apo.models.replies import read_reply
from apo.testing.wire import chat_completion, error_body, read_request, refusal

THOUGHT = "The user wants one answer. Answer: login? No, I would rather say something else."
DECLINED = "I'm sorry, I can't help with that."
UNSEEN = 895
"""Tokens of thoughts that are paid, and in no text."""
_COUNTED = ("prompt_tokens", "completion_tokens")
JSON, EVENTS = "application/json", "text/event-stream"
Body = dict[str, Any]


def _as_it_is(_: Body, __: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Manner:
    """A server's way of speaking.

    Attributes:
        about: what it does, in words.
        change: makes the body of a right answer to that of this server, given the answer's text.
        refuses: options that it refuses by name; "system" is the role of a turn.
        header: a header that it wants; "" for none.
        refuses_all: the words with which it refuses every request, under 403; "" for none.
        streams: whether it answers in server-sent events, though it was not asked to.
        understood: whether its answers can be understood; otherwise a run stops.
        final: whether it stops at the first of them, as asking again is of no use.
    """

    about: str
    change: Callable[[Body, str], None] = _as_it_is
    refuses: tuple[str, ...] = ()
    header: str = ""
    streams: bool = False
    refuses_all: str = ""
    understood: bool = True
    final: bool = False


def _said(form: str) -> Callable[[Body, str], None]:
    def change(body: Body, text: str) -> None:
        content = form.replace("THOUGHT", THOUGHT).replace("ANSWER", text)
        body["choices"][0]["message"]["content"] = content

    return change


def _beside(field: str) -> Callable[[Body, str], None]:
    def change(body: Body, _: str) -> None:
        body["choices"][0]["message"][field] = THOUGHT

    return change


def _in_parts(body: Body, text: str) -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}
    content = [thinking, {"type": "text", "text": text}]
    body["choices"][0]["message"]["content"] = content


def _as_completions(body: Body, text: str) -> None:
    body["choices"] = [{"index": 0, "text": text, "finish_reason": "stop"}]


def _second_first(body: Body, _: str) -> None:
    other = {"index": 1, "message": {"content": "Something else."}, "finish_reason": "stop"}
    body["choices"].insert(0, other)


def _whole_floats(body: Body, _: str) -> None:
    body["usage"] = {name: float(body["usage"][name]) for name in _COUNTED}


def _calls_a_tool(body: Body, _: str) -> None:
    function = {"name": "answer", "arguments": "{}"}
    message = {"content": None, "tool_calls": [{"id": "1", "function": function}]}
    body["choices"][0] |= {"message": message, "finish_reason": "tool_calls"}


def _declines(body: Body, _: str) -> None:
    body["choices"][0]["message"] |= {"content": None, "refusal": DECLINED}


def _says_only(message: str) -> Callable[[Body, str], None]:
    def change(body: Body, _: str) -> None:
        body.clear()
        body |= {"status": "error", "message": message}

    return change


def _counts(tokens: object) -> Callable[[Body, str], None]:
    def change(body: Body, _: str) -> None:
        body["usage"] = {"prompt_tokens": tokens, "completion_tokens": tokens}

    return change


def _thinks_unseen(*, told: bool) -> Callable[[Body, str], None]:
    def change(body: Body, _: str) -> None:
        usage = body["usage"]
        usage["total_tokens"] += UNSEEN
        if told:
            usage["completion_tokens_details"] = {"reasoning_tokens": UNSEEN}

    return change


def _ends(reason: str) -> Callable[[Body, str], None]:
    def change(body: Body, _: str) -> None:
        body["choices"][0] |= {"message": {"content": None}, "finish_reason": reason}
        if reason == "length":
            body["choices"][0]["message"]["reasoning_content"] = THOUGHT
        if reason == "error":  # What it took until then is not counted.
            body.pop("usage", None)

    return change


def _fails(body: Body, _: str) -> None:
    body.clear()
    body["error"] = {"message": "The upstream failed.", "type": "upstream_error"}


def _has_no_choice(body: Body, _: str) -> None:
    body["choices"] = []


MANNERS = {
    "plain": Manner(about="a text, and nothing else"),
    "think": Manner(
        about="thinking in <think> tags before the answer",
        change=_said("<think>\nTHOUGHT\n</think>\n\nANSWER"),
    ),
    "lone-think": Manner(about="a lone </think>", change=_said("THOUGHT\n</think>\n\nANSWER")),
    "thinking": Manner(
        about="thinking in <thinking> tags", change=_said("<thinking>THOUGHT</thinking>\nANSWER")
    ),
    "brackets": Manner(about="[THINK]…[/THINK]", change=_said("[THINK]THOUGHT[/THINK]ANSWER")),
    "harmony": Manner(
        about="the channels of gpt-oss in the text",
        change=_said(
            "<|channel|>analysis<|message|>THOUGHT<|end|><|start|>assistant"
            "<|channel|>final<|message|>ANSWER"
        ),
    ),
    "reasoning-content": Manner(
        about="thinking in reasoning_content", change=_beside("reasoning_content")
    ),
    "reasoning": Manner(about="thinking in the field reasoning", change=_beside("reasoning")),
    "parts": Manner(about="a content of parts, one of thinking", change=_in_parts),
    "streamed": Manner(about="server-sent events that nobody asked for", streams=True),
    "reasoner": Manner(
        about="refuses max_tokens, temperature, top_p, penalties and stop",
        refuses=(
            "max_tokens",
            "temperature",
            "top_p",
            "frequency_penalty",
            "presence_penalty",
            "stop",
        ),
    ),
    "older": Manner(about="refuses max_completion_tokens", refuses=("max_completion_tokens",)),
    "no-seed": Manner(about="refuses a seed", refuses=("seed",)),
    "no-system": Manner(about="refuses system turns", refuses=("system",)),
    "zero-usage": Manner(about="counts 0 tokens", change=_counts(0)),
    "negative-usage": Manner(about="counts -7 tokens", change=_counts(-7)),
    "text-usage": Manner(about="counts 'many' tokens", change=_counts("many")),
    "absurd-usage": Manner(about="counts 2^63 - 1 tokens", change=_counts(2**63 - 1)),
    "total-usage": Manner(
        about="895 tokens of thoughts in total_tokens alone, as Gemini counts them",
        change=_thinks_unseen(told=False),
    ),
    "apart-usage": Manner(
        about="895 tokens of thoughts beside completion_tokens, as Grok counts them",
        change=_thinks_unseen(told=True),
    ),
    "gateway": Manner(
        about="a gateway that wants the header X-Gateway-Key", header="x-gateway-key"
    ),
    "no-limit": Manner(
        about="refuses both names of an answer's limit",
        refuses=("max_tokens", "max_completion_tokens"),
    ),
    "cut": Manner(about="cut while it still thinks: no content", change=_ends("length")),
    "finish-error": Manner(
        about="200 with finish_reason error", change=_ends("error"), understood=False
    ),
    "error-object": Manner(about="200 with an error", change=_fails, understood=False),
    "no-choice": Manner(about="200 without a choice", change=_has_no_choice, understood=False),
    "stream-error": Manner(
        about="a stream that ends in an error", change=_fails, streams=True, understood=False
    ),
    "completions": Manner(about="choices[].text, as /completions has it", change=_as_completions),
    "second-first": Manner(about="choices out of the order of index", change=_second_first),
    "float-usage": Manner(about="counts 50.0 tokens", change=_whole_floats),
    "empty": Manner(about="an empty text", change=_said("")),
    "declined": Manner(about="content null beside a refusal in words", change=_declines),
    "tool-call": Manner(
        about="a call of a tool in place of an answer",
        change=_calls_a_tool,
        understood=False,
        final=True,
    ),
    "status-error": Manner(
        about="200 with status error and a message",
        change=_says_only("quota exceeded"),
        understood=False,
    ),
    "no-key": Manner(
        about="200 with a message that says the key is invalid",
        change=_says_only("Invalid API key"),
        understood=False,
        final=True,
    ),
    "flagged": Manner(
        about="403: a filter flagged the request",
        refuses_all="Your input was flagged by moderation.",
    ),
    "filtered": Manner(about="200 with content_filter", change=_ends("content_filter")),
}


def manner(name: str) -> Manner:
    """Find a way of speaking by its name.

    Raises:
        SettingsError: there is none.
    """
    if name not in MANNERS:
        raise SettingsError(f"There is no dialect {name!r}.{near(name, list(MANNERS))}")
    return MANNERS[name]


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
