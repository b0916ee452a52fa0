"""Looking at a folder as a user who trusts nothing, while Python's audit hooks watch."""

import contextlib
import io
import os
import shutil
import signal
import site
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import CodeType
from typing import Any

from apo.cli.ask import AskFlags
from experiments.benchmarks.trust.cases import SECRET, Case

OUTCOMES = ("used", "refused", "asked", "touched", "hung", "traceback")
PATIENCE = 30
"""Seconds that a folder may take."""
ROOT = Path(__file__).resolve().parents[3]
SYSTEM = (
    "/dev",
    "/proc",
    "/sys",
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ssl",
    "/etc/mime.types",
    "/etc/locale.alias",
    "/etc/localtime",
)
OWN: list[str] = [
    *sysconfig.get_paths().values(),
    *site.getsitepackages(),
    sys.prefix,
    sys.base_prefix,
]
PYTHON = tuple({os.path.realpath(p) for p in (*OWN, *SYSTEM, *filter(None, sys.path), str(ROOT))})
FILES = ("open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename", "os.rmdir")
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
PROCESSES = ("subprocess.Popen", "os.exec", "os.system", "os.posix_spawn", "pty.spawn")


class Touched(BaseException):
    """Something that nobody allowed was about to be done."""


class Watch:
    """What an untrusted folder may reach, and what it touched beyond."""

    def __init__(self, room: Path) -> None:
        self.room = str(room)
        self.folder = f"{room}/cases"
        self.found: list[str] = []
        self.on = self.hashes = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """The audit hook; what it finds is noted, and prevented."""
        if not self.on:
            return
        self.on = False  # What is done in here is ours.
        try:
            found = self._wrong(event, args)
        finally:
            self.on = True
        if found:
            self.found.append(found)
            raise Touched(found)

    def _wrong(self, event: str, args: tuple[Any, ...]) -> str:
        if event in FILES and not (self.may_open(args[0]) or self._is_hashed(event, args)):
            return f"{event} {args[0]!r}"
        if event == "sqlite3.connect" and not self._may_connect(args[0]):
            return f"{event} {args[0]!r}"
        if event in NETWORK:
            return f"{event} {args[1:] if event == 'socket.connect' else args!r}"
        if event in PROCESSES and not self._is_own(args):
            return f"{event} {args!r:.300}"
        if event == "exec" and isinstance(args[0], CodeType):
            name = os.path.realpath(args[0].co_filename)
            return f"code of {name}" if name.startswith(self.room + os.sep) else ""
        return ""

    def may_open(self, name: object) -> bool:
        """Whether a path, links followed, lies where an untrusted folder may be read."""
        if isinstance(name, int) or name is None:
            return True  # A descriptor that is open already.
        path = os.path.realpath(_text(name))
        ours = [f"{self.room}/settings", f"{self.room}/tmp", *PYTHON]
        if path == self.room or path.startswith(self.room + os.sep):
            ours = [self.folder, *ours[:2]]  # The room may lie in a folder of Python's.
        return any(path == own or path.startswith(own + os.sep) for own in ours)

    def _is_hashed(self, event: str, args: tuple[Any, ...]) -> bool:
        """A Python file that a run or an experiment names is read for its hash, for `apo trust`.

        What it could import is so, too: the files beside it and in the packages there.
        """
        place, outside = os.path.realpath(os.fsdecode(args[0])), f"{self.room}/outside"
        beside = place == outside or place.startswith(f"{outside}{os.sep}")
        code = event == "open" and str(args[0]).endswith(".py") and args[1] in ("rb", "r")
        return self.hashes and (code or (event in ("os.scandir", "os.listdir") and beside))

    def _may_connect(self, name: object) -> bool:
        text = _text(name).removeprefix("file:").partition("?")[0]
        return text in ("", ":memory:") or self.may_open(text)

    def _is_own(self, args: tuple[Any, ...]) -> bool:
        """Workers of Python's own, jails, and which version of apo on which machine this is."""
        program, *rest = args
        own = (sys.executable, "git", "uname", shutil.which("bwrap"))
        named = f"{program} {rest[:1]}".replace(f"{self.room}/tmp", "")  # A jail's own folder.
        return program in own and self.room not in named


def _text(name: object) -> str:
    """A path as text, of whatever kind it was given."""
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


_WATCHES: list[Watch] = []


@contextmanager
def watching(room: Path) -> Generator[Watch]:
    """Watch this process; a hook cannot be taken away, so one serves all."""
    if not _WATCHES:
        sys.addaudithook(lambda event, args: _WATCHES[-1](event, args) if _WATCHES else None)
    watch = Watch(room)
    os.environ.update(XDG_CONFIG_HOME=f"{room}/settings", TMPDIR=f"{room}/tmp")
    (room / "tmp").mkdir(exist_ok=True)
    tempfile.tempdir = f"{room}/tmp"
    os.environ.update(APO_API_KEY=SECRET, APO_TRACK="0")
    _WATCHES.append(watch)
    try:
        yield watch
    finally:
        watch.on = False


def look(case: Case, watch: Watch) -> tuple[str, str]:
    """Do with a folder what people do.

    Returns:
        One of `OUTCOMES`, the worst of all that was done, and what happened, in words.
    """
    home = case.folder.parents[1] if case.kind == "run" else case.folder.parent / "home"
    watch.folder, watch.found = str(case.place), []
    watch.hashes = case.kind in ("run", "experiment")
    os.environ["APO_HOME"] = str(home)
    before = _state(Path(watch.room) / "outside")
    worst, told = "used", ""
    for work in _works(case):
        outcome, words = _one(work, watch)
        if OUTCOMES.index(outcome) > OUTCOMES.index(worst):
            worst, told = outcome, words
    if _state(Path(watch.room) / "outside") != before:
        return "touched", "a file outside has changed"
    return ("touched", watch.found[0]) if watch.found else (worst, told)


def _state(folder: Path) -> list[tuple[str, int, int]]:
    return [(str(p), p.lstat().st_size, p.lstat().st_mtime_ns) for p in sorted(folder.rglob("*"))]


def _works(case: Case) -> list[Callable[[], object]]:
    if case.kind == "experiment":
        return [lambda: _compare(case.folder)]
    return _works_of_task(str(case.folder)) if case.kind == "task" else _works_of_run(case)


def _works_of_task(task: str) -> list[Callable[[], object]]:
    from apo.cli.measure import evaluate
    from apo.cli.task import check

    few: dict[str, Any] = {**asdict(AskFlags(json=True))}
    return [
        lambda: _load(Path(task)),
        lambda: check(task=task, **few),
        lambda: evaluate(task=task, prompt=f"{task}/prompt.json", **few),
    ]


def _compare(folder: Path) -> None:
    """What `apo compare` does before its workers load the tasks, each with the gate anew."""
    from apo.compare.grid import make_cells
    from apo.compare.settings import parse_experiment, read_trusted_experiment

    file = folder / "experiment.yaml"
    print(make_cells(parse_experiment(read_trusted_experiment(file), str(file)), folder / "out"))


def _works_of_run(case: Case) -> list[Callable[[], object]]:
    from apo.cli.audit import audit
    from apo.cli.export import export
    from apo.cli.look import runs, show
    from apo.cli.measure import evaluate
    from apo.cli.mlflow import sync
    from apo.cli.run import resume
    from apo.cli.transfer import transfer

    run, few = case.folder.name, {"max_calls": 60, **asdict(AskFlags(json=True))}
    return [
        lambda: runs(json=True),
        lambda: show(run),
        lambda: show(run, json=True, flips=True, front=True, lineage=True),
        lambda: show(run, example="Are the prices on your website"),
        lambda: export(run, best=True),
        lambda: resume(run),
        lambda: audit(what=run, **few),
        lambda: transfer(run=run, model=["embedded"], **few),
        lambda: evaluate(task="support-tickets", prompt=run, like=run, **few),
        *([lambda: sync(run)] if case.parts and case.parts[0].file == "mlflow.json" else []),
    ]


def _load(folder: Path) -> None:
    from apo.scorers.awaited import AwaitedScorer
    from apo.taskfile.load import load_task

    task = load_task(folder)
    print(task)
    for example in task.train[:2]:
        if not isinstance(task.scorer, AwaitedScorer):
            print(task.scorer(example.targets[0] if example.targets else "a", example))


def _one(work: Callable[[], object], watch: Watch) -> tuple[str, str]:
    from typer import Exit

    from apo.errors import ApoError, TrustError

    shown = io.StringIO()

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    outcome, told = "used", ""
    try:
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            watch.on = True
            work()
    except TrustError as error:
        outcome, told = "asked", "" if not error.wishes else error.wishes[0]
    except (ApoError, Exit) as error:
        outcome, told = "refused", str(error)
    except Touched as error:
        outcome, told = "touched", str(error)
    except TimeoutError:
        outcome, told = "hung", f"{PATIENCE} s"
    except BaseException as error:
        outcome, told = "traceback", f"{type(error).__name__}: {error}"
    finally:
        watch.on = False
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    if SECRET in shown.getvalue():
        return "touched", "what stands outside was shown"
    return outcome, told
