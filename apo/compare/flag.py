"""The file that says that a comparison's cells go on; without it they stop."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apo.files import read_text, write_whole


@dataclass(frozen=True)
class Flag:
    """A word of this call of the command, in a file of the comparison's folder.

    A file, since it reaches workers on other machines as well, and since whoever sees it sees the
    folder: a worker that does not must not begin a run of its own somewhere else.

    Attributes:
        path: the file.
        word: what it holds while the cells go on.
    """

    path: Path
    word: str

    @classmethod
    def of(cls, root: Path) -> "Flag":
        """Make a new one for the comparison's folder; it is not up yet."""
        return cls(root.absolute() / "compare.flag", secrets.token_hex(8))

    @contextmanager
    def up(self) -> Generator[None]:
        """Have it up meanwhile, in place of one of a call that was killed."""
        write_whole(self.path, self.word)
        try:
            yield
        finally:
            self.take_down()

    def is_up(self) -> bool:
        """Whether cells go on."""
        try:
            return read_text(self.path) == self.word
        except (OSError, ValueError):
            return False

    def take_down(self) -> None:
        """Let all cells stop, their calls under way finished."""
        self.path.unlink(missing_ok=True)
