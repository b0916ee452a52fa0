"""From the start of a session to its end: its states, its tracking and what is written down."""

import asyncio
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from apo.calls.ledger import spent_before
from apo.calls.options import Options
from apo.errors import SettingsError, Stopped
from apo.results.judge_trust import judge_details
from apo.results.result import Result
from apo.run.rescoring import note_rescoring
from apo.run.session import Session
from apo.run.wishes import change_budget
from apo.scorers.metrics.registry import metric_name
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal

if TYPE_CHECKING:
    from apo.tracking import Tracker


async def conclude(session: Session) -> Result:
    """Run a session with its tracking, and write down how it ended.

    Raises:
        ApoError: what `aoptimize` raises.
    """
    folder, options = session.folder, session.options
    begun = folder.settings["state"] != "new"
    # First of all: another process may be running it.
    with folder.open_journal(reuse=options.reuse, begun=begun) as journal:
        _require_room(session, journal, folder.settings["budget"])
        change_budget(folder, session.budget)
        note_rescoring(folder, journal, session.task)
        tracker = tracker_of(folder, options) if options.track else None
        if tracker is not None:
            tracker.check()
            tracker.start()
        with running(folder, tracker):
            result = await session.run(journal)
    session.progress.phase = "logging"
    result = replace(result, details=_details(session))
    folder.write("result.json", result.to_dict())
    folder.set_state("finished")
    if tracker is not None:
        result = await finish_tracking(folder, tracker, result)
    session.progress.phase = "done"
    return result


@contextmanager
def running(folder: RunFolder, tracker: "Tracker | None" = None) -> Generator[None]:
    """A run is running within; where an error ends it, its state and its tracking say how."""
    folder.set_state("running")
    try:
        yield
    except BaseException as error:  # Whatever ended it stands in its state.
        stopped = isinstance(error, Stopped | asyncio.CancelledError | KeyboardInterrupt)
        state: Literal["interrupted", "failed"] = "interrupted" if stopped else "failed"
        folder.set_state(state)
        if tracker is not None:
            tracker.finish(state)
        raise


def tracker_of(folder: RunFolder, options: Options) -> "Tracker":
    """What logs a run to MLflow, where its options say."""
    from apo.tracking import Tracker

    return Tracker(folder, uri=options.tracking_uri, experiment=options.experiment)


async def finish_tracking(folder: RunFolder, tracker: "Tracker", result: Result) -> Result:
    """Log how a run ended; its result then says where."""
    tracked = await asyncio.to_thread(tracker.finish, "finished")
    result = replace(result, mlflow=tracked.to_dict())
    folder.write("result.json", result.to_dict())
    return result


def _details(session: Session) -> dict[str, Any]:
    """What is told beside a result: whose it is, and how far its judge is to be trusted."""
    return {
        "judge": judge_details(session.folder, session.task.scorer),
        "metric": metric_name(session.task.metric),
        "task": session.task.name,
        "optimizer": session.folder.settings["optimizer"]["name"],
        "model": session.models.task.model.name,
        "optimizer_model": session.models.optimizer.model.name,
    }


def _require_room(session: Session, journal: Journal, before: Mapping[str, Any]) -> None:
    """Make sure that limits given anew are not below what is spent.

    Args:
        session: has the limits.
        journal: the run's.
        before: the limits that it had, by name.

    Raises:
        SettingsError: one is.
    """
    task, audit_calls = session.task, session.options.audit_calls
    for name, (amount, shown) in spent_before(journal, session.models.all).items():
        limit, old = getattr(session.budget, name), before.get(name)
        kept = 0
        if name == "max_calls" and limit is not None and (old is None or limit < old):
            # A search that ends sooner than it did would leave answers that were paid unused.
            kept = 2 * task.calls_per_example * len(task.test) + audit_calls
        if limit is None or limit == old or amount + kept <= limit:
            continue
        raise SettingsError(
            f"{shown} are already spent{f', and {kept} more are kept for the end' * bool(kept)}"
            f": a limit of {limit:g} is below that. Give a higher --{name.replace('_', '-')}, "
            f"or none, which leaves the run's own; what there is: apo show {session.folder.id}"
        )
