"""The Responses API, against a server over real HTTP."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from apo.errors import (
    BadRequestError,
    ContentFilterError,
    LikelihoodError,
    MalformedReplyError,
    ModelError,
    RateLimitError,
    SettingsError,
    TransportError,
)
from apo.model import Completion, Decoding, Message, Request
from apo.models import open_model
from apo.models.batches.terms import batch_address
from apo.models.prices import find_price

FORM = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
ASK = Request(
    (Message("system", "Say."), Message("user", "안녕")),
    Decoding(
        temperature=1.0, max_tokens=9, stop=("!",),
        extra={"reasoning_effort": "low", "response_format": FORM, "service_tier": "flex"},
    ),
    seed=3,
)  # fmt: skip
USAGE = {
    "input_tokens": 7, "output_tokens": 30, "total_tokens": 37,
    "input_tokens_details": {"cached_tokens": 2},
    "output_tokens_details": {"reasoning_tokens": 20},
}  # fmt: skip


def said(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "object": "response", "status": "completed", "error": None, "output": list(items),
        "usage": USAGE, "model": "served-1", **fields,
    }  # fmt: skip


def text(words: str, kind: str = "output_text", field: str = "text") -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": kind, field: words}]}


def ask(reply: dict[str, Any], status: int = 200) -> tuple[Completion, dict[str, Any]]:
    """What a server's reply is read as, and what was sent."""
    got: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/v1/responses"
        got.append(await request.json())
        return web.json_response(reply, status=status)

    async def run() -> Completion:
        app = web.Application()
        app.router.add_post("/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        model = open_model(f"http://127.0.0.1:{runner.addresses[0][1]}/v1/responses#m")
        try:
            return await model.complete(ASK)
        finally:
            await model.aclose()
            await runner.cleanup()

    found = asyncio.run(run())
    return found, got[0]


def test_what_is_sent_and_read() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
    found, body = ask(said(thought, text("네"), text("!")))
    assert (found.text, found.thinking, found.model) == ("네!", "Hm.", "served-1")
    assert tuple(found.usage) == (7, 30, 2, 20)
    assert body == {
        "model": "m", "store": False,
        "input": [{"role": m.role, "content": m.content} for m in ASK.messages],
        "temperature": 1.0, "max_output_tokens": 9, "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", **FORM["json_schema"]}},  # type: ignore[dict-item]
        "service_tier": "flex",
    }  # fmt: skip


def test_an_answer_that_was_cut() -> None:
    cut = said(text("네"), status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert ask(cut)[0].truncated
    cut["output"] = [{"type": "reasoning"}]
    found, _ = ask(cut)
    assert (found.text, found.truncated) == ("", True)


def test_a_refusal_in_words_is_the_answer() -> None:
    assert ask(said(text("I cannot.", "refusal", "refusal")))[0].text == "I cannot."


FILTERED = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
LIMITED = {"error": {"code": "rate_limit_exceeded", "message": "Slow down."}, "status": "failed"}


@pytest.mark.parametrize(
    ("reply", "status", "kind"),
    [
        (said(text(""), **FILTERED), 200, ContentFilterError),
        (said(**LIMITED), 200, RateLimitError),
        (said(text("x"), status="failed"), 200, TransportError),
        (said({"type": "function_call", "name": "f"}), 200, BadRequestError),
        (said(), 200, MalformedReplyError),
        ({"odd": 1}, 200, MalformedReplyError),
        ({"error": {"message": "no such thing"}}, 400, BadRequestError),
    ],
)
def test_what_is_no_answer(reply: dict[str, Any], status: int, kind: type[ModelError]) -> None:
    with pytest.raises(kind):
        ask(reply, status)


def test_names_prices_and_what_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefghijklmnop")
    model = open_model("openai-responses/gpt-4o-mini")
    assert model.name == "openai-responses/gpt-4o-mini"
    assert find_price(model.name) == find_price("openai/gpt-4o-mini") is not None
    with pytest.raises(LikelihoodError, match="echoes no text"):
        asyncio.run(model.complete(ASK._replace(continuation="x")))
    with pytest.raises(SettingsError, match="leave the transport out"):
        open_model("openai-responses/gpt-4o-mini", transport="openai")
    for name in ("openai-responses/gpt-4o-mini", "http://localhost:1/v1/responses#m"):
        with pytest.raises(SettingsError, match="--batch cannot be used"):
            batch_address(name)
