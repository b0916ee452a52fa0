"""What a program that a model wrote gives, run in the sandbox."""

import asyncio
import re

from apo.scorers.code import program_in
from apo.scorers.sandbox import Sandbox

SANDBOX = Sandbox(seconds=5.0, memory=512, disk=10)
AT_ONCE = 2
_GIVES = "GIVES "
_NOTHING = "The function solution() returns nothing."
_SAYS = f"lambda given: {_NOTHING!r} if given is None else {_GIVES!r} + str(given)"
_TEST = f"assert False, ({_SAYS})(solution())"
"""A test that always fails, and says what the function gives."""


async def run_solution(answer: str) -> str:
    """Run the program that an answer holds, and give what its function `solution` returns.

    Returns:
        The text of it, 500 characters at most; in words that no number is read from, why there
        is none.

    Raises:
        TaskError: programs cannot be run safely here.
    """
    program = program_in(answer)
    if "def solution" not in program:
        return "The answer holds no function solution()."
    async with _slots():
        lines = await SANDBOX.run(program, _TEST, "solution")
    said = {key: value for line in lines for key, value in line.items()}
    failed = str(said.get("failed", ""))
    if failed.startswith(_GIVES):
        return failed.removeprefix(_GIVES)
    if failed == _NOTHING:
        return failed
    why = str(said.get("broken_program") or said.get("failed_start") or failed or "no end in time")
    kind = re.match(r"[A-Za-z]+Error", why)
    return f"The program failed: {kind[0] if kind else 'it came to no end in time'}."


_running: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


def _slots() -> asyncio.Semaphore:
    """So many programs run at once."""
    loop = asyncio.get_running_loop()
    for old in [one for one in _running if one.is_closed()]:
        del _running[old]
    return _running.setdefault(loop, asyncio.Semaphore(AT_ONCE))
