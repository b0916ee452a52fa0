"""The candidates of a run as people read them: the table, one of them, and where it came from."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from apo.cli.console import padded, percent, say_next, tell, tell_framed
from apo.cli.narrow import fitting, tell_left_out
from apo.cli.prompts import decoding_of, marked, opening
from apo.language.catalogue import message, translated
from apo.prompts.prompt import Prompt
from apo.results.outcome import outcome
from apo.storage.lineage import lineage, short_ids
from apo.storage.summary import best_of

COLUMNS = (
    "", message("id"), message("score"), message("on"), message("operator"), message("parent"),
    message("length"), message("instruction"),
)  # fmt: skip
LESS_IMPORTANT = ("length", "parent", "on", "operator", "instruction")
"""What a narrow terminal has no room for, in this order: id and score are always shown."""
MAX_OPERATOR = 16


def tell_candidates(document: Mapping[str, Any], n: int) -> None:
    """The table of the n first candidates; the best, which stands first, is marked."""
    rows: list[dict[str, Any]] = document["candidates"]
    short = short_ids([row["id"] for row in rows])
    best = best_of(document)
    table = Table(
        box=None, pad_edge=False, title=message("candidates"), title_justify="left", expand=True
    )
    lines = [_cells(row, rows, short, best) for row in rows[:n]]
    left_out = fitting(lines, LESS_IMPORTANT, stretched="instruction")
    for name in (name for name in COLUMNS if name not in left_out):
        table.add_column(
            name,
            no_wrap=True,
            overflow="ellipsis",
            justify="right" if name == "length" else "left",
            ratio=1 if name == "instruction" else None,
        )
    for line in lines:
        table.add_row(*(cell for name, cell in line.items() if name not in left_out))
    tell(table)
    tell_left_out(left_out)
    if len(rows) > n:
        tell(f"{len(rows) - n} more: --candidates {len(rows)}", "dim")
    if best in short:
        tell(f"* {translated(_meaning(document))}.", "dim")
        say_next("One of them", f"apo show {document['run_id']}:ID")


def _cells(
    row: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    short: Mapping[str, str],
    best: str,
) -> dict[str, Text]:
    """The cells of a candidate, by column."""
    mark, style = ("*", "bold") if row["id"] == best else ("!" if row["broken"] else "", "")
    operator = Text(row["operator"])
    operator.truncate(MAX_OPERATOR, overflow="ellipsis")
    figures = (short[row["id"]], percent(row["value"]), _where(row), operator.plain)
    cells = (*figures, _parents(row, short), f"{len(_prompt(row).text()):,}")
    told = [Text(mark), *(Text(cell, style=style) for cell in cells), _opening(row, rows)]
    return dict(zip(COLUMNS, told, strict=True))


def _meaning(document: Mapping[str, Any]) -> str:
    if document["winner"] is None:
        return "the best so far"
    if document["best_prompt"] == document["seed_prompt"]:
        return "the seed prompt, which stays the best"
    if document["winner"] == "seed":
        kind = outcome(document).kind
        return f"the best found ({kind}); the seed prompt stays the answer"
    return "the winner, which apo export gives"


def _prompt(row: Mapping[str, Any]) -> Prompt:
    return Prompt.from_dict(row["prompt"])


def _where(row: Mapping[str, Any]) -> str:
    if row["broken"]:
        return translated("vetoed")
    if row["whole"]:
        return translated("validation")
    return (
        translated(f"{row['n']} example{'s' * (row['n'] != 1)}")
        if row["n"]
        else translated("nothing")
    )


def _parents(row: Mapping[str, Any], short: Mapping[str, str]) -> str:
    names = [short.get(name, name) for name in row["parents"]]
    return f"{names[0]} +{len(names) - 1}" if len(names) > 1 else "".join(names) or "–"


def _opening(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Text:
    """The beginning of a candidate; of a program's prompts, of those that its parent has not."""
    steps = _prompt(row).steps
    parents = [_prompt(other).steps for other in rows if other["id"] in row["parents"][:1]]
    changed = [name for name in steps if not parents or steps[name] != parents[0].get(name)]
    told: list[str] = []
    for name in changed or steps:
        n = len(steps[name].demos)
        demos = translated(f"[{n} demo{'s' * (n > 1)}]") + " " if n else ""
        told.append(f"{f'{name}: ' if name else ''}{demos}{steps[name].instruction}")
    return opening(" · ".join(told))


def tell_candidate(row: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """One candidate: where it came from, what it scored, the whole prompt, and how to take it."""
    run, rows = document["run_id"], document["candidates"]
    short = short_ids([other["id"] for other in rows])
    prompt, best = _prompt(row), row["id"] == best_of(document)
    tell(
        f"{run}:{short[row['id']]} · {row['operator']}{' · ' + translated('best') if best else ''}",
        "bold",
    )
    parents = [f"{short[p]} ({_one(rows, p)['operator']})" for p in row["parents"] if p in short]
    facts = {
        "id": row["id"],
        message("parents"): ", ".join(parents) or translated("none"),
        message("score"): translated(_measured(row)),
        message("length"): translated(f"{len(prompt.text()):,} characters"),
        message("decoding"): translated(decoding_of(prompt)),
    }
    for name, text in facts.items():
        tell(Text(f"{padded(name, 9)} {text}"))
    tell_framed(marked(prompt), "prompt")
    if parents:
        changes = _prompt(_one(rows, row["parents"][0])).diff(prompt)
        title = message(f"from {short[row['parents'][0]]} to {short[row['id']]}")
        tell_framed(Text(changes), title)
    say_next("Take it", f"apo export {run}:{short[row['id']]}")
    say_next("Where from", f"apo show {run}:{short[row['id']]} --lineage")


def _measured(row: Mapping[str, Any]) -> str:
    score, n = percent(row["value"]), row["n"]
    if row["whole"]:
        return f"{score} on the whole validation split, {n} example{'s' * (n != 1)}"
    return message(f"{score} on {n} example{'s' * (n != 1)}")


def _one(rows: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(row for row in rows if row["id"] == name)


def tell_lineage(document: Mapping[str, Any], last: str) -> None:
    """The tree from the seed prompt to one candidate, each under the first of its parents."""
    rows: list[dict[str, Any]] = document["candidates"]
    short = short_ids([row["id"] for row in rows])
    tree = Tree(Text(translated(f"lineage of {short[last]}"), style="bold"))
    nodes: dict[str, Tree] = {}
    for row in lineage(rows, last):
        parents = [name for name in row["parents"] if name in nodes]
        label = Text(style="bold" if row["id"] == last else "", no_wrap=True, overflow="ellipsis")
        label.append(f"{short[row['id']]}  {percent(row['value']):>7}  {row['operator']}")
        if others := [short[name] for name in parents[1:]]:
            label.append(" " + translated(f"(also from {', '.join(others)})"))
        label.append(f"  {_opening(row, rows)}", style="dim")
        nodes[row["id"]] = (nodes[parents[0]] if parents else tree).add(label)
    tell(tree)
    if len(nodes) == 1 and _one(rows, last)["operator"] != "seed":
        tell("It was not made from another candidate: the optimizer wrote it from the task alone.")
    say_next("What changed", f"apo show {document['run_id']}:ID")


def lineage_of(document: Mapping[str, Any], last: str) -> list[dict[str, Any]]:
    """The lineage as JSON values: id, operator, parents and score of each, the oldest first."""
    names = ("id", "operator", "parents", "value", "whole", "n")
    return [{name: row[name] for name in names} for row in lineage(document["candidates"], last)]
