"""A trial from its first sitting to the verdict on apo: what was lost, paid twice, or wrong."""

import random
import shutil
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from apo.errors import ApoError
from experiments.benchmarks.faults.plans import Plan
from experiments.benchmarks.faults.record import (
    Record,
    files_with,
    n_paid_again,
    n_wrong,
    read,
    told,
)
from experiments.benchmarks.faults.trial import MAX_CALLS, SECRET, Ended, Trial


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a planted fault did.

    Attributes:
        fault: the plan's name.
        optimizer: the optimizer's name.
        seed: of the run and the faults.
        ending: "same" (the fault was not felt), "stopped" (a clear stop; the same after resume),
            "refused" (a clear stop, for what was destroyed), or "bad".
        lost: answers that are not in the journal, though nothing excuses it.
        paid_twice: answers paid again, though nothing excuses it.
        excused: answers paid again that were under way at a kill, or destroyed since.
        wrong: answers, scores and verdicts that are not the clean run's.
        secrets: files and outputs that hold the key.
        overspent: calls beyond the limit.
        problems: what is bad, in words.
        seconds: of all sittings.
    """

    fault: str
    optimizer: str
    seed: int
    ending: str
    lost: int = 0
    paid_twice: int = 0
    excused: int = 0
    wrong: int = 0
    secrets: int = 0
    overspent: int = 0
    problems: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether apo did all that can be asked of it."""
        return not self.problems


class CleanRuns:
    """Optimizations that nothing befell, each made once; threads may ask at the same time.

    Args:
        folder: where to make them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "clean"
        self._found: dict[tuple[str, int], Record] = {}
        self._lock = threading.Lock()

    def get(self, optimizer: str, seed: int) -> Record:
        """Get the record of one."""
        with self._lock:
            if (optimizer, seed) not in self._found:
                trial = Trial(self._folder / f"{optimizer}-{seed}", optimizer, seed)
                self._found[optimizer, seed] = _clean(trial)
            return self._found[optimizer, seed]


def _clean(trial: Trial) -> Record:
    ended = trial.optimize()
    assert ended.code == 0, ended.err
    assert trial.run is not None
    found = read(trial.run, trial.paid)
    assert len(found.replies) == trial.paid.total() <= MAX_CALLS
    shutil.rmtree(trial.folder)
    return found


def run(plan: Plan, optimizer: str, seed: int, clean: Record, folder: Path) -> Outcome:
    """Run an optimization under a plan, resume it where it stopped, and judge apo.

    Args:
        plan: what befalls it.
        optimizer: the optimizer's name.
        seed: of the run, the faults, and where they strike.
        clean: the same optimization when nothing befell it.
        folder: for the trial, which is deleted unless it was bad.
    """
    name = f"{plan.name}-{optimizer}-{seed}".replace(" ", "-").replace(",", "")
    trial = Trial(folder / name, optimizer, seed, clean.paid.total(), track=plan.track)
    start = time.monotonic()
    with trial.exit:
        problems = _sittings(plan, trial, random.Random(name))
        outcome = _judge(plan, trial, clean, problems)
    if outcome.good:
        shutil.rmtree(trial.folder, ignore_errors=True)
    return replace(outcome, seconds=round(time.monotonic() - start, 2))


def _sittings(plan: Plan, trial: Trial, draw: random.Random) -> list[str]:
    """Let the fault happen, and then end the run without it."""
    try:
        plan.happens(trial, draw)
    except AssertionError as error:
        return [str(error)]
    if not _finished(trial) and not (plan.lasting and trial.ended[-1].code > 0):
        trial.optimize() if plan.new_run else trial.resume()
        if not _finished(trial):
            return [f"The last sitting ended with {trial.ended[-1].code}: {trial.ended[-1].err}"]
    return []


def _finished(trial: Trial) -> bool:
    run = trial.run
    try:
        return run is not None and run.result is not None
    except ApoError:
        return False


def _judge(plan: Plan, trial: Trial, clean: Record, problems: list[str]) -> Outcome:
    problems += [] if plan.crash else [unclear(ended) for ended in trial.ended]
    figures, found = _figures(plan, trial, clean)
    finished = found is not None and found.result is not None
    if finished and found is not None and found.result != clean.result:
        problems.append(f"Another result: {found.result}, not {clean.result}")
    if not finished and not plan.lasting:
        problems.append("The run has no result.")
    leaks = files_with(SECRET, trial.folder)
    leaks += ["output" for ended in trial.ended if SECRET in ended.out + ended.err]
    problems += [f"The key is in {leak}." for leak in leaks]
    problems += [f"{name}: {n}" for name, n in figures.items() if n and name != "excused"]
    problems = [problem for problem in problems if problem]
    stops = any(ended.code for ended in trial.ended)
    ending = "refused" if not finished else "stopped" if stops else "same"
    return Outcome(
        fault=plan.name,
        optimizer=trial.optimizer,
        seed=trial.seed,
        ending="bad" if problems else ending,
        secrets=len(leaks),
        problems=tuple(problems),
        **figures,
    )


def _figures(plan: Plan, trial: Trial, clean: Record) -> tuple[dict[str, int], Record | None]:
    again = n_paid_again(trial.paid, clean.paid)
    lost = 0 if plan.lasting else max([0, *trial.lost])
    bound = max(again, lost) if plan.paid_again is None else plan.paid_again
    found: Record | None = None
    wrong = 0
    try:
        if trial.run is not None:
            found = read(trial.run, trial.paid)
            # A damaged journal that is refused is not used: what it says is no score.
            refused = plan.lasting and found.result is None
            wrong = 0 if refused else n_wrong(found, clean)
    except ApoError:
        found = None
    spent = len(found.replies) if found else 0
    return {
        "lost": max(0, lost - bound),
        "paid_twice": max(0, again - bound),
        "excused": min(again, bound),
        "wrong": wrong,
        "overspent": max(0, spent - MAX_CALLS),
    }, found


def unclear(ended: Ended) -> str:
    """What is wrong with how a sitting ended; "" when nothing is."""
    both = ended.out + ended.err
    if "Traceback" in both:
        return f"A traceback: {both[-1500:]}"
    if ended.code > 0 and not (told(ended.out) or "error: " in both or "stopped: " in both):
        return f"It stopped with {ended.code} and did not say why: {both[-300:]!r}"
    return ""
