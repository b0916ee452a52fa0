"""Who offers the Batch API, and at what price."""

from collections.abc import Mapping

from apo.errors import SettingsError
from apo.models.address import Address
from apo.models.prices import Price, find_price
from apo.models.providers import locate

PROVIDING = ("openai", "azure", "vllm")
"""Providers that have it in OpenAI's form; vLLM behind a gateway that adds it."""
SHARE = 0.5
"""Of the table's price that a batch costs, at OpenAI and at Azure."""


def batch_address(model: object) -> Address:
    """Find where a model's batches go.

    Args:
        model: its full name, as given to a run.

    Raises:
        SettingsError: it has no Batch API that is known.
    """
    provider = model.partition("/")[0] if isinstance(model, str) else ""
    several = isinstance(model, str) and "," in model.partition("#")[0]
    if isinstance(model, str) and not several and ("://" in model or provider in PROVIDING):
        address = locate(model)
        if not address.responses:
            return address
    raise SettingsError(
        f"--batch cannot be used with {'several servers' if several else repr(model)}. It takes "
        "openai/NAME, azure/DEPLOYMENT, or the URL of one server that has OpenAI's Batch API: "
        "http://localhost:8000/v1#NAME."
    )


def batch_price(model_name: str, stated: Mapping[str, Price]) -> Price | None:
    """What a model costs in a batch: what the user states, or half of the table's price.

    Cached input is charged as input: not every model has both discounts.
    """
    price = find_price(model_name, stated)
    if price is None or {model_name, model_name.partition("/")[2]} & stated.keys():
        return price
    return Price(SHARE * price.input, SHARE * price.output)
