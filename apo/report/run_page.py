"""The page of one run: what is read from its folder, section by section."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from apo.display.figures import flat
from apo.display.page import render
from apo.display.picture import inline, style
from apo.display.plots import curve_plot
from apo.errors import RunError
from apo.files import RESULTS, read_text
from apo.language.catalogue import translated
from apo.prompts.prompt import Prompt
from apo.report.allowance import Allowance
from apo.report.audit_page import audit_part
from apo.report.points import clouds, measured_points
from apo.report.rows import shown_rows
from apo.report.tree import tree_of
from apo.results.confusion import confusion
from apo.results.course import course, measured
from apo.results.drawn import drawn_interval
from apo.results.flips import flips_of, read_pairs
from apo.results.outcome import outcome
from apo.results.spending import spending
from apo.results.standings import standings
from apo.results.told import cautions
from apo.storage.folder import RunFolder
from apo.storage.lineage import short_ids
from apo.storage.record import Record, read_record
from apo.storage.summary import summary

if TYPE_CHECKING:
    from markupsafe import Markup

FILE = "report.html"
TEXT = 900_000
"""Bytes of texts that the rows may take, and that the tree may take: a page stays under 3 MB."""
NOT_SETTINGS = ("id", "state", "task", "model", "optimizer_model", "data", "notes", "prompt")
"""What a run's settings hold that its page tells elsewhere."""


def run_page(folder: RunFolder) -> str:
    """Write the report of a run, finished or not, as one page of HTML.

    Raises:
        RunError: the run's folder is damaged.
    """
    document = summary(folder)
    record = read_record(folder.journal_path)
    names = short_ids([row["id"] for row in document["candidates"]])
    best = Prompt.from_dict(document["best_prompt"]) if document["best_prompt"] else None
    seed = Prompt.from_dict(document["seed_prompt"]) if document["seed_prompt"] else None
    ended = folder.result is not None
    found = best != seed  # A prompt is not compared with itself.
    verdict = document["verdict"]
    with style():
        return render(
            "run.html",
            {
                "run": document,
                "ended": ended,
                "outcome": outcome(document) if ended else None,
                "cautions": cautions(document) if ended else document["notes"],
                "verdict": verdict,
                "interval": drawn_interval(verdict) if verdict and found else None,
                "length": {"seed": _length(seed), "best": _length(best)},
                "seed": seed,
                "best": best,
                "changes": seed.changes(best) if seed is not None and best is not None else [],
                "names": names,
                "course": course(record),
                "curve": _curve(record),
                "clouds": _clouds(folder, names, best),
                "tree": tree_of(
                    document["candidates"], record.refused, best.id if best else "",
                    Allowance(TEXT),
                ),
                **_tested(folder, compared=found),
                "spending": spending(folder),
                "settings": flat(
                    {k: v for k, v in document["settings"].items() if k not in NOT_SETTINGS}
                ),
                "audit": _audit(folder),
            },
        )  # fmt: skip


def _length(prompt: Prompt | None) -> int | None:
    return None if prompt is None else len(prompt.text())


def _curve(record: Record) -> "Markup | None":
    rises, tried = course(record), measured_points(measured(record))
    if len(tried) < 2:  # One point is no curve.
        return None
    told = translated(
        f"Best validation score so far: from {100 * rises[0].score:.1f} % after "
        f"{rises[0].calls:,} calls to {100 * rises[-1].score:.1f} % after {rises[-1].calls:,}, "
        f"in {len(rises) - 1} rises. The table below has them."
    )
    figure = curve_plot(
        [rise.calls for rise in rises],
        [rise.score for rise in rises],
        record.calls,
        tried=tried,
    )
    return inline(figure, "curve", told)


def _clouds(folder: RunFolder, names: Mapping[str, str], best: Prompt | None) -> Sequence[Any]:
    try:
        found = standings(folder)
    except RunError:  # Nothing is measured on the whole validation split yet.
        return []
    return clouds(found, names, best.id if best else "") if len(found) > 1 else []


def _tested(folder: RunFolder, *, compared: bool) -> dict[str, Any]:
    """What is known of the test rows: flips, groups, and the confusions of both prompts."""
    if not (folder.path / "test.jsonl").exists():
        none = shown_rows([], Allowance(0))
        return {"lost": none, "won": none, "groups": (), "unanswered": 0, "confusion": None}
    pairs = read_pairs(folder)
    flips = flips_of(pairs)
    allowance = Allowance(TEXT)
    return {
        "lost": shown_rows(flips.lost, allowance),
        "won": shown_rows(flips.won, allowance),
        "groups": flips.groups if compared else (),
        "unanswered": flips.unanswered,
        "confusion": confusion(pairs),
    }


def _audit(folder: RunFolder) -> Mapping[str, Any] | None:
    path = folder.path / "audit.json"
    if not path.exists():
        return None
    try:
        found: Any = json.loads(read_text(path, RESULTS, errors="surrogatepass"))
        return audit_part(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"The run's file {path} cannot be read: {error}. Audit anew.") from error
