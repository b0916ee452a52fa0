"""Cells on Ray (`apo[ray]`): a local one, or a cluster of machines."""

import io
import logging
import os
import re
import signal
import sys
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import chdir, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from apo.compare.cell import CellOutcome, run_cell
from apo.compare.flag import Flag
from apo.compare.grid import Cell
from apo.compare.ray_cluster import KEPT, START, Pulse, check_cluster
from apo.compare.ray_home import Home, run_away
from apo.concurrency import n_cpus
from apo.errors import RunError, SettingsError

LOCAL = "local"
STORE_BYTES = 80_000_000  # Near the least that Ray takes; only cells and their outcomes go there.


@contextmanager
def ray_workers(
    address: str, root: Path, flag: Flag, n_cells: int, jobs: int | None
) -> Generator["RayWorkers"]:
    """Start a Ray, or connect to one; see `apo.compare.workers.Opener`.

    Args:
        address: HOST:PORT, or "auto" for the one that runs on this machine; "" for the one that
            RAY_ADDRESS names, and a new one for this comparison when it names none.
        root: the comparison's folder.
        flag: when it goes down cells stop.
        n_cells: how many there are to run.
        jobs: how many at once; None for one a CPU of the cluster.

    Raises:
        SettingsError: Ray is not installed, or the address is none.
        RunError: no Ray answers there, or its workers cannot run apo.
    """
    address = address or os.environ.get("RAY_ADDRESS") or LOCAL
    ray = _import_ray()
    if address == LOCAL:
        n_local = min(jobs or n_cpus(), n_cells)
        _init(ray, address, num_cpus=n_local, object_store_memory=STORE_BYTES)
    else:
        check_cluster(address)
        _init(ray, address)
    try:
        cpus = float(ray.cluster_resources().get("CPU", 0))
        # More jobs than CPUs: cells mostly wait for answers. Each takes a part of a CPU then.
        share = min(1.0, cpus / jobs) if jobs and cpus else 1.0
        with redirect_stdout(_Notes()):
            home = None if address == LOCAL else _home(ray, root, flag)
            pulse = Pulse(ray, address, home and home.is_up.remote())
            try:
                yield RayWorkers(ray, root, flag, home, jobs or n_cells, share, pulse)
            finally:
                pulse.end()
    except ray.exceptions.LocalRayletDiedError as error:
        raise RunError(
            f"Ray's own process on this machine (the raylet) died while cells were under way on "
            f"the Ray at {address}; see what ended it, such as want of memory. {KEPT}"
        ) from error
    except ray.exceptions.RayError as error:
        said = "".join(str(error).strip().splitlines()[-1:]).rstrip(".")
        raise RunError(
            f"A Ray worker could not run a cell: {type(error).__name__}: {said}. All "
            "machines of the cluster need the same environment: Python, apo and its extras."
        ) from error
    finally:
        ray.shutdown()


class RayWorkers:
    """See `apo.compare.workers.Workers`.

    Args:
        ray: the module.
        root: the comparison's folder.
        flag: when it goes down cells stop.
        home: where machines that do not share the folder send what they write; None on one machine.
        jobs: how many cells are given to Ray at once.
        cpus: how many CPUs a cell takes, by Ray's count.
        pulse: says whether the cluster lives.
    """

    def __init__(
        self, ray: Any, root: Path, flag: Flag, home: Any, jobs: int, cpus: float, pulse: Pulse
    ) -> None:
        self.jobs, self.die_together = jobs, False
        self.check = pulse.check
        self._ray, self._refs = ray, dict[Future[CellOutcome], Any]()
        self._given = root.absolute(), flag, Path.cwd(), home
        # Another try is ours to give: Ray's would not count how often a cell was under way.
        self._task = ray.remote(max_retries=0, num_cpus=cpus, scheduling_strategy="SPREAD")(
            run_there
        )
        errors = ray.exceptions
        self.deaths: tuple[type[Exception], ...] = (
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.OutOfMemoryError,
            errors.ObjectLostError,
            errors.TaskCancelledError,
        )

    def submit(self, cell: Cell) -> Future[CellOutcome]:
        """See `Workers.submit`."""
        ref = self._task.remote(cell, *self._given)
        future: Future[CellOutcome] = ref.future()
        self._refs[future] = ref
        future.add_done_callback(self._refs.pop)
        return future

    def kill(self) -> None:
        """See `Workers.kill`."""
        for ref in list(self._refs.values()):
            self._ray.cancel(ref, force=True)


def run_there(cell: Cell, root: Path, flag: Flag, folder: Path, home: Any) -> CellOutcome:
    """Run a cell on a worker of Ray, in the folder where the command was given."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        os.chdir(folder)
    except OSError as error:
        return CellOutcome("failed", f"On {os.uname().nodename}, {folder}: {error.strerror}.")
    if home is None or flag.is_up():
        return run_cell(cell, root, flag)
    return run_away(cell, home)


def _home(ray: Any, root: Path, flag: Flag) -> Any:
    """Keep the folder open, on this machine, for those that do not share it."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor = ray.remote(num_cpus=0, scheduling_strategy=here)(Home)
    return actor.remote(root.absolute(), flag)


class _Notes(io.TextIOBase):
    """Takes what Ray prints of dying workers to standard error, without colours and its logs."""

    def write(self, text: str) -> int:
        return sys.stderr.write(re.sub(r"\x1b\[\d*m|\n {4}.*|^ {4}.*", "", text))


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise SettingsError(f"--on ray needs Ray ({error}): pip install 'apo[ray]'") from error
    return ray


def _init(ray: Any, address: str, **more: Any) -> None:
    try:
        with chdir(sys.prefix):  # Ray lets its workers import from where it was started.
            ray.init(
                address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=False,
                **more,
            )
    except Exception as error:  # Ray raises this itself, too.
        said = " ".join(str(error).split())
        raise RunError(f"Ray cannot be used at {address}: {said} {START}") from error
