"""`apo suggest`: a person's prompt in a search."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apo.cli import options as o

if TYPE_CHECKING:
    from apo.prompts.prompt import Prompt
    from apo.storage.folder import RunFolder
    from apo.storage.record import Record
    from apo.task import Task


def suggest(
    run: o.RunName,
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT|FILE", help="An instruction, or a prompt file.")
    ],
    json: o.Json = False,
) -> None:
    """Put a prompt of your own into a search that runs or was stopped, on equal terms.

    When the search ends, it is measured on the whole validation split and ranked with the
    candidates; where it is the best, the verdict is on it. Its calls come on top of the limit in
    calls. What the search would refuse is refused at once, with the reason.

    Example: `apo suggest last "Answer with the label alone."`
    """
    from apo.cli.console import home, print_json, say, tell
    from apo.storage import suggestions
    from apo.storage.folder import find_run
    from apo.storage.record import read_record

    folder = find_run(run, home())
    suggestions.require_unfinished(folder)
    record = read_record(folder.journal_path)
    suggested = _read(folder, record, prompt)
    _require_allowed(folder, record, suggested)
    suggestions.suggest(folder, suggested)
    state = folder.state
    if json:
        print_json({"run_id": folder.id, "state": state, "prompt_id": suggested.id})
        return
    n = folder.settings.get("data", {}).get("validation")
    calls = f"up to {n:,} calls" if isinstance(n, int) else "its calls"
    tell(
        f"Suggested: {suggested.id}. It is measured when the search ends, with {calls} (more where "
        "a judge is asked) on top of the limit."
    )
    if state != "running":
        say(f"Go on with: apo resume {folder.id}")


def _require_allowed(folder: "RunFolder", record: "Record", prompt: "Prompt") -> None:
    """Make sure that the search will measure a prompt.

    Raises:
        SettingsError: it is there already, or the contract for candidates forbids it.
    """
    from apo.calls.options import Options
    from apo.errors import SettingsError
    from apo.guards.contract import Contract
    from apo.storage.suggestions import suggestions

    if prompt in suggestions(folder.path):
        raise SettingsError(f"That is suggested already: {prompt.id}.")
    if any(prompt == known.prompt for known in record.candidates.values()):
        raise SettingsError(
            f"That is a candidate of the run already: apo show {folder.id}:{prompt.id}"
        )
    seeds = tuple(c.prompt for c in record.candidates.values() if c.operator == "seed")
    max_chars = Options.from_dict(folder.settings["options"]).max_chars
    task = _task(folder)
    contract = (
        Contract(seeds, (), max_chars=max_chars)
        if task is None
        else Contract.of(replace(task, seed_prompts=seeds), max_chars=max_chars)
    )
    if reason := contract.refusal(prompt):
        raise SettingsError(f"The suggestion is refused: {reason}.")


def _task(folder: "RunFolder") -> "Task | None":
    """The run's task with its rows; None where they are not to be had from this process."""
    from apo.cli.transfer import task_of
    from apo.errors import ApoError, TrustError

    try:
        return task_of(folder)
    except TrustError:
        raise
    except ApoError:  # An object of Python, or changed since: the search looks at its rows itself.
        return None


def _read(folder: "RunFolder", record: "Record", prompt: str) -> "Prompt":
    """The prompt that is meant: a file's, or the seed prompt with another instruction.

    Raises:
        SettingsError: the run is made of runs on folds, it has no seed prompt yet, or the text is
            empty or is to be one step's of several.
    """
    from apo.errors import SettingsError
    from apo.prompts.forms.reading import read_prompt
    from apo.prompts.needs import as_task_asks

    if "folds" in folder.settings:
        raise SettingsError(f"{folder.id} is made of runs on folds, which take no suggestions.")
    if record.seed is None:
        raise SettingsError(f"{folder.id} has no seed prompt yet. {folder.way_on}")
    seed = record.seed.prompt
    path = Path(prompt)
    if len(prompt) < 4096 and "\n" not in prompt and path.is_file():
        found = read_prompt(path, list(seed.variables), seed.template, seed.beside)
        return as_task_asks(found.prompt, seed)
    if not prompt.strip():
        raise SettingsError("The suggestion is empty; give an instruction, or a prompt file.")
    if len(seed.steps) > 1:
        raise SettingsError(
            f"{folder.id} searches for the prompts of a program. Suggest a file of all of them: "
            f"apo export {folder.id}:ID --format json --out FILE gives one to change."
        )
    return seed.with_instruction(prompt.strip())
