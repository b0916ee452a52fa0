"""A place on the terminal that is drawn anew, and the keys that are typed meanwhile."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType

from apo.cli.keys import reading_keys

if TYPE_CHECKING:
    from types import TracebackType


def draws(console: Console) -> bool:
    """Whether it can draw in place: a terminal that moves its cursor, so not TERM=dumb."""
    return console.is_terminal and not console.is_dumb_terminal


class Screen:
    """Draws in place within `with`, on a running event loop; nothing of it stays afterwards.

    Args:
        console: a terminal.
        typed: is told each key.

    Attributes:
        reads_keys: whether keys are read.
    """

    def __init__(self, console: Console, typed: Callable[[str], object]) -> None:
        self._console, self._typed = console, typed
        self._live, self._keys = self._new(), ExitStack()
        self._width, self._lines = console.width, list[int]()
        self.reads_keys = False

    def __enter__(self) -> "Screen":
        self._start()
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        self._stop()

    def _new(self) -> Live:
        return Live(console=self._console, transient=True, auto_refresh=False)

    def _start(self) -> None:
        self.reads_keys = self._keys.enter_context(reading_keys(self._typed))
        self._live, self._lines = self._new(), []  # A used one would delete what others wrote.
        self._live.start()

    def _stop(self) -> None:
        self._live.stop()
        self._keys.close()

    def draw(self, what: RenderableType) -> None:
        """Draw it in the place of what was drawn before."""
        if self._console.width < self._width:
            self._take_back_wrapped()
        self._width = self._console.width
        lines = self._console.render_lines(what, pad=False)
        self._lines = [sum(segment.cell_length for segment in line) for line in lines]
        self._live.update(what, refresh=True)

    def _take_back_wrapped(self) -> None:
        """Delete the lines that the terminal made of longer ones when it became narrower."""
        more = sum(max(0, n - 1) // self._console.width for n in self._lines)
        one = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
        self._console.control(Control(*one * more))

    @contextmanager
    def pausing(self) -> Generator[None]:
        """Leave the terminal to others within: nothing is drawn, and keys are not read."""
        self._stop()
        try:
            yield
        finally:
            self._start()
