"""A grid on a Ray of two machines that share no disk, one of which is lost half way.

    sudo python experiments/benchmarks/two_machines.py

The machines are namespaces of this one (root is needed): each has mounts, processes, a host name
and a network of its own, with one cable between them. /tmp, where the grid, its tasks and all
files of Ray lie, is another on each. Each has a model server of its own, which counts.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from apo.models.embedded import Embedded
from apo.testing.server import serve
from experiments.benchmarks.recording import record

HERE = Path(__file__).resolve()
PORT = 8000
GRID = [
    *("-t", "my task", "-t", "word-problems", "-o", "random-search", "-o", "opro", "--seeds", "2"),
    *("--max-calls", "100", "--concurrency", "2", "-j", "4", "--no-track", "--json"),
]
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "APO_", "RAY_"))},
    **{
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "PYTHONPATH": str(HERE.parents[2]),
    },
    **{"HOME": "/tmp/home", "OPENAI_API_KEY": "sk-test"},
    "OPENAI_BASE_URL": f"http://127.0.0.1:{PORT}/v1",
}


@dataclass
class Machine:
    """Namespaces, held by a process in them.

    Attributes:
        name: of the host.
        address: its own, in the network of two.
        anchor: the process that holds them; all processes of the machine end with it.
    """

    name: str
    address: str
    anchor: "subprocess.Popen[str]"

    @classmethod
    def start(cls, name: str, address: str) -> "Machine":
        """Start one, its disk empty but for a task, its cable not plugged in."""
        kinds = ["--mount", "--pid", "--fork", "--mount-proc", "--net", "--uts", "--kill-child"]
        ready = (
            f"hostname {name}; mount -t tmpfs none /tmp; mount -t tmpfs none /dev/shm; "
            "mkdir -p /tmp/home /tmp/grid; ip link set lo up; echo ready; exec sleep infinity"
        )
        anchor = subprocess.Popen(
            ["unshare", *kinds, "sh", "-c", ready], stdout=subprocess.PIPE, text=True
        )
        assert anchor.stdout is not None
        assert anchor.stdout.readline() == "ready\n"
        made = cls(name, address, anchor)
        made.run("cp", "-r", str(HERE.parents[2] / "tasks" / "order-fields"), "/tmp/grid/my task")
        made.popen(sys.executable, str(HERE), "--serve", "/tmp/count")
        return made

    @property
    def inside(self) -> str:
        """The id of the machine's first process, as seen from outside."""
        children = Path(f"/proc/{self.anchor.pid}/task/{self.anchor.pid}/children")
        return children.read_text(encoding="utf-8").split()[0]

    def popen(self, *command: str) -> "subprocess.Popen[str]":
        """Start a command on it, in the grid's folder."""
        enter = ["nsenter", "--target", self.inside, "--all", "--wdns=/tmp/grid", "--", *command]
        pipe = subprocess.PIPE
        return subprocess.Popen(enter, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True)

    def run(self, *command: str) -> str:
        """Run a command on it to its end."""
        done = self.popen(*command)
        out, err = done.communicate(timeout=300)
        if done.returncode:
            raise SystemExit(f"{self.name}: {' '.join(command)}:\n{out}{err}")
        return out

    def ray(self, *arguments: str) -> None:
        """Start its Ray."""
        same = ["--node-ip-address", self.address, "--num-cpus", "2", "--disable-usage-stats"]
        command = ["-m", "ray.scripts.scripts", "start", *same, *arguments]
        self.run(sys.executable, *command, "--object-store-memory", "80000000")

    def calls(self) -> int:
        """How many calls its model server has answered."""
        return int(self.run("cat", "/tmp/count") or 0)

    def end(self) -> None:
        """Take it off, with everything that runs on it."""
        self.anchor.send_signal(signal.SIGKILL)
        self.anchor.wait()


@contextmanager
def cluster() -> Generator[tuple[Machine, Machine]]:
    """Two machines with a cable between them, and a Ray of both."""
    head, other = Machine.start("head", "10.77.0.1"), Machine.start("other", "10.77.0.2")
    try:
        ends = ["eth0", "netns", head.inside, "type", "veth", "peer", "eth0", "netns", other.inside]
        subprocess.run(["ip", "link", "add", *ends], check=True)
        for machine, peer in ((head, other), (other, head)):
            # Not on the cable, which vanishes with the machine at its other end.
            machine.run("ip", "address", "add", f"{machine.address}/32", "dev", "lo")
            machine.run("ip", "link", "set", "eth0", "up")
            way = ["dev", "eth0", "src", machine.address]
            machine.run("ip", "route", "add", f"{peer.address}/32", *way)
        head.ray("--head", "--port", "6379", "--include-dashboard", "false")
        other.ray("--address", f"{head.address}:6379")
        yield head, other
    finally:
        for machine in (head, other):
            machine.end()


def compare(machine: Machine, name: str, *more: str) -> "subprocess.Popen[str]":
    """Start the grid on it."""
    command = [sys.executable, "-m", "apo", "compare", *GRID, "-m", "openai/embedded"]
    return machine.popen(*command, "--name", name, *more)


def ended(machine: Machine, name: str, process: "subprocess.Popen[str]") -> Mapping[str, Any]:
    """Await a grid; gives winners and calls by cell as the journals at home have them."""
    out, err = process.communicate(timeout=600)
    document = json.loads(out or "{}")
    if "failed" not in document:
        raise SystemExit(f"apo compare failed:\n{out}{err}")
    read = (
        "import json, pathlib; print(json.dumps({p.parent.name: json.loads(p.read_text()) for p in "
        f"pathlib.Path('.apo/compare/{name}').glob('runs/*/result.json')}}))"
    )
    results = json.loads(machine.run(sys.executable, "-c", read))
    cells = {
        cell: [result["best_prompt"], result["validation"], result["spent"]["calls"]]
        for cell, result in results.items()
    }
    return {"code": process.returncode, "failed": document["failed"], "cells": cells}


def row(
    what: str, found: Mapping[str, Any], alone: Mapping[str, Any], calls: int, there: int
) -> Any:
    """A line of the table."""
    same = sum(found["cells"].get(cell) == values for cell, values in alone["cells"].items())
    kept = sum(calls for *_, calls in found["cells"].values())
    print(f"{what}: {same} cells as alone, {kept} calls kept, {calls} asked", flush=True)
    return {
        "what": what,
        "exit": found["code"],
        "cells as alone": f"{same} of {len(alone['cells'])}",
        "failed": len(found["failed"]),
        "calls kept": kept,
        "calls asked": calls,
        "of these on the other machine": there,
    }


def main() -> None:
    """Run the grid alone, on both machines, and with the loss of one of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--latency-ms", type=float, default=100)
    parser.add_argument("--serve", help="count the calls of a model server into this file")
    given = parser.parse_args()
    if given.serve:
        return count(given.serve, given.latency_ms / 1000)
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise SystemExit("This needs root, and unshare and nsenter of util-linux.")
    rows: list[Any] = []
    with cluster() as (head, other):
        on = ["--on", f"ray:{head.address}:6379"]
        alone = ended(head, "alone", compare(head, "alone"))
        before = head.calls()
        rows.append(row("processes of one machine", alone, alone, before, 0))
        both = ended(head, "both", compare(head, "both", *on))
        total, there = head.calls() + other.calls() - before, other.calls()
        rows.append(row("two machines", both, alone, total, there))
        before, there = head.calls(), other.calls()
        process = compare(head, "lost", *on)
        while other.calls() < there + 100 and process.poll() is None:
            time.sleep(0.2)
        there = other.calls() - there
        other.end()
        print("One machine is lost.", flush=True)
        lost = ended(head, "lost", process)
        rows.append(row("one is lost half way", lost, alone, head.calls() - before + there, there))
        before = head.calls()
        again = ended(head, "lost", compare(head, "lost", *on))
        rows.append(row("the same command again", again, alone, head.calls() - before, 0))
    notes = [
        "Calls kept stand in the journals at home. Calls asked are counted by the servers; those "
        "that are not kept were answered in the last seconds of the machine that was lost."
    ]
    record(
        "two_machines", "8 cells of 100 calls on two machines that share no disk", rows, notes=notes
    )


def count(path: str, latency: float) -> None:
    """Serve the embedded model, and keep in a file how many calls were answered."""
    with serve(Embedded(), latency=latency, port=PORT) as server:
        while True:
            part = Path(f"{path}.part")
            part.write_text(str(server.answered), encoding="utf-8")
            part.replace(path)
            time.sleep(0.1)


if __name__ == "__main__":
    main()
