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
from pathlib import Path

from apo.errors import SettingsError, TrustError

SWITCH = "APO_TRUST"
"""The environment variable that, set to 1, allows everything, as `--trust` does."""
HOSTS = "APO_KEY_HOSTS"
"""The environment variable with hosts, between commas, that the key of a URL may go to."""
_MADE = "made here"


class FileName(str):
    """A model's name that a file gave: no key goes to a URL in it, unless the user named its host.

    A provider's name, such as openai/gpt-5-mini, is for the provider's own host, as its key is.
    """

    __slots__ = ()


def has_keys(name: str, named: Iterable[str | None] = ()) -> bool:
    """Whether the user's keys may go to the host of a model's URL.

    Args:
        name: of the model; one that is no `FileName` was given by the user himself.
        named: URLs that the user gave. Those in the variable APO_KEY_HOSTS count, too.
    """
    if not isinstance(name, FileName) or "://" not in name:
        return True
    hosts = {host.strip() for host in os.environ.get(HOSTS, "").split(",")}
    for other in named:
        if other and not isinstance(other, FileName):
            hosts |= _hosts(other)
    return _hosts(name) <= hosts


def _hosts(name: str) -> set[str]:
    """The hosts, with their ports, of the URLs in a model's name."""
    urls = name.partition("#")[0].split(",")
    return {url.partition("://")[2].partition("/")[0].rpartition("@")[2] for url in urls}


@dataclass(frozen=True, order=True)
class Wish:
    """Something that a folder wants to do.

    Attributes:
        told: what, in words that follow "wants to".
        content: a hash of the file that it is about; "" where the words say all.
    """

    told: str
    content: str = ""


def require(subject: str | Path, wishes: Sequence[Wish]) -> bool:
    """Make sure that the user allows what is wished.

    Args:
        subject: the folder or file, for the message and for `apo trust`.
        wishes: what it wants; nothing is always allowed.

    Returns:
        Whether all of it came from this user on this machine, such as a run that was made here.

    Raises:
        TrustError: it is not allowed yet.
    """
    if not wishes:
        return True
    key = _key(wishes)
    with suppress(OSError):
        return (_folder() / key).read_text(encoding="utf-8").startswith(_MADE)
    if os.environ.get(SWITCH) == "1":
        return False
    raise TrustError(str(subject), tuple(wish.told for wish in wishes), key)


def remember(subject: str | Path, wishes: Sequence[Wish]) -> None:
    """Remember that this user made it himself; where that cannot be written, he is asked later."""
    if wishes:
        with suppress(OSError):
            _write(str(subject), tuple(wish.told for wish in wishes), _key(wishes), _MADE)


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


def _key(wishes: Sequence[Wish]) -> str:
    text = repr([(wish.told, wish.content) for wish in sorted(set(wishes))])
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def logging_wish(uri: str) -> Wish:
    """The wish to log a run at a tracking URI without passwords."""
    return Wish(f"write to MLflow at {uri}")
