"""Likelihood of a given answer: the tokens picked, both transports, the journal, the budget."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from apo import Budget, Example, Message, Options, Prompt, Request, Search, Usage, aoptimize
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.errors import (
    BudgetExhausted,
    ContextLengthError,
    LikelihoodError,
    MalformedReplyError,
    ModelError,
    TransportError,
)
from apo.evaluation.likelihood import likelihoods
from apo.model import Completion, Model
from apo.models import Transport, open_model
from apo.models.embedded import Embedded
from apo.models.likelihood import answer_logprobs, plain_text, spans
from apo.storage.folder import list_runs
from apo.storage.journal import Journal
from apo.testing import fake_task
from apo.testing.chat_server import ChatServer
from apo.testing.faults import Faults

Script = Callable[[Callable[[Request], Completion | Awaitable[Completion]]], Model]
Saying = Callable[[bytes], AbstractAsyncContextManager[str]]
TRANSPORTS = pytest.mark.parametrize("transport", ["aiohttp", "openai"])


def picked(tokens: list[str], before: str, answer: str) -> list[int]:
    """Which tokens are the answer's: each has its own place as its value."""
    return [int(v) for v in answer_logprobs(tokens, list(range(len(tokens))), before, answer)]


# --- which tokens are the answer's ----------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "before", "answer", "expected"),
    [
        # Exact at both ends, with a token that takes the space before the answer along.
        (["Answer", ":", " Paris", "."], "Answer: ", "Paris", [2]),
        (["Answer", ":", " ", "Par", "is", "."], "Answer: ", "Paris", [3, 4]),
        (["a", "\n\n", "new", " york", "\n"], "a\n\n", "new york", [2, 3]),
        (["a", "\n\nnew", " york", "!"], "a\n\n", "new york", [1, 2]),
        # The same words before the answer, and written after it, are not the answer's.
        (["no", "\n\n", "no", "no"], "no\n\n", "no", [2]),
        (["x", " x", " x", " x", " x"], "x x ", "x x", [2, 3]),
        # A token that runs on from the prompt into the answer is the answer's.
        (["a", "bc", "d"], "ab", "c", [1]),
        # A start mark, a lost space at the start, no token after the text.
        (["<s>", "A", ":", " b"], "A: ", "b", [3]),
        (["<|begin|>", " A", ":", " b", "</s>"], "A: ", "b", [3]),
        (["A", ":", " b", ""], "A: ", "b", [2]),
        # Characters in several tokens, in three ways of writing them.
        (["답", ":", " ", "\ufffd", "\ufffd", "\ufffd", "국", "."], "답: ", "한국", [3, 4, 5, 6]),
        (["답", ":", " ", "", "", "한", "국", "."], "답: ", "한국", [3, 4, 5, 6]),
        (["답", ":", " 국", "\ufffd", "\ufffd", "."], "답: ", "국한", [2, 3, 4]),
        (["답", ":", "bytes: \\xed", "bytes:\\x95\\x9c", "국", "."], "답: ", "한국", [2, 3, 4]),
        (["\ufffd", "\ufffd", ":", " b", "."], "한: ", "b", [3]),
        # What was echoed is not the text, or not all of it.
        ([" b"], "A: ", "b", []),
        (["A", ":"], "A: ", "b", []),
        (["A", ":", " b"], "A: ", "b c", []),
        ([], "A: ", "b", []),
    ],
)
def test_the_answers_tokens(
    tokens: list[str], before: str, answer: str, expected: list[int]
) -> None:
    assert picked(tokens, before, answer) == expected


@pytest.mark.parametrize("values", [[None, -1.0, None], [None, -1.0], [None, -1.0, "x"]])
def test_a_token_without_a_value_is_no_likelihood(values: list[object]) -> None:
    assert answer_logprobs(["A", ":", " b"], values, "A: ", "b") == ()


def test_tokens_cover_the_text_without_a_gap() -> None:
    tokens = ["<s>", "The", " ", "\ufffd", "\ufffd", " end", "\n\n", "of", " it"]
    text = "The 한 end\n\nof"
    places = spans(tokens, text)
    assert places[-1] == (len(text), len(text))
    assert "".join(text[a:b] for a, b in [*places[1:4], *places[5:8]]) == text


def test_the_answer_follows_a_colon_on_its_line_or_stands_below() -> None:
    chat = Prompt("Do.", cue="Answer:").messages({"input": "x"})
    assert plain_text(chat) == "Do.\n\nx\n\nAnswer: "
    assert plain_text(chat[:1]) == "Do.\n\n"


# --- over the wire --------------------------------------------------------------------------

ASK = Request(
    messages=(Message("system", "Say yes or no."), Message("user", "Is it?")),
    continuation="yes it is",
)


async def complete(model: Model, request: Request = ASK) -> Completion:
    try:
        return await model.complete(request)
    finally:
        await model.aclose()


@TRANSPORTS
def test_the_request_and_the_log_probabilities(scripted: Script, transport: Transport) -> None:
    got: list[Request] = []

    def answer(request: Request) -> Completion:
        got.append(request)
        usage = Usage(input_tokens=7, output_tokens=1)
        return Completion(text="", logprobs=(-0.5, -0.25, -2.0), usage=usage)

    async def run() -> Completion:
        async with ChatServer(scripted(answer), key="right") as server:
            model = open_model(server.model_name, transport=transport)
            completion = await complete(model)
        assert server.seen[0].path == "/v1/completions"
        assert server.seen[0].body == {
            "model": "scripted",
            "prompt": "Say yes or no.\n\nIs it?\n\nyes it is",
            "max_tokens": 1,
            "temperature": 0,
            "echo": True,
            "logprobs": 1,
        }
        return completion

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APO_API_KEY", "right")
        completion = asyncio.run(run())
    assert completion.logprobs == (-0.5, -0.25, -2.0)
    assert completion.text == ""
    assert completion.usage == Usage(input_tokens=7, output_tokens=1)
    assert got[0].continuation == "yes it is"


@TRANSPORTS
def test_embedded_over_the_wire_is_embedded(transport: Transport) -> None:
    instruction = "Classify the text as one of: refund, delivery order. Answer with the label only."

    async def run() -> None:
        async with ChatServer(Embedded()) as server:
            model = open_model(server.model_name, transport=transport)
            for cue in ("", "Label:"):
                prompt = Prompt(instruction, cue=cue)
                for answer in ("refund", "delivery order", '{"a": 1}'):
                    messages = prompt.messages({"input": "I want a refund: now"})
                    asked = Request(messages=messages, continuation=answer)
                    there = (await model.complete(asked)).logprobs
                    assert there == (await Embedded().complete(asked)).logprobs
            await model.aclose()

    asyncio.run(run())


def reply(status: int, body: object) -> bytes:
    data = orjson.dumps(body)
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}"
    return head.encode() + b"\r\nConnection: close\r\n\r\n" + data


def choice(**logprobs: object) -> dict[str, Any]:
    return {"choices": [{"text": "x", "logprobs": logprobs or None}]}


CANNOT: list[tuple[int, object]] = [
    (404, {"detail": "Not Found"}),
    (400, {"error": {"message": "echo is not supported"}}),
    (405, {"detail": "Method Not Allowed"}),
    (422, {"detail": "unknown field echo"}),
    (500, {"error": {"message": "Only no echo is supported"}}),  # llama-server
    (501, {"error": {"message": "Not implemented"}}),
    (200, choice()),
    (200, choice(tokens=[" yes"], token_logprobs=[-0.1])),  # What was written, and no echo.
    (200, choice(content=[{"token": "yes", "logprob": -0.1}])),
    (200, {"choices": [{"message": {"content": "yes"}}]}),
]


@TRANSPORTS
@pytest.mark.parametrize(("status", "body"), CANNOT)
def test_a_server_that_cannot(
    saying: Saying, transport: Transport, status: int, body: object
) -> None:
    async def run() -> None:
        async with saying(reply(status, body)) as url:
            with pytest.raises(LikelihoodError, match=r'score="execution"'):
                await complete(open_model(f"{url}#m", transport=transport))

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, {"error": {"message": "overloaded"}}, TransportError),
        (503, {}, TransportError),
        (400, {"error": {"message": "x", "code": "context_length_exceeded"}}, ContextLengthError),
        (200, {"choices": []}, MalformedReplyError),
        (200, {}, MalformedReplyError),
    ],
)
def test_other_failures_are_what_they_are(
    saying: Saying, status: int, body: object, kind: type[ModelError]
) -> None:
    async def run() -> None:
        async with saying(reply(status, body)) as url:
            with pytest.raises(kind) as caught:
                await complete(open_model(f"{url}#m"))
            assert type(caught.value) is kind

    asyncio.run(run())


def test_a_model_without_log_probabilities_behind_the_server(echo_model: Model) -> None:
    async def run() -> None:
        async with ChatServer(echo_model) as server:
            with pytest.raises(LikelihoodError):
                await complete(open_model(server.model_name))

    asyncio.run(run())


# --- the embedded model ---------------------------------------------------------------------


def likely(instruction: str, text: str, answer: str) -> float:
    messages = Prompt(instruction).messages({"input": text})
    request = Request(messages=messages, continuation=answer)
    return sum(asyncio.run(Embedded().complete(request)).logprobs)


LABELS = "Classify the text as one of: refund, delivery."


def test_embedded_finds_likelier_what_it_answers() -> None:
    bare = f"{LABELS} Answer with the label only."
    assert likely(bare, "A refund!", "refund") > likely(bare, "A refund!", "delivery")
    assert likely(bare, "A refund!", "refund") > likely(LABELS, "A refund!", "refund")
    assert likely(bare, "A refund!", "refund") > likely("Hello.", "A refund!", "refund")
    assert likely(bare, "?", "refund") == pytest.approx(math.log(0.5), abs=1e-3)
    assert likely(bare, "A refund!", "nonsense") == pytest.approx(math.log(1e-4))


def test_embedded_is_sure_of_what_it_works_out() -> None:
    instruction = "Add the numbers. Answer with the number only."
    assert likely(instruction, "Tom has 2 and 3.", "5") == pytest.approx(0, abs=1e-6)
    assert likely(instruction, "Tom has 2 and 3.", "6") == pytest.approx(math.log(1e-4))


# --- paid once, kept, replayed --------------------------------------------------------------


@dataclass
class Scorer:
    """A model that finds each answer as likely as its table says."""

    table: dict[str, tuple[float, ...]]
    name: str = "scorer"
    asked: list[Request] = field(default_factory=list[Request])

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        if not self.table.get(request.continuation):
            raise ContextLengthError("too long")
        usage = Usage(input_tokens=1, output_tokens=1)
        return Completion(text="", logprobs=self.table[request.continuation], usage=usage)

    async def aclose(self) -> None:
        pass


EXAMPLES = [Example({"input": f"x{i}"}, (f"y{i}",)) for i in range(3)]
TABLE = {"y0": (-1.0, -2.0, -6.0), "y1": (-0.1234567890123456789,)}


def measured(
    journal: Journal, model: Model, budget: Budget | None = None
) -> tuple[tuple[float | None, ...], Caller]:
    caller = Caller(journal, Meter(budget or Budget()))
    work = likelihoods(caller, Endpoint("task", model), Prompt("Do."), EXAMPLES)
    return asyncio.run(work), caller


def test_the_mean_of_the_tokens_and_unknown_where_it_is_refused() -> None:
    found, caller = measured(Journal(), model := Scorer(TABLE))
    assert found == (-3.0, TABLE["y1"][0], None)
    assert caller.meter.spent.calls == len(model.asked) == 3


def test_a_right_answer_of_no_tokens_has_no_likelihood(echo_model: Model) -> None:
    silent = [Example({"input": "x"}, ("",))]
    caller = Caller(Journal(), Meter(Budget()))
    work = likelihoods(caller, Endpoint("task", echo_model), Prompt("Do."), silent)
    assert asyncio.run(work) == (None,)


def test_a_resume_replays_them_from_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        first, _ = measured(journal, Scorer(TABLE))
    with Journal(path) as journal:
        again, caller = measured(journal, model := Scorer({}))
    assert again == first
    assert not model.asked
    assert caller.meter.spent.calls == 3


def test_a_likelihood_is_a_call_of_the_budget() -> None:
    model = Scorer(TABLE)
    with pytest.raises(BudgetExhausted):
        measured(Journal(), model, Budget(max_calls=2))
    assert not model.asked


def test_the_bound_counts_the_answer_that_is_read() -> None:
    request = Request(messages=(Message("user", "x"),), continuation="y" * 500)
    caller = Caller(Journal(), Meter(Budget(max_tokens=400)))
    call = Call.to(Endpoint("task", Scorer({})), request)
    caller.charge([call])
    with pytest.raises(BudgetExhausted, match="One more call"):
        asyncio.run(caller.answer(call))


def test_the_answer_is_part_of_the_calls_identity() -> None:
    endpoint = Endpoint("task", Scorer({}))
    keys = {Call.to(endpoint, ASK._replace(continuation=text)).key for text in ("", "a", "b")}
    assert len(keys) == 3


def test_a_model_that_writes_instead_is_told_apart(echo_model: Model) -> None:
    with pytest.raises(LikelihoodError, match="scripted cannot score a given answer"):
        measured(Journal(), echo_model)


def test_faults_on_the_way_are_retried() -> None:
    faults = Faults(rate_limit=0.2, cut=0.2, html=0.1, cut_json=0.1, null_content=0.2, seed=3)

    async def ask(server: ChatServer, answer: str) -> int:
        model = open_model(server.model_name)
        request = ASK._replace(continuation=answer)
        for attempt in range(4):
            try:
                assert (await model.complete(request)).logprobs
            except LikelihoodError:
                raise
            except ModelError:
                continue
            await model.aclose()
            return attempt
        raise AssertionError("never answered")

    async def run() -> list[int]:
        async with ChatServer(Embedded(), faults=faults) as server:
            return [await ask(server, f"answer {i}") for i in range(20)]

    assert max(asyncio.run(run())) > 0


@dataclass(frozen=True)
class Asks:
    """An optimizer that asks for one likelihood."""

    async def run(self, search: Search) -> None:
        """Ask."""
        [found] = await search.likelihood(search.seed_prompts[0], search.task.train[:1])
        assert found == -1.5
        await search.evaluate(search.seed_prompts[0])


def test_a_search_asks_and_nothing_is_lost_when_it_cannot(scripted: Script, tmp_path: Path) -> None:
    def answer(request: Request, logprobs: tuple[float, ...]) -> Completion:
        text = "" if request.continuation else request.messages[-1].content
        return Completion(text=text, logprobs=logprobs if request.continuation else ())

    async def run(home: str, *logprobs: float) -> int:
        model = scripted(lambda request: answer(request, logprobs))
        result = await aoptimize(
            replace(fake_task(5), test=()), Asks(), model=model,
            options=Options(track=False), home=tmp_path / home,
        )  # fmt: skip
        return result.spent.calls

    assert asyncio.run(run("can", -1.0, -2.0)) == 5 + 1
    with pytest.raises(LikelihoodError):
        asyncio.run(run("cannot"))
    [failed] = list_runs(tmp_path / "cannot")
    with failed.open_journal() as journal:
        caller = Caller(journal, Meter(Budget()))
        messages = fake_task(5).seed_prompts[0].messages
        for example in fake_task(5).validation:
            endpoint = Endpoint("task", scripted(lambda _: Completion(text="never asked")))
            call = Call.to(endpoint, Request(messages=messages(example.inputs)))
            assert asyncio.run(caller.answer(call)).text == example.target
