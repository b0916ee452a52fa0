"""Logging a run to MLflow while it goes on, and after."""

import json
import os
import subprocess
import sys
from contextlib import suppress

from apo.environment import prepare_environment
from apo.language.catalogue import spoken
from apo.storage.folder import RunFolder
from apo.tracking.environment import public_uri
from apo.tracking.logbook import PATIENCE, STATUS, End, Logbook
from apo.tracking.places import require_place
from apo.tracking.served import check_place
from apo.tracking.tracked import Tracked
from apo.trust import logging_wish, remember


class Tracker:
    """Logs a run from a process of its own, `apo.tracking.follower`; the search never waits.

    That process only reads the run's folder. So MLflow's imports, memory and crashes are no
    matter of the search, and when the search dies it dies as well (docs/decisions/0016).

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
        self._folder = folder.path
        self._logbook = Logbook(folder, uri, experiment)
        # Through the pipe, since a tracking URI may hold a password, and `ps` shows arguments.
        self._task = json.dumps(
            {
                "folder": str(folder.path.absolute()),
                "uri": self._logbook.uri,
                "experiment": self._logbook.experiment,
                "interval": interval,
                "language": spoken(),
            }
        )
        self._process: subprocess.Popen[str] | None = None
        self._problem = ""

    def check(self) -> None:
        """Make sure, as far as it can be known at the start, that the run can be logged.

        Raises:
            SettingsError: an MLflow server made the experiment, and its database is named.
            TrustError: files would go elsewhere, and the user has not allowed it.
        """
        require_place(self._logbook.uri, self._logbook.experiment)
        check_place(self._logbook.uri, self._logbook.experiment)

    def start(self) -> None:
        """Start logging. Whatever MLflow does or fails to do, nothing is raised."""
        remember(self._folder, [logging_wish(public_uri(self._logbook.uri))])
        paths = os.pathsep.join(filter(None, sys.path))  # What is imported here is found there.
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "apo.tracking.follower"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
                start_new_session=True,  # Ctrl-C in the terminal is for the search alone.
                text=True,
                encoding="utf-8",
            )
            assert self._process.stdin is not None  # noqa: S101 (it is a pipe)
            self._process.stdin.write(f"{self._task}\n")
            self._process.stdin.flush()
        except OSError as error:
            self._problem = f"the process that logs cannot be started: {error}"

    def finish(self, state: End) -> Tracked:
        """Log what is left, end the MLflow run, and say where it is.

        Waits two minutes at most; what is not logged by then is left for `sync`.

        Args:
            state: how the run ended.
        """
        if self._process is None or self._process.poll() is not None:  # It was killed, say.
            self.start()
        if self._process is None:
            return self._logbook.tracked(self._problem)
        with self._process as process:
            said = ""
            try:
                with suppress(OSError):  # It is dead, and took nothing in.
                    said, _ = process.communicate(f"{state}\n", timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                return self._logbook.tracked(f"it took longer than {PATIENCE:.0f} s")
            finally:
                process.kill()
        if not said:
            return self._logbook.tracked(
                f"the process that logs ended too early, with the code {process.returncode}"
            )
        return Tracked(**json.loads(said))


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
    return None if folder.in_use() else "interrupted"
