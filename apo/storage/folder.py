"""Runs on disk: `.apo/runs/<id>/` holds the settings, the journal and the result of one run."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from apo.errors import RunError, near
from apo.files import RESULTS, read_text, require_file, write_whole
from apo.secrecy import redact
from apo.storage.journal import Journal
from apo.storage.shapes import require_result
from apo.trust import Wish, require

State = Literal["new", "estimated", "running", "interrupted", "failed", "finished"]
HOME = Path(".apo")


def require_home(home: Path) -> Path:
    """Make sure that a folder of runs, which may have come with files of others, is where it says.

    A home that was named, other than the `.apo` of the working directory, may be a link.

    Raises:
        TrustError: it, or something in it, is a link that the user has not allowed.
    """
    links = [home] if home == HOME and home.is_symlink() else []
    for folder in (home, home / "runs"):
        with suppress(OSError), os.scandir(folder) as entries:
            links += [Path(entry.path) for entry in entries if entry.is_symlink()]
    told = (f"use {os.path.realpath(link)} as {link.absolute()}, a link" for link in links)
    require(home, [Wish(text) for text in sorted(told)])
    return home


@dataclass(frozen=True)
class RunFolder:
    """The files of one run.

    `run.json` holds what the run was started with, its state and its data's fingerprint,
    `journal.db` every call and event, `result.json` the result, `test.jsonl` a line for each
    test example with both prompts' answers, and `mlflow.json` where it was logged.
    """

    path: Path

    @property
    def id(self) -> str:
        """The run's name, unique in its home."""
        return self.path.name

    @property
    def journal_path(self) -> Path:
        """The journal's database."""
        return self.path / "journal.db"

    @property
    def settings(self) -> dict[str, Any]:
        """What the run was started with, and its state.

        Raises:
            RunError: a file of the run is a link, so that it may be any file; or as for `read`.
        """
        with suppress(FileNotFoundError), os.scandir(self.path) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise RunError(
                        f"{entry.path} is a link, and apo takes what it leads to for no part of "
                        "the run. Put the file itself there, or delete the link."
                    )
        return self.read("run.json")

    def update(self, **values: Any) -> None:
        """Change settings, atomically."""
        known = self.settings if (self.path / "run.json").exists() else {}
        self.write("run.json", {**known, **values})

    @property
    def state(self) -> State:
        """What the run is doing; one that was killed had no time to write it down."""
        state: State = self.settings["state"]
        if state != "running":
            return state
        return "running" if self.in_use() else "interrupted"

    @property
    def way_on(self) -> str:
        """What to do about a run that is not finished, as a sentence."""
        return way_on(self.id, self.state)

    def in_use(self) -> bool:
        """Whether a process writes the journal now."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(f"{self.journal_path}.lock", timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # It is not ours to write.
            return _held(self.journal_path)

    def set_state(self, state: State) -> None:
        """Note what the run is doing now."""
        self.update(state=state, updated=now())

    @property
    def result(self) -> dict[str, Any] | None:
        """The result, or None while there is none."""
        return self.read("result.json") if (self.path / "result.json").exists() else None

    def need_result(self) -> dict[str, Any]:
        """The result of a run that has ended.

        Raises:
            RunError: there is none yet, or it is damaged.
        """
        result = self.result
        if result is None:
            raise RunError(f"{self.id} has no result yet. {self.way_on}")
        require_result(result, str(self.path / "result.json"))
        return result

    def open_journal(self, *, reuse: bool = False, begun: bool = False) -> Journal:
        """Open the journal for writing.

        Args:
            reuse: take answers that other runs of the same home paid for, and leave them ours.
            begun: the run had begun, so an empty journal has lost what was paid.

        Raises:
            JournalError: another process has it open.
        """
        shared = self.path.parents[1] / "answers.db" if reuse else None
        return Journal(self.journal_path, shared, fresh=not begun)

    def read(self, name: str) -> dict[str, Any]:
        """Read one of the JSON files.

        Raises:
            RunError: it is missing or damaged.
        """
        path = self.path / name
        try:
            value: Any = json.loads(read_text(path, RESULTS, errors="surrogatepass"))
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            raise RunError(f"The run's file {path} cannot be read: {said}.") from error
        if not isinstance(value, dict):
            raise RunError(f"The run's file {path} holds no JSON object.")
        return cast("dict[str, Any]", value)

    def write(self, name: str, value: dict[str, Any]) -> Path:
        """Write one of the JSON files, whole or not at all; gives its path.

        What JSON has no form for, such as an own optimizer's function, is written as its repr.
        """
        text = json.dumps(value, ensure_ascii=False, indent=2, default=repr)
        self.write_text(name, text + "\n")
        return self.path / name

    def write_text(self, name: str, text: str) -> None:
        """Write a file, whole or not at all, and without known keys.

        Raises:
            RunError: the disk is full or cannot be written.
        """
        target = self.path / name
        try:
            write_whole(target, redact(text), errors="surrogatepass")
        except OSError as error:
            raise RunError(f"Cannot write {target}: {error.strerror}.") from error


def way_on(run: str, state: str) -> str:
    """Say what to do about a run that is not finished: who resumes one that goes on is refused."""
    if state == "running":
        return f"It is running; look on with: apo watch {run}"
    return f"Go on with: apo resume {run}"


def _held(journal: Path) -> bool:
    """Whether a process holds the lock of a journal that this one may only read."""
    import fcntl

    try:
        lock = Path(f"{journal}.lock")
        require_file(lock)
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def no_place(path: Path, error: OSError) -> RunError:
    """What to say where a folder of a home cannot be made."""
    return RunError(
        f"Cannot make {path}: {error.strerror}. Runs are kept in --home FOLDER or APO_HOME: give a "
        "folder that can be written."
    )


def create_run(home: Path, task: str, optimizer: str, settings: dict[str, Any]) -> RunFolder:
    """Make the folder of a new run.

    Args:
        home: folder that holds `runs/`.
        task: the task's name, the first part of the run's id.
        optimizer: the optimizer's name, the second.
        settings: what the run is started with, as JSON values.

    Raises:
        RunError: the folder cannot be made.
    """
    folder = RunFolder(home / "runs" / f"{task}-{optimizer}-{secrets.token_hex(3)}")
    try:
        folder.path.mkdir(parents=True)
    except OSError as error:
        raise no_place(folder.path, error) from error
    folder.update(**settings, id=folder.id, state="new", created=now(), updated=now())
    return folder


def list_runs(home: Path = HOME) -> Iterator[RunFolder]:
    """All runs of a home, the newest first; those whose settings cannot be read come last."""

    def created(folder: RunFolder) -> str:
        try:
            return str(folder.settings.get("created", ""))
        except RunError:
            return ""

    folders = [RunFolder(path.parent) for path in (require_home(home) / "runs").glob("*/run.json")]
    yield from sorted(folders, key=created, reverse=True)


def find_run(name: str, home: Path = HOME) -> RunFolder:
    """Find a run by its id, by a beginning or end of it that only one run has, or "last".

    Raises:
        RunError: none or several fit; the known ones are named.
    """
    folders = list(list_runs(home))
    if name == "last" and folders:
        return folders[0]
    ids = [folder.id for folder in folders]
    fitting = [f for f in folders if f.id == name] or [
        f for f in folders if f.id.startswith(name) or f.id.endswith(name)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise RunError(f"{name!r} fits several runs: {', '.join(f.id for f in fitting)}.")
    run, colon, _ = name.partition(":")
    if colon and (run == "last" or any(i.startswith(run) or i.endswith(run) for i in ids)):
        raise RunError(f"{name!r} names a candidate; give the run alone here: {run}.")
    if not ids:
        raise RunError(f"There is no run {name!r}: {home / 'runs'} holds none. Start one first.")
    raise RunError(f"There is no run {name!r}.{near(name, ids)}")


def now() -> str:
    """The time in UTC, to the millisecond, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
