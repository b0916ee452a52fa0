"""Numbers of a server, wherever they stand: each call is answered and recorded, or refused."""

import asyncio
import contextlib
import json
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.calls.budget import Budget
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.calls.retry import Retry
from apo.errors import ApoError, LikelihoodError, MalformedReplyError, ModelError
from apo.model import Completion, Decoding, Message, Request
from apo.models.address import Address
from apo.models.batches.api import MAX_REQUESTS, BatchApi
from apo.models.batches.results import Batch, read_outcome, refusal
from apo.models.http import HttpModel
from apo.models.likelihood import read_scored
from apo.models.prices import Price
from apo.models.replies import read_reply
from apo.storage.journal import Journal
from tests.fuzz.hostile import fuzzed_slowly, json_values, promptly, texts
from tests.virtual_time import run_virtually

HERE = Address(name="openai/m", model="m", url="http://h/v1", key_variable="", key="")
numbers: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([0, 1, 5, 9, -1, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, 10**400]),
    st.sampled_from([0.0, -0.0, 0.5, 3.0, 1e16, 1e308, -1e308, float("inf"), float("nan")]),
    st.sampled_from([None, True, False, "", "9", "9.0", "NaN", [], [9], {}, {"a": 9}]),
    json_values,
)
"""What stands for a number, or in its place."""
details = st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens"]), numbers) | numbers
usages = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": numbers,
        "completion_tokens": numbers,
        "total_tokens": numbers,
        "reasoning_tokens": numbers,
        "prompt_tokens_details": details,
        "completion_tokens_details": details,
    },
)
choices = st.fixed_dictionaries(
    {"message": st.just({"role": "assistant", "content": "four"})},
    optional={"index": numbers, "finish_reason": numbers | st.just("stop"), "logprobs": numbers},
)
replies = st.fixed_dictionaries(
    {"choices": st.lists(choices, min_size=1, max_size=2), "usage": usages | numbers},
    optional=dict.fromkeys(("id", "created", "model", "error", "code", "status"), numbers),
)
figures = st.one_of(
    st.sampled_from(
        ["0", "-1", "1", "5", "1e308", "1e-308", "inf", "-inf", "nan", "9" * 400, "23h", "1ms"]
    ),
    st.sampled_from(["true", "null", "١", "1_000", "2026-11-28T00:00:00Z", "0001-01-01", " 7 "]),
    texts.map(lambda text: text.encode("latin-1", "replace").decode("latin-1")),
)
headers = st.dictionaries(
    st.sampled_from(
        [
            f"{first}{part}{last}"
            for part in ("limit", "remaining", "reset")
            for first, last in (
                ("x-ratelimit-", "-requests"),
                ("x-ratelimit-", "-tokens"),
                ("anthropic-ratelimit-requests-", ""),
                ("anthropic-ratelimit-tokens-", ""),
            )
        ]
        + ["retry-after", "retry-after-ms", "x-ratelimit-reset", "date"]
    ),
    figures,
    max_size=8,
)
statuses = st.sampled_from([200, 200, 200, 400, 429, 500, 503])
BUDGETS = [Budget(), Budget(max_tokens=900), Budget(max_usd=0.002), Budget(max_minutes=300)]


class Wire(HttpModel):
    """The real client, with what a server sends in place of a socket; later it answers well."""

    def __init__(self, *sent: tuple[int, dict[str, str], Any]) -> None:
        super().__init__(HERE)
        self.sent, self.delivered, self.last = list(sent), 0, b""

    async def complete(self, request: Request) -> Completion:
        await asyncio.sleep(1)
        status, given_headers, body = self.sent.pop(0) if self.sent else (200, {}, GOOD)
        completion = read_reply(HERE, status, given_headers, written(body))
        self.delivered += 1
        return completion


GOOD = {"choices": [{"message": {"content": "four"}}], "usage": {"prompt_tokens": 9}}


def written(body: Any) -> bytes:
    """JSON as servers in Python write it, with NaN and Infinity, and numbers of any length."""
    return json.dumps(body).encode("utf-8", "surrogatepass")


async def converse(budget: Budget, sent: list[tuple[int, dict[str, str], Any]]) -> None:
    model = Wire(*sent)
    endpoint = Endpoint("task", model, Price(1.0, 2.0), 100)
    calls = [Call.to(endpoint, Request((Message("user", t),), Decoding())) for t in "abcd"]
    with Journal() as journal:
        meter = Meter(budget, clock=asyncio.get_running_loop().time)
        caller = Caller(journal, meter, limits=Limits(max_concurrency=1), retry=Retry())
        caller.charge(calls)
        for call in calls:
            with contextlib.suppress(ApoError):
                await caller.answer(call)
        kept = journal.find_all([call.key for call in calls])
        assert sum(entry.reply is not None for entry in kept.values()) == model.delivered
        spent = meter.spent
        assert (spent.calls, meter.charged) == (len(kept), len(kept))
        for entry in kept.values():
            for count in entry.usage:
                assert count is None or (type(count) is int and 0 <= count <= 1_000_000)
        assert spent.cached_tokens <= spent.input_tokens
        assert spent.thinking_tokens <= spent.output_tokens
        over = spent.tokens > (budget.max_tokens or 10**9)
        over = over or (spent.usd or 0) > (budget.max_usd or 10**9)
        assert bool(meter.overspent) == over
        for note in caller.notes():
            assert len(note) < 600
        json.dumps(spent.to_dict(), allow_nan=False)


@fuzzed_slowly
@given(st.sampled_from(BUDGETS), st.lists(st.tuples(statuses, headers, replies), max_size=3))
def test_a_call_is_recorded_or_refused_whatever_a_server_counts(
    budget: Budget, sent: list[tuple[int, dict[str, str], Any]]
) -> None:
    with promptly():
        run_virtually(converse(budget, sent))


WHOLE = "[" * 980 + "]" * 980
SPOILT = {
    name: f'{{"choices": [{{"message": {{"content": "four"}}, {within}}}], {beside}}}'
    for name, within, beside in (
        ("a NaN", '"logprobs": NaN', '"id": 1'),
        ("a number without end", '"index": 0', f'"id": 1{"0" * 400}'),
        ("half a character", '"index": 0', r'"id": "\ud800"'),
        ("infinity", '"index": 0', '"usage": {"prompt_tokens": 1e999}'),
        ("lists in lists", f'"finish_reason": {WHOLE}', '"id": 1'),
    )
}
"""Replies with an answer, and beside it what no strict reader of JSON takes."""


@pytest.mark.parametrize("name", SPOILT)
def test_what_stands_beside_an_answer_takes_nothing_from_it(name: str) -> None:
    def at(depth: int) -> str:  # As far down the stack as a run is.
        return at(depth - 1) if depth else read_reply(HERE, 200, {}, SPOILT[name].encode()).text

    assert at(100) == "four"


@pytest.mark.parametrize("name", SPOILT)
@pytest.mark.parametrize("status", [200, 200.0, "200"])
def test_nor_in_a_batch(name: str, status: float | str) -> None:
    stated = json.dumps(status)
    line = f'{{"custom_id": "a", "response": {{"status_code": {stated}, "body": {SPOILT[name]}}}}}'
    key, found = read_outcome(HERE, line.encode())
    assert key == "a"
    assert isinstance(found, Completion)
    assert found.text == "four"


@pytest.mark.parametrize(
    "line", ["[]", "5", f'{{"custom_id": {WHOLE}}}', '{"custom_id": "a"}', "{"]
)
def test_a_line_of_a_batch_that_answers_nothing(line: str) -> None:
    key, found = read_outcome(HERE, line.encode())
    assert key in ("", "a")
    assert found is None


def test_a_body_without_an_end_of_lists_spoils_its_own_line_alone() -> None:
    line = f'{{"custom_id": "a", "response": {{"status_code": 200, "body": {WHOLE}}}}}'
    key, found = read_outcome(HERE, line.encode())
    assert key == "a"
    assert isinstance(found, MalformedReplyError)


def test_a_long_stream_is_put_together_in_good_time() -> None:
    event = 'data: {"choices": [{"delta": {"content": "abcdefgh"}}]}\n'
    end = 'data: {"choices": [{"finish_reason": "stop"}]}\n'
    with promptly(computing=5):
        found = read_reply(HERE, 200, {}, (event * 100_000 + end).encode())
    assert found.text == "abcdefgh" * 100_000


@pytest.mark.parametrize(
    "value", ["10" * 200, "1e308", "-1e308", "5", "0.5", "true", '"-1"', "null"]
)
def test_what_is_no_log_probability_is_refused(value: str) -> None:
    scored = '{"choices": [{"logprobs": {"tokens": ["2 ", "four"], "token_logprobs": [null, %s]}}]}'
    asked = Request((Message("user", "2:"),), continuation="four")
    with pytest.raises(LikelihoodError):
        read_scored(HERE, asked, (200, {}, (scored % value).encode()))


names = st.sampled_from(["batch-1", "", "..", "a/b?c", "a\nb", "\x1b[31m", "x" * 5000]) | numbers
batches = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("id", "status", "output_file_id", "error_file_id"), names)
    | dict.fromkeys(("created_at", "expires_at", "metadata", "errors", "data", "has_more"), numbers)
    | {
        "request_counts": numbers | st.fixed_dictionaries({"completed": numbers}),
        "errors": numbers
        | st.fixed_dictionaries({"data": st.lists(numbers | details, max_size=2)}),
    },
)


def handle(request: httpx.Request, body: bytes, kind: str) -> httpx.Response:
    assert ".." not in request.url.path
    return httpx.Response(200, content=body, headers={"content-type": kind})


class Provider(BatchApi):
    """The real client and SDK, with a provider that answers the same to everything."""

    def __init__(self, body: bytes, kind: str) -> None:
        super().__init__(HERE, timeout=5)
        self._transport = httpx.MockTransport(lambda request: handle(request, body, kind))

    def _open(self) -> openai.AsyncOpenAI:
        client = httpx.AsyncClient(transport=self._transport)
        self._client = openai.AsyncOpenAI(
            base_url=HERE.url, api_key="k", http_client=client, max_retries=0
        )
        return self._client


async def look(body: bytes, kind: str) -> None:
    api = Provider(body, kind)
    steps = (
        api.create("file-1", "t"),
        api.retrieve("batch-1"),
        api.find("t"),
        api.upload(b"", "t"),
    )
    for step in steps:
        try:
            found = await step
        except ModelError as error:
            text = str(error)
        else:
            text = found if isinstance(found, str) else ""
            if isinstance(found, Batch):
                assert 0 <= found.answered <= MAX_REQUESTS
                text = f"{found.id} {found.status} {refusal(HERE, found)} {found.files}"
                await outcomes(api, found)
        assert text.isprintable()
        assert len(text) < 3000
    await api.aclose()


async def outcomes(api: BatchApi, batch: Batch) -> None:
    with contextlib.suppress(ModelError):
        await api.outcomes(batch)


@fuzzed_slowly
@given(
    batches | numbers | st.lists(batches, max_size=2), st.sampled_from(["application/json", "x/y"])
)
def test_what_the_batch_api_says_is_a_batch_or_an_error_in_words(body: Any, kind: str) -> None:
    asyncio.run(look(written(body), kind))
