"""What a run's journal holds of a prompt's, or a program's, answer to an example."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from sqlite3 import Connection
from types import SimpleNamespace
from typing import NamedTuple, cast

from apo.calls.call import Call, Endpoint
from apo.concurrency import gather, wait
from apo.model import Completion, Decoding, Message, Model, Request
from apo.programs.program import Program
from apo.prompts.prompt import Prompt
from apo.storage.rows import readable
from apo.task import Example


class Reply(NamedTuple):
    """What a journal holds of a prompt's answer to an example.

    Attributes:
        text: the answer; "" when the provider refused.
        error: the refusal.
        thinking: what the model thought before the answer, where that is known.
        truncated: whether the answer was cut.
    """

    text: str
    error: str
    thinking: str
    truncated: bool


class _Ended(Exception):
    """A call that was never answered, or was refused for good."""


class _Replay:
    """Answers a program's calls from a journal; see `apo.programs.program.Ask`."""

    def __init__(
        self, database: Connection, prompts: Mapping[str, Prompt], models: Sequence[str]
    ) -> None:
        self.prompts = prompts
        self.last: Reply | None = None
        self.ended = self.cut = False
        self._database, self._models = database, models

    async def __call__(self, step: str = "", /, **fields: str) -> str:
        messages = self.prompts[step].messages(fields)
        return (await self.chat(messages, step, shown=fields)).text

    async def draws(self, n: int, step: str = "", /, **fields: str) -> list[str]:
        messages = self.prompts[step].messages(fields)
        draws = range(1, n + 1)
        found = await gather(self.chat(messages, step, shown=fields, draw=d) for d in draws)
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
        request = Request(tuple(messages), decoding or self.prompts[step].decoding)
        place = f"draw {draw}" if draw else ""
        kept = self.last = _reply(self._database, request, self._models, place)
        if kept is None or kept.error:
            self.ended = True  # Also for a program that takes it for an error of its own.
            raise _Ended
        self.cut |= kept.truncated
        return Completion(kept.text, thinking=kept.thinking)


def _reply(
    database: Connection, request: Request, models: Sequence[str], place: str = ""
) -> Reply | None:
    """The answer to a request, of the first of the models that gave one; None where none did."""
    named = [cast("Model", SimpleNamespace(name=name)) for name in models]
    with readable():
        columns = {column[1] for column in database.execute("PRAGMA table_info(calls)")}
        query = "SELECT reply, error, thinking, truncated FROM calls WHERE key = ?"
        if "thinking" not in columns:  # A journal of an earlier version.
            query = "SELECT reply, error, '', truncated FROM calls WHERE key = ?"
        for model in named:
            key = Call.to(Endpoint("task", model), request, place=place).key
            row = database.execute(query, (key,)).fetchone()
            if row is not None:
                return Reply(row[0] or "", row[1], row[2], bool(row[3]))
    return None


def find_reply(
    database: Connection,
    program: Program | None,
    prompt: Prompt,
    example: Example,
    models: Sequence[str],
) -> Reply | None:
    """Find what a prompt, or a program with its prompts, answered; None when it was not asked.

    Args:
        database: the journal, open for reading.
        program: the task's; None where the prompt was sent as it is.
        prompt: the candidate.
        example: the example.
        models: names of those that may have answered.
    """
    if program is None:
        request = Request(messages=prompt.messages(example.inputs), decoding=prompt.decoding)
        return _reply(database, request, models)
    replay = _Replay(database, prompt.steps, models)
    said = ""
    with suppress(_Ended):
        said = wait(program.answer(replay, example.inputs))
    last = replay.last
    if replay.ended or last is None:
        return last
    return last._replace(text=said, truncated=replay.cut)
