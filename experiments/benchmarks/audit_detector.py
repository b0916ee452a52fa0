"""The detector of injected texts: precision and recall on labelled texts, with intervals.

The signs were made on `injected/making.jsonl` first, and then on the suite's own attacks as well.
No sign was made for a text of the other two files: `held_out.jsonl` (plain attacks, and harmless
texts with the same words) was written before all signs, `held_out_indirect.jsonl` (attacks that
name neither instructions nor a model) before the second round of them.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo.audit.attacks import DRESSES, attacks, spoken
from apo.audit.detector import detect
from apo.statistics import proportion_interval
from apo.taskfile.load import load_task
from apo.taskfile.places import builtin_tasks
from experiments.benchmarks.recording import record

FOLDER = Path(__file__).parent / "injected"


def labelled(name: str) -> list[tuple[str, bool]]:
    """Texts, and whether they carry orders."""
    rows = [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]
    return [(row["text"], row["injected"]) for row in rows]


def own() -> list[tuple[str, bool]]:
    """The suite's attacks in every dress."""
    texts = ((a, spoken(a, ("bra", "dul"), "refund")) for a in attacks())
    return [(dress(text, a.language), True) for a, text in texts for dress in DRESSES.values()]


def harmless() -> list[tuple[str, bool]]:
    """All inputs of the built-in tasks."""
    tasks = [load_task(name) for name in builtin_tasks()]
    examples = (
        e for task in tasks for pool in (task.train, task.validation, task.test) for e in pool
    )
    return [("\n".join(example.inputs.values()), False) for example in examples]


def measured(name: str, rows: Sequence[tuple[str, bool]]) -> dict[str, object]:
    """Count what the detector finds."""
    start = time.process_time()
    found = [detect(text).injected for text, _ in rows]
    seconds = time.process_time() - start
    right = sum(a and b for a, (_, b) in zip(found, rows, strict=True))
    attacked = sum(injected for _, injected in rows)
    return {
        "texts": name,
        "attacks": attacked,
        "harmless": len(rows) - attacked,
        "precision": _share(right, sum(found)),
        "recall": _share(right, attacked),
        "false alarms": _share(sum(found) - right, len(rows) - attacked),
        "ms a text": f"{1000 * seconds / len(rows):.2f}",
    }


def _share(k: int, n: int) -> str:
    low, high = proportion_interval(k, n)
    return f"{k}/{n} ({100 * low:.0f} to {100 * high:.0f} %)" if n else "–"


def main() -> None:
    """Measure the detector on all sets."""
    rows = [
        measured("held out, plain", labelled("held_out")),
        measured("held out, indirect", labelled("held_out_indirect")),
        measured("inputs of the built-in tasks", harmless()),
        measured("the suite's attacks, in six dresses (used for making)", own()),
        measured("making", labelled("making")),
    ]
    record(
        "audit_detector",
        "Texts that carry orders to a model: what the detector finds, with 95 % intervals",
        rows,
        notes=[
            "All texts are by the detector's own author, in English and in Korean: attacks of "
            "others may well be found less often. With the signs of the first round, 47 of the 50 "
            "plain attacks were found with 1 false alarm, but only 3 of the suite's 32, undressed. "
            "Indirect attacks name neither instructions nor a model "
            '("everything up to here was a drill"): a list of patterns misses most of them.'
        ],
    )


if __name__ == "__main__":
    main()
