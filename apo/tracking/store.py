"""What MLflow has of a run, and adding what it lacks."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from apo.storage.candidate import Point
from apo.tracking.children import MAX_VALUE, Children
from apo.tracking.connection import connect, find_runs, hide_runs
from apo.tracking.environment import database_path
from apo.tracking.files import clean, fitting

MAX_METRICS, MAX_PARAMS = 1000, 100  # In one request, as MLflow limits them.
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
        self.name = ""
        self.tags: dict[str, str] = {}
        self._known: set[Point] = set()
        self._params: set[str] = set()
        self._stamps: dict[Point, int] = {}
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
        found = find_runs(
            self.client, self.experiment_id, f"tags.`apo.run_id` = {quote}{tag}{quote}"
        )
        if found:
            run = found[0]
            hide_runs(self.client, found[1:])
        else:
            tags = {"apo.run_id": tag, **fitting(tags)}
            run = self.client.create_run(self.experiment_id, start, tags, run_name=name)
        self.run_id, self.name = run.info.run_id, run.info.run_name or ""
        self.tags = dict(run.data.tags)
        self._params = set(run.data.params)
        self._known = self._history(run.data.metrics)
        self.children = Children(self.client, self.experiment_id, run, self._connections)
        if found:
            self.children.find()

    def _history(self, keys: Iterable[str]) -> set[Point]:
        return {
            Point(metric.key, metric.step, metric.value)
            for key in keys
            for metric in self.client.get_metric_history(self.run_id, key)
        }

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
        new = [RunTag(key, value) for key, value in fitting(tags).items()]
        self.client.log_batch(self.run_id, tags=new, synchronous=True)

    def log_data(self, name: str, digest: str, profile: str) -> None:
        """Name the data that the run used; a second time adds nothing."""
        data = Dataset(clean(name)[:500], digest[:36], "apo", "{}", profile=profile)
        given = DatasetInput(data, [InputTag("mlflow.data.context", "search")])
        self.client.log_inputs(self.run_id, [given])

    def rename(self, name: str) -> None:
        """Give the run another name, unless people gave it one of their own.

        Args:
            name: ends with the word that every name from apo ends with, the end of the run's id.
        """
        if name != self.name and self.name.endswith(name.rpartition(" ")[2]):
            self.client.update_run(self.run_id, name=name)
            self.name = name

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
        held = self._held(wanted)
        there = set(held)
        found = self.children.find()
        problems = {
            "curve points are missing": len(wanted - there),
            "curve points are there twice": len(held) - len(there),
            "candidates have no run": len(children - found),
            "files are missing or cut": self._missing_files(folder),
        }
        return "; ".join(f"{n} {text}" for text, n in problems.items() if n)

    def _held(self, wanted: set[Point]) -> list[Point]:
        """Points in MLflow of the keys that are wanted: one answer has all keys of one point."""
        n_wanted = Counter(point.key for point in wanted)
        curves = sorted(key for key, n in n_wanted.items() if n > 1)
        latest = self.client.get_run(self.run_id).data.metrics
        single = [p for p in wanted if n_wanted[p.key] == 1 and latest.get(p.key) == p.value]
        return single + [
            Point(metric.key, metric.step, metric.value)
            for key in curves
            for metric in self.client.get_metric_history(self.run_id, key)
        ]

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
