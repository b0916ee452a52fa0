"""What folders of others may do: asked once, and remembered by content.

A folder, a run or an experiment is data until its user trusts it. What it wants beyond that is a
list of wishes; the answer is kept in the user's own settings, never in the folder, under a hash
of the list and of the files that it names. So another wish, or other code, is asked again.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from apo.errors import SettingsError, TrustError

SWITCH = "APO_TRUST"
"""The environment variable that, set to 1, allows everything, as `--trust` does."""
HOSTS = "APO_KEY_HOSTS"
"""The environment variable with hosts, between commas, that the key of a URL may go to."""
_MADE = "made here"
_Origin = tuple[str, str, int]
_LONGEST = 300
"""Characters of a wish that are shown; its hash is of the whole."""


def printable(text: str) -> str:
    """Foreign text in one line: it writes no lines of its own, and hides nothing."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class FileName(str):
    """A model's name that a file gave: no key goes to a URL in it, unless the user named its host.

    A provider's name, such as openai/gpt-5-mini, is for the provider's own host, as its key is.
    """

    __slots__ = ()


def has_keys(name: str, named: Iterable[str | None] = ()) -> bool:
    """Whether the user's keys may go to the host of a model's URL.

    Args:
        name: of the model; one that is no `FileName` was given by the user himself.
        named: URLs that the user gave. Those in the variable APO_KEY_HOSTS count, too: a host
            without a scheme is meant with https, and with http where it is this machine.
    """
    if not isinstance(name, FileName) or "://" not in name:
        return True
    origins = {o for host in os.environ.get(HOSTS, "").split(",") for o in _meant(host.strip())}
    for other in named:
        if other and not isinstance(other, FileName):
            origins |= _origins(other)
    origins.discard(None)
    return _origins(name) <= origins


def _meant(host: str) -> set[_Origin | None]:
    """Where the user lets a key go by an entry of the variable."""
    if "://" in host:
        return {_origin(host)}
    secure = _origin(f"https://{host}")
    return {secure, _origin(f"http://{host}")} if secure and is_here(secure[1]) else {secure}


def is_here(host: str) -> bool:
    """Whether a host's name is of this machine: what is sent there passes no network."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _origins(name: str) -> set[_Origin | None]:
    """Where the URLs in a model's name lead."""
    return {_origin(url) for url in name.partition("#")[0].split(",")}


def _origin(url: str) -> _Origin | None:
    """Scheme, host and port of a URL; None for what is no plain URL, which no key goes to."""
    with suppress(ValueError):
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        if port and parts.hostname and "\\" not in url:
            return parts.scheme, parts.hostname, port
    return None


@dataclass(frozen=True, order=True)
class Wish:
    """Something that a folder wants to do.

    Attributes:
        told: what, in words that follow "wants to".
        content: a hash of the file that it is about; "" where the words say all.
    """

    told: str
    content: str = ""

    @property
    def shown(self) -> str:
        """The words as they are asked about: one line, at most a few hundred characters."""
        shown, half = printable(self.told), _LONGEST // 2
        if len(shown) <= _LONGEST:
            return shown
        return f"{shown[:half]} […{len(shown):,} characters in all…] {shown[-half:]}"


def require(subject: str | Path, wishes: Sequence[Wish], bound: str = "") -> bool:
    """Make sure that the user allows what is wished.

    Args:
        subject: the folder or file, for the message and for `apo trust`.
        wishes: what it wants; nothing is always allowed.
        bound: what else the answer holds for alone, such as a hash of a run's settings.

    Returns:
        Whether all of it came from this user on this machine, such as a run that was made here.

    Raises:
        TrustError: it is not allowed yet.
    """
    if not wishes:
        return True
    key = _key(wishes, bound)
    with suppress(OSError):
        return (_folder() / key).read_text(encoding="utf-8").startswith(_MADE)
    if os.environ.get(SWITCH) == "1":
        return False
    raise TrustError(printable(str(subject)), tuple(wish.shown for wish in wishes), key)


def remember(subject: str | Path, wishes: Sequence[Wish], bound: str = "") -> None:
    """Remember that this user made it himself; where that cannot be written, he is asked later."""
    if wishes:
        with suppress(OSError):
            shown = tuple(wish.shown for wish in wishes)
            _write(printable(str(subject)), shown, _key(wishes, bound), _MADE)


def carry_over(wishes: Sequence[Wish], before: str, after: str) -> None:
    """What was allowed, or made here, stays so after the user has changed what it is bound to."""
    with suppress(OSError):
        text = (_folder() / _key(wishes, before)).read_text(encoding="utf-8")
        (_folder() / _key(wishes, after)).write_text(text, encoding="utf-8")


def grant(asked: TrustError) -> Path:
    """Allow what was asked for, from now on.

    Returns:
        The file that remembers it; without it the question comes again.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        return _write(asked.subject, asked.wishes, asked.key, "trusted")
    except OSError as error:
        raise SettingsError(f"Cannot write to {_folder()}: {error.strerror}.") from error


def _write(subject: str, wishes: tuple[str, ...], key: str, how: str) -> Path:
    path = _folder() / key
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = "".join(f"\n- {wish}" for wish in wishes)
    text = f"{how}: {Path(subject).absolute()}{text}\n"
    part = path.with_name(f"{key}.{os.getpid()}")
    part.write_text(text, encoding="utf-8", errors="backslashreplace")
    os.replace(part, path)
    return path


def _folder() -> Path:
    """Where answers are kept: in the user's settings, which no folder brings along."""
    given = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".config") / "apo" / "trusted"


def _key(wishes: Sequence[Wish], bound: str) -> str:
    text = repr([(wish.told, wish.content) for wish in sorted(set(wishes))]) + bound
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def logging_wish(uri: str) -> Wish:
    """The wish to log a run at a tracking URI without passwords."""
    return Wish(f"write to MLflow at {uri}")
