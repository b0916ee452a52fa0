"""Waits are capped, final errors are final; the limit on calls at once gives way and recovers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo import ModelError
from apo.calls.retry import Retry
from apo.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    ContextLengthError,
    MalformedReplyError,
    QuotaError,
    RateLimitError,
    TransportError,
)

PURE = settings(deadline=None, derandomize=True)
RETRIED = [RateLimitError("x"), TransportError("x"), MalformedReplyError("x")]
FINAL = [
    AuthenticationError("x"),
    QuotaError("x"),
    BadRequestError("x"),
    ContextLengthError("x"),
    ContentFilterError("x"),
    ModelError("x"),
]


@pytest.mark.parametrize("error", RETRIED, ids=lambda e: type(e).__name__)
def test_passing_errors_are_retried_until_the_last_attempt(error: ModelError) -> None:
    retry = Retry(max_attempts=3)
    assert retry.wait(1, error) is not None
    assert retry.wait(2, error) is not None
    assert retry.wait(3, error) is None
    assert Retry(max_attempts=1).wait(1, error) is None


@pytest.mark.parametrize("error", FINAL, ids=lambda e: type(e).__name__)
def test_final_errors_are_not_retried(error: ModelError) -> None:
    assert Retry().wait(1, error) is None


@PURE
@given(st.integers(1, 10_000), st.floats(0, 100), st.floats(0, 100))
def test_no_wait_is_longer_than_the_cap_or_the_doubling(
    attempt: int, first: float, cap: float
) -> None:
    retry = Retry(max_attempts=10**6, first_wait=first, max_wait=cap)
    wait = retry.wait(attempt, TransportError("x"))
    assert wait is not None
    assert 0 <= wait <= cap
    if attempt < 60:
        assert wait <= first * 2 ** (attempt - 1)


@PURE
@given(st.floats(-10, 1e9) | st.just(float("inf")), st.booleans())
def test_retry_after_is_honoured_up_to_the_cap(asked: float, limited: bool) -> None:
    error: ModelError = (
        RateLimitError("x", asked) if limited else TransportError("x", retry_after=asked)
    )
    wait = Retry(first_wait=0.5, max_wait=60).wait(1, error)
    assert wait is not None
    assert min(60, max(asked, 0)) <= wait <= 60
    assert wait <= max(asked, 0) + 0.5


def test_waits_are_spread() -> None:
    waits = {Retry(first_wait=8).wait(1, TransportError("x")) for _ in range(20)}
    assert len(waits) > 10
