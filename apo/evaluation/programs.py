"""Programs run on examples: each of their calls is bounded, charged and kept like any other."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.concurrency import gather
from apo.errors import FINAL, USERS_ERRORS, ApoError, ModelError, TaskError
from apo.evaluation.room import OPEN, answer_room
from apo.evaluation.turns import Turn, prompts_of
from apo.model import Completion, Decoding, Message, Request
from apo.programs.program import Asked, Program
from apo.prompts.prompt import Prompt
from apo.task import Example, Task
from apo.usage import Usage


class Answered(NamedTuple):
    """What a program answered to an example.

    Attributes:
        completion: its answer, with the tokens of all its calls; or the refusal of one of them.
        example: the example.
        trace: its calls in the order in which they were asked.
    """

    completion: Completion | ModelError
    example: Example
    trace: tuple[Asked, ...] = ()


@dataclass
class Asking:
    """What a program asks with about one example; see `apo.programs.program.Ask`.

    Attributes:
        caller: makes the calls.
        endpoints: who answers each step.
        rooms: the longest answer of each step, in tokens.
        prompts: the candidate's, by step.
        most: calls that may be made.
        pay: told of calls that are about to be charged.
        place: of a sampled run in the search; "" for one that is the same everywhere.
        note: what the journal keeps of each call, for people.
    """

    caller: Caller
    endpoints: Mapping[str, Endpoint]
    rooms: Mapping[str, int]
    prompts: Mapping[str, Prompt]
    most: int
    pay: Callable[[int], None]
    place: str
    note: str
    failure: ApoError | None = None
    trace: list[Asked | None] = field(default_factory=list[Asked | None])
    taken: list[Completion] = field(default_factory=list[Completion])

    async def __call__(self, step: str = "", /, **fields: str) -> str:
        """Fill the prompt of a step with the fields, make the call, and give the answer."""
        return (await self.chat(self._messages(step, fields), step, shown=fields)).text

    async def draws(self, n: int, step: str = "", /, **fields: str) -> list[str]:
        """Give n answers of a step to the same fields, drawn independently."""
        messages = self._messages(step, fields)
        found = await gather(
            self.chat(messages, step, shown=fields, draw=draw) for draw in range(1, n + 1)
        )
        return [completion.text for completion in found]

    async def chat(
        self,
        messages: Sequence[Message],
        step: str = "",
        /,
        *,
        shown: Mapping[str, str],
        decoding: Decoding | None = None,
        draw: int = 0,
    ) -> Completion:
        """Make a call with messages of the program's own."""
        prompt, place = self._prompt(step), len(self.trace)
        if place >= self.most:
            raise TaskError(
                f"it makes more than {self.most} calls for an example; say the most as calls: N in "
                "the task"
            )
        self.trace.append(None)
        call = Call.to(
            self.endpoints[step],
            Request(messages=tuple(messages), decoding=decoding or prompt.decoding),
            place=f"{self.place} draw {draw}".strip() if draw else self.place,
            note=f"{self.note} {step}".rstrip(),
            room=self.rooms[step],
        )
        try:
            self.pay(1)
            self.caller.charge([call])
            found = await self.caller.answer(call)
        except ApoError as failure:  # Kept, as a program may take it for an error of its own.
            self.failure = self.failure or failure
            raise
        self.trace[place] = Asked(step, dict(shown), found.text)
        self.taken.append(found)
        return found

    def _messages(self, step: str, fields: Mapping[str, Any]) -> tuple[Message, ...]:
        for name, value in fields.items():
            if not isinstance(value, str):
                raise TaskError(f"it gives {name}={value!r:.80} to a step, which takes texts")
        return self._prompt(step).messages(fields)

    def _prompt(self, step: str) -> Prompt:
        if step not in self.prompts:
            known = ", ".join(filter(None, self.prompts)) or "none, and one prompt: await ask(…)"
            raise TaskError(f"it asks for a step {step!r}; the task's steps are {known}")
        return self.prompts[step]

    def completed(self, said: str) -> Completion:
        """The program's answer, with what all its calls took."""
        usages = [completion.usage for completion in self.taken]
        usage = Usage(
            sum(usage.input_tokens or 0 for usage in usages),
            sum(usage.output_tokens or 0 for usage in usages),
        )
        return Completion(said, usage, any(completion.truncated for completion in self.taken))


async def run_programs(
    caller: Caller,
    endpoint: Endpoint,
    task: Task,
    program: Program,
    turns: Sequence[Turn],
    place: str,
) -> list[Answered]:
    """Run a program with a prompt on an example, for each turn.

    The most calls that it may make are kept for it before the first is made.

    Raises:
        BudgetExhausted: they would overspend; none of them was made.
        TaskError: the program failed, or gave no text.
    """
    endpoints = {
        name: caller.others.get(program.models.get(name, ""), endpoint) for name in program.steps
    }
    rooms = {prompt.id: step_rooms(task, program, prompt) for prompt in prompts_of(turns)}
    runs = [
        (f"{prompt.id} {example.id}", f"{place}:{row}" if place else "", prompt, example)
        for prompt, example, row in turns
    ]
    new = [run for run in runs if (run[0], run[1]) not in caller.finished]
    with caller.kept_for_programs(program.calls * len(new)) as pay:
        await asyncio.sleep(0)  # All of a round have theirs kept before one frees what it spares.

        async def answered(note: str, where: str, prompt: Prompt, example: Example) -> Answered:
            room, steps = rooms[prompt.id], prompt.steps
            asking = Asking(caller, endpoints, room, steps, program.calls, pay, where, note)
            found = await _answer(task, program, asking, example)
            caller.finished.add((note, where))
            return found

        return await gather(answered(*run) for run in runs)


async def _answer(task: Task, program: Program, asking: Asking, example: Example) -> Answered:
    said: object = None
    try:
        said = await program.answer(asking, example.inputs)
    except ApoError as error:
        if asking.failure is None:
            raise TaskError(
                f"The program of {task.name!r} failed on example {example.id}: {error}."
            ) from error
    except USERS_ERRORS as error:
        if asking.failure is None:
            raise TaskError(
                f"The program of {task.name!r} failed on example {example.id}: "
                f"{type(error).__name__}: {error}"
            ) from error
    trace = tuple(asked for asked in asking.trace if asked is not None)
    if isinstance(asking.failure, FINAL):
        return Answered(asking.failure, example, trace)
    if asking.failure is not None:
        raise asking.failure
    if not isinstance(said, str):
        raise TaskError(
            f"The program of {task.name!r} returned {said!r:.100} for example {example.id}; it "
            "must return the answer as text."
        )
    return Answered(asking.completed(said), example, trace)


def step_rooms(task: Task, program: Program, prompt: Prompt) -> dict[str, int]:
    """The most tokens of an answer of each step: of the last what the targets let expect."""
    last = program.steps[-1]
    rooms = {name: answer_room(task, step) for name, step in prompt.steps.items()}
    return {
        name: room if name == last or prompt.steps[name].decoding.max_tokens else max(room, OPEN)
        for name, room in rooms.items()
    }
