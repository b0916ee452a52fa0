"""Every command of `apo --help`, with arguments that work in a folder which is made for them."""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner, Result

from apo.cli import app
from apo.storage.folder import RunFolder
from apo.storage.suggestions import suggestions

COMMANDS: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
SMALL = ("--max-calls", "80", "--no-track", "-o", "opro")
CALLS: dict[str, tuple[tuple[str, ...], str]] = {
    "init": (("NEW", "--data", "DATA"), "• "),
    "check": (("TASK", "--ping"), "ping     embedded answered"),
    "tasks": ((), "support-tickets  classification: Customer"),
    "lint": (("OLD",), "lacks  "),
    "tokens": (("OLD", "-t", "TASK", "-m", "embedded"), "embedded: $0.000000 a call"),
    "trust": (("RUN",), "asks for nothing"),
    "optimizers": ((), "the optimizer model reads a scored history"),
    "estimate": (("TASK", *SMALL), "calls    80"),
    "optimize": (("TASK", *SMALL), "Spent "),
    "resume": (("RUN",), "Spent "),
    "watch": (("RUN",), " is finished. "),
    "suggest": (("STOPPED", "INSTRUCTION"), "measured when the search ends, with up to "),
    "compare": (("GRID", "--no-track", "-j", "1"), "Report: "),
    "runs": ((), "-opro-"),
    "show": (("RUN",), "candidates"),
    "report": (("RUN",), "Report: "),
    "try": (("RUN", "--input", "Where is my parcel?"), "Where is my parcel?"),
    "export": (("RUN",), "{{ticket}}"),
    "evaluate": (("TASK", "--prompt", "OLD", "--split", "train"), "examples: "),
    "gate": (("TASK", "OLD", "CHANGED"), "test examples, "),
    "transfer": (("RUN", "-m", "embedded"), "Best on embedded"),
    "ablate": (("RUN", "--max-calls", "400", "--no-test"), "points"),
    "annotate": (("TASK", "UNSEEN", "--prompt", "OLD", "--prompt", "CHANGED"), "bits"),
    "audit": (("OLD", "-t", "TASK", "--max-calls", "30"), "injection"),
    "feedback": (("OWN", "RATED"), "12 new of 12"),
    "improve": (("OLD", "OWN", *SMALL), "Spent "),
    "judge": (("TASK", "RATED"), "κ with people"),
    "ui": ((), ""),
    "sync": ((), "Everything is logged."),
}
"""Arguments of each command, and what its result says; a new one needs a line here."""
RUNNER = CliRunner(env={"APO_HOME": "", "APO_TRUST": "1"})  # Which it restores after a command.
CODES = dict.fromkeys(COMMANDS, 0) | {"gate": 1, "improve": 4}


@dataclass(frozen=True)
class Place:
    """A folder with a finished run, a task, prompts, data, ratings and an experiment.

    Attributes:
        path: the folder.
        name: a part of all names in it; with "" the task is a built-in one.
    """

    path: Path
    name: str = ""

    @property
    def home(self) -> Path:
        """Where its runs are."""
        return self.path / (f"{self.name} home" if self.name else ".apo")

    @property
    def run_id(self) -> str:
        """The id of the finished run."""
        return (self.path / "run").read_text("utf-8")

    @classmethod
    def made(cls, path: Path) -> "Place":
        """A place with its files and its run; the working directory is as it was afterwards."""
        place = cls(path)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(path)
            place.make()
        return place

    def make(self) -> None:
        """Write the files, and make the run."""
        rows = [f"문의 {i} 환불,환불" if i % 2 else f"문의 {i} 배송,배송" for i in range(60)]
        rated = [f"note {i},login,{'login' if i % 3 else 'bug'},{'yes' if i % 2 else 'no'}"
                 for i in range(12)]  # fmt: skip
        texts = {
            "DATA": "\n".join(["글,뜻", *rows]),
            "OLD": "Sort the ticket.\n\n{{ticket}}",
            "CHANGED": "Which intent is it?\n\n{{ticket}}",
            "RATED": "\n".join(["ticket,intent,answer,rating", *rated]),
            "UNSEEN": "\n".join(["ticket", *(f"refund {i} 환불" for i in range(9))]),
            "GRID": "tasks: [word-problems]\noptimizers: [opro, ape]\nseeds: 1\n"
            "budget: {max_calls: 60}\n",
        }
        for word, text in texts.items():
            (self.path / self._called(word)).write_text(text, "utf-8")
        own = self.path / self._called("OWN")
        shutil.copytree(str(files("apo.tasks") / "support-tickets"), own)
        said = {"inputs": {"ticket": "note"}, "answer": "", "right": None, "by": "person"}
        (own / "feedback.jsonl").write_text(json.dumps({**said, "target": "login"}) + "\n")
        (self.path / "mlflow.db").touch()
        done = self.invoke("optimize")
        assert done.exit_code == 0, (done.output, done.exception)
        (run,) = (self.home / "runs").iterdir()
        (self.path / "run").write_text(run.name, "utf-8")
        stopped = RunFolder(shutil.copytree(run, run.with_name(f"{run.name}-stopped")))
        (stopped.path / "result.json").unlink()
        stopped.update(state="interrupted", created="2026-01-01T00:00:00+00:00")

    def arguments(self, name: str) -> list[str]:
        """A command with its arguments; a folder or a prompt that is new is another each time."""
        found = [name]
        for word in CALLS[name][0]:
            called = self._called(word)
            # What begins with a dash is typed so where it is no option's value.
            dash = called != word and called.startswith("-") and not found[-1].startswith("-")
            found.append(f"./{called}" if dash else called)
        return found

    def invoke(self, name: str, *more: str) -> Result:
        """Run a command in the working directory, and in this process."""
        home = ["--home", str(self.home.relative_to(self.path))] if self.name else []
        before = os.environ.get("APO_HOME")
        done = RUNNER.invoke(app, [*home, *self.arguments(name), *more])
        os.environ.pop("APO_HOME", None)  # What --home sets for the process ends with the command.
        os.environ.update({} if before is None else {"APO_HOME": before})
        return done

    def _called(self, word: str) -> str:
        stem = self.name or "my"
        match word:
            case "RUN":
                return self.run_id
            case "STOPPED":
                return f"{self.run_id}-stopped"
            case "NEW":
                return f"{stem} {len(list(self.path.iterdir()))}"
            case "INSTRUCTION":
                stopped = RunFolder(self.home / "runs" / self._called("STOPPED"))
                return f"Name the intent, in {9 + len(suggestions(stopped.path))} words at most."
            case "OWN":
                return self.name or "own"
            case "TASK":
                return self.name or "support-tickets"
            case _:
                ends = {"DATA": ".csv", "OLD": ".txt", "CHANGED": "2.txt"}
                ends |= {"RATED": "2.csv", "GRID": ".yaml", "UNSEEN": "3.csv"}
                return f"{stem}{ends[word]}" if word in ends else word


def stay(*_: object) -> None:
    """Start no other program in the place of this one."""


def main(path: str) -> dict[str, Any]:
    """Run every command in a place, and give what came of each: code, texts, and the error."""
    os.chdir(path)
    os.execve = stay  # type: ignore[assignment]  # What the server writes is its own.
    told: dict[str, Any] = {}
    for name in COMMANDS:
        done = Place(Path(path)).invoke(name)
        error = done.exception
        kind = None if error is None else type(error).__name__
        told[name] = [done.exit_code, done.stdout, done.stderr, kind, str(error or "")]
    return told


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
