"""What a program that a model wrote gives, run in the sandbox."""

import asyncio
import re

from apo.scorers.code import program_in
from apo.scorers.sandbox import Sandbox

SANDBOX = Sandbox(seconds=5.0, memory=512, disk=10)
AT_ONCE = 2
_PLACE = re.compile(r" at 0x[0-9a-f]+>$")
"""A generator, a coroutine or a function is no answer, and its address differs each time."""
_GIVES = "GIVES "
_NOTHING = "The function solution() returns nothing."
_TEST = f"""def _said(given):
    import json
    if given is None:
        return {_NOTHING!r}
    kept = isinstance(given, dict | list | tuple)
    said = json.dumps(given, ensure_ascii=False, default=str) if kept else str(given)
    return {_GIVES!r} + said
assert False, _said(solution())"""
"""A test that always fails, and says what the function gives."""


async def run_solution(answer: str) -> str:
    """Run the program that an answer holds, and give what its function `solution` returns.

    Returns:
        The text of it, 500 characters at most; in words that no number is read from, why there
        is none.

    Raises:
        TaskError: programs cannot be run safely here.
    """
    program = program_in(answer, "def solution")
    if "def solution" not in program:
        return "The answer holds no function solution()."
    async with _slots():
        lines = await SANDBOX.run(program, _TEST, "solution")
    said = {key: value for line in lines for key, value in line.items()}
    failed = str(said.get("failed", ""))
    given = failed.removeprefix(_GIVES)
    if failed == _NOTHING or _PLACE.search(given):
        return _NOTHING
    if given != failed:
        return given
    why = str(said.get("broken_program") or said.get("failed_start") or failed or "no end in time")
    kind = re.match(r"[A-Za-z]+(Error|Exit)", why)
    return f"The program failed: {kind[0] if kind else 'it came to no end in time'}."


_running: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


def _slots() -> asyncio.Semaphore:
    """So many programs run at once."""
    loop = asyncio.get_running_loop()
    for old in [one for one in _running if one.is_closed()]:
        del _running[old]
    return _running.setdefault(loop, asyncio.Semaphore(AT_ONCE))
