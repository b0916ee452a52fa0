"""Runs in MLflow: the journal is the spool, and logging is a function of the run's folder.

Whatever MLflow is to hold stands in the folder first. A pass reads what is new there, asks MLflow
what it has, and adds the rest; so a run that was killed, resumed or logged while the server was
away ends as one MLflow run, complete and without doubles.

Doors: connection, environment, failures, parameters, places, registered, registry, tracked.
Rests on: concurrency, environment, errors, files, language, model, prompts, prompts.forms,
report, results, storage, taskfile, trust.
"""

from apo.environment import prepare_environment
from apo.tracking.environment import run_url, tracking_uri, ui_command
from apo.tracking.tracked import Tracked
from apo.tracking.tracker import Tracker, sync

__all__ = [
    "Tracked",
    "Tracker",
    "prepare_environment",
    "run_url",
    "sync",
    "tracking_uri",
    "ui_command",
]
