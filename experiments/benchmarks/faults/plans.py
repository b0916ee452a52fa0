"""What befalls an optimization: a plan for each fault, in sittings of apo's commands."""

import signal
from dataclasses import dataclass

from experiments.benchmarks.faults import disk, logged, processes, served
from experiments.benchmarks.faults.trial import CONCURRENCY, Happen


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What befalls a run, and what cannot be asked of apo under it.

    Attributes:
        name: of the fault.
        happens: the sittings under the fault; without it, the run is then resumed to its end.
        track: the run is logged to MLflow.
        root: it takes the right to mount.
        paid_again: answers that may be paid again: under way when the process died, or in a part
            of the journal that was destroyed; None when there is no bound.
        lasting: answers in the journal were destroyed, so they are lost, and a clear refusal to
            go on is right.
        crash: it may end in any way, as long as the run can be gone on with: no memory is left
            for a message.
        new_run: nothing could be written down, so the run is started again, not resumed.
    """

    name: str
    happens: Happen
    track: bool = False
    root: bool = False
    paid_again: int | None = 0
    lasting: bool = False
    crash: bool = False
    new_run: bool = False


def _damage_plans() -> list[Plan]:
    kinds: dict[str, disk.Damage] = {
        "journal's tail torn": disk.torn_tail,
        "journal's bits flipped": disk.flipped,
        "journal's answers altered": disk.other_answers,
        "journal emptied": disk.emptied,
    }
    ends = {"after a stop": signal.SIGINT, "after a kill": signal.SIGKILL}
    plans = [
        Plan(
            name=f"{name} {end}",
            happens=disk.damaged(damage, number),
            # An empty journal must not be taken for a new run's: all would be paid again.
            paid_again=CONCURRENCY if damage is disk.emptied else None,
            lasting=True,
        )
        for name, damage in kinds.items()
        for end, number in ends.items()
    ]
    gone = disk.damaged(disk.without_wal, signal.SIGKILL)
    return [
        *plans,
        Plan(name="journal's -wal deleted", happens=gone, paid_again=None, lasting=True),
    ]


PLANS = {
    plan.name: plan
    for plan in (
        *(Plan(name=n, happens=served.misbehaving(*given)) for n, given in served.FAULTS.items()),
        *(Plan(name=n, happens=served.lying(lies)) for n, lies in served.LIES.items()),
        Plan(name="a day's rate limit, then a signal", happens=served.day_of_waiting),
        Plan(name="resumed with a smaller limit", happens=processes.smaller_limit),
        Plan(name="SIGINT", happens=processes.stopped(signal.SIGINT)),
        Plan(name="SIGTERM", happens=processes.stopped(signal.SIGTERM)),
        Plan(name="SIGKILL", happens=processes.stopped(signal.SIGKILL), paid_again=CONCURRENCY),
        Plan(
            name="SIGKILL three times", happens=processes.thrice_killed, paid_again=3 * CONCURRENCY
        ),
        Plan(name="server gone on the way", happens=served.server_gone),
        Plan(name="host name unknown", happens=served.no_such_host),
        Plan(name="clock jumps", happens=processes.clock_jumps),
        Plan(
            name="clock jumps, killed and resumed",
            happens=processes.clock_jumps_and_killed,
            paid_again=CONCURRENCY,
        ),
        Plan(
            name="out of memory",
            happens=processes.no_memory,
            paid_again=4 * CONCURRENCY,
            crash=True,
        ),
        Plan(name="two runs of one id", happens=processes.two_at_once),
        Plan(name="outputs closed", happens=processes.reader_gone),
        Plan(name="working directory deleted", happens=processes.folder_gone),
        Plan(
            name="started in a deleted directory",
            happens=processes.started_in_nothing,
            new_run=True,
        ),
        Plan(name="disk full", happens=disk.full, root=True, paid_again=CONCURRENCY),
        Plan(name="disk read-only", happens=disk.read_only_from_the_start, root=True, new_run=True),
        Plan(name="disk read-only on resume", happens=disk.read_only_on_resume, root=True),
        *_damage_plans(),
        Plan(name="MLflow away", happens=logged.away, track=True),
        Plan(name="MLflow slow", happens=logged.slow, track=True),
        Plan(name="MLflow killed and restarted", happens=logged.restarted, track=True),
        Plan(name="wrong key, logged to MLflow", happens=logged.wrong_key, track=True),
    )
}
"""All faults by name."""
