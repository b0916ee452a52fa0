"""A prompt as people name it on the command line, and as they read it on a terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from apo.cli.console import UNCUT, results
from apo.language.catalogue import translated
from apo.prompts.forms.loss import told_options
from apo.prompts.prompt import Prompt

if TYPE_CHECKING:
    from apo.storage.folder import RunFolder
    from apo.task import Task

MAX_LINES = 30
"""Of a prompt that a result shows, as long as the terminal is wide."""
KEPT_AT_END = 5
FRAME = 4
MAX_OPENING = 100
"""Characters of a prompt in a table's line where there is no terminal."""


def marked(prompt: Prompt) -> Text:
    """A prompt's turns, the role above each; of a program, those of each step under its name."""
    turns: list[Text] = []
    for name, step in prompt.steps.items():
        turns += [Text(f"━━ step {name} ━━", style="bold")] if name else []
        for message in step.messages():
            turns += [Text(f"── {message.role} ──", style="dim"), Text(message.content)]
            turns += [Text(f"[image {image}]", style="dim") for image in message.images]
    return Text("\n").join(turns)


def shortened(prompt: Prompt, command: str) -> Text:
    """A prompt's beginning and end, so that a long one does not scroll the verdict away.

    Args:
        prompt: the prompt.
        command: what shows the whole.
    """
    return cut(marked(prompt), command)


def cut(text: Text, command: str) -> Text:
    """A text's beginning and end, and the command that shows the whole, where it is long."""
    lines = text.wrap(results, max(20, results.width - FRAME))
    if len(lines) <= MAX_LINES:
        return text
    n = len(lines) - MAX_LINES
    left_out = Text(translated(f"… {n} lines more: {command}"), style="dim")
    shown = [*lines[: MAX_LINES - KEPT_AT_END], left_out, *lines[-KEPT_AT_END:]]
    return Text("\n").join(shown)


def opening(text: str) -> Text:
    """A text on one line, for the last column of a table, which a terminal cuts off at its edge."""
    line = Text(" ".join(text.split()))
    line.truncate(MAX_OPENING if results.width >= UNCUT else results.width, overflow="ellipsis")
    return line


def decoding_of(prompt: Prompt) -> str:
    """What is sent beside the prompt, such as "temperature 0.3"; the provider's choice is none."""
    told = {n: told_options(step.decoding.to_dict()) for n, step in prompt.steps.items()}
    if len(set(told.values())) == 1:
        return next(iter(told.values()))
    return "; ".join(f"{name}: {options}" for name, options in told.items())


def prompt_of(
    name: str, task: "Task", *, so_far: bool = False
) -> "tuple[Prompt, RunFolder | None]":
    """Read the prompt of a file, or of a run or its candidate where there is no such file.

    Args:
        name: a path, RUN for the prompt to use of a run, or RUN:ID for one of its candidates.
        task: whose input fields the prompt of a file must have.
        so_far: take the best prompt so far of a run that is not finished, which has no verdict.
    """
    from apo.programs.fit import require_fit

    found, folder = _found(name, task, so_far)
    require_fit(task.program, found, task.input_fields)
    return found, folder


def _found(name: str, task: "Task", so_far: bool) -> "tuple[Prompt, RunFolder | None]":
    from apo.cli.console import say
    from apo.prompts.foreign import refuse_address
    from apo.prompts.forms.found import Found
    from apo.prompts.forms.reading import read_prompt
    from apo.prompts.needs import as_task_asks

    path = Path(name)
    if path.exists():
        seed = task.seed_prompts[0]
        found = read_prompt(path, task.input_fields, seed.template, seed.beside)
        if found.note:
            say(f"{path}: {found.note}", "yellow")
        return as_task_asks(found.prompt, seed), None
    if name.startswith("prompts:/"):
        from apo.tracking.registered import registered_prompt

        seed = task.seed_prompts[0]
        (prompt, left), pinned = registered_prompt(
            name, task.input_fields, seed.template, seed.beside
        )
        say(f"Seed prompt: {pinned}. {Found(prompt, left).note}".strip())
        return as_task_asks(prompt, seed), None
    refuse_address(path)
    return _of_run(name, so_far)


def free_prompt(name: str) -> "Prompt":
    """Read the prompt of a file or a run without a task; its variables are what it names."""
    from apo.cli.console import say
    from apo.errors import PromptError
    from apo.files import TEXT, require_file
    from apo.prompts.fill import VARIABLE
    from apo.prompts.forms.reading import read_prompt

    path = Path(name)
    if not path.exists():
        return _of_run(name, so_far=True)[0]
    try:
        require_file(path, TEXT)
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise PromptError(f"Cannot read the prompt file {path}: {error.strerror}.") from error
    found = read_prompt(
        path, tuple(dict.fromkeys(VARIABLE.findall(text))) or ("input",), beside=None
    )
    if found.note:
        say(f"{path}: {found.note}", "yellow")
    return found.prompt


def unfinished(folder: "RunFolder") -> dict[str, Any]:
    """A run without a result, as far as it goes; whoever reads is told that it is not finished."""
    from apo.cli.console import say
    from apo.storage.summary import summary

    say(f"{folder.id} is not finished yet. {folder.way_on}", "yellow")
    return summary(folder)


def _of_run(name: str, so_far: bool) -> "tuple[Prompt, RunFolder]":
    from apo.cli.console import home
    from apo.errors import PromptError, RunError
    from apo.storage.lineage import find_named
    from apo.storage.summary import winner

    try:
        folder, candidate = find_named(name, home())
    except RunError as error:
        raise PromptError(f"{name!r} is neither a file nor a run. {error}") from error
    if candidate is not None:
        return Prompt.from_dict(candidate["prompt"]), folder
    if so_far and folder.result is None:
        document = unfinished(folder)
        winner(document)  # There is one, or it raises.
        return Prompt.from_dict(document["best_prompt"]), folder
    result = folder.need_result()
    return Prompt.from_dict(result[f"{result['winner']}_prompt"]), folder
