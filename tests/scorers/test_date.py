"""Dates and times: which texts are one, what equals what, and what leaves a doubt."""

import unicodedata
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import TaskError
from apo.reading.moments import moments_in
from apo.reading.said_moment import moment_in, whole_moment
from apo.scorers.date import Date
from apo.scorers.registry import make_scorer
from apo.task import Example, Score


def score(output: str, target: str, order: str = "") -> Score:
    return Date(order=order)(output, Example({"input": "x"}, (target,)))


SAME = [
    *("2025-11-15", "15/11/2025", "11/15/2025", "15.11.2025", "15. November 2025", "2025. 11. 15."),
    *("Nov 15, 2025", "November 15th, 2025", "15 novembre 2025", "2025년 11월 15일", "15-Nov-2025"),
    *("2025-11-15T00:00:00", "20251115", "15 नवंबर 2025", "15 de noviembre de 2025"),
    *("Saturday, 15 Nov 2025", "Samstag, 15.11.2025", "2025년 11월 15일 토요일", "2025/11/15"),
]


@pytest.mark.parametrize("target", SAME)
def test_a_date_is_the_same_however_it_is_written(target: str) -> None:
    for output in (*SAME, "It was on 2025-11-15.", "답: 2025년 11월 15일입니다", "**15.11.2025**"):
        assert score(output, target) == Score(1.0), output
    assert score("2025-11-16", target).value == 0
    assert score("2024-11-15", target).value == 0


@pytest.mark.parametrize(
    ("output", "target", "same"),
    [
        ("2:30 pm", "14:30", True),
        ("14 Uhr 30", "14:30", True),
        ("14h30", "14:30", True),
        ("오후 2시 30분", "14:30", True),
        ("2:30 am", "14:30", False),
        ("12 am", "00:00", True),
        ("at 2:30 PM on Nov 15, 2025", "2025-11-15 14:30", True),
        ("2025-11-15", "2025-11-15 14:30", False),
        ("2025-11-15 14:30", "2025-11-15", True),
        ("2024-05-01T23:30:00+09:00", "2024-05-01T14:30:00Z", True),
        ("2024-05-01T14:30:00+09:00", "2024-05-01T14:30:00Z", False),
        ("2024-05-01 14:30", "2024-05-01T14:30:00Z", True),
        ("November 2025", "2025-11", True),
        ("2025-11-15", "2025-11", False),
        ("5 May", "May 5", True),
        ("5 May 2024", "May 5", False),
        ("1999-03-01", "2024-05-01", False),
        ("Not 2025-11-15 but 2025-11-16.", "2025-11-16", True),
        ("Not on 2025-11-16.", "2025-11-16", False),
        ("2025-11-15 or 2025-11-16", "2025-11-16", False),
    ],
)
def test_times_and_parts_of_dates(output: str, target: str, same: bool) -> None:
    assert score(output, target).value == same


def test_the_order_of_day_and_month_is_the_datas_or_must_be_unmistakable() -> None:
    refused = score("2025-06-05", "05/06/2025")
    assert refused.value == 0
    assert "say order: dmy" in refused.feedback
    assert score("2025-06-05", "05/06/2025", "dmy").value == 1
    assert score("2025-05-06", "05/06/2025", "mdy").value == 1
    assert score("25/11/15", "2025-11-15", "ymd").value == 1
    doubt = score("05/06/2025", "2025-06-05")
    assert (doubt.value, doubt.well_formed) == (0.0, False)
    assert "may be of two months" in doubt.feedback
    assert score("06/06/2025", "2025-06-06").value == 1
    for dotted in ("05.06.2025", "5.6.2025", "am 5. 6. 2025", "05.06.25"):
        assert score(dotted, "2025-06-05").value == 1
        assert score(dotted, "2025-05-06").value == 0
    assert score("05.06.2025", "2025-05-06", "mdy").value == 1
    with pytest.raises(TaskError, match="order is 'dym'"):
        make_scorer({"name": "date", "order": "dym"})


@pytest.mark.parametrize(
    "text",
    ["1.2.3", "192.168.0.1", "31/02/2025", "2025-13-01", "12", "25:30", "from 1 May to 5 May",
     "the 5th", "010-1234-5678", "v2024.1.1.3", ""],
)  # fmt: skip
def test_what_is_no_date_is_refused_as_a_target(text: str) -> None:
    assert whole_moment(text) is None
    assert score(text, text).value == 0
    assert "not one date" in score("2025-11-15", text).feedback


days = st.dates(date(1970, 1, 1), date(2069, 12, 31))
FORMS = ("%Y-%m-%d", "%d.%m.%Y", "%B %d, %Y", "%d %b %Y", "%Y년 %m월 %d일", "%d/%m/%y", "%Y%m%d")


@given(days, days, st.sampled_from(FORMS), st.sampled_from(FORMS))
def test_dates_are_equal_where_their_days_are(a: date, b: date, one: str, other: str) -> None:
    said, wanted = a.strftime(one), b.strftime(other)
    assert score(wanted, wanted, "dmy").value == 1
    assert score(said, wanted, "dmy").value == (a == b)
    assert score(unicodedata.normalize("NFD", f" {said}\n"), wanted, "dmy").value == (a == b)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2069, 1, 1)), st.integers(-14, 14))
def test_places_are_compared_in_utc(moment: datetime, hours: int) -> None:
    there = (moment + timedelta(hours=hours)).replace(microsecond=0).isoformat()
    here = moment.replace(microsecond=0).isoformat() + "Z"
    assert score(f"{there}{hours:+03}:00", here).value == 1
    assert score(f"{there}{hours:+03}:01", here).value == 0


@pytest.mark.parametrize("piece", ["1 ", "1/1/20", "May 1 ", "12:30 ", "2025-", "오전 ", "1. "])
def test_long_text_is_read_in_time(piece: str) -> None:
    moment_in(piece * 5_000)
    moments_in(piece * 5_000)


@pytest.mark.parametrize(
    "output",
    [
        "2025년 11월 15일 또는 16일",
        "2025년 11월 14일 아니면 2025년 11월 15일입니다.",
        "2025년 11월 14일과 2025년 11월 15일 중 하나입니다",
        "14 or 15 November 2025",
        "14.-15. November 2025",
        "between November 14, 2025 and November 15, 2025",
        "2025-11-14, 2025-11-15",
        "vom 14.11.2025 bis zum 15.11.2025",
        "le 14 ou le 15 novembre 2025",
        "either November 14, 2025, or maybe November 15, 2025",
        "the day after November 15, 2025",
        "2025년 11월 15일의 다음 날입니다",
        "2025년 11월 15일 이후입니다",
        "before November 15, 2025",
        "음력 2025년 11월 15일",
    ],
)
def test_a_date_of_two_or_beside_another_is_not_that_date(output: str) -> None:
    assert score(output, "2025-11-15").value == 0


@pytest.mark.parametrize(
    "output",
    [
        *("25년 11월 15일", "15-Nov-25", "15.Nov.2025", "15NOV2025", "2025 November 15"),
        *("Nov 15th '25", "15.11.2025 / 2025-11-15", "15 November 2025 or 15.11.2025"),
        "Signed on 14 November 2025 and filed on 15 November 2025",
        "15 November 2025 – 3 people signed",
        "2025년 11월 15일 오후 3시",
        "Not 14 or 16, but 15 November 2025.",
        "The day after the signing: 15 November 2025",
    ],
)
def test_a_date_with_other_numbers_around_is_read(output: str) -> None:
    assert score(output, "2025-11-15") == Score(1.0)


PARIS = "2025-03-01T07:15:00+01:00"


@pytest.mark.parametrize(
    ("output", "value"),
    [
        *(
            (f"2025-03-01 {said}", 1)
            for said in ("07:15 CET", "15:15 KST", "06:15 UTC", "1:15 am EST")
        ),
        *(
            (f"2025-03-01 {said}", 1)
            for said in ("07:15 UTC+1", "07:15", "7:15 Uhr MEZ", "11:45 IST")
        ),
        *((f"2025-03-01 {said}", 0) for said in ("07:15 PST", "07:15 KST", "7:15 am EST")),
        *((f"2025-03-01 {said}", 0) for said in ("07:15 GMT-5", "07:15 (New York time)")),
        *((f"2025-03-01 {said}", 0) for said in ("7.15 Uhr Ortszeit", "07:15 Eastern time")),
        ("2025년 3월 1일 오전 7시 15분 (한국 시간)", 0),
        ("Le 1 mars 2025 à 7:15 est la date.", 1),
    ],
)
def test_a_zone_by_name_is_compared_as_its_offset(output: str, value: float) -> None:
    assert score(output, PARIS).value == value


def test_a_zone_counts_only_where_the_target_has_an_offset() -> None:
    assert score("2025-03-01 07:15 PST", "2025-03-01 07:15") == Score(1.0)


@pytest.mark.parametrize(("output", "value"), [("08/2017", 1), ("8/2017", 1), ("09/2017", 0)])
def test_a_month_and_year(output: str, value: float) -> None:
    assert score(output, "2017-08").value == value
