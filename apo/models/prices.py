"""What tokens cost: prices stated by the user, else those in the file that litellm brings along."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

from apo.errors import SettingsError
from apo.usage import Usage

FILE = "model_prices_and_context_window_backup.json"
LOCAL = ("embedded", "llamacpp", "local", "ollama", "vllm")
"""Providers that run on one's own machines: free."""
LITELLM = {"fireworks": "fireworks_ai", "together": "together_ai"}
"""litellm's names of providers, where they are not ours."""


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens.

    Attributes:
        input: tokens of requests.
        output: tokens of answers.
        cached_input: tokens of requests that come from the provider's prompt cache; None charges
            them as input.
    """

    input: float
    output: float
    cached_input: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and not (value >= 0 and math.isfinite(value)):
                raise SettingsError(
                    f"The price {name} is {value!r}; it is in US dollars for a million tokens, "
                    "and cannot be below 0."
                )


FREE = Price(0.0, 0.0)


def find_price(model_name: str, stated: Mapping[str, Price] | None = None) -> Price | None:
    """Find what a model costs.

    A price stated by the user comes first, then: models on one's own machine are free; the others
    are looked up in litellm's file, as "provider/model" and, where it names the same provider, as
    "model". Its flat price is taken; surcharges for long requests are not in it.

    Args:
        model_name: the full name, such as "openai/gpt-5-mini".
        stated: prices by full name, or by the name after the provider's.

    Returns:
        The price, or None when it is unknown. A hosted model that the file lists at 0 is unknown:
        that is a preview's price, or a missing one.
    """
    provider, _, rest = model_name.partition("/")
    for name in (model_name, rest):
        if stated and name in stated:
            return stated[name]
    if "://" in model_name:
        servers = model_name.partition("#")[0].split(",")
        return FREE if all(map(_is_loopback, servers)) else None
    if provider in LOCAL:
        return FREE
    if provider == "litellm":
        return find_price(rest, stated)
    provider = LITELLM.get(provider, provider).removesuffix("-responses")
    bare = _entry(rest)
    owned = bare if bare.get("litellm_provider") == provider else {}
    return _read(_entry(f"{provider}/{rest}") or owned)


def cost(price: Price, usage: Usage) -> float:
    """US dollars that a call took.

    Raises:
        ValueError: usage lacks a count. Fill it with an estimate first: unknown is not 0.
    """
    if usage.input_tokens is None or usage.output_tokens is None:
        raise ValueError(f"{usage} lacks a count of tokens, so its cost is unknown.")
    cached = min(usage.cached_tokens, usage.input_tokens)
    cached_input = price.input if price.cached_input is None else price.cached_input
    fresh = usage.input_tokens - cached
    return (
        fresh * price.input + cached * cached_input + usage.output_tokens * price.output
    ) / 1_000_000


def parse_price(text: str) -> tuple[str, Price]:
    """Read "model=input,output" or "model=input,output,cached", as a command-line option gives it.

    Raises:
        SettingsError: it is not written like that, or a number is below 0.
    """
    name, sign, numbers = text.rpartition("=")
    try:
        values = [float(number) for number in numbers.split(",")]
    except ValueError:
        values = []
    if not (sign and name.strip() and len(values) in (2, 3)):
        raise SettingsError(
            f"{text!r} is no price. Write MODEL=INPUT,OUTPUT or MODEL=INPUT,OUTPUT,CACHED in US "
            "dollars for a million tokens, such as openai/gpt-x=0.15,0.60,0.075."
        )
    return name.strip(), Price(*values)


def _entry(name: str) -> dict[str, Any]:
    entry = _listed().get(name)
    return cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}


@cache
def _listed() -> dict[str, Any]:
    """Read the file without importing litellm: that takes seconds, and asks the network."""
    spec = find_spec("litellm")
    for folder in (spec and spec.submodule_search_locations) or ():
        try:
            listed = orjson.loads((Path(folder) / FILE).read_bytes())
        except (OSError, orjson.JSONDecodeError):
            continue
        if isinstance(listed, dict):
            return cast("dict[str, Any]", listed)
    return {}


def _read(entry: Mapping[str, Any]) -> Price | None:
    per_token = [
        entry.get(field)
        for field in (
            "input_cost_per_token",
            "output_cost_per_token",
            "cache_read_input_token_cost",
        )
    ]
    # Rounded to take back what the division by a million did to the decimal digits.
    prices = [
        round(value * 1_000_000, 9) if isinstance(value, int | float) and value >= 0 else None
        for value in per_token
    ]
    first, second, cached = prices
    if first is None or second is None or first == second == 0:
        return None
    return Price(first, second, cached)


def providers_of(model: str) -> list[str]:
    """Providers that have a model of this name, in apo's names; the one that owns it first."""
    ours = {theirs: name for name, theirs in LITELLM.items()}
    owner = _entry(model).get("litellm_provider")
    found = [owner] if isinstance(owner, str) else []
    return [ours.get(name, name) for name in found]


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
