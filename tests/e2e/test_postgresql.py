"""The set-up of docs/postgresql.md: MLflow and Optuna on one PostgreSQL, two searches at once."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apo.cli import main
from apo.environment import prepare_environment
from apo.storage.folder import RunFolder
from apo.tracking import sync
from experiments.benchmarks.faults.forked import Forked

PASSWORD = "hush-hush-4711"
STUDY = "tickets"
ROOT = os.geteuid() == 0


def binary(name: str) -> str | None:
    """One of PostgreSQL's programs; Debian keeps them out of the path."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ["PATH"]]))


def owner() -> str | None:
    """Who runs PostgreSQL, which refuses root; None for whoever runs the tests."""
    try:
        return pwd.getpwnam("postgres").pw_name if ROOT else None
    except KeyError:
        return ""


needs_postgresql = pytest.mark.skipif(
    not (binary("initdb") and binary("postgres")) or owner() == "",
    reason="needs PostgreSQL's initdb and postgres, and for root a user named postgres",
)
pytestmark = [
    needs_postgresql,
    # MLflow's own models use a loading strategy that SQLAlchemy 2.1 calls outdated.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL of this test alone."""

    port: int

    def uri(self, database: str, password: str = "") -> str:
        user = f"apo:{password}" if password else "apo"
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def started(
    command: list[str], mark: str, environment: Mapping[str, str], user: str | None = None
) -> Generator[None]:
    """Run a server from the line in which it says that it is ready."""
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        user=user,
        cwd="/",
    ) as process:
        assert process.stderr is not None
        try:
            lines = iter(process.stderr.readline, "")
            assert any(mark in line for line in lines), f"{command[0]} does not come up."
            rest = threading.Thread(target=process.stderr.read)  # Keeps the pipe empty.
            rest.start()
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
        rest.join()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    import psycopg

    user, port = owner(), free_port()
    initdb, postgres = binary("initdb"), binary("postgres")
    assert initdb is not None
    assert postgres is not None
    with tempfile.TemporaryDirectory(prefix="apo-postgresql-") as place:
        secret, data = Path(place, "password"), Path(place, "data")
        secret.write_text(PASSWORD)
        if user:  # Below pytest's own folder only root could read.
            for path in (place, secret):
                shutil.chown(path, user)
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        given = ["-U", "apo", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "-N"]
        made = subprocess.run(
            [initdb, "-D", str(data), *given],
            env=environment, user=user, capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
        }
        chosen = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [postgres, "-D", str(data), *chosen]
        with started(command, "ready to accept connections", environment, user):
            address = f"host=127.0.0.1 port={port} user=apo password={PASSWORD} dbname=postgres"
            with psycopg.connect(address, autocommit=True) as connection:
                for name in ("mlflow", "optuna"):
                    connection.execute(f"CREATE DATABASE {name}".encode())
            yield Cluster(port)


@pytest.fixture
def environment(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of a process that reaches the databases without any password in an address."""
    for name in list(os.environ):
        if name.startswith("MLFLOW_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    prepare_environment()
    return dict(os.environ)


def apo(folder: Path, environment: Mapping[str, str], *flags: str) -> Forked:
    folder.mkdir(exist_ok=True)
    return Forked(main, ["optimize", "support-tickets", "--json", *flags], folder, environment)


def finished(process: Forked) -> dict[str, Any]:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert PASSWORD not in out + err
    document: dict[str, Any] = json.loads(out)
    return document


def holding(folder: Path, secret: str) -> list[str]:
    """The files below a folder that hold a text."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if secret.encode() in path.read_bytes()]


def joint(cluster: Cluster, *, seed: int) -> list[str]:
    settings = {
        "storage": cluster.uri("optuna"), "study_name": STUDY, "n_trials": 6, "trial_size": 10,
        "n_instructions": 2, "n_demo_sets": 2,
    }  # fmt: skip
    given = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    return ["-o", "joint", *given, "--max-calls", "600", "--seed", str(seed)]


def test_two_searches_share_a_study_and_a_server(
    cluster: Cluster, environment: dict[str, str], tmp_path: Path
) -> None:
    import optuna
    from mlflow import MlflowClient

    server = f"http://127.0.0.1:{free_port()}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", cluster.uri("mlflow"),
        "--artifacts-destination", str(tmp_path / "artifacts"), "--port", server.rpartition(":")[2],
        "--workers", "1",
    ]  # fmt: skip
    quiet = {**environment, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with started(command, "Uvicorn running", quiet):
        flags = ["--tracking-uri", server, "--experiment", "team"]
        searches = [
            apo(tmp_path / f"search {n}", environment, *joint(cluster, seed=n), *flags)
            for n in range(2)
        ]
        results = [finished(search) for search in searches]
        client: Any = MlflowClient(tracking_uri=server)
        for result in results:
            assert result["mlflow"]["complete"], result["mlflow"]["problem"]
            run = client.get_run(result["mlflow"]["run_id"])
            assert run.data.params["optimizer.storage"] == cluster.uri("optuna")
            assert "candidates.json" in {f.path for f in client.list_artifacts(run.info.run_id)}
    assert holding(tmp_path, PASSWORD) == []
    storage = optuna.storages.RDBStorage(cluster.uri("optuna"))
    trials = optuna.load_study(study_name=STUDY, storage=storage).get_trials()
    storage.remove_session()
    storage.engine.dispose()
    names = {trial.user_attrs["name"] for trial in trials if "name" in trial.user_attrs}
    assert names == {"seed", *(f"{r['run_id']}:{n}" for r in results for n in range(6))}
    spaces = {json.dumps(t.distributions, default=repr, sort_keys=True) for t in trials if t.params}
    assert len(spaces) == 1  # One search space for both.


def test_a_password_in_the_address_stays_there(
    cluster: Cluster, environment: dict[str, str], tmp_path: Path
) -> None:
    del environment["PGPASSWORD"]
    environment["MLFLOW_TRACKING_URI"] = cluster.uri("mlflow", PASSWORD)
    flags = ["-o", "random-search", "--max-calls", "200"]
    result = finished(apo(tmp_path / "direct", environment, *flags))
    assert result["mlflow"]["complete"], result["mlflow"]
    assert result["mlflow"]["tracking_uri"] == cluster.uri("mlflow")
    assert holding(tmp_path, PASSWORD) == []


def test_a_wrong_password_is_told_of_and_not_told(
    cluster: Cluster, environment: dict[str, str], tmp_path: Path
) -> None:
    flags = ["-o", "random-search", "--max-calls", "200", "--no-track"]
    finished(apo(tmp_path / "there", environment, *flags))
    (folder,) = (tmp_path / "there/.apo/runs").iterdir()
    wrong = "wrong-and/secret"
    tracked = sync(RunFolder(folder), uri=cluster.uri("mlflow", wrong))
    assert not tracked.complete
    assert "password authentication failed" in tracked.problem
    assert wrong not in json.dumps(tracked.to_dict())
    assert holding(tmp_path, wrong) == []
    # With the password from the environment, what was missing is made up for.
    assert sync(RunFolder(folder), uri=cluster.uri("mlflow")).complete
