"""What is set in the environment before MLflow, or what may bring it, is imported."""

import os

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # Nothing calls home.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # The download also hangs `mlflow ui` when offline.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout belongs to apo's own output.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",  # Seconds; MLflow's own default is 120,
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # with 7 retries: minutes, when a server is away.
    "PGCONNECT_TIMEOUT": "20",  # Seconds; PostgreSQL's own default is as long as the system waits.
}


def prepare_environment() -> None:
    """Set variables of MLflow and its database where the user has not; call before its import."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
