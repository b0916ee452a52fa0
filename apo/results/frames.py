"""A run as tidy tables: its candidates, test rows, calls and course as pandas data frames."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from apo.display.plots import Picture, curve_plot
from apo.errors import RunError
from apo.models.prices import cost
from apo.prompts.prompt import Prompt
from apo.results.course import course, measured
from apo.results.flips import read_pairs
from apo.results.spending import prices_of
from apo.storage.folder import RunFolder
from apo.storage.record import read_record
from apo.storage.rows import open_for_reading, readable
from apo.storage.summary import candidates
from apo.usage import Usage

if TYPE_CHECKING:
    from pandas import DataFrame

COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "thinking_tokens", "retries")
CANDIDATE = ("id", "ordinal", "operator", "parents", "score", "n", "whole", "best", "length")
CALL = (
    "role", "model", "prompt", "example", "step", "reply", "error", *COUNTS, "seconds", "usd",
    "cut", "reused", "at", "logprob",
)  # fmt: skip


def candidates_frame(folder: RunFolder, best: str) -> "DataFrame":
    """A row for each candidate, the best first; see `Result.candidates`.

    Args:
        folder: the run.
        best: the id of the best one.
    """
    from pandas import DataFrame

    found = candidates(folder)
    prompts = [Prompt.from_dict(row["prompt"]) for row in found]
    rows = [
        {
            **{name: row[name] for name in ("id", "ordinal", "operator", "n", "whole")},
            "parents": ", ".join(row["parents"]),
            "score": row["value"],
            "best": row["id"] == best,
            "length": len(prompt.text()),
            "instruction": prompt.instructions,
            "demos": sum(len(step.demos) for step in prompt.steps.values()),
            "broken": ", ".join(row["broken"]),
        }
        for row, prompt in zip(found, prompts, strict=True)
    ]
    return DataFrame(_whole(rows), columns=[*CANDIDATE, "instruction", "demos", "broken"])


def _whole(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows whose texts are whole: Arrow, which holds them, takes no half of a surrogate pair."""
    return [
        {
            name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
            for name, value in row.items()
        }
        for row in rows
    ]


def rows_frame(folder: RunFolder) -> "DataFrame":
    """A row for each test example; see `Result.rows`.

    Raises:
        RunError: the run has measured none, or its file is damaged.
    """
    from pandas import DataFrame

    return DataFrame(_whole(_row(pair) for pair in read_pairs(folder)))


def _row(pair: dict[str, Any]) -> dict[str, Any]:
    fields = {f"input_{name}": text for name, text in pair["inputs"].items()}
    slices = {f"slice_{name}": text for name, text in pair["slices"].items()}
    kept = ("id", "flip", "must_pass", "group")
    sides = [
        f"{side}_{what}"
        for what in ("output", "score", "outcome", "feedback")
        for side in ("seed", "best")
    ]
    return {
        **{name: pair[name] for name in kept},
        **fields,
        "target": " | ".join(map(str, pair["targets"])),
        **{name: pair[name] for name in sides},
        **slices,
    }


def calls_frame(folder: RunFolder) -> "DataFrame":
    """A row for each call, in the order of the answers; see `Result.calls`.

    Raises:
        RunError: its folder is damaged.
    """
    from pandas import DataFrame, to_datetime

    names = ("role", "model", "request", "reply", "error", *COUNTS, "seconds", "truncated",
             "reused", "at", "logprob")  # fmt: skip
    with closing(open_for_reading(folder.journal_path)) as database, readable():
        there = {column[1] for column in database.execute("PRAGMA table_info(calls)")}
        # A journal of an earlier version lacks some.
        asked = ", ".join(name if name in there else "NULL" for name in names)
        found = database.execute(f"SELECT {asked} FROM calls ORDER BY at, key").fetchall()  # noqa: S608 (names of our own)
    rows: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in found]
    prices = prices_of(folder, {str(row["model"]) for row in rows})
    for row in rows:
        note, price = str(row.pop("request") or ""), prices[row["model"]]
        named = row["role"] == "task" and "\n" not in note
        prompt, example, step = [*note.split(" ", 2), "", ""][:3] if named else ("", "", "")
        row |= {"prompt": prompt, "example": example, "step": step}
        usage = Usage(row["input_tokens"], row["output_tokens"], row["cached_tokens"] or 0)
        known = None not in (usage.input_tokens, usage.output_tokens)
        row["usd"] = cost(price, usage) if price is not None and known else None
        row["cut"], row["reused"] = bool(row.pop("truncated")), bool(row["reused"])
    frame = DataFrame(_whole(rows), columns=[*CALL])
    return frame.assign(at=to_datetime(frame["at"], unit="s", utc=True))


def curve_frame(folder: RunFolder) -> "DataFrame":
    """A row for each candidate measured on all of validation; see `Result.curve`."""
    from pandas import DataFrame

    record = read_record(folder.journal_path)
    rises = course(record)
    rows = [
        {
            "calls": moment.calls,
            "score": moment.score,
            "best_score": max((r.score for r in rises if r.calls <= moment.calls), default=None),
            "candidate": moment.candidate,
            "rise": moment in rises,
        }
        for moment in measured(record)
    ]
    return DataFrame(rows, columns=["calls", "score", "best_score", "candidate", "rise"])


def curve_picture(folder: RunFolder) -> Picture:
    """The best score so far over the calls, as a picture.

    Raises:
        RunError: nothing was measured on all of validation.
    """
    from apo.display.picture import style

    record = read_record(folder.journal_path)
    rises = course(record)
    if not rises:
        raise RunError(f"{folder.id} has measured nothing on the whole validation split yet.")
    with style():
        return Picture(
            curve_plot(
                [rise.calls for rise in rises],
                [rise.score for rise in rises],
                record.calls,
                tried=[(moment.calls, moment.score) for moment in measured(record)],
            )
        )
