"""A model on whose way events happen."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from subprocess import Popen

from apo.model import Completion, Request
from apo.models.embedded import Embedded
from apo.testing.chat_server import ChatServer
from experiments.benchmarks.faults.forked import Forked


@dataclass
class Sitting:
    """A process that is running, and the server that answers it."""

    server: ChatServer
    process: "Forked | Popen[str]"


@dataclass
class At:
    """An event on the way: after so many answers, everything stands still while it happens."""

    answers: int
    happens: Callable[[Sitting], object]


@dataclass
class Watched:
    """The embedded model, which lets an event happen when its count of answers is reached."""

    events: list[At]
    sitting: Sitting | None = None
    count: int = 0
    name: str = "embedded"
    ready: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._model = Embedded()

    async def complete(self, request: Request) -> Completion:
        """Answer, and look at the count."""
        self.count += 1
        if self.events and self.count >= self.events[0].answers:
            self.ready.wait()
            assert self.sitting is not None
            self.events.pop(0).happens(self.sitting)
        return await self._model.complete(request)

    async def aclose(self) -> None:
        """Nothing to close."""
