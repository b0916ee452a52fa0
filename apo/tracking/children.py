"""The runs of a run's candidates in MLflow: each is there once, and the best one first."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run

from apo.storage.candidate import Candidate
from apo.tracking.connection import find_runs, hide_runs
from apo.tracking.files import MARK, clean, fitting
from apo.tracking.told import shown

PARENT = "mlflow.parentRunId"
MAX_VALUE = 500
SPAN = 60_000  # Milliseconds before the run's start in which its candidates' runs start.
STEP = 16  # Milliseconds between equals, which leaves room for further ones.


class Child(NamedTuple):
    """A candidate's run: its id, its name, and its start in milliseconds since 1970."""

    run_id: str
    name: str
    start: int


class Children:
    """The candidates' runs below one run.

    Args:
        client: of the store.
        experiment_id: the experiment.
        parent: the run.
        connections: requests at once.
    """

    def __init__(
        self, client: MlflowClient, experiment_id: str, parent: Run, connections: int
    ) -> None:
        self._client, self._experiment = client, experiment_id
        self._parent, self._start = parent.info.run_id, parent.info.start_time
        self._connections = connections
        self._runs: dict[str, Child] = {}
        self._starts: dict[str, int] = {}

    def find(self) -> set[str]:
        """Ask for candidates that have their run; half-made ones are deleted, and so made again."""
        found: dict[str, Child] = {}
        condition = f"tags.`{PARENT}` = '{self._parent}'"
        for run in find_runs(self._client, self._experiment, condition):
            candidate = run.data.tags.get("apo.candidate", "")
            if candidate in found or run.info.status != "FINISHED":
                hide_runs(self._client, [run])
            else:
                info = run.info
                found[candidate] = Child(info.run_id, info.run_name or "", info.start_time)
        self._runs = found
        self._starts |= {candidate: child.start for candidate, child in found.items()}
        return set(found)

    def log(self, candidates: Sequence[Candidate]) -> None:
        """Make a run for each candidate that has none.

        MLflow's pages show the latest start first, and let no start be changed. So a run's start
        stands for its candidate's score, and is between those of the next better and the next
        worse one; later candidates find their place among earlier ones.

        Args:
            candidates: the best first.
        """
        self._place(candidates)
        new = [candidate for candidate in candidates if candidate.id not in self._runs]
        pool = ThreadPoolExecutor(self._connections)
        try:
            for _ in pool.map(self._log, new):
                pass
        finally:  # Once one has failed, the others need not be tried.
            pool.shutdown(cancel_futures=True)

    def _place(self, candidates: Sequence[Candidate]) -> None:
        """Give a start to each candidate that has none."""
        for i, candidate in enumerate(candidates):
            if candidate.id in self._starts:
                continue
            above = self._starts[candidates[i - 1].id] if i else self._start
            worse = (self._starts[c.id] for c in candidates[i + 1 :] if c.id in self._starts)
            below = next(worse, above - 2 * SPAN)
            start = self._start - SPAN + round(SPAN * (candidate.whole or {})["at_least"])
            middle = (below + above) // 2
            if start >= above:  # It is as good as the next better one, or breaks what must pass.
                start = max(above - STEP, middle)
            elif start <= below:
                start = min(below + STEP, middle)
            self._starts[candidate.id] = start

    def _log(self, candidate: Candidate) -> None:
        """Make a candidate's own run.

        MLflow's table of runs shows three letters of its name; so the number that the name begins
        with is a column of the table, too. Charts and the run's own page show all of it.
        """
        tags = {
            PARENT: self._parent,
            "apo.candidate": candidate.id,
            "instruction": candidate.prompt.instructions,
            "mlflow.note.content": shown(candidate.prompt),
        }
        name = clean(f"{candidate.ordinal} {candidate.operator} {candidate.id}")[:200]
        now = self._starts[candidate.id]
        run = self._client.create_run(self._experiment, now, fitting(tags), run_name=name)
        metrics = [Metric(p.key, p.value, now, p.step) for p in candidate.validation(0)]
        params = {"operator": candidate.operator, "parents": ", ".join(candidate.parents)}
        given = [Param(key, clean(value)[:MAX_VALUE]) for key, value in params.items() if value]
        self._client.log_batch(run.info.run_id, metrics=metrics, params=given, synchronous=True)
        self._client.set_terminated(run.info.run_id, "FINISHED", now)
        self._runs[candidate.id] = Child(run.info.run_id, name, now)

    def mark(self, best: str) -> None:
        """Put a star before the name of the best candidate's run, and before no other's."""
        for candidate, child in self._runs.items():
            name = child.name.removeprefix(MARK)
            name = f"{MARK}{name}" if candidate == best else name
            if name != child.name:
                self._client.update_run(child.run_id, name=name)
                self._runs[candidate] = child._replace(name=name)
