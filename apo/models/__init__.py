"""Models by name: `open_model("openai/gpt-5-mini")`, a local server, any URL, or `embedded`.

Doors: absent, address, base_url, body, dialect, failures, intake, prices, providers, replies,
sdk.
Rests on: environment, errors, language, media, model, models.embedded, models.local, secrecy,
tools, trust, usage.
"""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

from apo.errors import SettingsError, near, require_utf8
from apo.model import Model
from apo.trust import has_keys

if TYPE_CHECKING:
    from apo.models.address import Address

Transport = Literal["aiohttp", "openai"]
GROUP = "apo.models"


def open_model(
    name: str,
    *,
    transport: Transport = "aiohttp",
    timeout: float = 120.0,
    max_connections: int = 64,
) -> Model:
    """Open a model by its full name; nothing is sent yet. Close it with `aclose`.

    Keys come from the environment, each provider's own variable (`apo.models.keys`).

    Args:
        name: "embedded"; "provider/model" of a known provider, such as "openai/gpt-5-mini",
            "azure/DEPLOYMENT" or "ollama/llama3.2"; "local/smollm2" or "local/PATH.gguf", run on
            this machine in a child of this process; "litellm/PROVIDER/MODEL"; a URL and a model,
            "http://localhost:8000/v1#model"; several base URLs of one model, between commas,
            "http://a:8000/v1,http://b:8000/v1#model"; or "x/…", when an installed package offers x
            in the entry-point group apo.models: a factory that is given what follows the slash.
        transport: "aiohttp" (a lean client) or "openai" (the openai SDK).
        timeout: seconds that one attempt may take in all.
        max_connections: the most calls on the wire at once; others wait, unlimited.

    Raises:
        SettingsError: an unknown name, or an option out of range.
        AuthenticationError: the provider needs a key and its variable is not set.
    """
    _check(transport, timeout, max_connections)
    require_utf8(name)
    keys = has_keys(name)
    if name == "embedded":
        from apo.models.embedded import Embedded

        return Embedded()
    if name.startswith("local/"):
        from apo.models.local_model import open_local

        return open_local(
            name, transport=transport, timeout=timeout, max_connections=max_connections
        )
    if name.startswith("litellm/"):
        from apo.models.litellm_model import LiteLlmModel

        return LiteLlmModel(name, timeout=timeout, max_connections=max_connections)
    from apo.models.base_url import public_name
    from apo.models.providers import PROVIDERS, locate

    if "://" not in name and name.partition("/")[0] not in PROVIDERS:
        return _plug_in(name, ["local", "litellm", *PROVIDERS])
    urls, _, model = name.partition("#")
    if "://" in urls and "," in urls:
        if not all("://" in url for url in urls.split(",")):
            raise SettingsError(
                f"{public_name(name)!r}: write each server as a URL, "
                "http://a:8000/v1,http://b:8000/v1#model."
            )
        from apo.models.balanced import BalancedModel

        addresses = [locate(f"{url}#{model}", keys=keys) for url in urls.split(",")]
        dialect = addresses[0].dialect  # They are one model: what one refuses, none is sent.
        replicas = [
            _connect(replace(address, dialect=dialect), transport, timeout, max_connections)
            for address in addresses
        ]
        hosts = ",".join(replica.name.partition("#")[0] for replica in replicas)
        return BalancedModel(f"{hosts}#{model}", replicas, dialect=dialect)
    return _connect(locate(name, keys=keys), transport, timeout, max_connections)


def _connect(
    address: "Address", transport: Transport, timeout: float, max_connections: int
) -> Model:
    if address.responses:
        from apo.models.responses import ResponsesModel

        if transport == "openai":
            raise SettingsError(
                f"{address.name} is asked by the Responses API, which apo asks without the SDK: "
                "leave the transport out."
            )
        return ResponsesModel(address, timeout=timeout, max_connections=max_connections)
    if transport == "openai":
        from apo.models.sdk import SdkModel

        return SdkModel(address, timeout=timeout, max_connections=max_connections)
    from apo.models.http import HttpModel

    return HttpModel(address, timeout=timeout, max_connections=max_connections)


def _check(transport: str, timeout: float, max_connections: int) -> None:
    known = list(get_args(Transport))
    if transport not in known:
        raise SettingsError(f"There is no transport {transport!r}.{near(transport, known)}")
    if not (timeout > 0 and math.isfinite(timeout)):
        raise SettingsError(f"timeout is {timeout!r}; it is in seconds, and must be above 0.")
    if max_connections < 1:
        raise SettingsError(f"max_connections is {max_connections!r}; it must be at least 1.")


def _meant(name: str, known: list[str]) -> str:
    """Name the model that is meant, where the provider alone is missing; else the known names."""
    from apo.models.prices import providers_of

    models = [f"{provider}/{name}" for provider in providers_of(name) if provider in known]
    if models:
        return f" Did you mean {models[0]!r}?"
    return near(name.partition("/")[0], known)


def _plug_in(name: str, known: list[str]) -> Model:
    """Open the model of a third party.

    Raises:
        SettingsError: nobody offers it, or its package fails.
    """
    from importlib.metadata import entry_points

    provider, _, rest = name.partition("/")
    offered = {entry.name: entry for entry in entry_points(group=GROUP)}
    if provider not in offered:
        raise SettingsError(
            f"There is no provider {provider!r} for the model {name!r}. A model is named "
            "provider/model, or by its URL: http://localhost:8000/v1#model."
            f"{_meant(name, ['embedded', *known, *offered])}"
        )
    try:
        model: Model = offered[provider].load()(rest)
    except Exception as error:  # Another package may fail in any way.
        raise SettingsError(
            f"The model {name!r} cannot be opened: {offered[provider].value} raised "
            f"{type(error).__name__}: {error}"
        ) from error
    return model
