"""Prices: the user's word first, then litellm's file; unknown is never free."""

import subprocess
import sys
from collections.abc import Generator
from importlib.machinery import ModuleSpec
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import SettingsError
from apo.models import prices
from apo.models.prices import FILE, Price, cost, find_price, parse_price
from apo.usage import Usage


def listed(provider: str, *costs: float | None) -> dict[str, object]:
    fields = "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost"
    return {"litellm_provider": provider, **dict(zip(fields, costs, strict=False))}


ENTRIES = {
    "gpt-x": listed("openai", 1.5e-07, 6e-07, 7.5e-08),
    "openai/gpt-y": listed("openai", 1e-06, 2e-06),
    "azure/gpt-x": listed("azure", 3e-06, 4e-06),
    "together_ai/meta/l": listed("together_ai", 2e-07, 2e-07),
    "deepseek-chat": listed("deepseek", 3e-07, 4e-07),
    "groq/free": listed("groq", 0.0, 0.0),
    "groq/half": listed("groq", 1e-07),
    "groq/odd": listed("groq", float("-1"), 1e-07),
    "ollama/l": listed("ollama", 1e-06, 1e-06),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A litellm with a small price file."""
    spec = ModuleSpec("litellm", None)
    spec.submodule_search_locations = [str(tmp_path)]

    def find_spec(_: str) -> ModuleSpec:
        return spec

    monkeypatch.setattr(prices, "find_spec", find_spec)
    (tmp_path / FILE).write_bytes(orjson.dumps(ENTRIES))
    prices._listed.cache_clear()  # pyright: ignore[reportPrivateUsage]
    yield tmp_path
    prices._listed.cache_clear()  # pyright: ignore[reportPrivateUsage]


FREE = Price(0.0, 0.0)


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("openai/gpt-x", Price(0.15, 0.6, 0.075)),
        ("openai/gpt-y", Price(1.0, 2.0)),
        ("azure/gpt-x", Price(3.0, 4.0)),
        ("together/meta/l", Price(0.2, 0.2)),
        ("deepseek/deepseek-chat", Price(0.3, 0.4)),
        # The same name at another provider is another price.
        ("together/deepseek-chat", None),
        ("openrouter/gpt-x", None),
        ("third/gpt-x", None),
        ("openai/unheard-of", None),
        ("groq/free", None),
        ("groq/half", None),
        ("groq/odd", None),
        ("", None),
        ("embedded", FREE),
        ("ollama/l", FREE),
        ("vllm/meta/l", FREE),
        ("llamacpp/l", FREE),
        ("http://localhost:8000/v1#gpt-x", FREE),
        ("http://127.0.0.9/v1#m", FREE),
        ("http://[::1]:8000/v1#m", FREE),
        ("https://api.example.com/v1#gpt-x", None),
        ("https://localhost.example.com/v1#m", None),
        ("http://192.168.0.7/v1#m", None),
        ("http://[bad/v1#m", None),
    ],
)
def test_find_price(name: str, price: Price | None) -> None:
    assert find_price(name) == price


@pytest.mark.parametrize(
    "name", ["openai/gpt-x", "ollama/l", "http://localhost/v1#m", "embedded", "groq/unheard-of"]
)
def test_what_the_user_states_wins(name: str) -> None:
    mine = Price(9.0, 9.0)
    assert find_price(name, {name: mine}) == mine
    assert find_price(name, {"else": mine}) == find_price(name)


def test_stated_without_the_provider() -> None:
    assert find_price("openai/gpt-x", {"gpt-x": Price(9.0, 9.0)}) == Price(9.0, 9.0)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b'{"gpt-x": 5}', None])
def test_a_broken_file_leaves_prices_unknown(folder: Path, content: bytes | None) -> None:
    if content is None:
        (folder / FILE).unlink()
    else:
        (folder / FILE).write_bytes(content)
    assert find_price("openai/gpt-x") is None
    assert find_price("embedded") == FREE


def test_without_litellm_prices_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_spec(_: str) -> None:
        return None

    monkeypatch.setattr(prices, "find_spec", find_spec)
    assert find_price("openai/gpt-x") is None


def test_the_installed_file_is_read_without_importing_litellm() -> None:
    code = (
        "import sys\nfrom apo.models.prices import find_price\n"
        "price = find_price('openai/gpt-4o-mini')\n"
        "assert price and 0 < price.cached_input < price.input < price.output < 10, price\n"
        "assert 'litellm' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_cost() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, cached_tokens=400)
    assert cost(Price(2.0, 8.0, 0.5), usage) == pytest.approx((1200 + 200 + 800) / 1e6)
    assert cost(Price(2.0, 8.0), usage) == pytest.approx((2000 + 800) / 1e6)
    assert cost(FREE, usage) == 0
    more_cached = Usage(input_tokens=10, output_tokens=0, cached_tokens=99)
    assert cost(Price(2.0, 8.0, 0.5), more_cached) == pytest.approx(5 / 1e6)


@pytest.mark.parametrize("usage", [Usage(), Usage(input_tokens=1), Usage(output_tokens=1)])
def test_the_cost_of_unknown_tokens_is_not_zero(usage: Usage) -> None:
    with pytest.raises(ValueError, match="unknown"):
        cost(Price(1.0, 1.0), usage)


@pytest.mark.parametrize(
    ("text", "name", "price"),
    [
        ("openai/gpt-x=0.15,0.60", "openai/gpt-x", Price(0.15, 0.6)),
        (" m = 1 , 2 , 0 ", "m", Price(1.0, 2.0, 0.0)),
        ("http://h/v1#a=b=0,0", "http://h/v1#a=b", FREE),
        ("모델=1e-3,2", "모델", Price(0.001, 2.0)),
    ],
)
def test_parse_price(text: str, name: str, price: Price) -> None:
    assert parse_price(text) == (name, price)


@pytest.mark.parametrize(
    "text", ["", "m", "m=", "m=1", "m=1,2,3,4", "=1,2", "m=a,b", "m=1;2", "m=$1,$2", "m=1,2,"]
)
def test_what_is_no_price(text: str) -> None:
    with pytest.raises(SettingsError, match=r"openai/gpt-x=0\.15,0\.60"):
        parse_price(text)


@pytest.mark.parametrize("text", ["m=-1,2", "m=1,nan", "m=1,2,inf", "m=1e999,0"])
def test_prices_out_of_range(text: str) -> None:
    with pytest.raises(SettingsError, match="US dollars"):
        parse_price(text)


NUMBER = st.floats(0, 1e6)


@given(NUMBER, NUMBER, st.none() | NUMBER)
def test_a_written_price_is_read_back(first: float, second: float, cached: float | None) -> None:
    written = ",".join(map(repr, [first, second] + ([] if cached is None else [cached])))
    assert parse_price(f"a/b={written}") == ("a/b", Price(first, second, cached))


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), NUMBER)
def test_cost_lies_between_all_cached_and_none(
    input_tokens: int, output_tokens: int, cached: int, price: float
) -> None:
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=cached)
    most = (input_tokens + output_tokens) * price / 1e6
    least = output_tokens * price / 1e6
    low, high = least * (1 - 1e-9) - 1e-9, most * (1 + 1e-9) + 1e-9
    assert low <= cost(Price(price, price, 0.0), usage) <= high
