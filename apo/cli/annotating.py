"""What `apo annotate` does around the ranking: rows read, prompts found, labels taken and added."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from apo.assessment.annotation import Ranked
from apo.calls.budget import Spent
from apo.cli.console import home, print_json, say, tell, typed
from apo.cli.prompts import opening, prompt_of
from apo.cli.spent import tell_spent
from apo.data.cells import Row
from apo.errors import ApoError, DataError, RunError, near
from apo.prompts.prompt import Prompt
from apo.storage.folder import list_runs
from apo.task import Example, Task
from apo.taskfile.adding import TaskData
from apo.taskfile.beside import seen

if TYPE_CHECKING:
    from apo.storage.folder import RunFolder

Shown = Sequence[tuple[Row, Ranked]]
"""Rows of the file, with what the prompts answered."""
VOTES = "votes"
MAX_ANSWERS = 40
"""Characters of the answers in a line of the table."""


def committee(task: Task, named: Sequence[str], n: int, model: str) -> tuple[list[Prompt], str]:
    """The prompts that answer, each once, and the model: those named, or a run's best ones.

    Raises:
        RunError: none is named, and the task has no run that has measured two.
    """
    if named:
        found = [prompt_of(name, task) for name in named]
        runs = [run for _, run in found if run is not None]
        own = str(runs[0].settings["model"] or "") if runs else ""
        return [*dict.fromkeys(prompt for prompt, _ in found)], model or own or "embedded"
    for run in list_runs(home()):
        best = _best(run, task, n)
        if len(best) > 1:
            say(f"Prompts: the {len(best)} best of {run.id}.")
            return best, model or str(run.settings["model"] or "embedded")
    raise RunError(
        f"There is no run of {task.name} with two prompts measured on all of validation: start one "
        "with apo optimize, or give two prompts by --prompt."
    )


def _best(run: "RunFolder", task: Task, n: int) -> list[Prompt]:
    from apo.storage.summary import candidates

    try:
        if run.settings.get("task") != task.name or "folds" in run.settings:
            return []
        rows = [row for row in candidates(run) if row["whole"] and not row["broken"]]
    except RunError:  # One that is damaged has no say.
        return []
    prompts = [Prompt.from_dict(row["prompt"]) for row in rows[:n]]
    return [prompt for prompt in prompts if [*prompt.steps] == [*task.seed_prompts[0].steps]]


def _rows(data: TaskData, path: Path) -> list[Row]:
    """The rows of a file that have the task's inputs.

    Raises:
        DataError: a column is missing.
    """
    from apo.data.rows import SUFFIXES, read_rows
    from apo.data.sniff import TextFormat
    from apo.drafting.format import Wanted, find_format

    notes, known = list[str](), path.is_file() and path.suffix.lower() in SUFFIXES
    form = find_format(path, Wanted(), notes) if known else TextFormat()
    for note in notes:
        say(note, "dim")
    rows = list(read_rows(path, encoding=form.encoding, delimiter=form.delimiter))
    for column in data.inputs.values():
        if rows and column not in rows[0]:
            raise DataError(f"{path} has no column {column!r}.{near(column, list(rows[0]))}")
    return [row for row in rows if any((row[c] or "").strip() for c in data.inputs.values())]


def unlabelled(data: TaskData, path: Path) -> list[tuple[Row, Example]]:
    """The rows of a file that the task does not have, each once, in an order of chance.

    Raises:
        DataError: there is none.
    """
    known, found = data.known(), dict[str, tuple[Row, Example]]()
    rows = _rows(data, path)
    for row in rows:
        inputs = {field: row[column] or "" for field, column in data.inputs.items()}
        if data.id_of(row) not in known:
            example = seen(Example(inputs, ("",)), data.settings.beside, data.folder, f"{path}")
            found.setdefault(data.id_of(row), (row, example))
    if not found:
        raise DataError(f"All {len(rows)} inputs of {path} are in the task's data already.")
    return [found[name] for name in sorted(found)]  # By content, which is as good as by chance.


def add_labelled(data: TaskData, path: Path, *, json: bool) -> None:
    """Add the rows of a file that have a label and that the task does not have.

    Raises:
        DataError: no row has a label, or one has a label that cannot be judged.
    """
    known, rows = data.known(), _rows(data, path)
    labelled = [row for row in rows if (row.get(data.target) or "").strip()]
    if not labelled:
        raise DataError(f"No row of {path} has a label in the column {data.target!r}.")
    new = {
        data.id_of(row): data.row(row, (row[data.target] or "").strip())
        for row in reversed(labelled)
        if data.id_of(row) not in known
    }
    labels = list(data.settings.labels)
    for row in new.values():
        if labels and row[data.target] not in labels:
            label = row[data.target]
            raise DataError(f"{path}: {label!r:.80} is none of the labels.{near(label, labels)}")
    before, after = data.add([*reversed(new.values())]) if new else (data.load(), data.load())
    if json:
        print_json({"added": len(new), "train": len(after.train), "data": str(data.path)})
    else:
        _tell_added(data, len(new), before, after)


def _tell_added(data: TaskData, n: int, before: Task, after: Task) -> None:
    if not n:
        tell(f"Nothing to add: all labelled rows are in {data.path} already.")
        return
    tell(
        f"{n} row{'s' * (n != 1)} added to {data.path}: train {len(before.train)} → "
        f"{len(after.train)}; validation ({len(after.validation)}) and test ({len(after.test)}) "
        "are as they were.",
        "bold green",
    )


def end(
    data: TaskData, shown: Shown, out: str, *, here: bool, spent: Spent, notes: Iterable[str]
) -> None:
    """Tell the ranking, and write it, or ask for labels."""
    table = Table(box=None, pad_edge=False, expand=True)
    for name in ("", "bits"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("answers", no_wrap=True, overflow="ellipsis", max_width=MAX_ANSWERS)
    table.add_column("input", no_wrap=True, overflow="ellipsis", ratio=1)
    for place, (_, one) in enumerate(shown, 1):
        said = opening(_votes(one))
        text = opening(" | ".join(one.inputs.values()))
        table.add_row(f"{place}", f"{one.entropy:.2f}", said, text)
    tell(table)
    for note in notes:
        say(note, "dim")
    tell_spent(spent)
    if all(one.entropy == 0 for _, one in shown):
        tell("The prompts agree on all of them: labels of these teach little.", "yellow")
    if out:
        _write(data, shown, out)
    elif here:
        _ask(data, shown)
    else:
        say(f"To label them in a file: --out FILE, then apo annotate {data.ref} FILE --add.")


def _votes(one: Ranked) -> str:
    return ", ".join(f"{n} × {' '.join(answer.split())}" for answer, n in one.votes.items())


def _write(data: TaskData, shown: Shown, out: str) -> None:
    """Write a CSV file to be filled in: the task's columns, an empty label, and the answers."""
    from apo.cli.export import write_file

    rows = [{**data.row(row, ""), VOTES: _votes(one)} for row, one in shown]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_file(text.getvalue(), out)
    say(
        f"Fill the column {data.target}; rows without a label are left out. Then: apo annotate "
        f"{data.ref} {typed(out)} --add"
    )


def _ask(data: TaskData, shown: Shown) -> None:
    """Ask for the label of each input, and add it at once."""
    task, n = data.load(), 0
    before = task
    say("Type a label, or its number; an empty line leaves the input out, q ends.")
    for number, label in enumerate(task.labels, 1):
        say(f"  {number}  {label}")
    for place, (row, one) in enumerate(shown, 1):
        say(f"\n{place} of {len(shown)}", "dim")
        tell(Text("\n".join(f"{name}: {text}" for name, text in one.inputs.items())))
        say(f"Answers: {_votes(one)}", "dim")
        given = _label(data, task, row)
        if given is None:
            break
        if given:
            n, task = n + 1, data.load()
    if n:
        _tell_added(data, n, before, task)


def _label(data: TaskData, task: Task, row: Row) -> str | None:
    """A label that was typed and is added; "" for none, None to end."""
    while True:
        try:
            said = input("> ").strip()
        except EOFError:
            return None
        if said in ("", "q"):
            return None if said else ""
        named = said.isdecimal() and 0 < int(said) <= len(task.labels)
        label = task.labels[int(said) - 1] if named and said not in task.labels else said
        if task.labels and label not in task.labels:
            say(f"{label!r} is none of the labels.{near(label, list(task.labels))}", "yellow")
            continue
        try:
            data.add([data.row(row, label)])
        except ApoError as error:
            say(str(error), "yellow")
            continue
        return label
