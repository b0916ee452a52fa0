"""Waiting for a run in a script or a notebook: what ends it names the run, and how to go on."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from apo.calls.progress import Progress
from apo.concurrency import wait
from apo.errors import ApoError
from apo.run.notebook import in_notebook

R = TypeVar("R")


def wait_for_run(work: Coroutine[Any, Any, R], progress: Progress, resume: str) -> R:
    """Run the work to its end; a notebook shows it below the cell meanwhile.

    Args:
        work: the run.
        progress: what it fills in.
        resume: the function that goes on with it, such as "apo.resume".

    Raises:
        KeyboardInterrupt: Ctrl-C, with a note that names the run; what was paid is kept.
        ApoError: what ended the run; it names the run.
    """
    try:
        return wait(in_notebook(work, progress))
    except KeyboardInterrupt as stop:
        run = progress.run_id
        if run:
            stop.add_note(
                f"The run {run} was stopped. What was paid is kept. Go on with: {resume}({run!r}), "
                f"or on the command line: apo resume {run}"
            )
        raise
    except ApoError as error:
        error.run_id = error.run_id or progress.run_id
        raise
