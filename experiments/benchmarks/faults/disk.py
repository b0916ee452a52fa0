"""Faults of the disk: full, read-only, a journal that was damaged. Mounts need root on Linux."""

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from experiments.benchmarks.faults.trial import Happen, Trial, at, send

Damage = Callable[[Path, random.Random], None]
"""What befalls the journal at a path."""


@contextmanager
def mounted(folder: Path, *, mebibytes: int = 8) -> Generator[None]:
    """Give a folder a small disk of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@cache
def can_mount(scratch: Path) -> bool:
    """Whether this process may mount a disk."""
    if shutil.which("mount") is None or os.name != "posix" or os.geteuid() != 0:
        return False
    with suppress(subprocess.CalledProcessError), mounted(scratch / "may-mount"):
        return True
    return False


def fill(folder: Path) -> None:
    """Leave no byte of a folder's disk free."""
    with (folder / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def free(folder: Path) -> None:
    """Undo `fill`."""
    (folder / "ballast").unlink()


def set_writable(folder: Path, writable: bool) -> None:
    """Mount a folder's disk again, read-only or not."""
    _mount("-o", f"remount,{'rw' if writable else 'ro'}", str(folder))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def full(trial: Trial, draw: random.Random) -> None:
    """Leave no byte free on the run's disk from some answer on."""
    with_disk(trial)
    trial.optimize(events=at(lambda _: fill(trial.home), trial, draw))
    free(trial.home)


def with_disk(trial: Trial) -> None:
    """Put the run on a disk of its own, until the trial ends."""
    trial.exit.enter_context(mounted(trial.home))


def read_only_from_the_start(trial: Trial, draw: random.Random) -> None:
    """Forbid to write where the run is to be kept."""
    with_disk(trial)
    set_writable(trial.home, False)
    trial.optimize()
    set_writable(trial.home, True)


def read_only_on_resume(trial: Trial, draw: random.Random) -> None:
    """Stop a run, and forbid to write where it is kept."""
    with_disk(trial)
    trial.optimize(events=at(send(signal.SIGINT), trial, draw))
    set_writable(trial.home, False)
    trial.resume()
    set_writable(trial.home, True)


def torn_tail(journal: Path, draw: random.Random) -> None:
    """Cut off the end of the journal's newest file, as a lost write does."""
    newest = wal(journal) if wal(journal).exists() else journal
    size = newest.stat().st_size
    os.truncate(newest, max(0, size - draw.randint(1, max(1, size // 3))))


def flipped(journal: Path, draw: random.Random) -> None:
    """Flip bits here and there, beyond the first kilobyte, which says what file it is."""
    for path in (journal, wal(journal)):
        if path.exists() and path.stat().st_size > 1024:
            data = bytearray(path.read_bytes())
            for _ in range(8):
                data[draw.randrange(1024, len(data))] ^= 1 << draw.randrange(8)
            path.write_bytes(data)


def other_answers(journal: Path, draw: random.Random) -> None:
    """Change answers where they stand, letter by letter: no structure of the file breaks."""
    for path in (journal, wal(journal)):
        if path.exists():
            path.write_bytes(path.read_bytes().replace(b"billing", b"bilking"))


def emptied(journal: Path, draw: random.Random) -> None:
    """Leave nothing of the journal but its name."""
    wal(journal).unlink(missing_ok=True)
    os.truncate(journal, 0)


def without_wal(journal: Path, draw: random.Random) -> None:
    """Delete the write-ahead file, which holds the newest answers."""
    wal(journal).unlink(missing_ok=True)


def wal(journal: Path) -> Path:
    """The journal's write-ahead file."""
    return journal.with_name(f"{journal.name}-wal")


def damaged(damage: Damage, number: signal.Signals) -> Happen:
    """End a run by a signal, damage its journal, and resume it."""

    def happens(trial: Trial, draw: random.Random) -> None:
        trial.optimize(events=at(send(number), trial, draw))
        assert trial.run is not None
        damage(trial.run.journal_path, draw)
        trial.resume()

    return happens
