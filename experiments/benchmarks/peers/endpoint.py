"""The one way to the server that all peers share: it counts answered calls and ends the search."""

import hashlib
import http.client
import json
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

Chat = Sequence[dict[str, str]]


class BudgetOver(BaseException):
    """The search has used its calls.

    No `Exception`: the peers catch those, score them as wrong answers and go on.
    """


class Endpoint:
    """The servers of both models, with one count of the calls that they answered.

    Calls that are drawn (temperature above 0) carry a seed, made from the run's seed and from how
    often the same request came before: asked twice, the model draws twice, as hosted ones do.

    Args:
        base_url: of the task model, such as "http://127.0.0.1:8901/v1".
        seed: of the run.
        writer_url: of the optimizer model; by default the task model writes too.

    Attributes:
        answered: calls that came back with an answer.
        limit: how many calls may be made in all; the next raises `BudgetOver`. None for no limit.
    """

    def __init__(self, base_url: str, seed: int, writer_url: str = "") -> None:
        self.answered = 0
        self.limit: int | None = None
        self._urls = {False: base_url, True: writer_url or base_url}
        self._seed, self._started = seed, 0
        self._asked: Counter[bytes] = Counter()
        self._lock, self._local = threading.Lock(), threading.local()

    @property
    def left(self) -> int:
        """Calls that may still be made under the limit."""
        return (self.limit or 0) - self._started

    def chat(
        self,
        messages: Chat,
        temperature: float,
        max_tokens: int | None = None,
        *,
        writes: bool = False,
    ) -> str:
        """Send a chat to the task model, or to the one that writes; return the answer's text.

        Raises:
            BudgetOver: the calls are used up.
            RuntimeError: the server refused the request.
        """
        body: dict[str, Any] = {
            "model": "embedded",
            "messages": list(messages),
            "temperature": temperature,
        }
        if max_tokens is not None:
            body["max_tokens"] = max_tokens
        raw = json.dumps(body, ensure_ascii=False).encode()
        with self._lock:
            if self.limit is not None and self._started >= self.limit:
                raise BudgetOver
            self._started += 1
            if temperature > 0:
                digest = hashlib.sha256(raw).digest()
                nth = self._asked[digest]
                self._asked[digest] += 1
                body["seed"] = 100_000 * self._seed + nth
        if temperature > 0:
            raw = json.dumps(body, ensure_ascii=False).encode()
        data = self._post(self._urls[writes], raw)
        with self._lock:
            self.answered += 1
        return str(data["choices"][0]["message"]["content"])

    def _post(self, url: str, raw: bytes) -> dict[str, Any]:
        parts = urlsplit(url)
        known: dict[str, http.client.HTTPConnection] = vars(self._local)
        if parts.netloc not in known:
            known[parts.netloc] = http.client.HTTPConnection(parts.netloc, timeout=600)
        connection, path = known[parts.netloc], f"{parts.path}/chat/completions"
        connection.request("POST", path, raw, {"Content-Type": "application/json"})
        response = connection.getresponse()
        data: dict[str, Any] = json.loads(response.read())
        if response.status != 200:
            raise RuntimeError(f"The server answered {response.status}: {data}")
        return data
