"""One run's way from its folder into MLflow, pass by pass."""

import json
import re
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock, Timeout

from apo.concurrency import uncollected
from apo.errors import RunError
from apo.storage.candidate import Point
from apo.storage.folder import RunFolder
from apo.storage.record import Record
from apo.storage.rows import open_for_reading
from apo.tracking.environment import (
    absolute_uri,
    is_server,
    public_uri,
    run_url,
    tracking_uri,
    with_password,
)
from apo.tracking.files import TABLES, best_id, write_files
from apo.tracking.parameters import experiment_name, parameters, run_name, tags, told_uri
from apo.tracking.result_points import result_points
from apo.tracking.told import lost_told
from apo.tracking.tracked import Tracked

if TYPE_CHECKING:
    from apo.tracking.store import Store

End = Literal["finished", "interrupted", "failed"]
STATUS: Mapping[End, str] = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
PATIENCE = 120.0  # Seconds that the end of a run waits for MLflow.
CHECKPOINT = 60.0  # Seconds between two uploads of the tables while a run goes on.


class Logbook:
    """Logs one run; a pass may fail at any point, and the next one makes up for it.

    Args:
        folder: the run.
        uri: tracking URI; by default what the run was told, else MLFLOW_TRACKING_URI, else where
            the run was logged before, else mlflow.db in the working directory.
        experiment: name of the experiment; by default what the run was told, else "apo/<task>".

    Attributes:
        uri: the tracking URI, with its password if it has one.
        experiment: name of the experiment.
        outcome: what came of the last pass.
    """

    def __init__(self, folder: RunFolder, uri: str | None, experiment: str | None) -> None:
        settings = folder.settings
        self._folder = folder
        known = uri or told_uri(settings) or tracking_uri(_earlier(folder))
        self.uri = absolute_uri(with_password(known))
        self.experiment = experiment or experiment_name(settings)
        self._record = Record()
        self._store: Store | None = None
        self._opened = False
        self._uploaded = time.monotonic()
        self._lock = FileLock(folder.path / "mlflow.lock", timeout=0, thread_local=False)
        self.outcome = self.tracked("nothing was logged yet")

    @property
    def reached(self) -> bool:
        """Whether MLflow was there in some pass."""
        return self._store is not None

    def tracked(self, problem: str, *, complete: bool = False) -> Tracked:
        """Say where the run is logged, and what is wrong with that."""
        uri, store = public_uri(self.uri), self._store
        experiment, run = (store.experiment_id, store.run_id) if store else ("", "")
        url = run_url(uri, experiment) if experiment and is_server(uri) else None
        if not complete:
            problem = (
                f"Not all is in MLflow at {uri}: {problem.rstrip('.')}. Nothing is lost: all is "
                f"in {self._folder.path}. Log it with: apo sync {self._folder.id}"
            )
        return Tracked(uri, experiment, run, url, complete, problem)

    def attempt(self, end: End | None) -> bool:
        """Log what MLflow lacks.

        Args:
            end: how the run ended; None while it goes on.

        Returns:
            Whether all went well. `outcome` says what did not; nothing is raised.
        """
        well = True
        try:
            with uncollected():  # The imports of MLflow and of plots make very many objects.
                note = self._pass(end)
            self.outcome = self.tracked(note, complete=end is not None)
        except Exception as error:  # Whatever MLflow does, the run must not suffer from it.
            well = self._opened = False
            self.outcome = self.tracked(_reason(error))
        if end is not None or not well:
            with suppress(RunError):  # A full disk is told of by those who need the file.
                self._folder.write("mlflow.json", self.outcome.to_dict())
        return well

    def _pass(self, end: End | None) -> str:
        news = self._read() or not self._opened or end is not None
        store, now = self._open(end), int(time.time() * 1000)
        result = self._folder.result if end == "finished" else None
        points: list[Point] = []
        if news:
            points = self._record.points(settled=end == "finished")
            points += [] if result is None else result_points(result)
            store.log_points(points, now)
            store.children.log([c for c in self._record.ranked if c.whole is not None])
        if end is None:
            if time.monotonic() - self._uploaded >= CHECKPOINT:
                self._upload(store, None)
            return "the run is still going on"
        missing = self._upload(store, result, points)
        store.children.mark(best_id(self._record, result))
        store.rename(run_name(self._folder.settings, result))
        store.end(STATUS[end], _time(self._folder.settings, "updated"))
        note = "" if result is None else self._register(store, result)
        if missing:
            raise RunError(missing)
        return note

    def _read(self) -> bool:
        """Take in what is new, and say whether anything is."""
        # A connection kept open would keep the journal from closing well.
        with closing(open_for_reading(self._folder.journal_path)) as journal:
            return self._record.read(journal)

    def _open(self, end: End | None) -> "Store":
        """Take the run for this process alone, and find or make it in MLflow."""
        try:
            self._lock.acquire()
        except Timeout:
            raise RunError("another process is logging this run now") from None
        except OSError as error:
            raise RunError(f"{self._lock.lock_file} cannot be used: {error.strerror}") from error
        if self._store is None:
            from apo.tracking.store import Store

            self._store = Store(self.uri, self.experiment)
        store, settings = self._store, self._folder.settings
        if not self._opened:
            first = tags(settings, self._record, None)
            store.open_run(settings["id"], run_name(settings), first, _time(settings, "created"))
            self._folder.write("mlflow.json", self.tracked("being logged").to_dict())
            store.log_params(parameters(settings))
            data = {k: v for k, v in settings.get("data", {}).items() if k != "fingerprint"}
            if data:
                fingerprint = str(settings["data"].get("fingerprint", ""))
                store.log_data(str(settings["task"]), fingerprint, json.dumps(data))
            if end is None:
                store.set_running()
                store.rename(run_name(settings))
            self._opened = True
        return store

    def _upload(
        self, store: "Store", result: Mapping[str, Any] | None, points: list[Point] | None = None
    ) -> str:
        """Put tables, prompts and description in place.

        Returns:
            What MLflow lacks after that, of the files, the points and the candidates' runs; ""
            when it lacks nothing, or no points are given to ask for.
        """
        settings = self._folder.settings
        store.log_params(parameters(settings, result))
        shown = [{"path": name, "type": "table"} for name in TABLES]
        lost = "" if result is None else lost_told(self._folder)
        described = tags(settings, self._record, result, lost)
        store.set_tags({**described, "mlflow.loggedArtifacts": json.dumps(shown)})
        with tempfile.TemporaryDirectory(prefix="apo-") as place:
            write_files(self._folder, self._record, Path(place))
            store.upload(Path(place))
            self._uploaded = time.monotonic()
            if points is None:
                return ""
            children = {candidate.id for candidate in self._record.measured}
            return store.lacking(points, children, Path(place))

    def _register(self, store: "Store", result: Mapping[str, Any]) -> str:
        if "apo.prompt" in store.tags:  # An old run logged again must not take the alias back.
            return store.tags.get("apo.prompt_note", "")
        from apo.tracking.registry import register

        settings = self._folder.settings
        if "folds" not in settings and (settings.get("options") or {}).get("fold"):
            return ""  # The prompt of a single fold is for nobody to use.
        registered = register(store.client, result, store.experiment_id)
        store.set_tags(registered.tags)
        return registered.note

    def close(self) -> None:
        """Let go of the run, so that another process may log it."""
        self._lock.release(force=True)


def _earlier(folder: RunFolder) -> str:
    """Where the run was logged before; "" when it was not."""
    known = (folder.path / "mlflow.json").exists()
    return str(folder.read("mlflow.json").get("tracking_uri", "")) if known else ""


def _time(settings: Mapping[str, Any], name: str) -> int:
    """A time of the settings in milliseconds since 1970; now when it is not there."""
    text = settings.get(name)
    return int((datetime.fromisoformat(text).timestamp() if text else time.time()) * 1000)


def _reason(error: Exception) -> str:
    """The first line of an error, without passwords, and short enough to be read."""
    line = re.sub(r"\s+", " ", public_uri(str(error).strip().partition("\n")[0]))
    return f"{type(error).__name__}: {line[:300]}" if line else type(error).__name__
