"""Whether folders of others touch anything, untrusted: generated task folders and run folders.

Paths, commands, hosts and patterns stand in every field of task.yaml, of its data and prompt files,
and of run.json, result.json and test.jsonl. Each folder is loaded, checked and measured, or
shown, exported, resumed, audited, transferred, synced and compared with, as by a user who trusts
nothing; experiment files as well. Python's audit hooks watch, and prevent, what leaves
the folder, apo's own home and Python's own files: files opened, databases, connections,
processes, code. Decoys lie outside; what stands in them must not appear anywhere. Exits with 1
where something was touched, where a folder hung, or where it ended in a traceback.

    python experiments/benchmarks/trust_fuzz.py                # 2,000 folders, some minutes
    python experiments/benchmarks/trust_fuzz.py --n 200 --strace   # watched by system calls, too
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments.benchmarks.recording import record
from experiments.benchmarks.trust.cases import (
    Case,
    draw_experiment,
    draw_run,
    draw_task,
    make_decoys,
)
from experiments.benchmarks.trust.traced import touched_by
from experiments.benchmarks.trust.untrusted import OUTCOMES, look, watching

FAILED = ("touched", "hung", "traceback")


def fuzz(room: Path, n: int, seed: int) -> tuple[Counter[tuple[str, str, str]], list[str]]:
    """Look at `n` folders: of five two tasks, two runs and an experiment.

    Args:
        room: an empty folder, but for the decoys.
        n: how many.
        seed: of what is drawn.

    Returns:
        How often what came of it, by file and kind of value; and what went wrong, in words.
    """
    counts, wrong = Counter[tuple[str, str, str]](), list[str]()
    with watching(room) as watch:
        for number in range(n):
            rng, place = Random(f"{seed}-{number}"), room / "cases" / str(number)
            draw = (draw_task, draw_run, draw_task, draw_run, draw_experiment)[number % 5]
            case: Case = draw(rng, place, room / "outside")
            outcome, told = look(case, watch)
            for file, kind in {(part.file, part.kind) for part in case.parts}:
                counts[file, kind, outcome] += 1
            if outcome in FAILED:
                wrong.append(f"{number} {outcome}: {told} {case.told()}")
            shutil.rmtree(place)
    return counts, wrong


def _traced(room: Path, arguments: list[str]) -> int:
    """The same in a process under strace: what its system calls touched is told, too."""
    log = room / "strace.txt"
    watched = [shutil.which("strace") or "strace", "-f", "-qq", "-y", "-s", "4096", "-o", str(log)]
    watched += ["-e", "trace=open,openat,connect,execve", sys.executable, __file__]
    ended = subprocess.run([*watched, *arguments, "--room", str(room)], check=False)
    found = touched_by(log, room)
    for line in found[:20]:
        print(f"strace: {line}")
    print(f"By system calls, {len(found)} touched.")
    return 1 if found or ended.returncode else 0


def main() -> int:
    """Read the command line, run, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--n", type=int, default=2000, help="folders")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--strace", action="store_true", help="watch system calls as well")
    parser.add_argument("--room", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.strace and not shutil.which("strace"):
        parser.error("there is no strace here; leave --strace out")
    if given.room is None:
        with tempfile.TemporaryDirectory() as made:
            room = Path(made).resolve()
            make_decoys(room / "outside")
            if given.strace:
                return _traced(room, ["--n", str(given.n), "--seed", str(given.seed)])
            return _report(room, given.n, given.seed)
    return _report(given.room, given.n, given.seed)


def _report(room: Path, n: int, seed: int) -> int:
    counts, wrong = fuzz(room, n, seed)
    rows = [
        {"file": file, "value": kind} | {name: counts[file, kind, name] for name in OUTCOMES}
        for file, kind in sorted({key[:2] for key in counts})
    ]
    title = f"What {n:,} generated folders of others did, untrusted (seed {seed})"
    notes = (
        "A folder with several such values counts in the line of each. used: it was loaded or "
        "shown, by what it may; asked: it ended with its list of wishes; refused: with another "
        "error of apo.",
    )
    record("trust_fuzz", title, rows, notes=notes)
    for line in wrong[:20]:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    os.environ.pop("APO_TRUST", None)
    sys.exit(main())
