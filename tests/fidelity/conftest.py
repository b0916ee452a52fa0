"""What all fidelity tests look through: a run with scripted models, and everything it asked."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pytest

from apo import Budget, Completion, Optimizer, Options, Request, Result, Task, Usage, aoptimize
from apo.run.parts import DEMOS, WORDS
from apo.storage.folder import find_run
from apo.storage.rows import Event
from apo.testing import fake_task


@dataclass
class Writer:
    """An optimizer model that gives its replies in the order of the requests."""

    reply: Callable[[int, str], str]
    name: str = "writer"
    texts: list[str] = field(default_factory=list[str])

    async def complete(self, request: Request) -> Completion:
        self.texts.append(request.messages[-1].content)
        text = self.reply(len(self.texts) - 1, self.texts[-1])
        return Completion(text=text, usage=Usage(input_tokens=1, output_tokens=1))

    async def aclose(self) -> None:
        pass


@dataclass
class Reader:
    """A task model that is right on the inputs whose number is below the prompt's number of '+'.

    The number of an input is that of its place among the train or the validation examples.
    """

    size: int
    name: str = "reader"
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def complete(self, request: Request) -> Completion:
        instruction, last = request.messages[0].content, request.messages[-1].content
        self.asked.append((instruction, last))
        right = int(last[1:]) % self.size < instruction.count("+")
        usage = Usage(input_tokens=1, output_tokens=1)
        return Completion(text=last if right else "no", usage=usage)

    async def aclose(self) -> None:
        pass


@dataclass
class Seen:
    """A run and all that was asked in it, in order."""

    result: Result
    reader: Reader
    writer: Writer
    events: list[Event]
    task: Task

    @property
    def measured(self) -> list[Event]:
        """All measurements of the search, without those of the winner's parts after it."""
        kinds = {e.key: e.body["operator"] for e in self.events if e.kind == "candidate"}
        found = [event for event in self.events if event.kind == "evaluation"]
        return [e for e in found if kinds.get(e.body["candidate"]) not in (WORDS, DEMOS)]

    def evaluations(self, *, whole: bool) -> list[Event]:
        """Measurements of the search on the whole validation split, or on other examples.

        A seed prompt is there twice where an optimizer measures it: the run did so before, for
        all, so that nothing is asked again. Count `instructions` or `asked_for` for what was paid.
        """
        return [event for event in self.measured if event.body["whole"] == whole]

    def asked_for(self, instruction: str) -> list[str]:
        """The inputs that a prompt with the instruction was asked about, in order."""
        return [last for found, last in self.reader.asked if found == instruction]

    @property
    def instructions(self) -> list[str]:
        """All instructions that were asked about, in order of the first call."""
        return list(dict.fromkeys(instruction for instruction, _ in self.reader.asked))


class Run(Protocol):
    """Runs an optimizer with scripted models."""

    def __call__(
        self,
        optimizer: Optimizer,
        reply: Callable[[int, str], str],
        *,
        size: int = 10,
        seed_prompt: str = "Seed",
        budget: Budget | None = None,
        seed: int = 0,
    ) -> Seen: ...


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run an optimizer without a test split, so that all calls are the search's."""

    def start(
        optimizer: Optimizer,
        reply: Callable[[int, str], str],
        *,
        size: int = 10,
        seed_prompt: str = "Seed",
        budget: Budget | None = None,
        seed: int = 0,
    ) -> Seen:
        task = replace(fake_task(size, seed_prompt=seed_prompt), test=())
        reader, writer = Reader(size), Writer(reply)
        work = aoptimize(
            task,
            optimizer,
            model=reader,
            optimizer_model=writer,
            budget=budget or Budget(),
            options=Options(track=False, max_concurrency=1, seed=seed),
            home=tmp_path,
        )
        result = asyncio.run(work)
        with find_run(result.run_id, tmp_path).open_journal() as journal:
            return Seen(result, reader, writer, list(journal.events()), task)

    return start


def tagged(text: str) -> str:
    """A reply that proposes the text."""
    return f"<instruction>{text}</instruction>"


def shown_inputs(meta_prompt: str) -> list[str]:
    """The inputs of the examples that a meta-prompt shows."""
    return re.findall(r"<input>\n(.*?)\n</input>", meta_prompt)


def shown_candidates(meta_prompt: str) -> list[tuple[int, str]]:
    """The scores and instructions that a meta-prompt shows."""
    found = re.findall(r'<candidate score="(\d+)">\n(.*?)\n</candidate>', meta_prompt, re.DOTALL)
    return [(int(score), text) for score, text in found]
