"""Keys that are typed while a view goes on: read one by one, as long as the terminal is ours."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress


@contextmanager
def reading_keys(typed: Callable[[str], object]) -> Generator[bool]:
    """Read the keyboard within, on the running event loop, and put the terminal back afterwards.

    Args:
        typed: is told each key.

    Yields:
        Whether keys are read: standard input is a terminal, and this process is in its foreground.
    """
    if not sys.stdin.isatty() or not _in_foreground():
        yield False
        return
    import asyncio
    import signal
    import termios
    import tty

    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)

    def read() -> None:
        if _in_foreground():  # Else the read would stop the process.
            with suppress(OSError):
                for key in os.read(file, 64).decode("utf-8", "replace"):
                    typed(key)

    def take() -> None:
        if _in_foreground():
            tty.setcbreak(file)  # Ctrl-C stays a signal.

    loop = asyncio.get_running_loop()
    take()
    loop.add_reader(file, read)
    with suppress(RuntimeError):  # Not the main thread.
        loop.add_signal_handler(signal.SIGCONT, take)  # The shell had the terminal meanwhile.
    try:
        yield True
    finally:
        loop.remove_reader(file)
        with suppress(RuntimeError):
            loop.remove_signal_handler(signal.SIGCONT)
        with suppress(termios.error):  # The terminal may be gone.
            termios.tcsetattr(file, termios.TCSADRAIN, before)


def _in_foreground() -> bool:
    """Whether the terminal is this process's; never on Windows, which reads keys otherwise."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError):
        return False
