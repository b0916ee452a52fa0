"""One whole optimization in a folder of its own: apo in a process, its model on a loopback server.

A trial is a row of sittings, each a command that a user would type: `apo optimize …`, then
`apo resume last`. The server keeps the ledger: how often each distinct request was answered.
"""

import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any

from apo.errors import ApoError
from apo.storage.folder import RunFolder, list_runs
from apo.testing.faults import Faults
from apo.testing.server import serve
from experiments.benchmarks.faults import client
from experiments.benchmarks.faults.forked import Forked
from experiments.benchmarks.faults.record import replies
from experiments.benchmarks.faults.watched import At, Sitting, Watched

SECRET = "sk-fault-3b1f9c77d2e84a60915e"
TASK = "support-tickets"
MAX_CALLS = 240
CONCURRENCY = 8
LONGEST = 120.0
"""Seconds after which a sitting counts as hanging."""


@dataclass(frozen=True)
class Ended:
    """How a sitting ended: its exit code, negative for a signal, and what it wrote."""

    code: int
    out: str
    err: str


@dataclass
class Trial:
    """One optimization, from its first sitting to its last.

    Attributes:
        folder: of this trial alone; `work` in it is the working directory.
        optimizer: its name.
        seed: of the run and of the faults.
        length: calls that the clean run makes.
        track: log to MLflow.
        paid: how often each distinct request was answered, over all sittings.
        ended: the sittings so far.
        lost: after each sitting, answers that are not in the journal.
        environment: more of the environment.
        exit: what is undone when the trial is over.
    """

    folder: Path
    optimizer: str
    seed: int
    length: int = MAX_CALLS
    track: bool = False
    paid: Counter[str] = field(default_factory=Counter[str])
    ended: list[Ended] = field(default_factory=list[Ended])
    lost: list[int] = field(default_factory=list[int])
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    exit: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)

    @property
    def work(self) -> Path:
        """The working directory."""
        return self.folder / "work"

    @property
    def home(self) -> Path:
        """Where the run is kept: outside of the working directory, which may be deleted."""
        return self.folder / "home"

    @property
    def run(self) -> RunFolder | None:
        """The run, once there is one."""
        return next(iter(list_runs(self.home)), None)

    @property
    def kept(self) -> int:
        """Answers in the journal; 0 where it cannot be read."""
        try:
            return 0 if self.run is None else len(replies(self.run.journal_path))
        except ApoError:
            return 0

    def optimize(
        self,
        *flags: str,
        faults: Faults | None = None,
        events: Sequence[At] = (),
        url: str = "",
        shell: str = "",
        json: bool = True,
        **lies: Any,
    ) -> Ended:
        """Start the run; the arguments are those of `sit`."""
        given = ["--max-calls", str(MAX_CALLS), "--concurrency", str(CONCURRENCY)]
        given += ["--optimizer", self.optimizer, "--seed", str(self.seed), *flags]
        given += ["--json"] * json + ["--no-track"] * (not self.track)
        command = ["optimize", TASK, "--model", "openai/embedded", *given]
        return self.sit(command, faults=faults, events=events, url=url, shell=shell, **lies)

    def resume(self, *flags: str, faults: Faults | None = None, events: Sequence[At] = ()) -> Ended:
        """Go on with it."""
        return self.sit(["resume", "last", "--json", *flags], faults=faults, events=events)

    def sit(
        self,
        command: Sequence[str],
        *,
        faults: Faults | None = None,
        events: Sequence[At] = (),
        url: str = "",
        shell: str = "",
        **lies: Any,
    ) -> Ended:
        """Run a command to its end.

        Args:
            command: apo's arguments.
            faults: of the server.
            events: on the way.
            url: an address to ask in place of the server's.
            shell: a script whose "$@" is the command.
            lies: what the server states that is not true; see `ChatServer`.
        """
        model = Watched(list(events))
        with serve(model, faults=faults, key=SECRET, **lies) as server:
            process = self.start(command, url or server.base_url, shell)
            model.sitting = Sitting(server, process)
            model.ready.set()
            try:
                out, err = process.communicate(timeout=LONGEST)
            except TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                err += f"\nIt hung for {LONGEST} s."
        self.paid += server.answers
        self.lost.append(self.paid.total() - self.kept)
        self.ended.append(ended := Ended(process.wait(), out, err))
        return ended

    def start(self, command: Sequence[str], url: str, shell: str = "") -> "Forked | Popen[str]":
        """Start a command."""
        environment = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": SECRET}
        environment.pop("MLFLOW_TRACKING_URI", None)
        environment |= {"APO_HOME": str(self.home), **self.environment}
        if not shell:
            return Forked(client.main, command, self.work, environment)
        # -P: the modules beside the script must not be found before the libraries.
        apo = [sys.executable, "-P", client.__file__, *command]
        return Popen(
            ["/bin/sh", "-c", shell, "sh", *apo],
            cwd=self.work,
            env=environment,
            stdout=PIPE,
            stderr=PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )


Happen = Callable[[Trial, random.Random], None]
"""What befalls a trial: its sittings under the fault, drawn from a stream of its own."""


def somewhere(trial: Trial, draw: random.Random) -> int:
    """A drawn place on the way, in answers."""
    return draw.randint(2, trial.length - 1)


def at(happens: Callable[[Sitting], object], trial: Trial, draw: random.Random) -> list[At]:
    """An event at a drawn place."""
    return [At(somewhere(trial, draw), happens)]


def send(number: signal.Signals) -> Callable[[Sitting], None]:
    """An event that sends a signal."""
    return lambda sitting: sitting.process.send_signal(number)
