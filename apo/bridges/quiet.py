"""Work that prints nothing: progress bars and reports of a library do not mix with apo's."""

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_silent: ContextVar[bool] = ContextVar("silent", default=False)
_lock = threading.Lock()
_users = 0


class _Stream:
    """A stream that drops what silent work writes to it."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        return len(text) if _silent.get() else int(self.stream.write(text))


@contextmanager
def quiet() -> Generator[None]:
    """Let what runs in this context write nothing to standard output and error.

    Threads that go on in a copy of the context are silent, too; all others write as before.
    """
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            for name in ("stdout", "stderr"):
                setattr(sys, name, _Stream(getattr(sys, name)))
    before = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(before)
        with _lock:
            _users -= 1
            for name in ("stdout", "stderr"):
                if not _users and isinstance(found := getattr(sys, name), _Stream):
                    setattr(sys, name, found.stream)
