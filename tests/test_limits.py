"""What may go to a model a minute: never more in any window than the rate and the bucket allow."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.calls.limits import Limits, TokenBucket
from apo.errors import SettingsError
from apo.model import Allowance


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_concurrency": 0},
        {"requests_per_minute": 0},
        {"requests_per_minute": -1.0},
        {"tokens_per_minute": math.nan},
    ],
)
def test_a_limit_that_lets_nothing_through_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Limits(**wrong)


def test_stated_limits_are_buckets_of_a_seconds_worth() -> None:
    requests, tokens = Limits(requests_per_minute=30, tokens_per_minute=6000).buckets()
    assert (requests.unit, requests.rate, requests.size) == ("requests", 0.5, 1.0)
    assert (tokens.unit, tokens.rate, tokens.size) == ("tokens", 100.0, 100.0)
    assert Limits().buckets() == []


@given(
    rate=st.floats(0.01, 1000),
    size=st.floats(1, 1000),
    asked=st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 3000)), min_size=1, max_size=25),
)
def test_no_window_gets_more_than_its_share(
    rate: float, size: float, asked: list[tuple[float, float]]
) -> None:
    """A call that is larger than the bucket goes when the bucket is full, and is paid back."""
    bucket, now = TokenBucket("tokens", rate, size), 1e6
    taken: list[tuple[float, float]] = []
    for gap, amount in asked:
        now += gap
        now += bucket.ready_in(amount, now)
        assert bucket.ready_in(amount, now) * rate < 1e-3  # So long was enough.
        bucket.take(amount)
        taken.append((now, amount))
    for first, last in itertools.combinations_with_replacement(range(len(taken)), 2):
        window = taken[first : last + 1]
        most = max(size, *(amount for _, amount in window))
        went = sum(amount for _, amount in window)
        assert went <= rate * (taken[last][0] - taken[first][0]) + most + 1e-3


def test_a_full_bucket_lets_anything_go_once() -> None:
    bucket = TokenBucket("tokens", 10.0, 100.0)
    assert bucket.ready_in(1000, 5.0) == 0
    bucket.take(1000)
    assert bucket.ready_in(1, 5.0) == pytest.approx(90.1)
    assert bucket.ready_in(1000, 5.0) == pytest.approx(100)


def test_a_clock_that_stands_still_fills_nothing() -> None:
    bucket = TokenBucket("requests", 1.0, 2.0)
    waits = []
    for _ in range(4):
        waits.append(bucket.ready_in(1, 7.0))
        bucket.take(1)
    assert waits == [0, 0, 1, 2]


def test_what_is_put_back_does_not_overflow() -> None:
    bucket = TokenBucket("tokens", 1.0, 10.0)
    bucket.take(-5)
    assert bucket.level == 10


# --- what providers say ---------------------------------------------------------------------


def said(remaining: float, reset: float, limit: float = 100) -> Allowance:
    return Allowance("requests", limit, remaining, reset)


def learned(*allowances: tuple[float, Allowance]) -> TokenBucket:
    bucket = TokenBucket("requests", 1.0, 100.0)
    for now, allowance in allowances:
        bucket.learn(allowance, now)
    return bucket


def test_the_rate_follows_from_what_is_used_and_when_it_is_back() -> None:
    bucket = learned((1000.0, said(40, 30)))
    assert bucket.rate == pytest.approx(2)
    assert bucket.ready_in(40, 1000.0) == 0
    assert bucket.ready_in(50, 1000.0) == pytest.approx(5)


def test_the_first_word_of_an_empty_limit_holds() -> None:
    """The clock has run for long before the first header: none of that flows in."""
    bucket = learned((1e6, said(0, 60)))
    assert bucket.ready_in(1, 1e6) == pytest.approx(0.6)


def test_time_before_a_header_does_not_count_on_top_of_it() -> None:
    bucket = learned((0.0, said(10, 90)), (60.0, said(5, 95)))
    assert bucket.ready_in(10, 60.0) == pytest.approx(5)


def test_an_older_header_gives_nothing_back() -> None:
    bucket = learned((0.0, said(5, 95)), (0.0, said(50, 50)))
    assert bucket.level == 5


def test_a_limit_that_is_whole_again_recovers_whatever_was_counted() -> None:
    bucket = learned((0.0, said(0, 86400)), (1.0, said(100, 0)))
    assert bucket.level == 100


def test_a_limit_of_nothing_lets_one_go_at_a_time() -> None:
    bucket = learned((0.0, said(0, 60, 0)))
    assert bucket.ready_in(1, 0.0) == 0
    bucket.take(1)
    assert bucket.ready_in(1, 0.0) == pytest.approx(1)


@given(
    words=st.lists(
        st.tuples(st.floats(0, 10), st.floats(0, 100), st.floats(0, 86400)), max_size=10
    ),
    limit=st.floats(0.1, 1e6),
)
def test_whatever_headers_say_a_call_can_go_in_the_end(
    words: list[tuple[float, float, float]], limit: float
) -> None:
    bucket, now = TokenBucket("requests", 1.0, limit), 0.0
    for gap, remaining, reset in words:
        now += gap
        bucket.learn(said(min(limit, remaining), reset, limit), now)
        bucket.take(1)
    wait = bucket.ready_in(1, now)
    assert math.isfinite(wait)
    assert bucket.rate > 0
    assert bucket.level <= bucket.size
