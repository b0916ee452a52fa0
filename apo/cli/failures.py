"""What `apo show RUN --failures` prints: what wrong answers have in common."""

from collections.abc import Callable, Mapping
from typing import Any

from apo.cli.console import say_next, tell
from apo.cli.transfer import task_of
from apo.prompts.prompt import Prompt
from apo.storage.folder import RunFolder


def failures_of(
    folder: RunFolder, document: Mapping[str, Any], candidate: Mapping[str, Any] | None
) -> tuple[dict[str, Any], Callable[[], None]]:
    """The failure table of a run's best prompt, or of the candidate that is named.

    Args:
        folder: the run.
        document: the run, as `summary` gives it.
        candidate: of whom; None for the best prompt.

    Returns:
        The table as JSON values, and what prints it.

    Raises:
        RunError: nothing was measured yet, or the task cannot be loaded.
        SettingsError: the answers cannot be scored anew.
    """
    from apo.failures.counting import failure_table
    from apo.failures.page import page
    from apo.failures.recorded import recorded_rollouts
    from apo.storage.summary import winner

    chosen = candidate or next(
        row for row in document["candidates"] if row["id"] == winner(document)
    )
    task = task_of(folder)
    rollouts = recorded_rollouts(folder, task, Prompt.from_dict(chosen["prompt"]))
    table = failure_table(rollouts, task.labels)
    text = page(table, task.language)
    found = {"id": chosen["id"], **table.to_dict(), "page": text, "rows": table.rows()}

    def write() -> None:
        short = chosen["id"][:6]
        tell(
            f"What the best prompt {short} got wrong, train and validation examples:"
            if candidate is None
            else f"What the candidate {short} got wrong, train and validation examples:",
            "bold",
        )
        tell(text)
        say_next("Of another", f"apo show {folder.id}:ID --failures")

    return found, write
