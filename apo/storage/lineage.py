"""A candidate of a run by its id, and the candidates that it came from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apo.errors import RunError, near
from apo.storage.folder import HOME, RunFolder, find_run
from apo.storage.summary import candidates

SHORT = 6
"""Characters of an id that are shown, where they tell all candidates of a run apart."""
MAX_NAMED = 8


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """The shown beginning of each id: so long that no other candidate has it."""
    size = SHORT
    while len({name[:size] for name in ids}) < len(set(ids)):
        size += 1
    return {name: name[:size] for name in ids}


def split_name(name: str) -> tuple[str, str]:
    """Part RUN:ID, the name of a run's candidate; the id is "" where it names the run alone."""
    run, _, wanted = name.partition(":")
    return run, wanted


def find_named(name: str, home: Path = HOME) -> tuple[RunFolder, dict[str, Any] | None]:
    """Find what RUN or RUN:ID names.

    Returns:
        The run, and its candidate, as `candidates` gives it; None for the run alone.

    Raises:
        RunError: there is no such run or candidate, or several fit.
    """
    run, wanted = split_name(name)
    folder = find_run(run, home)
    if ":" not in name:
        return folder, None
    rows = candidates(folder)
    if not rows:
        raise RunError(f"{folder.id} has no candidates yet. {folder.way_on}")
    return folder, find_candidate(rows, wanted, folder.id)


def find_candidate(rows: Sequence[dict[str, Any]], wanted: str, run: str) -> dict[str, Any]:
    """Find a candidate by its id, or by a beginning of it that no other has.

    Args:
        rows: the run's candidates, as `apo.storage.summary.candidates` gives them; at least one.
        wanted: the id, or its beginning.
        run: the run's id, for messages.

    Raises:
        RunError: none or several fit.
    """
    short = short_ids([row["id"] for row in rows])
    fitting = [row for row in rows if row["id"].startswith(wanted.lower())] if wanted else []
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        named = ", ".join(row["id"] for row in fitting[:MAX_NAMED])
        raise RunError(f"{wanted!r} fits several candidates of {run}: {named}. Give more of it.")
    hint = near(wanted.lower(), list(short.values())) if len(rows) <= MAX_NAMED else ""
    if not hint:
        close = near(wanted.lower()[:SHORT], list(short.values())).partition(" Known: ")[0]
        hint = f"{close} The best are {', '.join(list(short.values())[:MAX_NAMED])}."
    raise RunError(f"{run} has no candidate {wanted!r}.{hint} All: apo show {run}")


def lineage(rows: Sequence[Mapping[str, Any]], last: str) -> list[Mapping[str, Any]]:
    """The candidates that one came from, it included, in the order in which they came up.

    Args:
        rows: the run's candidates, as `apo.storage.summary.candidates` gives them.
        last: the id of the one.
    """
    known = {row["id"]: row for row in rows}
    found: dict[str, Mapping[str, Any]] = {}
    waiting = [last]
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found[name] = known[name]
            waiting += known[name]["parents"]
    return sorted(found.values(), key=lambda row: int(row["ordinal"]))
