"""Base URLs as people and providers write them, checked and put into one form."""

import re
from urllib.parse import urlsplit, urlunsplit

from apo.errors import SettingsError


def public_name(name: str) -> str:
    """Give a model's name without the credentials that its URLs may hold."""
    url, hash_, model = name.partition("#")
    return re.sub(r"//[^/?]*@", "//", url) + hash_ + model


def base_url(url: str, source: str) -> tuple[str, str]:
    """Check a base URL; give it without credentials or a last slash, and its credentials.

    Args:
        url: as it is written; of a whole address of chat completions the end is left out.
        source: what holds it, for messages.

    Raises:
        SettingsError: it is none, or is followed by a query.
    """
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


def check_azure(stated: str) -> None:
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


def ollama_url(host: str) -> str:
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
