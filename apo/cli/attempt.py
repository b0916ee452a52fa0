"""`apo try`: inputs of a person, answered by the seed prompt and the winner side by side."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apo.cli import options as o
from apo.cli.ask import AskFlags
from apo.cli.flags import takes
from apo.language.catalogue import translated

if TYPE_CHECKING:
    from apo.assessment.trying import Tried
    from apo.prompts.prompt import Prompt
    from apo.task import Task


@takes(AskFlags)
def try_(
    run: o.RunOrCandidate,
    given: Annotated[
        list[str],
        typer.Option("--input", "-i", metavar="TEXT|FIELD=TEXT", help="An input; repeatable."),
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    task: Annotated[
        str, typer.Option("--task", "-t", help="The task, where the run does not name it.")
    ] = "",
    model: o.ModelName = "",
    max_calls: o.MaxCalls = None,
    fresh: o.Fresh = False,
    csv: o.Csv = False,
    *,
    flags: AskFlags,
) -> None:
    """Answer inputs that you type with the seed prompt and the best one, side by side.

    RUN:ID takes that candidate in the place of the best one. Without --input, inputs are read from
    standard input: a line each, typed or piped, and one after the other for several fields. Nothing
    is scored, and answers are kept.

    Example: `apo try last --input "Where is my parcel?"`
    """
    from functools import partial

    from apo.assessment.trying import atry
    from apo.cli.console import one_form, print_csv, print_json
    from apo.prompts.needs import beside_of
    from apo.taskfile.beside import as_typed

    quiet = one_form(json=flags.json, csv=csv)
    loaded, prompts, name, best = _subject(run, task, model)
    shown = beside_of(loaded.seed_prompts[0])
    done: list[Tried] = []
    asked, calls = None, 0
    for inputs in batches(given, loaded.input_fields):
        inputs = [as_typed(one, shown) for one in inputs]
        asked = flags.ask(
            partial(atry, loaded, prompts, inputs, model=name),
            f"{loaded.name} · try · {name}",
            max_calls=None if max_calls is None else max_calls - calls,
            fresh=fresh,
            quiet=quiet or not given,
        )
        found, spent = asked.found
        done, calls = done + found, calls + spent.calls
        for one in [] if quiet else found:
            _tell(one, best)
        if asked.overspent or (max_calls is not None and calls >= max_calls):
            break
    if csv:
        print_csv([{**one.inputs, **one.answers} for one in done])
    elif flags.json:
        tried = [one.to_dict() for one in done]
        print_json({"task": loaded.name, "model": name, "tried": tried, "calls": calls})
    if asked is not None:
        asked.end()


def _subject(run: str, task: str, model: str) -> "tuple[Task, dict[str, Prompt], str, str]":
    """The task, the prompts by name, the model's name, and what is told of the best prompt."""
    from apo.cli.console import home, say
    from apo.cli.prompts import unfinished
    from apo.errors import RunError
    from apo.prompts.prompt import Prompt
    from apo.run.wishes import trusted_settings
    from apo.storage.lineage import find_named
    from apo.storage.summary import winner
    from apo.taskfile.load import load_task

    folder, candidate = find_named(run, home())
    settings, ended = trusted_settings(folder), folder.result is not None
    result = folder.need_result() if ended else unfinished(folder)
    name = task or settings.get("task_ref")
    if not name:
        raise RunError(f"{folder.id} was started with a Python object as its task: give --task.")
    loaded = load_task(name, memory=home() / "splits")
    if candidate is None and not ended:
        winner(result)  # There is a best prompt so far, or it raises.
    prompts = {"seed": Prompt.from_dict(result["seed_prompt"])}
    other = Prompt.from_dict(result["best_prompt"] if candidate is None else candidate["prompt"])
    if other == prompts["seed"]:
        told = "The run found nothing better: there is the seed prompt alone."
        so_far = "The run has found nothing better so far: there is the seed prompt alone."
        say(told if ended else so_far, "yellow")
    else:
        prompts["best" if candidate is None else candidate["id"]] = other
    return loaded, prompts, model or settings["model"] or "embedded", _called(result)


def _called(result: Mapping[str, Any]) -> str:
    """How the best prompt is called: with its outcome, where that is no proven gain."""
    from apo.results.outcome import outcome

    if result["winner"] is None:
        return translated("the best so far")
    found = outcome(result)
    return "best" if found.favourable else f"best ({found.kind})"


def batches(given: Sequence[str], fields: Sequence[str]) -> Iterator[list[dict[str, str]]]:
    """The inputs that are asked together: those of flags or a pipe at once, typed ones each."""
    from apo.errors import SettingsError

    if given:
        yield inputs_of(given, fields)
        return
    if sys.stdin.isatty():
        yield from ([one] for one in typed_inputs(fields))
        return
    lines = [line for line in sys.stdin.read().splitlines() if line.strip()]
    if not lines:
        raise SettingsError('There is no input: give --input "TEXT", or type or pipe lines.')
    if len(lines) % len(fields):
        raise SettingsError(
            f"{len(lines)} lines were piped, and an input takes {len(fields)}: a line for each of "
            f"{', '.join(fields)}."
        )
    texts = [lines[i : i + len(fields)] for i in range(0, len(lines), len(fields))]
    yield [dict(zip(fields, one, strict=True)) for one in texts]


def typed_inputs(fields: Sequence[str]) -> Iterator[dict[str, str]]:
    """Inputs as they are typed, until an empty line or the end."""
    from apo.cli.console import say

    say("Type an input; an empty line ends.", "dim")
    while True:
        one: dict[str, str] = {}
        for name in fields:
            try:
                sys.stderr.write(f"{name}> ")
                sys.stderr.flush()
                text = sys.stdin.readline()
            except UnicodeDecodeError:
                say("That is no text in this terminal's encoding.", "yellow")
                text = ""
            if not text.strip():
                return
            one[name] = text.rstrip("\r\n")
        yield one


def inputs_of(given: Sequence[str], fields: Sequence[str]) -> list[dict[str, str]]:
    """Read inputs as flags give them: texts, or FIELD=TEXT; a field that comes again is a new one.

    Args:
        given: the flags' values, at least one.
        fields: the task's input fields.

    Raises:
        SettingsError: a text does not say which of several fields it is, or one lacks a field.
    """
    from apo.errors import SettingsError

    known = ", ".join(fields)
    found: list[dict[str, str]] = [{}]
    for text in given:
        name, sign, value = text.partition("=")
        if not (sign and name in fields):
            if len(fields) > 1:
                raise SettingsError(
                    f"--input {text[:60]!r} does not say which field it is; this task has {known}: "
                    f"--input {fields[0]}=TEXT."
                )
            name, value = fields[0], text
        if name in found[-1]:
            found.append({})
        found[-1][name] = value
    for one in found:
        missing = [name for name in fields if name not in one]
        if missing:
            raise SettingsError(f"An input lacks {', '.join(missing)}; this task has {known}.")
    return found


def _tell(one: "Tried", best: str) -> None:
    """One input with its answers: in columns on a terminal, in lines elsewhere."""
    from rich.table import Table
    from rich.text import Text

    from apo.cli.console import results, tell

    tell(" | ".join(" ".join(text.split()) for text in one.inputs.values()), "bold")
    shown = {
        best if name == "best" else name: Text(answer)
        if name not in one.refusals
        else Text(one.refusals[name], "red")
        for name, answer in one.answers.items()
    }
    if not results.is_terminal:
        for name, answer in shown.items():
            tell(f"{name}: {answer.plain}")
        return tell()
    table = Table(box=None, pad_edge=False, expand=True)
    for name in shown:
        table.add_column(name, ratio=1, overflow="fold")
    table.add_row(*shown.values())
    tell(table)
    return tell()
