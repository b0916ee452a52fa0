"""Worker processes of this machine: they leave signals to their parent, and end with it."""

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait


def start_child() -> None:
    """Prepare a worker process; the `initializer` of a pool.

    Ctrl-C reaches every process of a terminal at once, and it is the parent who knows what is to
    be finished first.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)  # What a journal holds is kept, as after any kill.
