"""What `apo show` prints beside the result: flips, the front, and one example's history."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from apo.cli.console import percent, tell
from apo.cli.narrow import fitting, tell_left_out
from apo.cli.prompts import opening
from apo.cli.transfer import task_of
from apo.errors import SettingsError
from apo.language.catalogue import message, translated
from apo.results.flips import Flips, read_flips
from apo.results.front import OBJECTIVES, objectives, with_front
from apo.results.history import History, history
from apo.results.standings import Standing, standings
from apo.results.words import counted_groups
from apo.storage.folder import RunFolder

FRONT = (message("tokens"), message("in"), message("out"), "$/1,000", message("latency"))
"""Columns of the front that a narrow terminal has no room for, the last first."""
MAX_GROUPS = 20
MAX_LOST = 10
MAX_VETOES = 3
MAX_TEXT = 300


def parts_of(
    folder: RunFolder, wanted: Mapping[str, str | bool], objective: Sequence[str]
) -> dict[str, tuple[Any, Callable[[], None]]]:
    """What was asked for of a run, by name: as a JSON value, and what prints it.

    Args:
        folder: the run.
        wanted: by "flips", "front" and "example" what was asked for; false or "" for nothing.
        objective: names of the front's objectives.
    """
    parts: dict[str, tuple[Any, Callable[[], None]]] = {}
    if wanted["flips"]:
        found = read_flips(folder)
        parts["flips"] = (found.to_dict(), lambda: tell_flips(found))
    if wanted["front"]:
        rows = standings(folder)
        names = objectives(rows, objective)
        marked = with_front(rows, names)
        document = {"objectives": names, "candidates": [s.to_dict() for s in marked]}
        parts["front"] = (document, lambda: tell_front(marked, names))
    if wanted["example"]:
        answered = history(folder, task_of(folder), str(wanted["example"]))
        parts["example"] = (answered.to_dict(), lambda: tell_history(answered))
    return parts


_ROWS = {"flips": "groups", "failures": "rows", "front": "candidates", "example": "answers"}


def rows_of(parts: Mapping[str, Any], document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The rows of the one part that was asked for, or of the candidates.

    Args:
        parts: by name, as JSON values.
        document: the run.

    Raises:
        SettingsError: several parts are wanted.
    """
    if len(parts) > 1:
        raise SettingsError(f"--csv is one table: ask for one of {', '.join(parts)} at a time.")
    for name, part in parts.items():
        rows: list[dict[str, Any]] = part[_ROWS[name]] if name in _ROWS else part
        return [part] if name == "candidate" else rows
    candidates: list[dict[str, Any]] = document["candidates"]
    return candidates


def tell_flips(found: Flips) -> None:
    """The table of flips by label and slice, then the examples that were lost."""
    table = Table(box=None, pad_edge=False)
    table.add_column("", overflow="ellipsis", no_wrap=True, max_width=40)
    for name in ("examples", "lost", "won", "change", "95 % interval", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    for group in found.groups[:MAX_GROUPS]:
        low, high = group.interval
        value = group.value or translated("(empty)")
        by = translated(message("label")) if group.by == "label" else group.by
        name = translated("all") if group.by == "all" else f"{by}: {value}"
        table.add_row(
            Text(_line(name)),
            str(group.n),
            Text(str(group.lost), style="red" if group.lost > group.won else ""),
            str(group.won),
            f"{100 * group.change:+.1f}",
            translated(f"{100 * low:+.1f} to {100 * high:+.1f}"),
            f"{group.p_value:.2g}",
        )
    tell("From the seed prompt to the best one, test examples:", "bold")
    tell(table)
    if len(found.groups) > MAX_GROUPS:
        tell(f"More groups are in --json: {len(found.groups) - MAX_GROUPS}.")
    tell(
        "change: points of the mean score. p: corrected for the number of labels or slices."
        f"{counted_groups(found.groups[0].groups if found.groups else 0)}",
        "dim",
    )
    if found.unanswered:
        tell(f"Examples without a grade under both prompts: {found.unanswered}.", "yellow")
    for pair in found.broken:
        tell(f"Must pass, and the best prompt breaks it: {pair['id']}", "bold red")
    if not found.lost:
        tell("No example was lost.")
    for number, pair in enumerate(found.lost[:MAX_LOST], 1):
        _pair(pair, translated(f"lost {number} of {len(found.lost)}"))
    if len(found.lost) > MAX_LOST:
        tell(f"{len(found.lost) - MAX_LOST} more are in --json.")


def _pair(pair: dict[str, Any], title: str) -> None:
    marks = [f"{column} {value}" for column, value in pair["slices"].items() if value]
    marks += [translated("must pass")] if pair["must_pass"] else []
    tell()
    tell(" · ".join([title, pair["id"], *marks]), "bold")
    _fields(
        {
            message("input"): "\n".join(map(str, pair["inputs"].values())),
            message("target"): " | ".join(map(str, pair["targets"])),
            "seed": _answer(pair, "seed"),
            "best": _answer(pair, "best"),
            message("feedback"): translated(pair["best_feedback"]),
        }
    )


def _answer(pair: dict[str, Any], name: str) -> str:
    score = pair[f"{name}_score"]
    output = pair[f"{name}_output"]
    return output if score in (0, 1) else f"{output}  [{percent(score)}]"


def _fields(fields: dict[str, str]) -> None:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in fields.items():
        if text:
            grid.add_row(translated(name), Text(_cut(text)))
    tell(grid)


def _cut(text: str) -> str:
    return (
        text
        if len(text) <= MAX_TEXT
        else f"{text[:MAX_TEXT]}… ({translated(f'{len(text):,} characters')})"
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def tell_front(found: Sequence[Standing], wanted: Sequence[str]) -> None:
    """The front alone, of the candidates that were measured on all of validation."""
    front = [s for s in found if s.front]
    lines = [_front_cells(s, "*" if s is found[0] else "") for s in front]
    left_out = fitting(lines, (*FRONT[::-1], "instruction"), stretched="instruction")
    table = Table(box=None, pad_edge=False, expand=True)
    for name in (name for name in lines[0] if name not in left_out):
        last = name == "instruction"
        justify: Literal["left", "right"] = "right" if name in ("score", *FRONT) else "left"
        table.add_column(
            name, no_wrap=True, overflow="ellipsis", justify=justify, ratio=1 if last else None
        )
    for line in lines:
        table.add_row(*(cell for name, cell in line.items() if name not in left_out))
    tell(table)
    tell_left_out(left_out)
    names = ", ".join(
        translated("high score") if word == "score" else translated(f"low {word}")
        for word in wanted
    )
    n = len(found)
    tell(
        f"The front of {names}: {len(front)} of {n} candidate{'s' * (n != 1)}; no other is as "
        "good in all and better in one."
    )
    if found[0].front:
        tell("* is the best prompt.")
    tell_vetoes([(s.id, s.score, s.broken) for s in found])
    if found[0].estimated:
        tell("tokens: of the prompt alone, guessed from its text; the server counts none.", "dim")
    else:
        tell("in, out: tokens of a call, the example's text included.", "dim")
    if any(s.seconds is not None for s in front):
        old = all(s.waited is None for s in front)
        timed = "from asking on, its wait in apo's queue included" if old else "on the wire"
        tell(f"latency: the median of a call, {timed}.", "dim")
    tell(f"Other objectives: --objective {', '.join(OBJECTIVES)}. Scores are of validation.", "dim")


def _front_cells(s: Standing, mark: str) -> dict[str, Text]:
    """The cells of a candidate on the front, by column; the best one is marked."""
    tokens = f"{s.input_tokens:,.0f}"
    out = {} if s.estimated else {"out": _or_dash(s.output_tokens, "{:,.0f}")}
    cells = {
        "": mark,
        "score": percent(s.score),
        "tokens" if s.estimated else "in": tokens,
        **out,
        "$/1,000": _or_dash(None if s.usd is None else 1000 * s.usd, "{:.4f}"),
        "latency": _seconds(s.seconds),
        "id": s.id,
    }
    told = {name: Text(cell, style="bold" if mark else "") for name, cell in cells.items()}
    return {**told, "instruction": opening(str(s.prompt.get("instruction", "")))}


def tell_vetoes(found: Sequence[tuple[str, float | None, Sequence[str]]]) -> None:
    """Say which candidates break examples that must pass, given id, score and examples of each."""
    vetoed = [(name, score, examples) for name, score, examples in found if examples]
    for name, score, examples in vetoed[:MAX_VETOES]:
        more = f" and {len(examples) - 3} more" if len(examples) > 3 else ""
        tell(
            f"! {name} ({percent(score)}) cannot be best: it gets examples wrong that must pass, "
            f"and that the seed gets right: {', '.join(examples[:3])}{more}.",
            "red",
        )
    if len(vetoed) > MAX_VETOES:
        tell(f"! More of them, named by --json: {len(vetoed) - MAX_VETOES}.", "red")


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{1000 * value:.1f} ms" if value < 1 else f"{value:.1f} s"


def tell_history(found: History) -> None:
    """One example, and how each candidate answered it, the oldest first."""
    example = found.example
    marks = [f"{column} {value}" for column, value in example.slices.items() if value]
    marks += [translated("must pass")] if example.must_pass else []
    tell(" · ".join([translated(found.split), example.id, *marks]), "bold")
    _fields({"input": "\n".join(example.inputs.values()), "target": " | ".join(example.targets)})
    if not found.answers:
        tell("No candidate that was measured on all of validation was asked this one.", "yellow")
        return
    table = Table(box=None, pad_edge=False, expand=True)
    for name in ("candidate", "validation", "score"):
        table.add_column(name, no_wrap=True)
    table.add_column("answer", ratio=1, overflow="fold")
    for answer in found.answers:
        style = {"right": "green", "": ""}.get(answer.outcome, "red")
        figure = answer.score is not None and answer.outcome != "refused"
        score = percent(answer.score) if figure else answer.outcome or "–"
        told = Text(_cut(answer.output))
        if answer.thinking:
            thought = translated(f"thought before: {_cut(answer.thinking)}")
            told.append(f"\n{thought}", style="dim")
        if answer.feedback:
            told.append(f"\n{_cut(translated(answer.feedback))}", style="dim")
        name = f"{answer.id} {answer.operator}"
        table.add_row(Text(name), percent(answer.validation), Text(score, style=style), told)
    tell(table)
    if any(answer.outcome == "" for answer in found.answers):
        tell("Models judge these answers, so they are not scored again here.", "dim")
