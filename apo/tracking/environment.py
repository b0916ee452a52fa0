"""Where MLflow is, how to name things in it, and how to open its pages."""

import hashlib
import os
import re
import sys
import unicodedata
from pathlib import Path
from urllib.parse import urlsplit

from apo.environment import ENVIRONMENT
from apo.errors import SettingsError

VARIABLE = "MLFLOW_TRACKING_URI"


def tracking_uri(otherwise: str = "") -> str:
    """Where runs are logged: MLFLOW_TRACKING_URI, or mlflow.db in the working directory.

    Args:
        otherwise: what takes the place of mlflow.db, when not empty.
    """
    default = otherwise or f"sqlite:///{Path.cwd() / 'mlflow.db'}"
    return os.environ.get(VARIABLE, "") or default


def absolute_uri(uri: str) -> str:
    """The same URI, good in every working directory."""
    path = database_path(uri)
    if path is None:
        return uri
    scheme, query = uri.partition("///")[0], uri.partition("?")[2]
    return f"{scheme}///{path}{'?' if query else ''}{query}"


def database_path(uri: str) -> Path | None:
    """The file of an SQLite tracking URI; None for any other URI."""
    scheme, _, path = uri.partition("///")
    if not re.fullmatch(r"sqlite(\+\w+)?:", scheme) or path in ("", ":memory:"):
        return None
    return Path(path.partition("?")[0]).absolute()


def public_uri(uri: str) -> str:
    """The URI without its password, fit to be shown and written down; any text with URIs in it.

    Of a web address the user goes too, since it may be a token. A database's user stays: with it
    and PGPASSWORD or ~/.pgpass the URI is still of use.
    """
    text = re.sub(r"(https?://)[^/\s]*@", r"\1", uri, flags=re.IGNORECASE)
    # A database's password may hold slashes.
    text = re.sub(r"(?<!http:)(?<!https:)(//[^/\s:@]*):[^\s@]*@", r"\1@", text)
    return re.sub(r"(?<=[?&])\w*(?:password|passwd|pwd|token|secret)=[^&\s#\"']*&?", "", text)


def with_password(uri: str) -> str:
    """A URI that was written down, with the password that MLFLOW_TRACKING_URI has for it."""
    given = os.environ.get(VARIABLE, "")
    return given if given and public_uri(given) == uri else uri


def safe_name(name: str) -> str:
    """Turn a name into one of letters, digits, `-`, `_` and `.`, as the prompt registry wants it.

    What is lost on the way (as all of a Korean name is) is made up for by a hash, so that two
    names never become one.
    """
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    kept = re.sub(r"[^A-Za-z0-9_.-]+", "-", ascii_only).strip("-.")[:100]
    if kept == name != "":
        return name
    return f"{kept}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}".lstrip("-")


def run_url(base: str, experiment_id: str, run_id: str | None = None) -> str:
    """Address of a page that reads well.

    Args:
        base: address of the MLflow server, such as http://127.0.0.1:5000.
        experiment_id: the experiment, whose page shows runs with their candidates below them.
        run_id: opens this run's own page instead.
    """
    page = "evaluation-runs" if run_id is None else f"runs/{run_id}"
    return f"{public_uri(base).rstrip('/')}/#/experiments/{experiment_id}/{page}"


def is_server(uri: str) -> bool:
    """Whether an MLflow server answers at the URI, so that its pages can be opened there."""
    return urlsplit(uri).scheme in ("http", "https")


def ui_command(
    uri: str, port: int = 5000, host: str = "127.0.0.1"
) -> tuple[list[str], dict[str, str]]:
    """The command that serves MLflow's pages for a tracking URI, and its environment.

    Args:
        uri: a tracking URI that is a database.
        port: port to listen on.
        host: address to listen on.

    Raises:
        SettingsError: the URI is a server, whose pages are there already, or its database is
            not there.
    """
    if is_server(uri):
        raise SettingsError(f"MLflow runs at {public_uri(uri)}; open that address in a browser.")
    path = database_path(uri)
    if path is not None and not path.exists():
        raise SettingsError(f"There is no {path}; nothing has been logged there yet.")
    command = [sys.executable, "-P", "-m", "mlflow", "ui"]
    # One worker starts in a fraction of the time and memory of four, and serves one reader well.
    command += ["--host", host, "--port", str(port), "--workers", "1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    # MLflow's only cleans up after its assistant's sandbox, and prints a traceback at Ctrl-C.
    quiet["UVICORN_LIFESPAN"] = "off"
    # Nothing of the working directory is imported, neither by MLflow nor by its server.
    own = {"PYTHONSAFEPATH": "1", "UVICORN_APP_DIR": str(Path(os.__file__).parent)}
    # Not as an argument, which `ps` shows: it may hold a password.
    return command, {**ENVIRONMENT, **quiet, **os.environ, **own, "MLFLOW_BACKEND_STORE_URI": uri}
