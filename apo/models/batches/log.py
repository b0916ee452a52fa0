"""Which requests went into which batch, on disk before they go: a batch outlives its process."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import orjson

from apo.errors import RunError
from apo.files import DATA, read_bytes, require_own


@dataclass(eq=False)
class Sent:
    """A batch of ours.

    Attributes:
        ids: of its requests.
        token: what it is known by before the provider has named it.
        batch: its name at the provider; "" as long as that is not known.
        resumed: an earlier process sent it.
        state: how far it is, in words.
    """

    ids: list[str]
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    batch: str = ""
    resumed: bool = False
    state: str = "being sent"


class BatchLog:
    """A file of JSON lines: one before a batch is sent, and one when the provider has named it.

    Args:
        path: the file; made when the first batch is sent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Sent]:
        """Give for each request the last batch that it was sent in; a torn line is skipped.

        Raises:
            RunError: the file cannot be read.
        """
        batches: dict[str, Sent] = {}
        latest: dict[str, Sent] = {}
        try:
            data = read_bytes(self.path, DATA) if self.path.exists() else b""
        except OSError as error:
            raise RunError(f"Cannot read {self.path}: {error.strerror}.") from error
        for line in data.splitlines():
            entry = _entry(line)
            token, ids, batch = entry.get("token"), entry.get("ids"), entry.get("batch")
            if isinstance(token, str) and isinstance(ids, list):
                keys = [str(key) for key in cast("list[object]", ids)]
                batches[token] = Sent(ids=keys, token=token, resumed=True)
                latest.update(dict.fromkeys(keys, batches[token]))
            elif token in batches and isinstance(batch, str):
                batches[token].batch = batch
        return latest

    def intend(self, sent: Sent) -> None:
        """Write down what will be sent.

        Raises:
            RunError: the disk is full, or cannot be written.
        """
        self._append({"token": sent.token, "ids": sent.ids})

    def started(self, sent: Sent) -> None:
        """Write down what the provider calls it.

        Raises:
            RunError: the disk is full, or cannot be written.
        """
        self._append({"token": sent.token, "batch": sent.batch})

    def _append(self, entry: dict[str, Any]) -> None:
        try:
            require_own(self.path)
            with self.path.open("ab") as file:
                # On a line of its own, also after one that was torn.
                file.write(b"\n" * (file.tell() > 0) + orjson.dumps(entry))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunError(f"Cannot write {self.path}: {error.strerror}.") from error


def _entry(line: bytes) -> dict[str, Any]:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
