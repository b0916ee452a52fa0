"""What servers refuse by name, in their own words; and what is known of model families."""

import pytest

from apo.errors import OptionRefusedError
from apo.model import Decoding, Message, Request
from apo.models.address import Address
from apo.models.dialect import Dialect
from apo.models.failures import failure

HERE = Address(name="m", model="m", url="http://h/v1")


def error(message: str, code: str | None = None, param: str | None = None) -> object:
    return {"error": {"message": message, "code": code, "param": param}}


@pytest.mark.parametrize(
    ("status", "body", "option"),
    [
        (
            400,
            error(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                "'max_completion_tokens' instead.",
                "unsupported_parameter",
                "max_tokens",
            ),
            "max_tokens",
        ),
        (400, error("Unrecognized request argument supplied: max_completion_tokens"),
         "max_completion_tokens"),
        (
            400,
            error(
                "Unsupported value: 'temperature' does not support 0.0 with this model. Only the "
                "default (1) value is supported.",
                "unsupported_value",
                "temperature",
            ),
            "temperature",
        ),
        (400, error("invalid temperature: only 1 is allowed for this model"), "temperature"),
        (400, error("`top_p` is deprecated for this model."), "top_p"),
        (400, error("Argument not supported on this model: presencePenalty"), "presence_penalty"),
        (400, error('Unknown name "frequency_penalty"'), "frequency_penalty"),
        (400, error("'stop' is not supported with this model"), "stop"),
        (
            422,
            {"detail": [{"loc": ["body", "random_seed"], "msg": "Extra inputs are not permitted"}]},
            "seed",
        ),
        (
            400,
            error(
                "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
                "unsupported_value",
                "messages[0].role",
            ),
            "system",
        ),
        (500, error("Jinja Exception: System role not supported"), "system"),
        (400, error("Conversation roles must alternate user/assistant/user"), "system"),
    ],
)  # fmt: skip
def test_an_option_refused_by_name(status: int, body: object, option: str) -> None:
    found = failure(HERE, status, {}, body)
    assert isinstance(found, OptionRefusedError)
    assert found.option == option


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 100000. This model supports at most 4096 completion tokens",
        "temperature must be between 0 and 1, 1.5 is not supported",
        "Invalid argument temperature: must be less than or equal to 1",
        "The model 'x' is not supported",
        "temperature sensor data is fine",
    ],
)
def test_a_value_out_of_range_is_the_users_to_mend(message: str) -> None:
    assert not isinstance(failure(HERE, 400, {}, error(message)), OptionRefusedError)


def sent(model: str, *refused: str) -> dict[str, object]:
    dialect = Dialect.of(model)
    assert all(map(dialect.learn, refused))
    address = Address(name="m", model=model, url="http://h/v1", dialect=dialect)
    decoding = Decoding(temperature=0.5, top_p=0.9, max_tokens=9, stop=("x",), presence_penalty=1)
    messages = (Message("system", "Be brief."), Message("user", "Hi"))
    return address.body(Request(messages, decoding, seed=3))


def test_what_is_refused_is_not_sent() -> None:
    assert sent("m")["max_tokens"] == 9
    body = sent("m", "temperature", "max_tokens", "seed", "top_p", "stop", "system")
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Be brief.\n\nHi"}],
        "presence_penalty": 1.0,
        "max_completion_tokens": 9,
    }
    assert not Dialect({"max_tokens"}).learn("max_completion_tokens")
    assert Dialect({"stop"}).cut("a bug. x, y", Decoding(stop=("z", " x"))) == "a bug."


@pytest.mark.parametrize("model", ["gpt-5-mini", "openai/gpt-5", "gpt-5-2025-08-07", "o3-mini"])
def test_reasoning_models_of_openai(model: str) -> None:
    assert sent(model).keys() == {"model", "messages", "max_completion_tokens", "seed"}


@pytest.mark.parametrize("model", ["gpt-5-chat-latest", "gpt-4.1", "o10", "llama3.2", "gpt-5.1"])
def test_other_models_are_sent_all(model: str) -> None:
    assert {"temperature", "max_tokens", "top_p", "stop"} <= sent(model).keys()
