"""Refusals of real servers, in their own forms, and bytes of every kind."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    ContextLengthError,
    LoadingError,
    MalformedReplyError,
    ModelError,
    OptionRefusedError,
    QuotaError,
    RateLimitError,
    TransportError,
)
from apo.model import Completion
from apo.models.address import Address
from apo.models.allowances import retry_after
from apo.models.failures import failure
from apo.models.replies import read_reply
from apo.models.stated import read_usage
from apo.usage import Usage

HERE = Address(
    name="openai/m",
    model="m",
    url="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
    key="sk-Qx7vT9wLm2ZpR4nB",
)


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def vllm(message: str) -> object:
    return {"object": "error", "message": message, "type": "BadRequestError", "code": 400}


CASES: list[tuple[int, object, type[ModelError]]] = [
    (
        401,
        openai("Incorrect API key provided: sk-Q***4nB.", "invalid_api_key"),
        AuthenticationError,
    ),
    (403, openai("Country not supported", "unsupported_country"), AuthenticationError),
    (401, {"detail": "Unauthorized"}, AuthenticationError),
    (402, {"error": {"message": "Insufficient credits", "code": 402}}, QuotaError),
    (429, openai("You exceeded your current quota", "insufficient_quota"), QuotaError),
    (403, openai("Billing hard limit", "billing_hard_limit_reached"), QuotaError),
    (400, {"error": {"message": "Your credit balance is too low to access the API."}}, QuotaError),
    (429, openai("Rate limit reached", "rate_limit_exceeded", "requests"), RateLimitError),
    (429, "Too Many Requests", RateLimitError),
    # Gemini words its limit per minute like OpenAI its empty account.
    (
        429,
        [
            {
                "error": {
                    "code": 429,
                    "message": "You exceeded your current quota, please check your "
                    "plan and billing details.",
                    "status": "RESOURCE_EXHAUSTED",
                }
            }
        ],
        RateLimitError,
    ),
    (400, openai("too long", "context_length_exceeded"), ContextLengthError),
    (
        400,
        vllm("This model's maximum context length is 4096 tokens. However, you requested 5000."),
        ContextLengthError,
    ),
    (
        400,
        {
            "error": {
                "message": "You passed 1015 input tokens and requested 10 output tokens. "
                "However, the model's context length is only 1024 tokens.",
                "code": 400,
            }
        },
        ContextLengthError,
    ),
    (
        400,
        vllm("The decoder prompt (length 5000) is longer than the maximum model length of 4096."),
        ContextLengthError,
    ),
    (
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size. try increasing it",
                "type": "exceed_context_size_error",
            }
        },
        ContextLengthError,
    ),
    (500, {"error": "the input length exceeds the context length"}, ContextLengthError),
    (400, openai("prompt is too long: 210000 tokens > 200000 maximum"), ContextLengthError),
    (
        400,
        [
            {
                "error": {
                    "message": "The input token count (2000000) exceeds the maximum number of "
                    "tokens allowed (1048576)."
                }
            }
        ],
        ContextLengthError,
    ),
    (
        422,
        {"error": "Input validation error: `inputs` must have less than 4096 tokens"},
        ContextLengthError,
    ),
    (
        400,
        {
            "error": "Trying to keep the first 5210 tokens when context the overflows. However, "
            "the model is loaded with context length of only 4096 tokens, which is not enough."
        },
        ContextLengthError,
    ),
    (413, "<html><title>413 Request Entity Too Large</title></html>", ContextLengthError),
    (
        429,
        openai("Request too large for m on tokens per min: Limit 10000, Requested 15000", "tokens"),
        ContextLengthError,
    ),
    (400, openai("filtered", "content_filter"), ContentFilterError),
    (403, openai("filtered", "content_filter"), ContentFilterError),
    (
        403,
        {
            "code": "The caller does not have permission to execute the specified operation",
            "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
        },
        ContentFilterError,
    ),
    (
        403,
        openai(
            "Your chosen model requires moderation and your input was flagged for violence.", ""
        ),
        ContentFilterError,
    ),
    (403, openai("Your account was flagged.", ""), AuthenticationError),
    (403, openai("Your request was blocked by safety policy", ""), ContentFilterError),
    (422, {"detail": [{"msg": "moderation"}]}, ContentFilterError),
    (451, openai("blocked", ""), ContentFilterError),
    (451, openai("Not available in your country", ""), BadRequestError),
    (403, openai("This project was closed for safety violations.", ""), AuthenticationError),
    (403, openai("Forbidden", ""), AuthenticationError),
    (
        400,
        {"error": {"code": "DataInspectionFailed", "message": "Input data may be bad."}},
        ContentFilterError,
    ),
    (
        400,
        {
            "error": {
                "message": "filtered",
                "code": None,
                "innererror": {"code": "ResponsibleAIPolicyViolation"},
            }
        },
        ContentFilterError,
    ),
    (
        400,
        {
            "error": {
                "code": "1301",
                "message": "系统检测到输入或生成内容可能包含不安全或敏感内容。",
            }
        },
        ContentFilterError,
    ),
    (400, {"error": {"message": "输入包含敏感内容"}}, ContentFilterError),
    (404, openai("The model `m` does not exist", "model_not_found"), BadRequestError),
    (404, "<html><head><title>404 Not Found</title></head></html>", BadRequestError),
    (
        422,
        {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
        OptionRefusedError,
    ),
    (400, openai("max_tokens is too large: 100000. It supports at most 16384"), BadRequestError),
    (400, vllm("max_tokens must be at least 1, got -404."), ContextLengthError),
    (
        500,
        openai("model requires more system memory (8.0 GiB) than is available (4.1 GiB)"),
        BadRequestError,
    ),
    (400, None, BadRequestError),
    (400, [], BadRequestError),
    (405, "", BadRequestError),
    (301, "", BadRequestError),
    (408, "", TransportError),
    (409, "", TransportError),
    (500, {"error": {"message": None}}, TransportError),
    (503, "<html>Service Unavailable</html>", TransportError),
    (503, {"error": {"message": "Loading model", "code": 503}}, LoadingError),
    (503, {"error": "Model a/b is currently loading", "estimated_time": 20.0}, LoadingError),
    (529, openai("Overloaded", kind="overloaded_error"), TransportError),
    (204, "", MalformedReplyError),
]


@pytest.mark.parametrize(("status", "body", "kind"), CASES)
def test_classes(status: int, body: object, kind: type[ModelError]) -> None:
    error = failure(HERE, status, {}, body)
    assert type(error) is kind
    assert str(error).startswith(f"openai/m: the server answered {status}: ")


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (400, "temperature: only 0 to 1, 1.5 is invalid", "decoding.temperature: null"),
        (400, "Invalid max_tokens: it must be at most 8192", "decoding.max_tokens: null"),
        (400, "stop: invalid, at most 4 texts", "decoding.stop: []"),
        (400, "Unsupported parameter: 'max_tokens'.", "use --max-calls"),
        (404, "no such model", "Check the model 'm' and the base URL https://api.openai.com/v1"),
        (400, "model 'm' not found", "not found. Check the model 'm'."),
        (400, "Model Not Exist", "Not Exist. Check the model 'm'."),
        (400, "m is not a valid model ID", "ID. Check the model 'm'."),
        (400, "Invalid model: m", "m. Check the model 'm'."),
        (401, "no", "export OPENAI_API_KEY="),
        (402, "no", "the key in OPENAI_API_KEY"),
    ],
)
def test_hints(status: int, message: str, hint: str) -> None:
    assert hint in str(failure(HERE, status, {}, openai(message)))


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        (Address(name="u", model="m", url="http://h/v1", key_variable="APO_API_KEY"), "No key was"),
        (Address(name="ollama/m", model="m", url="http://h/v1"), "http://h/v1#m and set APO_API"),
    ],
)
def test_what_to_do_where_no_key_was_sent(address: Address, hint: str) -> None:
    assert hint in str(failure(address, 401, {}, {}))


def test_where_versions_stand_is_told_of_an_address_without_one() -> None:
    bare = Address(name="vllm/m", model="m", url="http://gpu:8000")
    told = "Most servers' base URL ends in /v1: http://gpu:8000/v1."
    assert told in str(failure(bare, 404, {}, {"detail": "Not Found"}))
    for url in ("http://gpu:8000/v1", "https://h/v1beta/openai", "https://x.azure.com/openai/d"):
        elsewhere = Address(name="vllm/m", model="m", url=url)
        assert "base URL ends" not in str(failure(elsewhere, 404, {}, {"detail": "Not Found"}))


def test_ollama_is_told_to_pull() -> None:
    address = Address(name="ollama/llama9", model="llama9", url="http://localhost:11434/v1")
    assert "ollama pull llama9" in str(failure(address, 404, {}, {"error": "not found"}))


def test_words_are_made_safe_to_show() -> None:
    noise = "\x1b[31m\x00 안녕 \n\n" + "x" * 100_000
    said = str(failure(HERE, 400, {}, openai(noise)))
    assert said.isprintable()
    assert "안녕" in said
    assert len(said) < 600


@pytest.mark.parametrize(
    "echo",
    [
        "Incorrect key: sk-Qx7vT9wLm2ZpR4nB.",
        "Incorrect key: 'sk-Qx7vT9wLm2ZpR4nB', try another",
        "key=sk-Qx7vT9wLm2ZpR4nB&x=1",
        "Bearer sk-Qx7vT9wLm2ZpR4nB",
        "Incorrect key: sk-Qx****R4nB",
        "The key sk-Qx7vT9wL is cut",
        "..." + "a" * 385 + " sk-Qx7vT9wLm2ZpR4nB",
        "b" * 1990 + " sk-Qx7vT9wLm2ZpR4nB",
    ],
)
@pytest.mark.parametrize("status", [301, 400, 401, 404, 429, 500])
def test_the_key_is_taken_out_of_foreign_words(echo: str, status: int) -> None:
    said = str(failure(HERE, status, {"location": echo}, openai(echo)))
    assert "Qx7v" not in said
    assert "R4nB" not in said


def test_a_short_key_does_not_eat_the_text() -> None:
    here = Address(name="u#m", model="m", url="http://h/v1", key="a")
    assert "a*** b" not in str(failure(here, 400, {}, openai("what a bad day")))
    assert "what *** bad day" in str(failure(here, 400, {}, openai("what a bad day")))


NOW = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Mon, 06 May 2030 07:09:09 GMT"}, 60.0),
        ({"retry-after": "Mon, 06 May 2030 07:09:09 -0000"}, 60.0),
        ({"retry-after": "Mon, 06 May 2030 07:00:00 GMT"}, 0.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "Mon, 99 May 99999 07:00:00 GMT"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.datetimes(datetime(2030, 5, 7), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_retry_after_reads_any_date(date: datetime) -> None:
    whole = date.replace(microsecond=0)
    header = {"retry-after": format_datetime(whole, usegmt=True)}
    assert retry_after(header, NOW) == whole.timestamp() - NOW


@given(st.text())
def test_retry_after_of_any_text_is_none_or_a_wait(text: str) -> None:
    wait = retry_after({"retry-after": text}, NOW)
    assert wait is None or 0 <= wait < float("inf")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "error", "code", "usage", "finish_reason"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from([200, 201, 302, 400, 401, 404, 413, 429, 500, 599]), st.binary() | JSON)
def test_any_reply_is_a_completion_or_a_model_error(status: int, body: object) -> None:
    if isinstance(body, bytes):
        data = body
    else:
        try:
            data = orjson.dumps(body)
        except TypeError:  # Half a surrogate pair.
            return
    try:
        completion = read_reply(HERE, status, {"content-type": "application/json"}, data)
    except ModelError as error:
        said = str(error)
    else:
        assert status == 200
        said = ""
        completion.text.encode()
    assert said == "" or said.isprintable()


def chat(content: object, reason: str | None = "stop", **rest: object) -> bytes:
    message = {"role": "assistant", "content": content, **rest}
    return orjson.dumps({"choices": [{"message": message, "finish_reason": reason}]})


STREAMED = b'data: {"choices": [{"delta": {"content": "%s"}, "finish_reason": "stop"}]}\n\n'
HALF = b'{"choices": [{"message": {"content": "\xeb\x84\xa4 \\ud83d!", "reasoning": "\\ude42"}}]}'


@pytest.mark.parametrize(
    ("data", "completion"),
    [
        (chat("네, 😀"), Completion(text="네, 😀")),
        (chat(""), Completion(text="")),
        (chat(5), Completion(text="5")),
        (chat(0), Completion(text="0")),
        (chat(False), Completion(text="false")),
        (b"\xef\xbb\xbf" + chat("bug"), Completion(text="bug")),
        (HALF, Completion(text="네 \ufffd!", thinking="\ufffd")),
        (
            STREAMED % b"\\ud83d" + STREAMED % b"\\ude42",
            Completion(text="🙂"),
        ),
        (chat("cut", "length"), Completion(text="cut", truncated=True)),
        (chat(None, "length"), Completion(text="", truncated=True)),
        (chat("cut", "model_context_window_exceeded"), Completion(text="cut", truncated=True)),
        (chat(None, refusal="I won't."), Completion(text="I won't.")),
        (chat("4", reasoning_content="2 + 2 ..."), Completion(text="4", thinking="2 + 2 ...")),
        (
            chat([{"type": "thinking", "thinking": ["?"]}, {"type": "text", "text": "hi"}]),
            Completion(text="hi", thinking="?"),
        ),
    ],
)
def test_answers(data: bytes, completion: Completion) -> None:
    assert read_reply(HERE, 200, {}, data) == completion


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 3, "cache_read_input_tokens": 77}, (80, 77)),
        ({"prompt_tokens": 3, "cache_creation_input_tokens": 77}, (80, 0)),
        ({"prompt_tokens": 80, "cache_read_input_tokens": 77}, (80, 77)),
        ({"prompt_tokens": 3, "cache_read_input_tokens": -7}, (3, 0)),
        ({"prompt_tokens": -1, "cache_read_input_tokens": 77}, (-1, 77)),
    ],
)
def test_cached_tokens_that_are_counted_apart_are_read_too(
    usage: dict[str, int], counted: tuple[int, int]
) -> None:
    found = read_usage({**usage, "completion_tokens": 1})
    assert (found.input_tokens, found.cached_tokens) == counted


@pytest.mark.parametrize(
    ("cost", "header", "usd"),
    [
        (0.05, None, 0.05),
        ("2.5e-05", None, 2.5e-05),
        (None, "0.04", 0.04),
        (0.01, "0.04", 0.04),
        (-1, "nan", 0.0),
        ({"upstream": 1}, "free", 0.0),
        (True, "1e999", 0.0),
    ],
)
def test_what_the_server_says_a_call_cost(cost: object, header: str | None, usd: float) -> None:
    body = {**orjson.loads(chat("bug")), "usage": {"cost": cost}}
    headers = {"x-litellm-response-cost": header} if header else {}
    assert read_reply(HERE, 200, headers, orjson.dumps(body)).usd == usd


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        ([{"index": 0, "text": "bug"}], "bug"),
        ([{"index": 1, "message": {"content": "hm"}}, {"index": 0, "text": "bug"}], "bug"),
        ([{"message": {"content": "", "refusal": "I won't."}}], "I won't."),
        (
            [{"message": {"content": "bug", "tool_calls": "f"}, "finish_reason": "tool_calls"}],
            "bug",
        ),
    ],
)
def test_the_choice_that_is_read(choices: list[object], text: str) -> None:
    assert read_reply(HERE, 200, {}, orjson.dumps({"choices": choices})).text == text


def test_a_stream_of_two_choices_is_that_of_index_0() -> None:
    lines = [
        {"choices": [{"index": i, "delta": {"content": said}, "finish_reason": end}]}
        for i, said, end in [(1, "h", None), (0, "bu", None), (1, "m", "stop"), (0, "g", "stop")]
    ]
    data = b"\n\n".join(b"data: " + orjson.dumps(line) for line in lines)
    assert read_reply(HERE, 200, {}, data).text == "bug"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"content": None, "tool_calls": [{"id": "1"}]}, "tool_calls"),
        ({"content": "\n", "function_call": {"name": "f"}}, "stop"),
        (
            {"content": None, "reasoning_content": "I call it.", "tool_calls": [{"id": "2"}]},
            "length",
        ),
    ],
)
def test_a_call_of_a_tool_is_named_and_final(message: object, reason: str) -> None:
    data = orjson.dumps({"choices": [{"message": message, "finish_reason": reason}]})
    with pytest.raises(BadRequestError, match=r"called a tool .* switch tools off") as caught:
        read_reply(HERE, 200, {}, data)
    assert caught.value.billed


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"status": "error", "message": "quota exceeded"}, RateLimitError),
        ({"detail": "Too many requests"}, RateLimitError),
        ({"error_code": 110, "error_msg": "Access token invalid"}, AuthenticationError),
        ({"success": False, "msg": "Insufficient balance"}, QuotaError),
        ({"message": "Model m does not exist"}, BadRequestError),
        ({"message": "Service under maintenance"}, TransportError),
        ({"status": "failed", "message": "Nobody knows why"}, MalformedReplyError),
    ],
)
def test_the_servers_words_under_200_say_what_it_is(
    body: dict[str, object], kind: type[ModelError]
) -> None:
    words = next(body[name] for name in ("message", "detail", "msg", "error_msg") if name in body)
    with pytest.raises(ModelError, match=f"200 with an error: {words}") as caught:
        read_reply(HERE, 200, {}, orjson.dumps({**body, "hint": HERE.key}))
    assert type(caught.value) is kind


def test_json_that_is_no_completion_is_shown_without_the_key() -> None:
    with pytest.raises(MalformedReplyError, match=r"It begins: .*sunny") as caught:
        read_reply(HERE, 200, {}, orjson.dumps({"weather": "sunny", "key": HERE.key}))
    assert HERE.key not in str(caught.value)


@pytest.mark.parametrize("reason", ["content_filter", "content_filter: SAFETY"])
def test_an_answer_held_back(reason: str) -> None:
    with pytest.raises(ContentFilterError):
        read_reply(HERE, 200, {}, chat(None, reason))


THOUGHT = {"reasoning_tokens": 900}


def counted(read: int, written: int, total: int | None = None) -> dict[str, object]:
    of_all = {} if total is None else {"total_tokens": total}
    return {"prompt_tokens": read, "completion_tokens": written, **of_all}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]}),
        (400, {"error": {"code": "content_filter", "message": "no"}}),
        (403, {"error": {"code": 403, "message": "Your input was flagged.", "metadata": {}}}),
    ],
)
@pytest.mark.parametrize("within", [False, True])
def test_what_a_refusal_states_is_read(status: int, body: dict[str, Any], within: bool) -> None:
    with pytest.raises(ContentFilterError) as caught:
        read_reply(HERE, status, {}, orjson.dumps(body))
    assert caught.value.usage == Usage()
    place = body["error"] if within and "error" in body else body
    place["usage"] = counted(7, 0)
    with pytest.raises(ContentFilterError) as caught:
        read_reply(HERE, status, {}, orjson.dumps(body))
    assert caught.value.usage == Usage(7, 0)
    del place["usage"]


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (None, Usage()),
        ([], Usage()),
        ({"prompt_tokens": 5, "completion_tokens": 2}, Usage(input_tokens=5, output_tokens=2)),
        ({"prompt_tokens": -7, "completion_tokens": "2"}, Usage(-7, -1)),
        ({"prompt_tokens": 50.0, "completion_tokens": 5.0}, Usage(50, 5)),
        ({"prompt_tokens": 1e300, "completion_tokens": -0.5}, Usage(-1, -1)),
        ({"prompt_tokens": True, "completion_tokens": 2.5}, Usage(-1, -1)),
        ({"completion_tokens_details": {"reasoning_tokens": 9}}, Usage(thinking_tokens=9)),
        (
            {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}},
            Usage(input_tokens=5, cached_tokens=4),
        ),
        ({"prompt_tokens": 5, "prompt_tokens_details": None}, Usage(input_tokens=5)),
        # Thoughts that are paid and left out of the answer's tokens: Gemini's way, Grok's, others'.
        (counted(10, 5, 915), Usage(10, 905, 0, 900)),
        ({**counted(10, 5, 915), "completion_tokens_details": THOUGHT}, Usage(10, 905, 0, 900)),
        ({**counted(10, 5), "completion_tokens_details": THOUGHT}, Usage(10, 905, 0, 900)),
        ({**counted(10, 5), "reasoning_tokens": 900}, Usage(10, 905, 0, 900)),
        # Thoughts that are among them: OpenAI's way.
        ({**counted(10, 905, 915), "completion_tokens_details": THOUGHT}, Usage(10, 905, 0, 900)),
        ({**counted(9, 2, 3000), "prompt_tokens_details": {"cached_tokens": 2989}},
         Usage(2998, 2, 2989)),
        ({"prompt_tokens": 10, "total_tokens": 15}, Usage(10, 5)),
        ({"completion_tokens": 5, "total_tokens": 15}, Usage(10, 5)),
        ({"total_tokens": 15}, Usage()),
        (counted(10, 5, 3), Usage(10, 5)),
        (counted(10, 5, -1), Usage(10, 5)),
        (counted(-7, -7, 900), Usage(-7, -7)),
    ],
)  # fmt: skip
def test_usage(usage: object, read: Usage) -> None:
    body = {"choices": [{"message": {"content": "x"}}], "usage": usage}
    assert read_reply(HERE, 200, {}, orjson.dumps(body)).usage == read


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (429, RateLimitError),
        (502, TransportError),
        ("rate_limit_exceeded", RateLimitError),
        ("content_filter", ContentFilterError),
        ("server_error", TransportError),
        ("x", MalformedReplyError),
    ],
)
def test_an_error_under_status_200(code: object, kind: type[ModelError]) -> None:
    data = orjson.dumps({"error": {"message": "upstream", "code": code}})
    with pytest.raises(kind):
        read_reply(HERE, 200, {"retry-after": "3"}, data)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (chat("", "error"), TransportError, "finish_reason 'error'"),
        (chat("12", "abort"), TransportError, "finish_reason 'abort'"),
        (chat("12", "network_error"), TransportError, "no answer"),
        (chat("12", "insufficient_system_resource"), TransportError, "no answer"),
        (chat("12", "sensitive"), ContentFilterError, "filter"),
        (b'{"choices": []}', MalformedReplyError, "without any choice"),
        (
            b'{"choices": [{"error": {"message": "Bad gateway", "code": 502}, "message": {}}]}',
            TransportError,
            "Bad gateway",
        ),
        (b'{"error": "The upstream failed.", "choices": null}', MalformedReplyError, "upstream"),
        (chat("", "safety"), ContentFilterError, "filter"),
        (
            b'{"choices": [], "prompt_filter_results": [{"content_filter_results": '
            b'{"hate": {"filtered": true}}}]}',
            ContentFilterError,
            "filter",
        ),
        (b'data: {"error": {"message": "overloaded", "code": 529}}', TransportError, "overloaded"),
        (
            b'data: {"choices": [{"delta": {"content": "bu"}}]}\n\nevent: error\n'
            b'data: {"type": "error", "message": "gone"}\n',
            MalformedReplyError,
            "gone",
        ),
        (
            b'data: {"choices": [{"delta": {"content": "bu"}}]}\n',
            MalformedReplyError,
            r"nor \[DONE",
        ),
        (b'{"error": "Unexpected endpoint or method. (POST /chat)"}', BadRequestError, "base URL"),
        (b'{"error": "model x not found"}', BadRequestError, r"not found\. Check the model"),
    ],
)
def test_a_failure_under_status_200_is_no_answer(
    body: bytes, kind: type[ModelError], said: str
) -> None:
    with pytest.raises(kind, match=said) as caught:
        read_reply(HERE, 200, {}, body)
    assert type(caught.value) is kind


def test_a_stream_without_a_reason_ends_with_done() -> None:
    data = b'data: {"choices": [{"delta": {"content": "bug"}}]}\n\ndata: [DONE]\n'
    assert read_reply(HERE, 200, {}, data).text == "bug"


def test_a_temperature_of_0_that_is_refused_names_the_remedy() -> None:
    said = {"error": "Input validation error: `temperature` must be strictly positive"}
    with pytest.raises(BadRequestError, match=r"decoding.temperature: 0.01, or .*: null"):
        read_reply(HERE, 422, {}, orjson.dumps(said))


def test_a_stream_that_was_not_asked_for() -> None:
    events: list[dict[str, object]] = [
        {"choices": [{"delta": {"role": "assistant", "reasoning_content": "Hm"}}]},
        {"choices": [{"delta": {"content": "bu"}}]},
        {"choices": [{"delta": {"content": "g"}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}},
    ]
    lines = [b"data: " + orjson.dumps(event) for event in events]
    data = b"\r\n\r\n".join([b": keep-alive", *lines, b"data: [DONE]"])
    found = read_reply(HERE, 200, {"content-type": "text/event-stream"}, data)
    assert found == Completion(text="bug", usage=Usage(5, 3), thinking="Hm")


@pytest.mark.parametrize(
    "message",
    [
        {"content": "bug", "reasoning": "Hm"},
        {"content": "bug", "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                {"type": "text", "text": "bug"},
            ]
        },
        {"content": [{"type": "reasoning", "text": "Hm"}, {"type": "output_text", "text": "bug"}]},
    ],
)
def test_thinking_beside_the_answer(message: dict[str, object]) -> None:
    data = orjson.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert read_reply(HERE, 200, {}, data) == Completion(text="bug", thinking="Hm")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (HERE, "look whether it may use the model 'm'"),
        (Address(name="o", model="o", url="http://h/v1"), "none is taken under this name"),
        (Address(name="o", model="o", url="u", key_variable="APO_API_KEY"), "No key was sent"),
    ],
)
def test_advice_on_a_403(address: Address, said: str) -> None:
    assert said in str(failure(address, 403, {}, "Forbidden"))


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(("said", "name"), [("m-2", "m-2"), (7, ""), (HERE.key, "***")])
def test_the_name_of_what_answered(said: object, name: str, streams: bool) -> None:
    choice = {"message": {"content": "x"}, "delta": {"content": "x"}, "finish_reason": "stop"}
    body = orjson.dumps({"model": said, "choices": [choice]})
    data = b"data: " + body if streams else body
    assert read_reply(HERE, 200, {}, data) == Completion(text="x", model=name)
