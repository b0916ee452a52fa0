"""Logging a run to MLflow while it goes on, and after."""

import threading

from filelock import FileLock, Timeout

from apo.runs import RunFolder
from apo.tracking.environment import prepare_environment
from apo.tracking.logbook import STATUS, End, Logbook
from apo.tracking.tracked import Tracked

PATIENCE = 120.0  # Seconds that the end of a run waits for MLflow.
LONGEST_WAIT = 60.0  # Seconds between two tries while MLflow is away.


class Tracker:
    """Logs a run from a thread of its own; the search never waits for it.

    Args:
        folder: the run.
        uri: tracking URI; by default what the run was told, else MLFLOW_TRACKING_URI, else where
            the run was logged before, else mlflow.db in the working directory.
        experiment: name of the experiment; by default what the run was told, else "apo/<task>".
        interval: seconds between two looks at the journal.

    Raises:
        RunError: the run's folder cannot be read.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        uri: str | None = None,
        experiment: str | None = None,
        interval: float = 2.0,
    ) -> None:
        self._logbook = Logbook(folder, uri, experiment)
        self._interval = interval
        self._end: End = "interrupted"
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="apo-mlflow", daemon=True)

    def start(self) -> None:
        """Start logging. Whatever MLflow does or fails to do, nothing is raised."""
        prepare_environment()
        self._thread.start()

    def finish(self, state: End) -> Tracked:
        """Log what is left, end the MLflow run, and say where it is.

        Waits two minutes at most; what is not logged by then is left for `sync`.

        Args:
            state: how the run ended.
        """
        self._end = state
        self._ending.set()
        if self._thread.ident is None:
            self.start()
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            return self._logbook.tracked(f"it took longer than {PATIENCE:.0f} s")
        return self._logbook.outcome

    def _work(self) -> None:
        wait = 0.0
        while not self._ending.wait(wait):
            well = self._logbook.attempt(None)
            wait = self._interval if well else min(2 * (wait or self._interval), LONGEST_WAIT)
        self._logbook.attempt(self._end)
        self._logbook.close()


def sync(folder: RunFolder, *, uri: str | None = None, experiment: str | None = None) -> Tracked:
    """Log what MLflow lacks of a run that is over, was killed, or met no server.

    Args:
        folder: the run.
        uri: as for `Tracker`.
        experiment: as for `Tracker`.

    Raises:
        RunError: the run's folder cannot be read.
    """
    prepare_environment()
    logbook = Logbook(folder, uri, experiment)
    logbook.attempt(_end(folder))
    logbook.close()
    return logbook.outcome


def _end(folder: RunFolder) -> End | None:
    """How a run ended; a killed one had no time to write it down. None while it goes on."""
    state = folder.settings.get("state")
    for end in STATUS:
        if state == end:
            return end
    try:
        with FileLock(f"{folder.journal_path}.lock", timeout=0):
            return "interrupted"
    except Timeout:
        return None
