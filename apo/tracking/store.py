"""What MLflow has of a run, and adding what it lacks."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag

from apo.record import Candidate, Point
from apo.tracking.connection import connect
from apo.tracking.environment import database_path
from apo.tracking.files import clean
from apo.tracking.summary import shown

PARENT = "mlflow.parentRunId"
MAX_METRICS, MAX_PARAMS = 1000, 100  # In one request, as MLflow limits them.
MAX_VALUE, MAX_TAG = 500, 5000
CONNECTIONS = 8  # To a server: what its answers take to come is then waited for together.


class Store:
    """One run in MLflow: found again by the tag `apo.run_id`, or made.

    Args:
        uri: the tracking URI.
        experiment: name of the experiment; made when it is not there.

    Raises:
        MlflowException: the store cannot be reached.
        RunError: the experiment was deleted.
    """

    def __init__(self, uri: str, experiment: str) -> None:
        self.client, self.experiment_id = connect(uri, experiment)
        self.run_id = ""
        self.tags: dict[str, str] = {}
        self._known: set[Point] = set()
        self._params: set[str] = set()
        self._children: set[str] = set()
        self._stamps: dict[Point, int] = {}
        self._starts: dict[str, int] = {}
        self._connections = 1 if database_path(uri) else CONNECTIONS  # SQLite has one writer.

    def open_run(self, tag: str, name: str, tags: Mapping[str, str], start: int) -> None:
        """Find the run with the tag `apo.run_id`, or make it, and learn what it holds.

        Args:
            tag: value of the tag.
            name: the run's name for people.
            tags: further tags for a new run.
            start: its start in milliseconds since 1970.
        """
        quote = '"' if "'" in tag else "'"
        found = self._search(f"tags.`apo.run_id` = {quote}{tag}{quote}")
        if found:
            run = found[0]
            self._delete(found[1:])
        else:
            tags = {"apo.run_id": tag, **_fitting(tags)}
            run = self.client.create_run(self.experiment_id, start, tags, run_name=name)
        self.run_id = run.info.run_id
        self.tags = dict(run.data.tags)
        self._params = set(run.data.params)
        self._known = self._history(run.data.metrics)
        self._children = self._find_children() if found else set()

    def _search(self, condition: str) -> list[Run]:
        """All runs that meet a condition, the oldest first."""
        runs: list[Run] = []
        token: str | None = None
        while True:
            page: Any = self.client.search_runs(
                [self.experiment_id],
                condition,
                max_results=1000,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            runs += page
            token = page.token or None
            if token is None:
                return runs

    def _delete(self, runs: Iterable[Run]) -> None:
        """Hide doubles: a request that was tried again may have been served twice."""
        for run in runs:
            self.client.delete_run(run.info.run_id)

    def _history(self, keys: Iterable[str]) -> set[Point]:
        return {
            Point(metric.key, metric.step, metric.value)
            for key in keys
            for metric in self.client.get_metric_history(self.run_id, key)
        }

    def _find_children(self) -> set[str]:
        """Candidates that have their run; half-made ones are deleted, and so made again."""
        found: set[str] = set()
        for run in self._search(f"tags.`{PARENT}` = '{self.run_id}'"):
            candidate = run.data.tags.get("apo.candidate", "")
            if candidate in found or run.info.status != "FINISHED":
                self._delete([run])
            else:
                found.add(candidate)
        return found

    def log_points(self, points: Iterable[Point], now: int) -> None:
        """Add points that are not there yet.

        Of two points at one step MLflow takes the later, or else the higher one as the metric's
        value, so each gets a millisecond of its own. It keeps the time that it was first tried
        with: a request that was served although it seemed to fail then adds nothing twice.

        Args:
            points: all that should be there, in order.
            now: milliseconds since 1970.
        """
        new = [point for point in dict.fromkeys(points) if point not in self._known]
        before = Counter((point.key, point.step) for point in self._known)
        for point in new:
            self._stamps.setdefault(point, now + before[point.key, point.step])
            before[point.key, point.step] += 1
        for start in range(0, len(new), MAX_METRICS):
            part = new[start : start + MAX_METRICS]
            metrics = [Metric(p.key, p.value, self._stamps[p], p.step) for p in part]
            self.client.log_batch(self.run_id, metrics=metrics, synchronous=True)
            self._known.update(part)

    def log_params(self, params: Mapping[str, str]) -> None:
        """Add params that are not there yet; MLflow lets none be changed."""
        new = [Param(k[:250], clean(v)[:MAX_VALUE]) for k, v in params.items()]
        new = [param for param in new if param.key not in self._params]
        for start in range(0, len(new), MAX_PARAMS):
            part = new[start : start + MAX_PARAMS]
            self.client.log_batch(self.run_id, params=part, synchronous=True)
            self._params.update(param.key for param in part)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run, in place of what they held."""
        new = [RunTag(key, value) for key, value in _fitting(tags).items()]
        self.client.log_batch(self.run_id, tags=new, synchronous=True)

    def log_data(self, name: str, digest: str, profile: str) -> None:
        """Name the data that the run used; a second time adds nothing."""
        data = Dataset(clean(name)[:500], digest[:36], "apo", "{}", profile=profile)
        given = DatasetInput(data, [InputTag("mlflow.data.context", "search")])
        self.client.log_inputs(self.run_id, [given])

    def log_children(self, candidates: Sequence[Candidate], now: int) -> None:
        """Make a run for each candidate that has none.

        Args:
            candidates: in order.
            now: milliseconds since 1970; each run starts at one of its own, so that pages keep
                the order.
        """
        for place, candidate in enumerate(candidates):
            self._starts.setdefault(candidate.id, now + place)
        new = [candidate for candidate in candidates if candidate.id not in self._children]
        pool = ThreadPoolExecutor(self._connections)
        try:
            for _ in pool.map(self._log_child, new):
                pass
        finally:  # Once one has failed, the others need not be tried.
            pool.shutdown(cancel_futures=True)

    def _log_child(self, candidate: Candidate) -> None:
        """Make a candidate's own run.

        Its name is its number alone: MLflow's table of runs has room for three letters there.
        """
        tags = {
            PARENT: self.run_id,
            "apo.candidate": candidate.id,
            "instruction": candidate.prompt.instruction,
            "mlflow.note.content": shown(candidate.prompt),
        }
        name, now = str(candidate.ordinal), self._starts[candidate.id]
        run = self.client.create_run(self.experiment_id, now, _fitting(tags), run_name=name)
        metrics = [Metric(p.key, p.value, now, p.step) for p in candidate.validation(0)]
        params = {"operator": candidate.operator, "parents": ", ".join(candidate.parents)}
        given = [Param(key, clean(value)[:MAX_VALUE]) for key, value in params.items() if value]
        self.client.log_batch(run.info.run_id, metrics=metrics, params=given, synchronous=True)
        self.client.set_terminated(run.info.run_id, "FINISHED", now)
        self._children.add(candidate.id)

    def upload(self, folder: Path) -> None:
        """Put all files of a folder in the run, in place of those of the same name."""
        self.client.log_artifacts(self.run_id, str(folder))

    def lacking(self, points: Iterable[Point], children: set[str], folder: Path) -> str:
        """Ask MLflow for what it holds, and say what is missing or double; "" when all is well.

        Args:
            points: the points that should be there.
            children: ids of the candidates that should have a run.
            folder: the files that should be there.
        """
        wanted = set(points)
        keys = {point.key for point in wanted}
        held = [m for key in sorted(keys) for m in self.client.get_metric_history(self.run_id, key)]
        there = {Point(m.key, m.step, m.value) for m in held}
        found = self._find_children()
        problems = {
            "curve points are missing": len(wanted - there),
            "curve points are there twice": len(held) - len(there),
            "candidates have no run": len(children - found),
            "files are missing or cut": self._missing_files(folder),
        }
        return "; ".join(f"{n} {text}" for text, n in problems.items() if n)

    def _missing_files(self, folder: Path) -> int:
        parents = {path.parent for path in folder.rglob("*") if path.is_file()}
        missing = 0
        for parent in parents:
            place = parent.relative_to(folder).as_posix()
            listed = self.client.list_artifacts(self.run_id, None if place == "." else place)
            sizes = {Path(file.path).name: file.file_size for file in listed}
            wanted = [path for path in parent.iterdir() if path.is_file()]
            missing += sum(sizes.get(path.name) != path.stat().st_size for path in wanted)
        return missing

    def set_running(self) -> None:
        """Show the run as going on, as after it was resumed."""
        self.client.update_run(self.run_id, status="RUNNING")

    def end(self, status: str, at: int) -> None:
        """Show the run as over.

        Args:
            status: FINISHED, KILLED or FAILED.
            at: the end in milliseconds since 1970.
        """
        self.client.set_terminated(self.run_id, status, at)


def _fitting(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags that MLflow takes; only the description may be longer than the rest."""
    limits = {"mlflow.note.content": 8000}
    return {key: clean(value)[: limits.get(key, MAX_TAG)] for key, value in tags.items()}
