"""The process that logs a run while it goes on: it reads the run's folder, and nothing else.

`Tracker` starts it and writes two lines to its standard input: what to log, as JSON, and at the
end how the run ended. Its answer is one line of JSON, what came of it. When the input closes
without the second line, the run's process is dead, and so is this one at once: it leaves what a
kill leaves, which the next process makes up for.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

from apo.environment import prepare_environment
from apo.language.catalogue import use
from apo.storage.folder import RunFolder
from apo.tracking.logbook import PATIENCE, STATUS, End, Logbook

NICE = 5  # Steps of priority that the search has before its logging, where cores are few.
LONGEST_WAIT = 60.0  # Seconds between two tries while MLflow is away.
RESTART = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try at the last pass, where MLflow was reached: it may have
restarted, or others may have written the same at the same moment."""


def main() -> None:
    """Log the run that standard input names, until told of its end."""
    for asked in (signal.SIGINT, signal.SIGTERM):  # The search ends in order, and says when.
        signal.signal(asked, signal.SIG_IGN)
    os.nice(NICE)
    prepare_environment()
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # Whatever libraries print is no part of the answer.
    task = json.loads(sys.stdin.readline())
    use(task["language"])  # Of the report; what programs read is the same in all.
    told: SimpleQueue[End] = SimpleQueue()
    threading.Thread(target=_listen, args=(told,), daemon=True).start()
    logbook = Logbook(RunFolder(Path(task["folder"])), task["uri"], task["experiment"])
    follow(logbook, told, task["interval"])
    with answer:
        answer.write(json.dumps(logbook.outcome.to_dict()))


def _listen(told: "SimpleQueue[End]") -> None:
    """Wait for the second line, and end this process when it cannot come any more."""
    line = sys.stdin.readline().strip()
    for end in STATUS:
        if line == end:
            # From here on the run's process may die, and all be logged for all that; but a server
            # that hangs must not keep this process for ever.
            signal.alarm(round(PATIENCE))
            told.put(end)
            return
    os._exit(1)


def follow(logbook: Logbook, told: "SimpleQueue[End]", interval: float) -> None:
    """Log what comes in, pass by pass, until told how the run ended; then log the rest.

    Args:
        logbook: of the run.
        told: where the end comes from.
        interval: seconds between two passes; more and more of them while MLflow is away.
    """
    wait = 0.0
    while True:
        try:
            end = told.get(timeout=wait)
        except Empty:
            well = logbook.attempt(None)
            wait = interval if well else min(2 * (wait or interval), LONGEST_WAIT)
        else:
            waits = iter(RESTART)
            while not logbook.attempt(end) and logbook.reached and (wait := next(waits, 0.0)):
                time.sleep(wait)
            return logbook.close()


if __name__ == "__main__":
    main()
