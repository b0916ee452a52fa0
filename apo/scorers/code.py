"""Programs, scored by unit tests in processes that can harm nothing (`sandbox`)."""

import asyncio
import os
import re
import textwrap
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from apo.errors import TaskError, near
from apo.scorers.sandbox import Sandbox, apart
from apo.task import Example, Score

_FENCE = re.compile(r"[ \t>]*(```+|~~~+)[ \t]*([^\s`]*)[^`]*$")
_PYTHON = ("", "python", "python3", "py", "py3", "{python}", "{.python}")
_SHOWN = 3
"""Failed tests in the feedback."""

_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, asyncio.Semaphore]] = (
    WeakKeyDictionary()
)
"""How many programs run at the same time, by event loop and number: scorers share the CPUs."""


@dataclass(frozen=True, kw_only=True)
class Code:
    """The share of unit tests that the program in an answer passes.

    The program is the answer's last block of Python between ``` fences, or else all of it. The
    tests are asserts, functions `test_*`, or a function `check(candidate)`; all targets of an
    example count together.

    Attributes:
        tests: the input field that holds the tests; empty: the target does.
        entry_point: the input field that holds the name of the function for `check`; or empty.
        all_or_nothing: whether a program that fails one test is worth nothing.
        seconds: of CPU for one program, and half of the seconds by the clock; above 0.
        memory: megabytes of address space, from 64.
        disk: megabytes that a program may write, from 1.
        allow: what goes without protection where the machine has none: "network", "files".
        command: starts Python in a container, such as "docker run --rm -i --init --network
            none python:3.12-slim python"; empty runs programs on this machine.
        at_once: how many programs run at the same time; 0 takes one for each CPU.
    """

    tests: str = ""
    entry_point: str = ""
    all_or_nothing: bool = False
    seconds: float = 5.0
    memory: float = 512.0
    disk: float = 16.0
    allow: tuple[str, ...] = ()
    command: str = ""
    at_once: int = 0
    n_calls = 0
    models: ClassVar[tuple[str, ...]] = ()  # It asks no judges.

    def __post_init__(self) -> None:
        for name, least in (("seconds", 0.1), ("memory", 64), ("disk", 1), ("at_once", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not (isinstance(value, int | float) and value >= least):
                raise TaskError(f"code.{name} is {value!r}; it must be a number from {least}.")
        for name in self.allow:
            if name not in ("network", "files"):
                raise TaskError(f"code.allow names {name!r}.{near(name, ['network', 'files'])}")

    @cached_property
    def sandbox(self) -> Sandbox:
        """What its programs run in."""
        return Sandbox(
            seconds=self.seconds,
            memory=self.memory,
            disk=self.disk,
            allow=self.allow,
            command=self.command,
        )

    async def score(self, output: str, example: Example, ask: object = None) -> Score:
        """Score an answer, while the event loop goes on; no judge is asked.

        Raises:
            TaskError: the example's tests cannot be run, or programs cannot be run safely here.
        """
        program = program_in(output)
        tests = self._field(example, self.tests) if self.tests else "\n".join(example.targets)
        entry_point = self._field(example, self.entry_point) if self.entry_point else ""
        if not program.strip():
            return Score(
                0.0, False, "The answer holds no program. Put it between ```python and ```."
            )
        n = int(self.at_once) or os.cpu_count() or 1
        slots = _slots.setdefault(asyncio.get_running_loop(), {})
        async with slots.setdefault(n, asyncio.Semaphore(n)):
            lines = await self.sandbox.run(program, tests, entry_point.strip())
        return self._score(lines, example)

    def __call__(self, output: str, example: Example) -> Score:
        """Score an answer, and wait for it.

        Raises:
            TaskError: as in `score`.
        """
        return apart(self.score(output, example))

    def _field(self, example: Example, name: str) -> str:
        if name not in example.inputs:
            known = near(name, [*example.inputs])
            raise TaskError(f"The scorer code looks for the input field {name!r}.{known}")
        return example.inputs[name]

    def _score(self, lines: list[dict[str, Any]], example: Example) -> Score:
        said = {key: value for line in lines for key, value in line.items()}
        if "broken_tests" in said:
            raise TaskError(
                f"The tests of example {example.id} cannot be run: {said['broken_tests']}."
            )
        if "broken_program" in said:
            reason = f"The program does not compile: {said['broken_program']}"
            return Score(0.0, False, _plain(reason))
        if said.get("failed_start"):
            reason = f"The program fails when it is started: {said['failed_start']}"
            return Score(0.0, True, _plain(reason))
        over = said.get("over", "the tests were ended at their limit of time or memory")
        tests = [line for line in lines if "test" in line]
        passed, total = sum(not line["failed"] for line in tests), said.get("tests", 0)
        if total and passed == total:
            return Score(1.0)
        failed = [f"{line['test']}: {line['failed']}" for line in tests if line["failed"]]
        missing = f"{total - len(tests)} tests were not reached" if total else "No test was reached"
        rest = [f"{missing}: {over}."] if len(tests) < total or not total else []
        more = [f"and {len(failed) - _SHOWN} more"] if len(failed) > _SHOWN else []
        feedback = "\n- ".join(
            [f"{passed} of {total} tests passed.", *failed[:_SHOWN], *more, *rest]
        )
        share = passed / total if total else 0.0
        return Score(0.0 if self.all_or_nothing else share, True, _plain(feedback))


def _plain(text: str) -> str:
    """A text of the program's without what a file or a terminal may choke on."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)


def program_in(answer: str, holding: str = "") -> str:
    """Give the last fenced block of Python, or the last of any kind, or else the whole text.

    Args:
        answer: what a model wrote.
        holding: what the block is to hold, if one does: others show how it is used, or its output.
    """
    blocks: list[tuple[str, str]] = []
    lines = answer.splitlines()
    place = 0
    while place < len(lines):
        opened = _FENCE.match(lines[place])
        place += 1
        if opened:
            start, end = place, opened[1]
            while place < len(lines) and not (
                lines[place].strip().startswith(end) and not lines[place].strip().strip(end[0])
            ):
                place += 1
            blocks.append((opened[2].lower(), "\n".join(lines[start:place])))
            place += 1
    if not blocks:
        return answer
    python = [text for language, text in blocks if language in _PYTHON]
    found = python or [text for _, text in blocks]
    return textwrap.dedent(([text for text in found if holding in text] or found)[-1])
