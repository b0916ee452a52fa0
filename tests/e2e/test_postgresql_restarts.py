"""A PostgreSQL that starts and restarts while searches share a study in it."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import psycopg
import pytest

from apo.cli import main
from apo.environment import prepare_environment
from apo.optimizers.parts.joint_storage import open_database
from experiments.benchmarks.faults.forked import Forked
from tests.e2e.test_postgresql import binary, free_port, needs_postgresql, owner

pytestmark = [
    needs_postgresql,
    pytest.mark.slow,
    # MLflow's own models use a loading strategy that SQLAlchemy 2.1 calls outdated.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL that can be stopped and started."""

    data: Path
    port: int

    def control(self, *arguments: str) -> None:
        """Start, stop or restart it, and wait until that is done."""
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
        command = [
            str(binary("pg_ctl")),
            "-D",
            str(self.data),
            "-w",
            "-o",
            settings + "-c fsync=off",
        ]
        log = str(self.data.parent / "log")
        subprocess.run(
            [*command, "-l", log, *arguments], user=owner(), cwd="/", check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def uri(self, database: str) -> str:
        """The address of a database, which asks for no password."""
        return f"postgresql+psycopg://apo@127.0.0.1:{self.port}/{database}"

    def ask(self, query: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Give the rows of a query; [] for what gives none."""
        address = f"host=127.0.0.1 port={self.port} user=apo dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            found = connection.execute(query.encode())
            return found.fetchall() if found.description else []


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="apo-postgresql-") as place:
        if user := owner():
            shutil.chown(place, user)
        made = Cluster(Path(place, "data"), free_port())
        subprocess.run(
            [str(binary("initdb")), "-D", str(made.data), "-U", "apo", "-A", "trust", "-N"],
            user=user, cwd="/", check=True, capture_output=True,
        )  # fmt: skip
        made.control("start")
        try:
            yield made
        finally:
            made.control("stop", "-m", "immediate")


def opened(url: str) -> int:
    """Open a database for a study in a process of its own; gives the number of its tables."""
    database = open_database(url)
    database.remove_session()
    database.engine.dispose()
    return 1


def test_processes_that_begin_at_once_make_the_tables_once(cluster: Cluster) -> None:
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        for name in ("first", "second", "third"):
            cluster.ask(f"CREATE DATABASE {name}")
            assert list(pool.map(opened, [cluster.uri(name)] * 4)) == [1] * 4
            assert len(cluster.ask("SELECT * FROM version_info", name)) == 1


def test_searches_go_on_when_it_restarts(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in os.environ if n.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    prepare_environment()
    for name in ("mlflow", "optuna"):
        cluster.ask(f"CREATE DATABASE {name}")
    settings = {
        "storage": cluster.uri("optuna"), "study_name": "tickets", "n_trials": 25,
        "trial_size": 10, "n_instructions": 2, "n_demo_sets": 2,
    }  # fmt: skip
    flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    flags += ["--max-calls", "1000", "--tracking-uri", cluster.uri("mlflow"), "--json"]
    searches: list[Forked] = []
    for seed in ("0", "1"):
        (tmp_path / seed).mkdir()
        command = ["optimize", "support-tickets", "-o", "joint", *flags, "--seed", seed]
        searches.append(Forked(main, command, tmp_path / seed, dict(os.environ)))
    for how in ("fast", "immediate", "fast"):
        told, until = trials(cluster), time.monotonic() + 60
        while trials(cluster) < min(told + 3, 40) and time.monotonic() < until:
            cluster.ask("SELECT pg_sleep(0.05)")  # Each question starts a process of the server.
        cluster.control("stop", "-m", how)
        cluster.control("start")
    for search in searches:
        out, err = search.communicate(timeout=240)
        assert search.returncode == 0, err
        document = json.loads(out)
        assert document["mlflow"]["complete"], document["mlflow"]["problem"]
    rows = cluster.ask("SELECT value_json FROM trial_user_attributes WHERE key = 'name'", "optuna")
    assert len({str(row) for row in rows}) == 1 + 2 * 25


def trials(cluster: Cluster) -> int:
    """How many trials are complete."""
    try:
        query = "SELECT COUNT(*) FROM trials WHERE state = 'COMPLETE'"
        return int(str(cluster.ask(query, "optuna")[0][0]))
    except psycopg.Error:  # The tables are not there yet.
        return 0
