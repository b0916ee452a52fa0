"""Where named models are served: base URLs, key variables, and habits of each server.

Keys are read from the environment, or else the system's keyring, when a model is opened, and go
nowhere but into the request's header. Seeds: Mistral calls the option random_seed, and Gemini's
endpoint refuses it.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from apo.errors import AuthenticationError, SettingsError
from apo.models.address import Address
from apo.models.dialect import Dialect
from apo.models.gateway import extra_headers
from apo.trust import HOSTS

AZURE_API_VERSION = "2024-10-21"
URL_KEY = "APO_API_KEY"
URL_LOGIN = "APO_BASIC_AUTH"
KEYRING = "apo"
"""The service under which the keyring holds keys; the user name is the variable's."""


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
    "llamacpp": Provider(url="http://localhost:8080/v1", needs_key=False, continues=True),
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
        _check_azure(stated)
    if prefix == "ollama" and stated:
        stated = _ollama_url(stated)
    if not (stated or provider.url):
        raise SettingsError(
            f"{name} needs the base URL in the environment variable {provider.url_variable}, "
            "such as https://NAME.openai.azure.com."
        )
    url, credentials = _base_url(stated or provider.url, provider.url_variable)
    if credentials:
        raise SettingsError(f"{provider.url_variable} holds a user or password; it must not.")
    azure = prefix == "azure"
    newer_limit = azure or urlsplit(url).hostname == "api.openai.com"
    return Address(
        name=name,
        model=model,
        url=f"{url}/openai/deployments/{quote(model, safe='')}" if azure else url,
        key_variable=provider.key_variable,
        key=_read_key(name, provider.key_variable, needed=provider.needs_key),
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
    url, credentials = _base_url(before, "The model's name")
    if not model.strip():
        raise SettingsError(f"{url!r} names no model; write {url}#MODEL.")
    key = _read_key(url, URL_KEY, needed=False) if keys else ""
    # A name that was written down has lost its user and password: `apo resume` finds them here.
    login = _read_key(url, URL_LOGIN, needed=False) if keys else ""
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


def public_name(name: str) -> str:
    """Give a model's name without the credentials that its URLs may hold."""
    url, hash_, model = name.partition("#")
    return re.sub(r"//[^/?]*@", "//", url) + hash_ + model


def _base_url(url: str, source: str) -> tuple[str, str]:
    """Check a base URL; give it without credentials or a last slash, and its credentials."""
    shown = public_name(url).partition("?")[0]
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # A port or an IPv6 address that is none.
        raise SettingsError(  # Not shown: what looks like a port may be a password.
            f"{source} is no usable URL: a port is a number, and / # ? @ in a password are written "
            "%2F %23 %3F %40."
        ) from None
    if not usable or re.search(r"[\s\x00-\x1f]", url):
        raise SettingsError(
            f"{source}: {shown!r} is no base URL; write it like http://localhost:8000/v1."
        )
    if "@" in parts.path:  # Of a password with a slash, half would be taken for the host.
        raise SettingsError(f"{source}: write / # ? @ in a password %2F %23 %3F %40.")
    if parts.query:
        raise SettingsError(f"{source}: {shown!r} is followed by a query (?…); leave it out.")
    credentials, _, host = parts.netloc.rpartition("@")
    path = parts.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    return urlunsplit((parts.scheme, host, path, "", "")), credentials


def _check_azure(stated: str) -> None:
    """Make sure that Azure's endpoint is none of the whole URLs that its portal shows.

    Raises:
        SettingsError: it is; the message says what to keep of it, and where the rest goes.
    """
    start, found, rest = stated.partition("?")[0].partition("/openai/")
    if not found or "@" in start:
        return
    deployment = re.match(r"deployments/([\w.-]+)", rest)
    version = re.search(r"[?&]api-version=([\w.-]+)", stated)
    parts = [f"Keep its beginning: export AZURE_OPENAI_ENDPOINT={start}"]
    parts += [f"the model is azure/{deployment[1]}"] if deployment else []
    parts += [f"its version of the API: export OPENAI_API_VERSION={version[1]}"] if version else []
    raise SettingsError(
        "AZURE_OPENAI_ENDPOINT holds the whole URL of a deployment, as Azure's portal shows it. "
        f"{'; '.join(parts)}."
    )


def _ollama_url(host: str) -> str:
    """Read OLLAMA_HOST the way Ollama does: scheme, host, port and path are optional."""
    url = host if "://" in host else f"http://{host}"
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 11434)
    except ValueError:
        return url  # Refused, with its reason, where all base URLs are checked.
    here = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server listens on, not an address to bind
    name = here.get(parts.hostname or "", parts.hostname or "")
    name = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{name}:{port}{parts.path.rstrip('/').removesuffix('/v1')}/v1"


def _from_keyring(name: str, variable: str) -> str:
    """Look a key up in the system's keyring; "" when keyring is not installed or has none.

    Raises:
        AuthenticationError: the keyring is locked, or fails.
    """
    if find_spec("keyring") is None:
        return ""
    get: Callable[[str, str], str | None] = import_module("keyring").get_password
    try:
        return (get(KEYRING, variable) or "").strip()
    except Exception as error:  # Every backend has errors of its own.
        if type(error).__name__ == "NoKeyringError":  # A machine without one, such as a server.
            return ""
        raise AuthenticationError(
            f"{name}: the system's keyring cannot be read ({type(error).__name__}). Unlock it, or "
            f"set the key in the shell that runs apo: export {variable}=YOUR_KEY."
        ) from None


def _read_key(name: str, variable: str, *, needed: bool) -> str:
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip() or _from_keyring(name, variable)
    if needed and not key:
        raise AuthenticationError(
            f"{name} needs a key, and the environment variable {variable} is not set. Set it in "
            f"the shell that runs apo: export {variable}=YOUR_KEY. Or keep it in the system's "
            f"keyring: pip install keyring, keyring set {KEYRING} {variable}. Keys are read from "
            'nowhere else. The model "embedded" needs none.'
        )
    if not re.fullmatch(r"[!-~]*", key):
        raise AuthenticationError(
            f"The key in {variable} holds a space, a line break or a character outside ASCII, "
            "which no key has. Set it again."
        )
    return key
