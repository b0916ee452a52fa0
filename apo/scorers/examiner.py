"""The two processes of the code scorer: one runs the program, the other its tests.

The process that is started becomes the tests'; before it reads them it forks the program's. Both
close themselves in first (`jail`). It imports nothing of apo beside its neighbours, since it also
runs in containers that have no apo. Its results are lines of JSON; what the program's process
prints or says can be no such line.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

from apo.scorers.bridge import Peer
from apo.scorers.jail import close, limit, private_folder
from apo.scorers.remote import Over, Remote
from apo.scorers.unit_tests import Broken, run_tests

PROGRAM = "solution"
"""The name of the program as a module, in tracebacks and for tests that import it."""


def main(read: Callable[[], Any]) -> None:
    """Run one program against its tests.

    Args:
        read: gives the next part of the input: first the settings with the program, then the
            tests, which are not read before the program has a process of its own.
    """
    job = read()
    sys.path += job["packages"]
    sys.set_int_max_str_digits(0)  # Long numbers are a matter of the time limit.
    limit(job["seconds"], job["memory"], job["disk"])
    folder = job["folder"] or _new_folder()
    writable = private_folder(folder, job["disk"]) or "files" in job["allow"]
    os.chdir(folder)
    (from_tests, to_program), (from_program, to_tests) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        _program((from_tests, to_tests), job, folder, writable)
    os.close(from_tests)
    os.close(to_tests)
    tests = read()
    out = os.dup(1)
    _forget_streams()
    held = close(folder, job["packages"], writable=writable) | {*job["held"]}
    missing = {"network", "files"} - held - set(job["allow"])

    def say(**line: object) -> None:
        os.write(out, json.dumps(line).encode("ascii") + b"\n")

    say(held=sorted(held), missing=sorted(missing), writable=writable)
    if missing:
        os._exit(0)
    _stop_after(2 * job["seconds"])
    peer = Peer((from_program, to_program), home="tests")
    start, module = Remote(peer, 0), Remote(peer, 1)

    def get(name: str) -> Any:
        return getattr(module, name)

    try:
        names: Any = ()
        try:
            broken, failed, names = start()
        except Exception as error:  # What it answered was no such thing, or too much.
            broken, failed = "", _words(error)
        if broken:
            say(broken_program=str(broken))
        else:
            say(failed_start=str(failed))
            run_tests(tests, get, [*map(str, names)], job["entry_point"], say)
    except Broken as error:
        say(broken_tests=str(error))
    except Over as over:
        say(over=_ended(child, str(over)))
    os._exit(0)


def _new_folder() -> str:
    """A folder in a container, which knows none of ours."""
    from tempfile import mkdtemp

    return mkdtemp(prefix="apo-code-")


def _forget_streams() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


def _program(pipes: tuple[int, int], job: dict[str, Any], folder: str, writable: bool) -> None:
    """The program's process: it does what the tests' process asks, until that has gone."""
    for fd in range(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0]):
        if fd not in pipes:
            try:
                os.close(fd)
            except OSError:
                continue
    _forget_streams()
    held = close(folder, job["packages"], writable=writable) | {*job["held"]}
    if {"network", "files"} - held - set(job["allow"]):
        os._exit(0)
    module = ModuleType(PROGRAM)
    sys.modules[PROGRAM] = module

    def start() -> tuple[str, str, list[str]]:
        """Run it: why it does not compile, how it failed, what it defines."""
        try:
            code = compile(job["program"], PROGRAM, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
            return f"{type(error).__name__}: {error}", "", []
        try:
            exec(code, vars(module))  # noqa: S102 - what this process is for
        except BaseException as error:  # SystemExit too: nothing is left to be tested.
            return "", _words(error), []
        return "", "", [name for name in vars(module) if not name.startswith("__")]

    peer = Peer(pipes)
    peer.objects += [start, module]
    try:
        peer.serve()
    finally:
        os._exit(0)


def _words(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:500]
    except Exception:  # The program's own __str__ may do anything.
        return type(error).__name__


def _stop_after(seconds: float) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Over(f"the time was up after {seconds:g} s")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _ended(child: int, why: str) -> str:
    """Say how the program's process ended, where it has."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    if "ended" not in why:
        return why
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number in (signal.SIGXCPU, signal.SIGKILL):
            return "the program used up its time of CPU"
        return f"the program crashed ({signal.Signals(number).name})"
    return why
