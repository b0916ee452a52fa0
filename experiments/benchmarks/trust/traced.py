"""What system calls touched, from the lines of strace."""

import re
import shutil
import sys
from pathlib import Path

from experiments.benchmarks.trust.untrusted import Watch

_OPEN = re.compile(
    r'open(?:at)?\((?:AT_FDCWD<[^>]*>, |[^"]*)?"((?:[^"\\]|\\.)*)", '
    r"([A-Z_|]+).*?= (-?\d+)(?:<(.*)>)?"
)
_CONNECT = re.compile(r"connect\(.*sa_family=AF_INET")
_EXECUTE = re.compile(r'execve\("([^"]*)"')


def touched_by(log: Path, room: Path) -> list[str]:
    """The calls that reached outside, were it only in the attempt.

    Args:
        log: of strace, with descriptors told.
        room: the room of the fuzz.
    """
    watch, found, gits = Watch(room), list[str](), set[str]()
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            process = line.partition(" ")[0]
            if (call := _EXECUTE.search(line)) and call[1].endswith("/git"):
                gits.add(process)  # It reads the settings of its user, as apo asks its version.
            elif (process not in gits or str(room) in line) and _is_wrong(line, watch):
                found.append(line.strip()[:300])
    return found


def _is_wrong(line: str, watch: Watch) -> bool:
    call = _EXECUTE.search(line)
    runs = call is not None and call[1] not in (sys.executable, shutil.which("bwrap"))
    return runs or bool(_CONNECT.search(line)) or not _may_open(line, watch)


def _may_open(line: str, watch: Watch) -> bool:
    call = _OPEN.search(line)
    if call is None:
        return True
    asked, flags, _, got = call.groups()
    if "O_DIRECTORY" in flags or (asked.endswith(".py") and "O_WRONLY" not in flags):
        return True  # The fuzz lists the decoys itself; Python is read for its hash.
    made = f"{watch.room}/made"
    return all(
        not name.startswith("/") or name.startswith((made, "/etc/ld.so")) or watch.may_open(name)
        for name in (asked, got or "")
    )
