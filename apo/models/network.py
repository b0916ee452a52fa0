"""The way to a server: the proxy that the environment names, and whose certificates are trusted."""

import os
import re
import ssl
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from apo.errors import (
    CertificateError,
    ModelError,
    SettingsError,
    TimedOutError,
    UnreachableError,
)
from apo.language.catalogue import message
from apo.models.address import Address
from apo.models.replies import Reply

BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
"""Variables that name certificates to trust: a file, and the last a folder."""
NAMES = re.compile(r"\b(hostname|IP address) mismatch\b", re.IGNORECASE)
"""As OpenSSL words it, where a certificate is trusted and another host's."""
SOCKS = ("socks4", "socks4a", "socks5", "socks5h")
PACKAGES = {
    "aiohttp": ("aiohttp_socks", "aiohttp-socks"),
    "openai": ("socksio", "'httpx[socks]'"),
}
"""What each transport needs for a SOCKS proxy: the module, and how it is installed."""
PROXYS_OWN = (403, 407, 502, 503, 504)
"""What a proxy answers of its own accord, as a page and not as JSON."""


class Proxy(NamedTuple):
    """A proxy, and the variable that names it; `str` shows it without its password."""

    url: str
    variable: str

    @property
    def socks(self) -> bool:
        """Whether it speaks SOCKS and not HTTP."""
        return urlsplit(self.url).scheme in SOCKS

    def __str__(self) -> str:
        """Name it for people."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]} of {self.variable}"


def proxy_for(url: str, transport: str) -> Proxy | None:
    """Find the proxy for a URL; none for this machine's own addresses and those in NO_PROXY.

    Args:
        url: where requests go.
        transport: what carries them, a name in `PACKAGES`.

    Raises:
        SettingsError: the proxy's URL is none, or it speaks SOCKS and a package is missing.
    """
    scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
    found = getproxies()
    named = next((name for name in (scheme, "all") if found.get(name)), "")
    if not named or _is_here(host) or proxy_bypass(host):
        return None
    names = (f"{named}_proxy", f"{named.upper()}_PROXY")
    variable = next((n for n in names if os.environ.get(n)), "the system's settings")
    stated = found[named] if "://" in found[named] else f"http://{found[named]}"
    proxy = Proxy(stated, variable)
    kind = urlsplit(stated).scheme
    if kind not in ("http", "https", *SOCKS) or not urlsplit(stated).hostname:
        raise SettingsError(
            f"{variable} names no proxy that can be used ({kind}://…). Write it like "
            f"http://HOST:PORT or socks5://HOST:PORT; or go without: unset {variable}, or "
            f"export NO_PROXY={host}."
        )
    module, package = PACKAGES[transport]
    if proxy.socks and find_spec(module) is None:
        raise SettingsError(
            f"{proxy} is a SOCKS proxy, and calls through one take a package that is not "
            f"installed: pip install {package}. Or go without it: unset {variable}, or export "
            f"NO_PROXY={host}."
        )
    return proxy


def _is_here(host: str) -> bool:
    """Whether a host is this machine: no proxy can know what listens here."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return host.endswith(".localhost")


def trusted() -> ssl.SSLContext:
    """Whose certificates are trusted: the system's, and those that the environment names.

    Raises:
        SettingsError: a variable names what is not there, or holds no certificate.
    """
    context = ssl.create_default_context()  # Takes SSL_CERT_FILE and SSL_CERT_DIR, if they exist.
    if find_spec("certifi") is not None and not os.environ.get("SSL_CERT_FILE"):
        import certifi

        context.load_verify_locations(certifi.where())
    for variable in BUNDLES:
        stated = os.environ.get(variable, "").strip()
        if not stated:
            continue
        if not Path(stated).exists():
            raise SettingsError(f"{variable} names {stated}, which is not there. Mend or unset it.")
        folder = Path(stated).is_dir()
        try:
            context.load_verify_locations(**{"capath" if folder else "cafile": stated})
        except (ssl.SSLError, OSError) as error:
            raise SettingsError(
                f"{variable} names {stated}, which holds no certificates that can be read "
                f"({error.strerror or error}). It must be a file of PEM certificates."
            ) from None
    return context


def untrusted(address: Address, error: BaseException | None) -> CertificateError | None:
    """Say that a server's certificate is not trusted, where that is what an error comes from."""
    said = ""
    while error is not None and not said:  # Libraries wrap the error that says what is wrong.
        said = str(getattr(error, "verify_message", "")).rstrip(".")
        error = getattr(error, "certificate_error", None) or error.__cause__ or error.__context__
    if not said:
        return None
    if NAMES.search(said):
        return CertificateError(
            f"{address.name}: the certificate of {address.url} is another host's ({said}). Ask the "
            "server by a name that stands in its certificate."
        )
    set_ = [name for name in BUNDLES if os.environ.get(name)]
    beside = f" It is not among those of {', '.join(set_)}." if set_ else ""
    return CertificateError(
        f"{address.name}: the certificate of {address.url} is not trusted here "
        f"({said}).{beside} Where it is your own server's, or that of "
        "your company's proxy, name the file of the authority that signed it: export "
        "SSL_CERT_FILE=/path/to/ca.pem."
    )


def unreachable(address: Address, proxy: Proxy | None, said: str) -> UnreachableError:
    """Say that no connection was made, and through which proxy it should have been."""
    if proxy is None and "WRONG_VERSION_NUMBER" in said:
        mend = message(f"{address.url} does not speak TLS: write http:// where it is plain HTTP.")
        text = f"{mend} ({said})"
    elif proxy is None:
        text = f"{message(f'cannot connect to {address.url}.')} {message('Does it run?')} ({said})"
    else:
        text = (
            f"cannot connect to {address.url} through the proxy {proxy} ({said}). If none is "
            f"needed: unset {proxy.variable}, or export NO_PROXY={urlsplit(address.url).hostname}."
        )
    return UnreachableError(f"{address.name}: {text}")


def timed_out(address: Address, seconds: float) -> TimedOutError:
    """Say that no answer came in time."""
    return TimedOutError(
        f"{address.name}: no answer within {seconds:g} s (--timeout).", billed=True
    )


def from_server(
    address: Address, proxy: Proxy | None, reply: Reply | ModelError
) -> Reply | ModelError:
    """A reply as it is; an error where the proxy has answered in the server's place."""
    if proxy is None or isinstance(reply, ModelError) or not address.url.startswith("http:"):
        return reply
    status, headers, _ = reply
    if status not in PROXYS_OWN or "json" in headers.get("content-type", "").lower():
        return reply
    return unreachable(address, proxy, f"the proxy answered {status}")
