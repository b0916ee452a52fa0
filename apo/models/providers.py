"""Where named models are served: base URLs, key variables, and habits of each server.

Seeds: Mistral calls the option random_seed, and Gemini's endpoint refuses it.
"""

import os
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from apo.errors import SettingsError
from apo.models.address import Address
from apo.models.base_url import base_url, check_azure, ollama_url, public_name
from apo.models.dialect import Dialect
from apo.models.gateway import extra_headers
from apo.models.keys import read_key
from apo.trust import HOSTS

AZURE_API_VERSION = "2024-10-21"
URL_KEY = "APO_API_KEY"
URL_LOGIN = "APO_BASIC_AUTH"


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A server that speaks OpenAI's chat completions.

    Attributes:
        url: its base URL.
        key_variable: the environment variable of its key; "" when it takes none.
        needs_key: whether it is of no use without one.
        url_variable: the environment variable that states another base URL.
        seed_field: what the seed is called in a request; "" when it is refused.
        continues: whether it goes on with a reply that the request begins, as its last turn.
        sees: whether any of its models takes images.
    """

    url: str
    key_variable: str = ""
    needs_key: bool = True
    url_variable: str = ""
    seed_field: str = "seed"
    continues: bool = False
    sees: bool = True


PROVIDERS = {
    "openai": Provider(
        url="https://api.openai.com/v1",
        key_variable="OPENAI_API_KEY",
        url_variable="OPENAI_BASE_URL",
    ),
    "openai-responses": Provider(
        url="https://api.openai.com/v1",
        key_variable="OPENAI_API_KEY",
        url_variable="OPENAI_BASE_URL",
    ),
    "azure": Provider(
        url="", key_variable="AZURE_OPENAI_API_KEY", url_variable="AZURE_OPENAI_ENDPOINT"
    ),
    "anthropic": Provider(
        url="https://api.anthropic.com/v1", key_variable="ANTHROPIC_API_KEY", seed_field=""
    ),
    "clova": Provider(
        url="https://clovastudio.stream.ntruss.com/v1/openai",
        key_variable="CLOVASTUDIO_API_KEY",
    ),
    "deepseek": Provider(
        url="https://api.deepseek.com/v1", key_variable="DEEPSEEK_API_KEY", sees=False
    ),
    "fireworks": Provider(
        url="https://api.fireworks.ai/inference/v1", key_variable="FIREWORKS_API_KEY"
    ),
    "gemini": Provider(
        url="https://generativelanguage.googleapis.com/v1beta/openai",
        key_variable="GEMINI_API_KEY",
        seed_field="",
    ),
    "groq": Provider(url="https://api.groq.com/openai/v1", key_variable="GROQ_API_KEY"),
    "mistral": Provider(
        url="https://api.mistral.ai/v1", key_variable="MISTRAL_API_KEY", seed_field="random_seed"
    ),
    "openrouter": Provider(url="https://openrouter.ai/api/v1", key_variable="OPENROUTER_API_KEY"),
    "together": Provider(url="https://api.together.xyz/v1", key_variable="TOGETHER_API_KEY"),
    "upstage": Provider(url="https://api.upstage.ai/v1", key_variable="UPSTAGE_API_KEY"),
    "xai": Provider(url="https://api.x.ai/v1", key_variable="XAI_API_KEY"),
    "llamacpp": Provider(
        url="http://localhost:8080/v1",
        key_variable="LLAMA_API_KEY",
        needs_key=False,
        url_variable="LLAMACPP_BASE_URL",
        continues=True,
    ),
    "ollama": Provider(
        url="http://localhost:11434/v1", needs_key=False, url_variable="OLLAMA_HOST"
    ),
    "vllm": Provider(
        url="http://localhost:8000/v1",
        key_variable="VLLM_API_KEY",
        needs_key=False,
        url_variable="VLLM_BASE_URL",
    ),
}


def locate(name: str, *, keys: bool = True) -> Address:
    """Find where a model is served, by "provider/model" or "URL#model".

    Args:
        name: of the model.
        keys: whether the key of a URL may go there; not where a file named it.

    Raises:
        SettingsError: the name or a variable is not usable.
        AuthenticationError: the provider needs a key and its variable is not set.
    """
    if "://" in name:
        return _from_url(name, keys)
    prefix, _, model = name.partition("/")
    provider = PROVIDERS[prefix]
    if not model.strip():
        raise SettingsError(f"{name!r} names no model; write {prefix}/MODEL.")
    stated = os.environ.get(provider.url_variable, "").strip() if provider.url_variable else ""
    if prefix == "azure":
        check_azure(stated)
    if prefix == "ollama" and stated:
        stated = ollama_url(stated)
    if not (stated or provider.url):
        raise SettingsError(
            f"{name} needs the base URL in the environment variable {provider.url_variable}, "
            "such as https://NAME.openai.azure.com."
        )
    url, credentials = base_url(stated or provider.url, provider.url_variable)
    if credentials:
        raise SettingsError(f"{provider.url_variable} holds a user or password; it must not.")
    azure = prefix == "azure"
    newer_limit = azure or urlsplit(url).hostname == "api.openai.com"
    return Address(
        name=name,
        model=model,
        url=f"{url}/openai/deployments/{quote(model, safe='')}" if azure else url,
        key_variable=provider.key_variable,
        key=read_key(name, provider.key_variable, needed=provider.needs_key),
        scheme="api-key" if azure else "bearer",
        api_version=os.environ.get("OPENAI_API_VERSION") or AZURE_API_VERSION if azure else "",
        seed_field=provider.seed_field,
        continues=provider.continues,
        sees=provider.sees,
        responses=prefix == "openai-responses",
        # Meant for a gateway: they may be secret, and go to no provider's own address.
        extra=extra_headers() if stated else {},
        dialect=Dialect.of(model, newer_limit=newer_limit),
    )


def _from_url(name: str, keys: bool) -> Address:
    before, _, model = name.partition("#")
    responses = before.rstrip("/").endswith("/responses")
    before = before.rstrip("/").removesuffix("/responses") if responses else before
    url, credentials = base_url(before, "The model's name")
    if not model.strip():
        raise SettingsError(f"{url!r} names no model; write {url}#MODEL.")
    key = read_key(url, URL_KEY, needed=False) if keys else ""
    # A name that was written down has lost its user and password: `apo resume` finds them here.
    login = read_key(url, URL_LOGIN, needed=False) if keys else ""
    if credentials:
        user, _, password = credentials.partition(":")
        login = f"{unquote(user)}:{unquote(password)}"
    return Address(
        name=public_name(name),
        model=model,
        url=url,
        key_variable=URL_LOGIN if login else URL_KEY if keys else HOSTS,
        key=login or key,
        scheme="basic" if login else "bearer",
        extra=extra_headers() if keys else {},
        responses=responses,
        dialect=Dialect.of(model, newer_limit=urlsplit(url).hostname == "api.openai.com"),
    )
