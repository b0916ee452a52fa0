"""An experiment that an MLflow server made: its database is refused at the start, with the way."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from apo import SettingsError
from apo.errors import RunError
from apo.tracking.connection import connect
from apo.tracking.served import ADDRESS, check_place

SERVER = "http://mlflow.example.com:5000"


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory, with_tables: Callable[[Path], str]) -> str:
    """A database with two experiments of a server, one of which says where it is, and ours."""
    uri = with_tables(tmp_path_factory.mktemp("served"))
    connect(uri, "ours")
    client = MlflowClient(tracking_uri=uri)
    for name in ("team", "팀"):
        made = client.create_experiment(name, artifact_location=f"mlflow-artifacts:/{name}")
        if name == "team":
            client.set_experiment_tag(made, ADDRESS, SERVER)
    return uri


@pytest.mark.parametrize(("experiment", "address"), [("team", SERVER), ("팀", "http://HOST:PORT")])
def test_it_is_told_before_anything_is_paid(uri: str, experiment: str, address: str) -> None:
    with pytest.raises(SettingsError) as raised:
        check_place(uri, experiment)
    assert str(raised.value).startswith(f"The experiment {experiment!r} in sqlite:///")
    assert f"--tracking-uri {address} or MLFLOW_TRACKING_URI" in str(raised.value)


@pytest.mark.parametrize("experiment", ["team", "팀"])
def test_sync_is_told_as_well(uri: str, experiment: str) -> None:
    with pytest.raises(RunError, match="was made by an MLflow server"):
        connect(uri, experiment)


@pytest.mark.parametrize(
    ("place", "experiment"),
    [
        ("", "ours"),
        ("", "none yet"),
        ("sqlite:///none.db", "team"),
        ("postgresql+psycopg://apo@127.0.0.1:1/mlflow", "team"),
        ("http://127.0.0.1:1", "team"),
        ("nosuch://here", "team"),
        ("databricks", "team"),
    ],
)
def test_nothing_is_said_of_other_places(
    place: str, experiment: str, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_place(place or uri, experiment)
    assert not (tmp_path / "none.db").exists()
