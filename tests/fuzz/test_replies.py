"""Replies of servers: any status, headers and bytes end as an answer or as a `ModelError`."""

import json
from functools import partial
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import ModelError
from apo.model import Message, Request
from apo.models.address import Address
from apo.models.allowances import retry_after
from apo.models.body import as_dict
from apo.models.likelihood import answer_logprobs, plain_text, read_scored, spans
from apo.models.replies import read_reply
from apo.models.stated import MAX_COUNT, read_usage
from tests.fuzz.hostile import damaged, deep, encoded, fuzzed, json_values, texts, told

KEY = "sk-Qx7vT9wLm2ZpR4nBy8Kd"
HERE = Address(name="openai/m", model="m", url="http://h/v1", key_variable="K", key=KEY)
ASKED = Request(messages=(Message("user", "2 + 2:"),), continuation="four times")
CHAT = orjson.dumps(
    {
        "id": "c-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "four", "refusal": None},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 1,
            "prompt_tokens_details": {"cached_tokens": 4},
        },
    }
)
SCORED = orjson.dumps(
    {
        "choices": [
            {
                "text": "",
                "logprobs": {
                    "tokens": ["2", " +", " 2", ":", " four", " times", "."],
                    "token_logprobs": [None, -1.0, -0.5, -0.1, -0.7, -2.0, -3.0],
                },
            }
        ],
        "usage": {"prompt_tokens": 6, "completion_tokens": 1},
    }
)
ERROR = orjson.dumps(
    {"error": {"message": f"Bad key {KEY}", "type": "invalid", "code": "invalid_api_key"}}
)
statuses = st.sampled_from([100, 200, 204, 301, 400, 401, 402, 403, 404, 408, 429, 500, 503, 599])
headers = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "content-type", "location"]), texts
)
bodies = (
    damaged(CHAT)
    | damaged(SCORED)
    | damaged(ERROR)
    | st.binary(max_size=200)
    | json_values.map(lambda value: encoded(json.dumps(value)))
    | json_values.map(lambda value: encoded(json.dumps({"error": value})))
    | json_values.map(lambda value: encoded(json.dumps({"choices": [{"message": value}]})))
)


@fuzzed
@given(statuses, headers, bodies)
def test_a_reply_is_an_answer_or_an_error_of_the_model(
    status: int, given_headers: dict[str, str], body: bytes
) -> None:
    try:
        completion = read_reply(HERE, status, given_headers, body)
    except ModelError as error:
        text = str(error)
        assert text.isprintable()
        assert 10 < len(text) < 2000
        assert KEY not in text
        return
    assert status == 200
    completion.text.encode()


@fuzzed
@given(statuses, headers, bodies)
def test_log_probabilities_are_finite_numbers_or_an_error(
    status: int, given_headers: dict[str, str], body: bytes
) -> None:
    try:
        completion = read_scored(HERE, ASKED, (status, given_headers, body))
    except ModelError:
        return
    assert len(completion.logprobs) > 0
    json.dumps(completion.logprobs, allow_nan=False)


@fuzzed
@given(st.lists(texts, max_size=12), texts)
def test_tokens_stand_in_order_within_the_text(tokens: list[str], text: str) -> None:
    places = spans(tokens, text)
    assert len(places) == len(tokens)
    assert all(0 <= start <= end <= len(text) for start, end in places)
    assert places == sorted(places)


@fuzzed
@given(st.lists(st.text("ab \n", min_size=1, max_size=4), min_size=1, max_size=8), st.data())
def test_a_text_cut_into_tokens_has_each_token_where_it_was_cut(
    tokens: list[str], data: st.DataObject
) -> None:
    whole = "".join(tokens)
    start = data.draw(st.integers(0, len(whole) - 1))
    values = [-float(i) for i in range(len(tokens))]
    ends = [len("".join(tokens[: i + 1])) for i in range(len(tokens))]
    expected = tuple(v for v, end in zip(values, ends, strict=True) if end > start)
    assert answer_logprobs(tokens, values, whole[:start], whole[start:]) == expected


@fuzzed
@given(json_values)
def test_usage_counts_tokens_or_says_that_it_does_not_know(value: Any) -> None:
    for given_usage in (value, {"prompt_tokens": value, "prompt_tokens_details": value}):
        usage = read_usage(given_usage)
        said: Any = as_dict(given_usage).get("prompt_tokens")
        whole = type(said) in (int, float) and abs(said) < MAX_COUNT and said == int(said)
        assert usage.input_tokens == (said if said is None or whole else -1)
        for count in (usage.cached_tokens, usage.thinking_tokens):
            assert type(count) is int
            assert count >= 0


waits = (
    texts
    | st.floats().map(str)
    | st.integers().map(str)
    | st.datetimes().map(lambda d: d.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    | damaged(b"Wed, 21 Oct 2026 07:28:00 GMT").map(lambda data: data.decode("latin-1"))
    | st.text("0123456789:,+- JanFebGMT", max_size=40)
)


@fuzzed
@given(waits, waits, st.floats(0, 4e9))
def test_a_wait_is_finite_and_never_negative(header: str, in_ms: str, now: float) -> None:
    for given_headers in (
        {"retry-after": header},
        {"retry-after": header, "retry-after-ms": in_ms},
    ):
        wait = retry_after(given_headers, now)
        assert wait is None or 0 <= wait < float("inf")


def test_replies_that_are_far_too_much_are_refused_in_good_time() -> None:
    bodies = [
        deep("[", "]"),
        deep('{"error":', "}"),
        '{"error": {"message": ' + deep("[", "]", 500) + "}}",
        "<title>" * 300_000,
        "context " * 300_000,
        '{"error": {"message": "' + "insufficient " * 200_000 + '"}}',
        '{"choices": ' + deep("[", "]", 900) + "}",
    ]
    for body in bodies:
        for status in (200, 400, 429):
            told(partial(read_reply, HERE, status, {}, body.encode()), "openai/m")
    many = ["a"] * 20_000
    assert len(spans(["?"] * 20_000 + many, "a" * 20_000)) == 40_000
    assert plain_text(()) == "\n\n"
