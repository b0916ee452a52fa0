"""Where files of runs go: an mlflow.db of others is asked about before anything is sent."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from apo.cli import app
from apo.errors import RunError, SettingsError, TrustError
from apo.tracking import connection
from apo.tracking.connection import connect
from apo.tracking.environment import tracking_uri
from apo.tracking.places import place_wishes, require_place


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("APO_TRUST")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory: pytest.TempPathFactory, with_tables: Callable[[Path], str]) -> Path:
    """A database of MLflow's with an experiment and a run of it."""
    folder = tmp_path_factory.mktemp("made")
    client, experiment = connect(with_tables(folder), "apo/t")
    client.create_run(experiment, run_name="apo/t")
    return folder / "mlflow.db"


@pytest.fixture(name="database")
def _database(made: Path) -> Callable[..., Path]:
    def database(place: str, run: str | None = None) -> Path:
        path = Path.cwd() / "mlflow.db"
        with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect(path)) as db, db:
            source.backup(db)
            db.execute("UPDATE experiments SET artifact_location = ?", (place,))
            new = "UPDATE runs SET artifact_uri = coalesce(?, ? || '/' || run_uuid || '/artifacts')"
            db.execute(new, (run, place))
        return path

    return database


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:9/up",
        "file:///outside",
        "/outside",
        "s3://bucket/x",
        "file:mlruns/../../outside",
        "file:///%2e%2e/outside",
        "mlruns/link",
    ],
)
def test_files_that_would_go_elsewhere_are_asked_about(
    place: str, database: Callable[..., Path]
) -> None:
    Path("mlruns").mkdir()
    Path("mlruns/link").symlink_to("/")
    path = database(place)
    with pytest.raises(TrustError) as asked:
        connect(tracking_uri(), "apo/t")  # Nothing is made there, which the tables would show.
    assert asked.value.subject == str(path)
    assert asked.value.wishes == (f"write to MLflow's artifacts at {place}",)
    done = CliRunner().invoke(app, ["trust", "mlflow.db"])
    assert f"- write to MLflow's artifacts at {place}" in done.output
    require_place(tracking_uri(), "apo/t")


@pytest.mark.parametrize("place", ["", "mlruns/1", "file:mlruns/1"])
def test_files_beside_the_database_are_not(place: str, database: Callable[..., Path]) -> None:
    beside = place or Path("mlruns/1").absolute().as_uri()
    assert not place_wishes(database(beside), "apo/t")
    require_place(tracking_uri(), "apo/t")


def test_a_run_that_keeps_its_files_elsewhere_is_asked_about(database: Callable[..., Path]) -> None:
    database("mlruns/1", run="http://127.0.0.1:9/up/a/artifacts")
    with pytest.raises(TrustError, match=r"artifacts at http://127.0.0.1:9/up/a/artifacts"):
        require_place(tracking_uri(), "apo/t")
    require_place(tracking_uri(), "another")


@pytest.mark.parametrize("name", ["mlflow.db", "mlflow.db-journal"])
def test_a_database_that_is_a_link_is_asked_about(name: str, tmp_path: Path) -> None:
    Path(name).symlink_to(tmp_path / "outside")
    with pytest.raises(TrustError, match=r"write to MLflow at sqlite:////.*/outside"):
        connect(tracking_uri(), "apo/t")
    assert not (tmp_path / "outside").exists()


def test_a_database_that_cannot_be_looked_into_is_asked_about() -> None:
    with closing(sqlite3.connect("mlflow.db")) as db:
        db.execute("CREATE TABLE experiments (name)")
    with pytest.raises(TrustError, match="which cannot be looked into"):
        require_place(tracking_uri(), "apo/t")


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_database_that_another_program_holds_is_no_question_of_trust(
    journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
    with closing(sqlite3.connect("mlflow.db")) as db:
        db.execute("CREATE TABLE experiments (name)")
        db.execute(f"PRAGMA journal_mode = {journal}")
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RunError, match=r"Another program holds .*mlflow\.db"):
            require_place(tracking_uri(), "apo/t")


def test_a_folder_of_files_that_is_a_link_is_asked_about() -> None:
    Path("mlruns").symlink_to("/")
    with pytest.raises(TrustError, match=r"artifacts at .*/here/mlruns/apo-t-"):
        require_place(tracking_uri(), "apo/t")


def test_a_folder_that_no_address_can_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "what?x=1&y"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(SettingsError, match="ends at its first question mark"):
        require_place(tracking_uri(), "apo/t")
    require_place("http://127.0.0.1:9", "apo/t")


def test_what_the_user_named_is_not(
    database: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = database("s3://bucket/x")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    require_place(tracking_uri(), "apo/t")
    require_place("http://127.0.0.1:9", "apo/t")


class Dying:
    """An MLflow that is killed while it makes its tables, or while another run makes them, too."""

    sooner: ClassVar[Path | None] = None

    def __init__(self, tracking_uri: str) -> None:
        self.file = tracking_uri.removeprefix("sqlite:///")

    def search_experiments(self, max_results: int) -> None:
        with closing(sqlite3.connect(self.file)) as db:
            db.execute("CREATE TABLE experiments (name)")
        if self.sooner is None:
            raise KeyboardInterrupt
        self.sooner.write_bytes(b"theirs")

    def get_experiment_by_name(self, name: str) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("theirs", [[], [b"theirs"]])
def test_a_database_is_there_whole_or_not_at_all(
    theirs: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("new/mlflow.db")
    monkeypatch.setattr(Dying, "sooner", path if theirs else None)
    monkeypatch.setattr(connection, "MlflowClient", Dying)
    with pytest.raises(KeyboardInterrupt):
        connect(f"sqlite:///{path}", "apo/t")
    assert [file.read_bytes() for file in path.parent.iterdir()] == theirs
