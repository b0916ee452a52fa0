"""One model's address: where it is served, how it is asked, and how its key stays hidden."""

import base64
import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from apo.errors import BadRequestError
from apo.model import Request


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
    """

    name: str
    model: str
    url: str
    key_variable: str = ""
    key: str = field(default="", repr=False)
    scheme: Literal["bearer", "basic", "api-key"] = "bearer"
    api_version: str = ""
    seed_field: str = "seed"

    @property
    def endpoint(self) -> str:
        """The URL that requests are posted to."""
        query = f"?api-version={quote(self.api_version)}" if self.api_version else ""
        return f"{self.url}/chat/completions{query}"

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries the key; empty without one."""
        if not self.key:
            return {}
        if self.scheme == "api-key":
            return {"api-key": self.key}
        token = _base64(self.key) if self.scheme == "basic" else self.key
        return {"Authorization": f"{self.scheme.capitalize()} {token}"}

    def body(self, request: Request) -> dict[str, Any]:
        """Write a request as JSON values; only the options that are set are sent.

        Raises:
            BadRequestError: a message holds half of a surrogate pair, which is no Unicode text.
        """
        decoding = request.decoding
        official = self.api_version or urlsplit(self.url).hostname == "api.openai.com"
        options = {
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            "frequency_penalty": decoding.frequency_penalty,
            "presence_penalty": decoding.presence_penalty,
            # OpenAI's reasoning models refuse max_tokens; most other servers know nothing else.
            "max_completion_tokens" if official else "max_tokens": decoding.max_tokens,
            "stop": list(decoding.stop) or None,
            # Without a draw a seed means nothing, and some servers refuse it.
            self.seed_field: None if decoding.temperature == 0 else request.seed,
        }
        return {
            "model": self.model,
            "messages": [
                {"role": message.role, "content": self._text(message.content)}
                for message in request.messages
            ],
            **{option: value for option, value in options.items() if option and value is not None},
        }

    def _text(self, content: str) -> str:
        try:
            content.encode()
        except UnicodeEncodeError as error:
            raise BadRequestError(
                f"{self.name}: a message holds {content[error.start]!r}, half of a surrogate "
                "pair, which cannot be sent. Look for it in the data or the prompt's file."
            ) from None
        return content

    def redact(self, text: str) -> str:
        """Take the key out of foreign text, also where the server shows only a part of it."""
        text = re.sub(r"//[^/\s]*@", "//", text)  # A URL's credentials, such as the proxy's.
        secrets = [self.key]
        if self.scheme == "basic":
            secrets += [self.key.partition(":")[2], _base64(self.key)]
        for secret in filter(None, secrets):
            if len(secret) >= 8:
                text = text.replace(secret, "***")
            words = re.split(r"([\s'\"`<>,;()]+)", text)
            text = "".join("***" if _tells(word, secret) else word for word in words)
        return text


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _tells(word: str, secret: str) -> bool:
    """Whether a word is the secret, masks a key (sk-ab***yz), or holds eight of its characters."""
    pieces = (secret[i : i + 8] for i in range(len(secret) - 7))
    return word == secret or "***" in word or any(piece in word for piece in pieces)
