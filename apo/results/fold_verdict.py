"""What the runs on folds come to: one verdict over the rows of all folds.

It is written where every run has it, so that what reads a run reads this: `result.json`,
`test.jsonl` with the rows of all folds, and the last run's journal.
"""

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import stdev
from typing import Any

from apo.calls.budget import Spent
from apo.errors import RunError
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.files import RESULTS, read_text
from apo.results.flips import FILE, read_pairs
from apo.results.judge_trust import judge_details
from apo.results.result import Result
from apo.results.verdict import Verdict, reach_verdict
from apo.storage.folder import RunFolder
from apo.task import Example, Score, Task

CAUTION = 2.0
"""The p-value is multiplied by this. Searches that share rows tend to choose the same lucky prompt,
so their tests are not quite independent: at the worst, 7 % of simulations without any gain come
under p = 0.05 as it is, and 5 % when it is doubled (experiments/benchmarks/fold_dependence.py)."""
WIDER = 1.1436
"""The interval reaches so much further: at 97.5 %, where it was at 95 %."""


def conclude(
    folder: RunFolder, runs: Sequence[RunFolder], tasks: Sequence[Task], last: Result
) -> Result:
    """Pool what was tested, and write it down where every run has it.

    Args:
        folder: holds them all.
        runs: those of the folds in their order, then the last one.
        tasks: their tasks; the last one has all rows.
        last: the result of the last run.
    """
    *runs, last_run = runs
    whole = tasks[-1]
    results = [run.read("result.json") for run in runs]
    pairs = [_pairs(run, task) for run, task in zip(runs, tasks, strict=False)]
    verdict = _verdict([p for fold in pairs for p in fold], whole, last, results)
    tested = [run.path / FILE for run in runs if (run.path / FILE).exists()]
    folder.write_text(FILE, "".join(read_text(p, RESULTS, errors="surrogatepass") for p in tested))
    # So that whatever reads a run's candidates reads these.
    shutil.copyfile(last_run.journal_path, folder.journal_path)
    result = replace(
        last,
        run_id=folder.id,
        folder=RunFolder(folder.path.absolute()),
        verdict=verdict,
        notes=tuple(dict.fromkeys(n for r in [*results, last.to_dict()] for n in r["notes"])),
        spent=_sum([*(_spent(r) for r in results), last.spent]),
        seconds=last.seconds + sum(r["spent"]["seconds"] for r in results),
        details={
            **last.details,
            "judge": judge_details(folder, whole.scorer),
            "procedure": _procedure(runs, results, pairs, len(whole.train) + len(whole.validation)),
        },
    )
    folder.write("result.json", result.to_dict())
    return result


def _pairs(run: RunFolder, task: Task) -> list[tuple[Example, Mapping[str, Any]]]:
    """The test examples of a fold that were measured, with both prompts' answers.

    Raises:
        RunError: one does not belong to the fold.
    """
    examples = {example.id: example for example in task.test}
    found = read_pairs(run) if (run.path / FILE).exists() else []
    for pair in found:
        if pair["id"] not in examples:
            raise RunError(
                f"{run.id} was tested on the example {pair['id']}, which is not in its fold: the "
                "data changed while the folds were run. Restore the data, or start anew."
            )
    return [(examples[pair["id"]], pair) for pair in found]


def _verdict(
    pairs: Sequence[tuple[Example, Mapping[str, Any]]],
    whole: Task,
    last: Result,
    results: Sequence[Mapping[str, Any]],
) -> Verdict | None:
    """Judge all folds' pairs together; None when none has a score under both."""
    seed, best = (
        Evaluation(prompt, tuple(_rollout(e, pair, side) for e, pair in pairs), whole.metric)
        for side, prompt in (("seed", last.seed.prompt), ("best", last.best.prompt))
    )
    if not any(a.score and b.score for a, b in zip(seed.rollouts, best.rollouts, strict=True)):
        return None
    complete = all(r["verdict"] is not None and r["verdict"]["complete"] for r in results)
    return _cautious(reach_verdict(seed, best, complete=complete, task=whole))


def _cautious(verdict: Verdict) -> Verdict:
    """Allow for the rows that the searches share."""
    visible, rows = verdict.visible_gain, verdict.rows_needed
    third = verdict.constant
    return replace(
        verdict,
        interval=_wider(verdict.difference, verdict.interval),
        p_value=min(1.0, CAUTION * verdict.p_value),
        constant=None
        if third is None
        else replace(
            third,
            interval=_wider(verdict.best_score - third.score, third.interval),
            p_value=min(1.0, CAUTION * third.p_value),
        ),
        visible_gain=None if visible is None or WIDER * visible > 1 else WIDER * visible,
        rows_needed=None if rows is None else math.ceil(WIDER**2 * rows),
    )


def _wider(gain: float, interval: tuple[float, float]) -> tuple[float, float]:
    low, high = (min(1.0, max(-1.0, gain + WIDER * (end - gain))) for end in interval)
    return low, high


def _rollout(example: Example, pair: Mapping[str, Any], side: str) -> Rollout:
    value, feedback = pair[f"{side}_score"], pair[f"{side}_feedback"]
    if value is None:
        return Rollout(example, pair[f"{side}_output"], None, error=feedback)
    if pair[f"{side}_outcome"] == "refused":
        return Rollout.of_refusal(example, feedback)
    score = Score(value, pair[f"{side}_outcome"] != "malformed", feedback)
    return Rollout(example, pair[f"{side}_output"], score)


def _procedure(
    runs: Sequence[RunFolder],
    results: Sequence[Mapping[str, Any]],
    pairs: Sequence[Sequence[object]],
    n_rows: int,
) -> dict[str, Any]:
    """What was tested how, as JSON values: the verdict is on the procedure, not on a prompt."""
    by_fold: list[dict[str, Any]] = []
    for run, result, rows in zip(runs, results, pairs, strict=True):
        verdict: Mapping[str, Any] = result["verdict"] or {}
        names = ("seed_score", "best_score", "difference", "wins", "losses")
        figures = {name: verdict.get(name) for name in names}
        found = result["best_prompt"] != result["seed_prompt"]
        by_fold.append({"run_id": run.id, "n": len(rows), "found": found, **figures})
    gains = [fold["difference"] for fold in by_fold if fold["difference"] is not None]
    return {
        "folds": len(runs),
        "rows": n_rows,
        "tested": sum(map(len, pairs)),
        "spread": stdev(gains) if len(gains) > 1 else None,
        "by_fold": by_fold,
    }


def _spent(result: Mapping[str, Any]) -> Spent:
    return Spent(**{name: n for name, n in result["spent"].items() if name != "seconds"})


def _sum(parts: Sequence[Spent]) -> Spent:
    """All of it; the dollars are unknown when those of a part are."""
    total: dict[str, Any] = {}
    for name in Spent().to_dict():
        values = [getattr(part, name) for part in parts]
        total[name] = None if None in values else sum(values)
    return Spent(**total)
