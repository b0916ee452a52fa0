"""Where the files of runs go: the mlflow.db of a folder of others may name any place."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from apo.errors import RunError, SettingsError
from apo.files import require_tables
from apo.tracking.environment import VARIABLE, database_path, public_uri, safe_name
from apo.tracking.served import SCHEME
from apo.trust import Wish, logging_wish, require

_QUERY = """
SELECT artifact_location FROM experiments WHERE name = :name
UNION SELECT runs.artifact_uri FROM runs JOIN experiments AS e USING (experiment_id)
WHERE e.name = :name
AND runs.artifact_uri IS NOT e.artifact_location || '/' || runs.run_uuid || '/artifacts'
"""
"""The places of an experiment's files, and of those of its runs that lie elsewhere."""
_OWN = re.compile(r"CREATE (TRIGGER \w+\s+BEFORE UPDATE ON secrets|TABLE \"?spans\"?)\s")
"""What MLflow itself has computed, in tables that no run is logged to."""


def default_place(database: Path, experiment: str) -> Path:
    """Where the files of an experiment go that apo makes: beside the database."""
    return database.parent / "mlruns" / safe_name(experiment)


def require_place(uri: str, experiment: str) -> None:
    """Make sure that the user allows where files go, unless he named the tracking URI himself.

    The mlflow.db of the working directory is taken unasked, and may be of others.

    Args:
        uri: the tracking URI.
        experiment: name of the experiment.

    Raises:
        TrustError: the database, or a place that it names, lies elsewhere, and is not allowed.
        SettingsError: the working directory's name cannot stand in a URI.
    """
    path = database_path(uri)
    named = os.environ.get(VARIABLE, "")
    default = Path.cwd() / "mlflow.db"
    if "?" in str(default) and uri == f"sqlite:///{default}":
        raise SettingsError(
            f"MLflow cannot keep runs in {default.parent}: the address of a database ends at its "
            "first question mark. Rename the folder, set MLFLOW_TRACKING_URI, or give --no-track."
        )
    if path is not None and path == default and database_path(named) != path:
        require(path, place_wishes(path, experiment))


def place_wishes(path: Path, experiment: str) -> list[Wish]:
    """What logging to an SQLite database wants beyond the folder that it lies in.

    Args:
        path: of the database.
        experiment: name of the experiment.

    Raises:
        RunError: another program holds it.
    """
    found: list[Wish] = []
    for beside in ("", "-wal", "-shm", "-journal"):
        file = path.with_name(path.name + beside)
        if file.is_symlink():
            found.append(logging_wish(f"sqlite:///{os.path.realpath(file)}"))
    if found:
        return found  # It is not looked into, either.
    try:
        places = [str(place) for place in _read(path, _QUERY, experiment) if place is not None]
    except sqlite3.Error as error:  # It must not be taken for one that names no place.
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise RunError(
                f"Another program holds {path}, and did not let go of it. Try again when it is "
                "done, or give another --tracking-uri, or --no-track."
            ) from error
        return [Wish(f"write to {path}, which cannot be looked into ({error})")]
    places = places or [str(default_place(path, experiment))]
    return [
        Wish(f"write to MLflow's artifacts at {public_uri(place)}")
        for place in sorted(places)
        if not place.startswith(SCHEME) and not _is_inside(place, path.parent)
    ]


def experiments(path: Path) -> Iterator[str]:
    """Names of the experiments of a database, for `apo trust`."""
    names: list[object] = []
    if not path.is_symlink():
        with suppress(sqlite3.Error):
            names = _read(path, "SELECT name FROM experiments ORDER BY name")
    yield from (str(name) for name in names or [""])


def _read(path: Path, query: str, name: str = "") -> list[object]:
    """The first column; nothing where there is no file, or one without tables, as a new one."""
    if not path.is_file():
        return []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        require_tables(database, besides=_OWN)
        if database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
            return []
        return [row[0] for row in database.execute(query, {"name": name})]


def _is_inside(place: str, folder: Path) -> bool:
    """Whether a path or a URI of a file leads into a folder, links followed."""
    parts = urlsplit(place)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return False
    path = url2pathname(parts.path) if parts.scheme else place
    try:
        return (folder / path).resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # No path, or links in a circle.
        return False
