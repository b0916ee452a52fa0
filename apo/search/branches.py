"""Places in the tree of concurrent work, and the randomness that belongs to each."""

import random
from contextvars import ContextVar


class Branch:
    """A place in the tree of concurrent work, owning the randomness drawn there.

    Streams follow the place, never the order in which calls return, so a run is a function of
    its seed and of what the models answer.
    """

    def __init__(self, seed: int, path: tuple[int, ...] = ()) -> None:
        self.seed, self.path, self.forks, self.steps = seed, path, 0, 0
        self.rng = random.Random(f"{seed}:{path}")

    def fork(self, n: int) -> "list[Branch]":
        """Make the branches of work that is about to run at once."""
        self.forks += 1
        return [Branch(self.seed, (*self.path, self.forks, i)) for i in range(n)]

    def step(self) -> str:
        """Name the next step taken here; the same name in every run of the same seed."""
        self.steps += 1
        return f"{self.seed}:{'.'.join(map(str, self.path))}:{self.steps}"


branch: ContextVar[Branch] = ContextVar("branch")
"""The branch that the running task is on."""
