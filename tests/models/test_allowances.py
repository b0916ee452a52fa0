"""Rate-limit headers as providers really send them, and as they should not."""

import math
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.model import Allowance
from apo.models.allowances import LONGEST, read_allowances, seconds_until, wait_for_reset

NOON = datetime(2026, 8, 21, 12, 0, 0, tzinfo=UTC)
DATE = {"date": format_datetime(NOON, usegmt=True)}


def requests(limit: str, remaining: str, reset: str) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": limit,
        "x-ratelimit-remaining-requests": remaining,
        "x-ratelimit-reset-requests": reset,
    }


OPENAI = {
    **requests("5000", "4999", "12ms"),
    "x-ratelimit-limit-tokens": "160000",
    "x-ratelimit-remaining-tokens": "159976",
    "x-ratelimit-reset-tokens": "8ms",
    "x-ratelimit-limit-tokens_usage_based": "160000",
}
GROQ = {
    **requests("14400", "14370", "2m59.56s"),  # A day's.
    "x-ratelimit-limit-tokens": "18000",  # A minute's.
    "x-ratelimit-remaining-tokens": "17997",
    "x-ratelimit-reset-tokens": "7.66s",
}
AZURE = {
    "x-ratelimit-limit-requests": "250",
    "x-ratelimit-remaining-requests": "249",
    "x-ratelimit-limit-tokens": "250000",
    "x-ratelimit-remaining-tokens": "249000",
    "x-ratelimit-reset-tokens": "1",
}
AZURE_UNKNOWN = {
    "x-ratelimit-limit-tokens": "-1",
    "x-ratelimit-remaining-tokens": "-1",
    "x-ratelimit-reset-tokens": "0",
}
ANTHROPIC = {
    **DATE,
    "anthropic-ratelimit-requests-limit": "1000",
    "anthropic-ratelimit-requests-remaining": "990",
    "anthropic-ratelimit-requests-reset": "2026-08-21T12:00:01Z",
    "anthropic-ratelimit-tokens-limit": "96000",
    "anthropic-ratelimit-tokens-remaining": "96000",
    "anthropic-ratelimit-tokens-reset": "2026-08-21T11:59:59Z",  # Whole already.
    "anthropic-ratelimit-input-tokens-limit": "80000",
    "anthropic-ratelimit-input-tokens-remaining": "80000",
}
TOGETHER = {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "59", "x-ratelimit-reset": "1"}
OPENROUTER = {
    "x-ratelimit-limit": "20",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": "1741305600000",
}


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (
            OPENAI,
            [("requests", 5000, 4999, 0.012), ("tokens", 160000, 159976, 0.008)],
        ),
        (GROQ, [("requests", 14400, 14370, 179.56), ("tokens", 18000, 17997, 7.66)]),
        (AZURE, [("tokens", 250000, 249000, 1)]),
        (AZURE_UNKNOWN, []),
        (ANTHROPIC, [("requests", 1000, 990, 1), ("tokens", 96000, 96000, 0)]),
        (TOGETHER, []),
        (OPENROUTER, []),
        ({}, []),
    ],
    ids=["openai", "groq", "azure", "azure -1", "anthropic", "together", "openrouter", "none"],
)
def test_what_providers_send(
    headers: dict[str, str], found: list[tuple[str, float, float, float]]
) -> None:
    assert read_allowances(headers) == tuple(Allowance(*each) for each in found)  # type: ignore[arg-type] # drawn


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("120ms", 0.12),
        ("1s", 1),
        ("30", 30),
        (" 0.5 ", 0.5),
        ("2026-08-21T12:00:30Z", 30),
        ("2026-08-21T14:00:30+02:00", 30),
        ("2026-08-21T12:00:30", 30),  # Without a zone it is taken as UTC.
        ("24h", 86400),
    ],
)
def test_durations_and_dates(text: str, seconds: float) -> None:
    assert seconds_until(text, NOON.timestamp()) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0s", "-5", "-5s", "nan", "inf", "1e3", "soon", "86401", "1741305600",
     "1741305600000", "2026-08-21T11:59:59Z", "2027-01-01T00:00:00Z", "9" * 5000, "1m1m", "12, 12"],
)  # fmt: skip
def test_what_is_over_far_off_or_not_legible_is_none(text: str) -> None:
    assert seconds_until(text, NOON.timestamp()) is None


def test_a_date_is_read_by_the_servers_clock() -> None:
    """Ours, as the tests run, is years off."""
    (allowance, *_) = read_allowances(ANTHROPIC)
    assert allowance.reset == 1
    wrong = {**ANTHROPIC, "date": "yesterday"}
    assert [each.unit for each in read_allowances(wrong)] == ["tokens"]


@pytest.mark.parametrize(
    ("limit", "remaining", "reset"),
    [("0", "0", "1s"), ("nan", "1", "1s"), ("5", "nan", "1s"), ("5", "-1", "1s"),
     ("inf", "1", "1s"), ("", "1", "1s"), ("5", "1", "0s"), ("5", "1", ""), ("5", "x", "1s")],
)  # fmt: skip
def test_what_makes_no_sense_is_left_aside(limit: str, remaining: str, reset: str) -> None:
    assert read_allowances(requests(limit, remaining, reset)) == ()


def test_more_left_than_there_is_is_all_of_it() -> None:
    assert read_allowances(requests("5", "9", "")) == (Allowance("requests", 5, 5, 0),)


def test_a_refusal_waits_for_the_limit_of_which_nothing_is_left() -> None:
    empty_tokens = {**OPENAI, "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7s"}
    assert wait_for_reset(empty_tokens) == 7
    assert wait_for_reset(OPENAI) is None
    assert wait_for_reset(requests("5", "0", "0s")) is None


@given(
    headers=st.dictionaries(
        st.sampled_from([*OPENAI, *ANTHROPIC]),
        st.one_of(st.text(max_size=20), st.from_regex(r"-?\d{0,12}(\.\d+)?(ms|s|m|h)?")),
    )
)
def test_whatever_is_sent_only_sense_comes_out(headers: dict[str, str]) -> None:
    for allowance in read_allowances(headers):
        assert 0 <= allowance.remaining <= allowance.limit
        assert 0 < allowance.limit < math.inf
        assert 0 <= allowance.reset <= LONGEST
