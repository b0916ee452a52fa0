"""Models that are functions of the request, and a task that they can solve by degrees."""

import asyncio
import hashlib
from dataclasses import dataclass, field

from apo.errors import ModelError
from apo.model import Completion, Request
from apo.prompts.prompt import Prompt
from apo.task import Example, Score, Task
from apo.usage import Usage


def draw(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8], 16) / 16**8


@dataclass
class FakeModel:
    """A task model that answers better the more '+' its instruction has.

    Answers depend on the request alone. With a `delay_seed`, each call first gives way to
    others a drawn number of times, so that two seeds give two orders of completion of the same
    answers, without any clock. `failures` raises for the first attempts at a request.

    Attributes:
        delay_seed: seed of the order of completion; None answers at once.
        failures: errors to raise, one an attempt, before each request is answered.
        requests: every request that was answered, in order of completion.
    """

    delay_seed: int | None = None
    failures: tuple[ModelError, ...] = ()
    requests: list[Request] = field(default_factory=list[Request])
    name: str = "fake"

    def __post_init__(self) -> None:
        self._attempts: dict[Request, int] = {}

    async def complete(self, request: Request) -> Completion:
        """Answer the request."""
        attempt = self._attempts[request] = self._attempts.get(request, -1) + 1
        if attempt < len(self.failures):
            raise self.failures[attempt]
        if self.delay_seed is not None:
            for _ in range(int(20 * draw(f"{self.delay_seed} {request}"))):
                await asyncio.sleep(0)
        self.requests.append(request)
        text = self.answer(request)
        size = sum(len(message.content) for message in request.messages)
        return Completion(text=text, usage=Usage(input_tokens=size, output_tokens=len(text)))

    async def aclose(self) -> None:
        """Nothing to close."""

    def answer(self, request: Request) -> str:
        """Repeat the last turn, rightly with a chance of 20 % and 10 % more for every '+'."""
        *before, last = [message.content for message in request.messages]
        right = draw(f"{before} {last}") < 0.2 + 0.1 * "".join(before).count("+")
        return last if right else "?"


@dataclass
class FakeOptimizerModel(FakeModel):
    """An optimizer model that writes an instruction with none to five '+'; one in 20 untagged."""

    name: str = "fake-optimizer"

    def answer(self, request: Request) -> str:
        """Draw an instruction from the request and its seed."""
        luck = draw(f"{request.seed} {request.messages}")
        text = f"Answer{'+' * int(6 * luck)} ({luck:.6f})"
        return text if luck > 0.95 else f"<instruction>{text}</instruction>"


@dataclass(frozen=True)
class Repeat:
    """Scores 1 for the target, word for word."""

    def __call__(self, output: str, example: Example) -> Score:
        """Score an answer."""
        right = output == example.target
        return Score(float(right), output != "?", "" if right else f"The answer was {output!r}.")


def fake_task(size: int = 20, *, seed_prompt: str = "Answer") -> Task:
    """A task of repeating short words, with three pools of the given size."""
    examples = [Example({"input": f"x{i}"}, (f"x{i}",)) for i in range(3 * size)]
    return Task(
        name="fake",
        scorer=Repeat(),
        seed_prompts=(Prompt(seed_prompt),),
        train=examples[:size],
        validation=examples[size : 2 * size],
        test=examples[2 * size :],
        description="Repeat the word.",
    )
