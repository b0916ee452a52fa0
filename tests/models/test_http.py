"""What only the lean transport does: proxies from the environment, no cookies, no netrc."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from apo.errors import TransportError
from apo.model import Message, Model, Request
from apo.models import open_model
from apo.testing.chat_server import ChatServer

Saying = Callable[[bytes], AbstractAsyncContextManager[str]]
ASK = Request(messages=(Message("user", "x"),))
CHAT = b'{"choices":[{"message":{"content":"x"}}]}'


def test_cookies_are_not_kept() -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            asked.append(head)
            await reader.readuntil(b"}")
            writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: ")
            writer.write(b"%d\r\n\r\n%s" % (len(CHAT), CHAT))
            await reader.readuntil(b"}")
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            model = open_model(f"http://127.0.0.1:{port}/v1#m")
            await model.complete(ASK)
            await model.complete(ASK)
            await model.aclose()

    asyncio.run(run())
    assert len(asked) == 2
    assert b"Cookie" not in asked[1]


def test_a_proxy_of_the_environment_is_used(
    echo_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server stands in for a proxy: it is asked for another host's URL."""

    async def run() -> None:
        async with ChatServer(echo_model) as proxy:
            where = proxy.base_url.removesuffix("/v1")
            monkeypatch.setenv("http_proxy", where.replace("//", "//kim:s3cr3t99@"))
            monkeypatch.setenv("no_proxy", "inside.example")
            model = open_model("http://far.example/v1#m")
            assert (await model.complete(ASK)).text == "x|0"
            await model.aclose()
            assert proxy.seen[0].headers["host"] == "far.example"
            assert proxy.seen[0].headers["proxy-authorization"].startswith("Basic ")

    asyncio.run(run())


def test_a_dead_proxy_is_a_transport_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://kim:s3cr3t99@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")

    async def run() -> TransportError:
        model = open_model("http://far.example/v1#m")
        with pytest.raises(TransportError) as caught:
            await model.complete(ASK)
        await model.aclose()
        return caught.value

    error = asyncio.run(run())
    assert not error.billed
    assert "s3cr3t99" not in str(error)


def test_a_proxy_that_refuses_is_shown_without_its_password(
    saying: Saying, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> TransportError:
        refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        async with saying(refusal) as url:
            where = url.removesuffix("/v1").replace("//", "//kim:s3cr3t99@")
            monkeypatch.setenv("https_proxy", where)
            monkeypatch.setenv("no_proxy", "")
            model = open_model("https://far.example/v1#m")
            with pytest.raises(TransportError, match="407") as caught:
                await model.complete(ASK)
            await model.aclose()
            return caught.value

    error = asyncio.run(run())
    assert not error.billed
    assert "s3cr3t99" not in str(error)


def test_netrc_does_not_replace_the_key(
    echo_model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login kim password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("APO_API_KEY", "mine")

    async def run() -> None:
        async with ChatServer(echo_model, key="mine") as server:
            model = open_model(server.model_name)
            await model.complete(ASK)
            await model.aclose()

    asyncio.run(run())
