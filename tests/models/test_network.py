"""The way to a server: proxies, certificates, and servers that take too long."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apo.errors import (
    CertificateError,
    ModelError,
    SettingsError,
    TimedOutError,
    UnreachableError,
)
from apo.model import Message, Model, Request
from apo.models import Transport, network, open_model
from apo.models.network import BUNDLES, proxy_for
from apo.testing.chat_server import ChatServer
from tests.models.conftest import Saying

pytestmark = pytest.mark.parametrize("transport", ["aiohttp", "openai"])
ASK = Request(messages=(Message("user", "x"),))
REPLY = b'{"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*BUNDLES, "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def ask(name: str, transport: Transport, seconds: float = 30.0) -> str:
    async def run() -> str:
        model = open_model(name, transport=transport, timeout=seconds)
        try:
            return (await model.complete(ASK)).text
        finally:
            await model.aclose()

    return asyncio.run(run())


def absent(_: str) -> None:
    """Stand in for `find_spec` where nothing is installed."""


# --- proxies --------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_this_machine_is_asked_without_a_proxy(
    variable: str, transport: Transport, echo_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")

    async def run() -> str:
        async with ChatServer(echo_model) as server:
            model = open_model(server.model_name, transport=transport)
            text = (await model.complete(ASK)).text
            await model.aclose()
            return text

    assert asyncio.run(run()) == "x|0"
    for host in ("localhost:1", "127.8.0.1", "[::1]:8000", "me.localhost"):
        assert proxy_for(f"http://{host}/v1", transport) is None


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_a_proxy_is_used_by_both(
    variable: str, transport: Transport, echo_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as proxy:
            monkeypatch.setenv(variable, proxy.base_url.removesuffix("/v1").partition("//")[2])
            model = open_model("http://far.example/v1#m", transport=transport)
            assert (await model.complete(ASK)).text == "x|0"
            await model.aclose()
            assert proxy.seen[0].headers["host"] == "far.example"
            monkeypatch.setenv("NO_PROXY", "far.example")
            assert proxy_for("http://far.example/v1", transport) is None

    asyncio.run(run())


@pytest.mark.parametrize("url", ["http://far.example/v1#m", "https://far.example/v1#m"])
def test_a_dead_proxy_is_named_with_its_variable(
    url: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://kim:s3cr3t99@127.0.0.1:9")
    with pytest.raises(UnreachableError) as caught:
        ask(url, transport)
    said = str(caught.value)
    assert "through the proxy http://127.0.0.1:9 of ALL_PROXY" in said
    assert "unset ALL_PROXY, or export NO_PROXY=far.example" in said
    assert "s3cr3t99" not in said


@pytest.mark.parametrize("status", [b"403 Forbidden", b"407 Who are you", b"502 Bad Gateway"])
def test_a_proxy_that_answers_for_the_server_is_named(
    status: bytes, transport: Transport, saying: Saying, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = b"<html>no</html>"
    reply = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s"

    async def run() -> None:
        async with saying(reply % (status, len(page), page)) as url:
            monkeypatch.setenv("HTTP_PROXY", url.removesuffix("/v1"))
            model = open_model("http://far.example/v1#m", transport=transport)
            with pytest.raises(UnreachableError, match=f"proxy answered {status[:3].decode()}"):
                await model.complete(ASK)
            await model.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_a_socks_proxy_without_its_package_ends_before_the_first_call(
    scheme: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", f"{scheme}://me:s3cr3t99@127.0.0.1:1080")
    monkeypatch.setattr(network, "find_spec", absent)
    with pytest.raises(SettingsError) as caught:
        open_model("https://far.example/v1#m", transport=transport)
    package = {"aiohttp": "aiohttp-socks", "openai": "'httpx[socks]'"}[transport]
    assert f"{scheme}://127.0.0.1:1080 of all_proxy is a SOCKS proxy" in str(caught.value)
    assert f"pip install {package}" in str(caught.value)
    open_model("http://127.0.0.1:1/v1#m", transport=transport)


@pytest.mark.parametrize("stated", ["ftp://proxy:21", "http://", "pac+http://x/y.pac"])
def test_what_is_no_proxy_is_refused_with_its_variable(
    stated: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", stated)
    with pytest.raises(SettingsError, match="https_proxy names no proxy that can be used"):
        open_model("https://far.example/v1#m", transport=transport)


# --- certificates ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of this machine, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "apo")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    data = key.private_bytes(serialization.Encoding.PEM, form, plain)
    path.write_bytes(data + made.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def over_tls(certificate: Path) -> AsyncGenerator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
        size = sum(int(value) for name, _, value in lines if name == b"content-length")
        await reader.readexactly(size)
        writer.write(HEAD + b"%d\r\n\r\n%s" % (len(REPLY), REPLY))
        await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1#m"


async def tls(certificate: Path, transport: Transport, host: str = "127.0.0.1") -> str:
    async with over_tls(certificate) as name:
        model = open_model(name.replace("127.0.0.1", host), transport=transport)
        try:
            return (await model.complete(ASK)).text
        finally:
            await model.aclose()


def test_a_self_signed_certificate_ends_the_run_and_says_what_to_set(
    transport: Transport, certificate: Path
) -> None:
    with pytest.raises(CertificateError) as caught:
        asyncio.run(tls(certificate, transport))
    assert "is not trusted here (self-signed certificate)" in str(caught.value)
    assert "export SSL_CERT_FILE=/path/to/ca.pem" in str(caught.value)


def test_the_certificate_of_another_host_is_told_as_that(
    transport: Transport, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(CertificateError, match="is another host's") as caught:
        asyncio.run(tls(certificate, transport, "localhost"))
    assert "SSL_CERT_FILE" not in str(caught.value)


def test_a_server_that_speaks_no_tls_is_told_as_that(
    transport: Transport, echo_model: Model
) -> None:
    async def ask() -> None:
        async with ChatServer(echo_model) as server:
            name = server.model_name.replace("http://", "https://")
            model = open_model(name, transport=transport)
            try:
                await model.complete(ASK)
            finally:
                await model.aclose()

    with pytest.raises(UnreachableError, match="write http:// where it is plain HTTP"):
        asyncio.run(ask())


@pytest.mark.parametrize("variable", BUNDLES[:3])
def test_a_bundle_of_the_environment_is_trusted(
    variable: str, transport: Transport, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(certificate))
    assert asyncio.run(tls(certificate, transport)) == "hello"


@pytest.mark.parametrize("variable", BUNDLES[:3])
def test_a_bundle_that_is_none_is_named(
    variable: str, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "none.pem"))
    with pytest.raises(SettingsError, match=f"{variable} names .*none.pem, which is not there"):
        ask("https://127.0.0.1:1/v1#m", transport)
    (tmp_path / "none.pem").write_text("no certificate\n")
    with pytest.raises(SettingsError, match="holds no certificates that can be read"):
        ask("https://127.0.0.1:1/v1#m", transport)


# --- time -----------------------------------------------------------------------------------


def test_no_answer_in_time_has_an_error_of_its_own(transport: Transport, echo_model: Model) -> None:
    async def run() -> ModelError:
        async with ChatServer(echo_model, latency=30) as server:
            model = open_model(server.model_name, transport=transport, timeout=0.05)
            with pytest.raises(TimedOutError, match=r"no answer within 0.05 s \(--timeout\)") as e:
                await model.complete(ASK)
            await model.aclose()
            return e.value

    assert asyncio.run(run()).billed
