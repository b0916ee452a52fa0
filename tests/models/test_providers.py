"""Names, addresses, keys: what is opened, and what is refused and how."""

import asyncio
import re
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import AuthenticationError, SettingsError
from apo.model import Completion, Decoding, Message, Request
from apo.models import open_model
from apo.models.address import Address
from apo.models.base_url import public_name
from apo.models.providers import PROVIDERS, locate
from apo.testing.wire import read_request

HOSTED = [name for name, provider in PROVIDERS.items() if provider.needs_key]
LOCAL = [name for name, provider in PROVIDERS.items() if not provider.needs_key]
ASK = Request(messages=(Message("user", "x"),), decoding=Decoding(temperature=0.7), seed=3)


@pytest.fixture(autouse=True)
def _no_hosted_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in PROVIDERS.values():
        if provider.key_variable:
            monkeypatch.delenv(provider.key_variable, raising=False)


@pytest.mark.parametrize("prefix", HOSTED)
def test_hosted_providers_want_their_key(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = PROVIDERS[prefix]
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com")
    for unset in (None, "", "  \n"):
        if unset is not None:
            monkeypatch.setenv(provider.key_variable, unset)
        with pytest.raises(AuthenticationError, match=f"export {provider.key_variable}="):
            open_model(f"{prefix}/m")
    monkeypatch.setenv(provider.key_variable, " key-123456789\n")
    address = locate(f"{prefix}/a/b")
    assert address.name == open_model(f"{prefix}/a/b").name == f"{prefix}/a/b"
    assert address.model == "a/b"
    assert "key-123456789" in next(iter(address.headers.values()))
    assert "key-123456789" not in repr(address)
    assert address.endpoint.startswith("https://")
    assert address.url.startswith(provider.url)


@pytest.mark.parametrize("prefix", LOCAL)
def test_local_providers_need_no_key(prefix: str) -> None:
    address = locate(f"{prefix}/m:1b")
    assert address.endpoint == f"{PROVIDERS[prefix].url}/chat/completions"
    assert address.headers == {}


@pytest.mark.parametrize("prefix", ["llamacpp", "vllm"])
def test_a_server_of_ones_own_may_ask_for_a_key(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = PROVIDERS[prefix]
    monkeypatch.setenv(provider.key_variable, "k")
    monkeypatch.setenv(provider.url_variable, "http://gpu:9000/v1/")
    address = locate(f"{prefix}/m")
    assert address.headers == {"Authorization": "Bearer k"}
    assert address.endpoint == "http://gpu:9000/v1/chat/completions"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("gpu", "http://gpu:11434/v1"),
        ("gpu:80", "http://gpu:80/v1"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234/v1"),
        ("https://ollama.example.com", "https://ollama.example.com:443/v1"),
        ("http://gpu:1/sub/", "http://gpu:1/sub/v1"),
        ("http://gpu:1/v1", "http://gpu:1/v1"),
        ("[::1]:5", "http://[::1]:5/v1"),
        ("[::]:5", "http://[::1]:5/v1"),
        (":9102", "http://127.0.0.1:9102/v1"),
    ],
)
def test_ollama_host(host: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert locate("ollama/m").url == url


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://h", "http://", "http://h:x/v1", "//h"])
def test_base_urls_that_are_none(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(SettingsError, match="OPENAI_BASE_URL"):
        locate("openai/m")


def test_azure_wants_its_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k")
    with pytest.raises(SettingsError, match="AZURE_OPENAI_ENDPOINT"):
        open_model("azure/m")


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (
            "deployments/gpt-4o-mini/chat/completions?api-version=2025-01-01-preview",
            "AZURE_OPENAI_ENDPOINT=https://x.openai.azure.com; the model is azure/gpt-4o-mini; its "
            "version of the API: export OPENAI_API_VERSION=2025-01-01-preview.",
        ),
        ("v1/", "Keep its beginning: export AZURE_OPENAI_ENDPOINT=https://x.openai.azure.com."),
    ],
)
def test_of_what_azures_portal_shows_the_beginning_is_kept(
    rest: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"https://x.openai.azure.com/openai/{rest}")
    with pytest.raises(SettingsError, match=re.escape(said)):
        locate("azure/m")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://gateway/azure/")
    url = "https://gateway/azure/openai/deployments/m"
    assert locate("azure/m").url == url


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Known: embedded, local, litellm, openai"),
        ("gpt-5-mini", "provider/model"),
        ("opnai/gpt-5-mini", "Did you mean 'openai'?"),
        ("embeded", "Did you mean 'embedded'?"),
        ("ollama", "write ollama/MODEL"),
        ("ollama/", "write ollama/MODEL"),
        ("ollama/ ", "write ollama/MODEL"),
        ("http://localhost:8000/v1", "write http://localhost:8000/v1#MODEL"),
        ("http://localhost:8000/v1#", "#MODEL"),
        ("http://#m", "no base URL"),
        ("ws://localhost/v1#m", "no base URL"),
        ("http://local host/v1#m", "no base URL"),
        ("http://h\r\nx/v1#m", "no base URL"),
        ("http://[::1/v1#m", "no usable URL"),
        ("http://h:99999/v1#m", "no usable URL"),
        ("http://h/v1?key=abc#m", "query"),
    ],
)
def test_names_that_are_none(name: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said.replace("?", "[?]")):
        open_model(name)


@pytest.mark.parametrize(
    "name",
    [
        "http://kim:s3cr3t99@h/v1",
        "http://kim:s3cr3t99@h/v1?x#m",
        "http://kim:s3cr3t99/x@h/v1#m",
        "http://kim:s3cr3t99#x@h/v1#m",
        "ws://kim:s3cr3t99@h/v1#m",
        "http://h/v1?key=s3cr3t99#m",
        "http://kim:s3cr3t99@h:bad/v1#m",
    ],
)
def test_refused_urls_do_not_show_their_password(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_model(name)
    assert "s3cr3t99" not in str(caught.value)


def test_url_names() -> None:
    address = locate("https://kim:s3cr3t99@host:444/v1/#@cf/meta/x#y")
    assert address.name == "https://host:444/v1/#@cf/meta/x#y"
    assert address.model == "@cf/meta/x#y"
    assert address.endpoint == "https://host:444/v1/chat/completions"
    assert "s3cr3t99" not in repr(address)
    assert "s3cr3t99" not in address.redact("no: kim:s3cr3t99, s3cr3t99")
    assert public_name("openai/a@b") == "openai/a@b"


def test_url_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APO_API_KEY", "k")
    assert locate("http://h/v1#m").headers == {"Authorization": "Bearer k"}


@pytest.mark.parametrize("key", ["a b", "a\nb", "ключ", "a\x1bb"])
def test_keys_that_are_none(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(AuthenticationError, match="OPENAI_API_KEY") as caught:
        open_model("openai/m")
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"transport": "htpx"},
        {"timeout": 0.0},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"max_connections": 0},
    ],
)
def test_options_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(options))):
        open_model("ollama/m", **options)


@pytest.mark.parametrize(
    ("name", "seed", "cap"),
    [
        ("openai/m", "seed", "max_completion_tokens"),
        ("mistral/m", "random_seed", "max_tokens"),
        ("gemini/m", None, "max_tokens"),
        ("http://h/v1#m", "seed", "max_tokens"),
    ],
)
def test_habits(name: str, seed: str | None, cap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in PROVIDERS.values():
        monkeypatch.setenv(provider.key_variable or "X", "k")
    body = locate(name).body(
        Request(messages=(), decoding=Decoding(temperature=None, max_tokens=9), seed=3)
    )
    expected: dict[str, object] = {"model": "m", "messages": [], cap: 9}
    assert body == (expected | {seed: 3} if seed else expected)


def test_another_openai_base_url_takes_max_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://proxy.example.com/v1")
    assert "max_tokens" in locate("openai/m").body(
        Request(messages=(), decoding=Decoding(max_tokens=9))
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    messages=st.lists(
        st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXT, st.just(())),
        max_size=4,
    ),
    decoding=st.builds(
        Decoding,
        temperature=st.none() | st.floats(0, 2),
        top_p=st.none() | st.floats(0, 1),
        frequency_penalty=st.none() | st.floats(-2, 2),
        presence_penalty=st.none() | st.floats(-2, 2),
        max_tokens=st.none() | st.integers(1, 10**6),
        stop=st.lists(TEXT, max_size=4).map(tuple),
    ),
    seed=st.integers(0, 2**31 - 1),
)
def test_a_request_survives_the_wire(
    messages: list[Message], decoding: Decoding, seed: int
) -> None:
    request = Request(messages=tuple(messages), decoding=decoding, seed=seed)
    for url in ("http://h/v1", "https://api.openai.com/v1"):
        read = read_request(Address(name="u", model="m", url=url).body(request))
        assert read.messages == request.messages
        assert read.decoding == request.decoding
        assert read.seed == (0 if decoding.temperature == 0 else seed)


class Third:
    """A third party's model."""

    def __init__(self, rest: str) -> None:
        if rest == "broken":
            raise ValueError("no such thing")
        self.name = f"third/{rest}"

    async def complete(self, request: Request) -> Completion:
        return Completion(text=self.name)

    async def aclose(self) -> None:
        pass


def test_third_parties(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("third", "third:Third", "apo.models")

    def load(_: EntryPoint) -> type[Third]:
        return Third

    def entry_points(*, group: str) -> EntryPoints:
        return EntryPoints([entry] if group == "apo.models" else [])

    monkeypatch.setattr(EntryPoint, "load", load)
    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    model = open_model("third/a/b")
    assert asyncio.run(model.complete(ASK)).text == "third/a/b"
    with pytest.raises(SettingsError, match="third:Third raised ValueError: no such thing"):
        open_model("third/broken")
    with pytest.raises(SettingsError, match="Did you mean 'third'"):
        open_model("thrid/x")


def test_naming_a_model_imports_no_client() -> None:
    code = (
        "import sys, apo.models, apo.models.prices, apo.models.providers\n"
        "heavy = {'aiohttp', 'openai', 'httpx', 'litellm', 'mlflow', 'pandas', 'scipy'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
