"""One model's address: where it is served, how it is asked, and how its key stays hidden."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from apo.errors import BadRequestError, DataError
from apo.media import address_of, with_parts
from apo.model import Message, Request
from apo.models.dialect import Dialect
from apo.secrecy import encoded, keep_secret, redact

_MASK = re.compile(r"[*•·#x]{3,}|\.{2,}|…")
"""What servers put in place of the middle of a key."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where one model is served, and how it is asked.

    Attributes:
        name: the model's full name, safe to show.
        model: what the server calls it.
        url: the base URL, without credentials.
        key_variable: the environment variable of the key; "" when none is taken.
        key: the key, or "user:password" for basic; "" sends none. Never shown.
        scheme: how the key is sent.
        api_version: Azure's query parameter; "" elsewhere.
        seed_field: what the seed is called in a request; "" when it is refused.
        responses: whether it is asked by /responses, and not /chat/completions.
        continues: whether the server goes on with a reply that a request begins.
        sees: whether the server takes images, as far as that is known.
        extra: further headers, such as a gateway's. Never shown.
        dialect: what the model refuses; it grows with what its server says.
    """

    name: str
    model: str
    url: str
    key_variable: str = ""
    key: str = field(default="", repr=False)
    scheme: Literal["bearer", "basic", "api-key"] = "bearer"
    api_version: str = ""
    seed_field: str = "seed"
    responses: bool = False
    continues: bool = False
    sees: bool = True
    extra: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    dialect: Dialect = field(default_factory=Dialect, compare=False)

    def __post_init__(self) -> None:
        keep_secret(self.key, *self.extra.values())
        if self.scheme == "basic":
            keep_secret(self.key.partition(":")[2], _base64(self.key))

    @property
    def endpoint(self) -> str:
        """The URL that requests are posted to."""
        query = f"?api-version={quote(self.api_version)}" if self.api_version else ""
        return f"{self.url}/chat/completions{query}"

    @property
    def listing(self) -> str:
        """The URL at which a server says which models it has."""
        return self.endpoint.replace(f"{self.url}/chat/completions", f"{self.url}/models", 1)

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries the key, if there is one, and the further ones."""
        if not self.key:
            return {**self.extra}
        if self.scheme == "api-key":
            return {"api-key": self.key, **self.extra}
        token = _base64(self.key) if self.scheme == "basic" else self.key
        return {"Authorization": f"{self.scheme.capitalize()} {token}", **self.extra}

    def body(self, request: Request) -> dict[str, Any]:
        """Write a request as JSON values; only the options that are set are sent.

        Raises:
            BadRequestError: a message holds half of a surrogate pair, which is no Unicode text.
        """
        return {
            "model": self.model,
            "messages": [
                {"role": message.role, "content": self._content(message)}
                for message in self.dialect.turns(request.messages)
            ],
            **self.dialect.options(request.decoding, request.seed, self.seed_field),
            **self.dialect.further(request.decoding.extra),
        }

    def _content(self, message: Message) -> str | list[dict[str, Any]]:
        """The text of a turn; with images, a list of parts."""
        text = self._text(message.content)
        if not message.images:
            return text
        try:
            found = [address_of(image) for image in message.images]
        except DataError as error:
            raise BadRequestError(f"{self.name}: {error}") from None
        return with_parts(text, found)

    def _text(self, content: str) -> str:
        try:
            content.encode()
        except UnicodeEncodeError as error:
            raise BadRequestError(
                f"{self.name}: a message holds {content[error.start]!r}, half of a surrogate "
                "pair, which cannot be sent. Look for it in the data or the prompt's file."
            ) from None
        return content

    def shown(self, text: str, size: int) -> str:
        """Foreign text, made safe to show: no key, no control characters, not long."""
        shown = "".join(c if c.isprintable() else " " for c in self.redact(text[:2000]))
        shown = " ".join(shown.split())
        return shown if len(shown) <= size else shown[:size] + "…"

    def redact(self, text: str) -> str:
        """Take the key out of foreign text, also where the server shows only a part of it."""
        text = redact(text)
        text = re.sub(r"//[^/\s]*@", "//", text)  # A URL's credentials, such as the proxy's.
        secrets = [self.key, *self.extra.values()]
        if self.scheme == "basic":
            secrets += [self.key.partition(":")[2]]
        for secret in filter(None, secrets):
            for form in _forms(secret):
                text = text.replace(form, "***")
            words = re.split(r"([\s'\"`<>,;()]+)", text)
            text = "".join("***" if _tells(word, secret) else word for word in words)
        return text


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _forms(secret: str) -> Iterator[str]:
    """The secret as it may be written: plain, in a URL, in hexadecimal, base64, base32."""
    if len(secret) >= 8:
        data = secret.encode()
        yield from (secret, quote(secret, safe=""), data.hex(), data.hex().upper())
        yield from encoded(secret)


def _tells(word: str, secret: str) -> bool:
    """Whether a word is the secret, shows its ends (sk-ab…yz), or holds eight of its characters."""
    if word == secret or "***" in word:
        return True
    shown, hidden = word.casefold(), secret.casefold()
    if any(hidden[i : i + 8] in shown for i in range(len(hidden) - 7)):
        return True
    first, *others = _MASK.split(shown)
    if not others or len(hidden) < 8:
        return False
    ends = ((hidden[:n], hidden[-n:]) for n in range(3, 8))
    return any(first.endswith(start) or others[-1].startswith(end) for start, end in ends)
