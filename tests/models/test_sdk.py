"""What only the SDK transport must take care of: the SDK's own settings from the environment."""

import asyncio

import pytest

from apo.model import Message, Model, Request
from apo.models import open_model
from apo.testing.chat_server import ChatServer
from apo.testing.faults import Faults

ASK = Request(messages=(Message("user", "x"),))


def test_the_sdk_does_not_retry(echo_model: Model) -> None:
    async def run() -> None:
        async with ChatServer(echo_model, faults=Faults(status=500)) as server:
            model = open_model(server.model_name, transport="openai")
            with pytest.raises(Exception, match="500"):
                await model.complete(ASK)
            await model.aclose()
        assert server.requests == 1

    asyncio.run(run())


def test_another_providers_variables_are_not_used(
    echo_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK alone would send OPENAI_API_KEY, and to OPENAI_BASE_URL."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")

    async def run() -> None:
        async with ChatServer(echo_model) as server:
            model = open_model(server.model_name, transport="openai")
            await model.complete(ASK)
            await model.aclose()
        assert "sk-of-openai" not in str(server.seen[0].headers)

    asyncio.run(run())
