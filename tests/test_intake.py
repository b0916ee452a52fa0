"""What enters a run: answers without thinking, believable counts, and what servers refuse."""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from apo import Budget, Usage
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.errors import OptionRefusedError
from apo.model import Completion, Decoding, Message, Request
from apo.models.dialect import Dialect
from apo.models.intake import estimate, settle
from apo.storage.journal import Journal

HUGE = 2**63 - 1
UNCOUNTED = Usage()


class Server:
    """A model that answers by a function, and has a dialect."""

    name = "m"

    def __init__(self, answer: Callable[[Request, Dialect], Completion]) -> None:
        self.dialect, self.answer, self.asked = Dialect(), answer, 0

    async def complete(self, request: Request) -> Completion:
        self.asked += 1
        return self.answer(request, self.dialect)

    async def aclose(self) -> None:
        pass


def ask(
    server: Server,
    texts: Sequence[str],
    path: Path | None = None,
    *,
    decoding: Decoding | None = None,
    budget: Budget | None = None,
) -> tuple[list[Completion], Caller, tuple[str, ...]]:
    """Ask one after the other; the answers, the caller and its notes."""

    async def run() -> tuple[list[Completion], Caller, tuple[str, ...]]:
        endpoint = Endpoint("task", server)
        calls = [
            Call.to(endpoint, Request((Message("user", text),), decoding or Decoding()))
            for text in texts
        ]
        with Journal(path) as journal:
            caller = Caller(journal, Meter(budget or Budget()))
            kept = caller.charge(calls)
            found = [kept.get(call.key) or await caller.answer(call) for call in calls]
            assert all(isinstance(one, Completion) for one in found)
            return [one for one in found if isinstance(one, Completion)], caller, caller.notes()

    return asyncio.run(run())


def saying(text: str, usage: Usage = UNCOUNTED, *, truncated: bool = False) -> Server:
    return Server(lambda _, __: Completion(text=text, usage=usage, truncated=truncated))


def test_thinking_is_kept_counted_and_told(path: Path) -> None:
    server = saying("<think>" + "why " * 9 + "</think>bug", Usage(9, 20))
    for _ in range(2):  # The second time from the journal.
        (first, _), caller, notes = ask(server, ["a", "b"], path)
        assert (first.text, first.thinking) == ("bug", ("why " * 9).strip())
        assert first.usage == Usage(9, 20, 0, 18)
        assert caller.meter.spent.output_tokens == 40
        assert notes == (
            "2 of 2 answers of m began with thinking, 18 tokens on average. It is kept and paid "
            "for, and not judged.",
        )
    assert server.asked == 2


def test_empty_thinking_of_some_is_told_apart_from_that_of_all() -> None:
    def answer(request: Request, _: Dialect) -> Completion:
        empty = request.messages[0].content in given
        return Completion("" if empty else "bug", Usage(9, 20), thinking="why" * empty)

    given = "ab"
    *_, notes = ask(Server(answer), "abc")
    assert notes[0] == (
        "2 of 3 answers of m were empty. Of 2 of them all that came was thinking, which seems to "
        "have used up its room: --max-answer and --max-thinking give more."
    )
    given = "abc"
    *_, notes = ask(Server(answer), "abc")
    assert notes[0].startswith("3 of 3 answers of m were empty. All that came was thinking: a ser")


def test_tokens_that_are_in_no_text_are_not_told_to_be_thinking() -> None:
    *_, notes = ask(saying("bug", Usage(9, 920, 0, 900)), "ab")
    assert notes == (
        "2 of 2 answers of m took 900 tokens on average that are in no text: thinking that the "
        "server keeps to itself, or what it does not explain. They are paid for.",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.mark.parametrize(
    ("server", "budget", "said"),
    [
        (
            saying("", truncated=True),
            Budget(max_tokens=99999),
            "1 of 1 answers of m were cut at 9,216 tokens, 1 of them before the first word. What a "
            "model thinks counts toward it. Where the thinking needs more, give --max-thinking.",
        ),
        (
            saying("It seems to be", truncated=True),
            None,
            "1 of 1 answers of m were cut at 1,024 tokens. Where the answers need more, give "
            "--max-answer.",
        ),
        (
            saying("It seems to be", Usage(9, 100), truncated=True),
            None,
            "1 of 1 answers of m were cut at the server's own limit. Raise it there: its context, "
            "or its length of output.",
        ),
        (saying("<think>So it is", Usage(3, 4)), None, "before the first word"),
    ],
)
def test_cut_answers_are_told(server: Server, budget: Budget | None, said: str) -> None:
    (found,), _, notes = ask(server, ["a"], budget=budget)
    assert found.truncated
    assert said in notes[0]


def test_a_reasoning_model_is_told_what_its_limit_is_called() -> None:
    server = saying("", truncated=True)
    server.dialect.newer_limit = True
    *_, notes = ask(server, ["a"], decoding=Decoding(max_tokens=7))
    assert "cut at 7 tokens" in notes[0]
    assert "Raise --max-answer, or decoding.max_tokens in task.yaml (sent as max_comp" in notes[0]


@pytest.mark.parametrize(
    "usage", [Usage(0, 0), Usage(-5, -5), Usage(-1, -1), Usage(HUGE, HUGE), Usage(2**64 - 1, 0)]
)
def test_counts_that_cannot_be_true_are_estimated_and_told_once(usage: Usage) -> None:
    _, caller, notes = ask(saying("1234", usage), ["12345678", "12345679"])
    assert (caller.meter.spent.input_tokens, caller.meter.spent.output_tokens) == (24, 4)
    assert len(notes) == 1
    assert notes[0].startswith("m counts tokens in a way that cannot be true, such as ")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("mm", ""),
        ("mn", r"name 2 models: m \(1 answer from [-0-9: ]+ on\), n \(1 .* on\)\. The"),
        ("", ""),
    ],
)
def test_another_name_of_what_answers_is_kept_and_told_once(
    names: str, told: str, path: Path
) -> None:
    def answer(request: Request, _: Dialect) -> Completion:
        first = request.messages[0].content == "a"
        model = names[:1] if first else names[1:]
        return Completion(text="bug", model=model, usage=Usage(1, 1))

    for texts in ("a", "ab", "ab"):  # Over a resume, too, and at last from the journal.
        *_, notes = ask(Server(answer), list(texts), path)
    assert len(notes) == bool(told)
    assert re.search(told, "".join(notes))


def test_counts_that_can_be_true_are_believed() -> None:
    for usage in (Usage(1, 1), Usage(20_000, 3), Usage(9_999_999, 900_000), Usage(None, None)):
        request = Request((Message("user", "12345678"),))
        assert settle(request, Completion(text="1234", usage=usage))[0].usage == usage
    assert estimate(3) == 2
    empty = settle(Request((Message("user", ""),)), Completion(text="", usage=Usage(0, 0)))
    assert empty == (Completion(text="", usage=Usage(0, 0)), "")


def refusing(*options: str) -> Server:
    def answer(_: Request, dialect: Dialect) -> Completion:
        for option in options:
            if option not in dialect.refused:
                raise OptionRefusedError(f"{option} is not supported", option)
        return Completion(text="bug", usage=Usage(1, 1))

    return Server(answer)


def test_a_refusal_by_name_is_learnt_once_told_once_and_kept(path: Path) -> None:
    server = refusing("temperature", "max_tokens")
    _, caller, notes = ask(server, ["a", "b"], path)
    assert server.asked == 2 + 2
    assert caller.meter.spent.retries == 0
    assert notes == (
        "m refuses max_tokens: the limit of an answer is sent as max_completion_tokens.",
        "m refuses temperature: its own holds, so that equal questions may get unequal answers.",
    )
    again = refusing("temperature", "max_tokens")  # As in another process.
    assert ask(again, ["a", "b", "c"], path)[2] == notes
    assert again.asked == 1


@pytest.mark.parametrize("options", [("stop", "stop "), ("max_tokens", "max_completion_tokens")])
def test_what_cannot_be_done_without_ends_the_run(options: tuple[str, ...]) -> None:
    def answer(_: Request, dialect: Dialect) -> Completion:
        left = [option for option in options if option not in dialect.refused]
        raise OptionRefusedError("no", (left or list(options))[0].strip())

    with pytest.raises(OptionRefusedError):
        ask(Server(answer), ["a"])


def test_a_journal_of_before_is_gone_on_with(path: Path) -> None:
    server = saying("bug", Usage(3, 1))
    ask(server, ["a"], path)
    with sqlite3.connect(path) as database:
        for column in ("thinking", "thinking_tokens"):
            database.execute(f"ALTER TABLE calls DROP COLUMN {column}")
    database.close()
    found, *_ = ask(server, ["a", "b"], path)
    assert [one.text for one in found] == ["bug", "bug"]
    assert server.asked == 2


def test_answers_that_an_earlier_version_left_are_taken_over(tmp_path: Path) -> None:
    shared, server = tmp_path / "answers.db", saying("<think>why</think>bug", Usage(3, 4))
    call = Call.to(Endpoint("task", server), Request((Message("user", "a"),)))
    with Journal(tmp_path / "first.db", shared) as journal:
        caller = Caller(journal, Meter(Budget()))
        caller.charge([call])
        asyncio.run(caller.answer(call))
    with sqlite3.connect(shared) as database:
        for column in ("thinking", "thinking_tokens"):
            database.execute(f"ALTER TABLE calls DROP COLUMN {column}")
    database.close()
    with Journal(tmp_path / "second.db", shared) as journal:
        found = Caller(journal, Meter(Budget())).charge([call])[call.key]
    assert isinstance(found, Completion)
    assert (found.text, found.thinking) == ("bug", "")
