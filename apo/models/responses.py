"""OpenAI's Responses API: what some models alone answer, and what other servers speak, too."""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from apo.errors import LikelihoodError
from apo.media import as_responses
from apo.model import Completion, Request, calls_tools
from apo.models.address import Address
from apo.models.body import as_dict, as_list, as_word, read_body
from apo.models.http import HttpModel
from apo.models.replies import read_parsed
from apo.tools import flat

UNKNOWN = frozenset(("stop", "seed", "frequency_penalty", "presence_penalty"))
"""Options of chat completions that it does not have; apo cuts answers at stop texts itself."""
_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}


class ResponsesModel(HttpModel):
    """A model asked by POST /responses; nothing is stored there."""

    def __init__(
        self, address: Address, *, timeout: float = 120.0, max_connections: int = 64
    ) -> None:
        super().__init__(address, timeout=timeout, max_connections=max_connections)
        address.dialect.refused |= UNKNOWN
        self._url = URL(f"{address.url}/responses", encoded=True)

    async def complete(self, request: Request) -> Completion:
        """Ask once.

        Raises:
            ModelError: the attempt failed; the subclass says whether a retry can help.
        """
        if request.continuation:
            raise LikelihoodError(self.name, "The Responses API echoes no text.")
        status, headers, data = await self.post(responses_body(self._address, request))
        body = as_chat(read_body(data))
        return read_parsed(self._address, status, headers, body, tools=calls_tools(request))


def responses_body(address: Address, request: Request) -> dict[str, Any]:
    """Write a request as /responses takes it.

    `reasoning_effort`, `response_format`, `tools` and `logprobs` of `decoding.extra` go where they
    stand there.
    """
    body = address.body(request)
    turns = [{**m, "content": as_responses(m["content"])} for m in body.pop("messages")]
    effort, probable = body.pop("reasoning_effort", None), body.pop("logprobs", None)
    if probable:
        body["include"] = [*as_list(body.get("include")), "message.output_text.logprobs"]
    if "tools" in body:
        body["tools"] = flat(body["tools"])
    if isinstance(chosen := body.get("tool_choice"), dict):
        body["tool_choice"] = {"type": "function", **as_dict(as_dict(chosen).get("function"))}
    form = body.pop("response_format", None)
    for name in ("max_tokens", "max_completion_tokens"):
        if name in body:
            body["max_output_tokens"] = body.pop(name)
    if effort is not None:
        body["reasoning"] = {"effort": effort, **as_dict(body.get("reasoning"))}
    if form is not None:
        given = as_dict(form)
        format_ = {"type": given.get("type"), **as_dict(given.get("json_schema"))}
        body["text"] = {"format": format_, **as_dict(body.get("text"))}
    return {"store": False, **body, "input": turns}


def as_chat(body: Any) -> Any:
    """A response as a chat completion says the same; what is none stays as it is."""
    fields = as_dict(body)
    if not isinstance(fields.get("output"), list) or fields.get("error"):
        return body
    said: dict[str, list[str]] = {"output_text": [], "refusal": [], "summary_text": []}
    called, calls, probable = False, list[dict[str, Any]](), list[object]()
    for item in map(as_dict, as_list(fields["output"])):
        called = called or as_word(item.get("type")).endswith("_call")
        if item.get("type") == "function_call":
            calls.append({"function": item})
        for part in map(as_dict, [*as_list(item.get("content")), *as_list(item.get("summary"))]):
            kind = as_word(part.get("type"))
            probable += as_list(part.get("logprobs"))
            if kind in said:
                said[kind].append(str(part.get("text") or part.get("refusal") or ""))
    text = "".join(said["output_text"])
    message: dict[str, Any] = {
        "content": text if said["output_text"] else None,
        "refusal": "".join(said["refusal"]) or None,
        "reasoning_content": "\n".join(said["summary_text"]),
        "tool_calls": calls or ([{}] if called and not text else None),
    }
    why = as_word(as_dict(fields.get("incomplete_details")).get("reason"))
    ended = as_word(fields.get("status"))
    reason = _REASONS.get(why, "error" if ended in ("failed", "cancelled") else "stop")
    return {
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": reason,
                "logprobs": {"content": probable},
            }
        ],
        "usage": _usage(as_dict(fields.get("usage"))),
        "model": fields.get("model"),
    }


def _usage(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "prompt_tokens": given.get("input_tokens"),
        "completion_tokens": given.get("output_tokens"),
        "total_tokens": given.get("total_tokens"),
        "prompt_tokens_details": given.get("input_tokens_details"),
        "completion_tokens_details": given.get("output_tokens_details"),
    }
