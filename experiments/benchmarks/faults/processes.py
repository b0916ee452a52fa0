"""Faults of the process and of what is around it: signals, memory, clock, outputs, folders."""

import random
import resource
import shutil
import signal
from pathlib import Path

from apo.testing.faults import Faults
from experiments.benchmarks.faults.trial import Ended, Happen, Trial, at, send, somewhere
from experiments.benchmarks.faults.watched import At, Sitting


def stopped(number: signal.Signals) -> Happen:
    """Send a signal at a drawn place."""

    def happens(trial: Trial, draw: random.Random) -> None:
        trial.optimize(events=at(send(number), trial, draw))

    return happens


def thrice_killed(trial: Trial, draw: random.Random) -> None:
    """Kill the run, and its resumption, and the resumption of that."""
    trial.optimize(events=[At(draw.randint(2, trial.length // 4), send(signal.SIGKILL))])
    for _ in range(2):
        trial.resume(events=[At(draw.randint(2, trial.length // 4), send(signal.SIGKILL))])


def clock_jumps(trial: Trial, draw: random.Random) -> None:
    """Move the wall clock by hours, at every look."""
    trial.environment = {"APO_FAULT_CLOCK": str(trial.seed)}
    trial.optimize("--max-minutes", "30", faults=Faults(rate_limit=0.1, seed=trial.seed))


def clock_jumps_and_killed(trial: Trial, draw: random.Random) -> None:
    """Kill a run whose clock jumps, and go on with it by a clock that does."""
    trial.environment = {"APO_FAULT_CLOCK": str(trial.seed)}
    killed = [At(somewhere(trial, draw), send(signal.SIGKILL))]
    trial.optimize("--max-minutes", "30", events=killed)
    trial.resume()


def smaller_limit(trial: Trial, draw: random.Random) -> None:
    """Go on with a limit below what is spent."""
    stop = [At(draw.randint(trial.length // 3, trial.length - 1), send(signal.SIGINT))]
    trial.optimize(events=stop)
    ended = trial.resume("--max-calls", "9")
    if ended.code == 0 or trial.lost[-1]:
        raise AssertionError(f"It went on with a limit below what is spent: {ended.err}")


def no_memory(trial: Trial, draw: random.Random) -> None:
    """Let the process have hardly more memory than it has by then."""

    def limit(sitting: Sitting) -> None:
        status = Path(f"/proc/{sitting.process.pid}/statm").read_text()
        size = int(status.split()[0]) * resource.getpagesize() + draw.randrange(2**19)
        resource.prlimit(sitting.process.pid, resource.RLIMIT_AS, (size, size))

    trial.optimize(events=at(limit, trial, draw), faults=Faults(huge=0.05, seed=trial.seed))


def two_at_once(trial: Trial, draw: random.Random) -> None:
    """Resume a run that is running; the refusal is a sitting of its own."""
    refused: list[Ended] = []

    def again(sitting: Sitting) -> None:
        second = trial.start(["resume", "last", "--json"], sitting.server.base_url)
        out, err = second.communicate(timeout=30)
        refused.append(Ended(second.wait(), out, err))

    trial.optimize(events=at(again, trial, draw))
    trial.ended[:0] = refused
    if not refused or refused[0].code == 0:
        raise AssertionError("The second process was not refused.")


def reader_gone(trial: Trial, draw: random.Random) -> None:
    """Pipe both outputs into a reader that leaves after the first line."""
    trial.optimize(shell='"$@" 2>&1 | head -n 1', json=False)


def folder_gone(trial: Trial, draw: random.Random) -> None:
    """Delete the working directory on the way."""
    trial.optimize(events=at(lambda _: shutil.rmtree(trial.work), trial, draw))
    trial.work.mkdir()


def started_in_nothing(trial: Trial, draw: random.Random) -> None:
    """Start in a working directory that is not there any more."""
    trial.optimize(shell='mkdir gone && cd gone && rmdir ../gone && exec "$@"')
