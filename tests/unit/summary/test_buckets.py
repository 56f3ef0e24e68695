"""Buckets: each day of a window is in exactly one of them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_usage.summary.answer import Interval
from workspace_usage.summary.buckets import Span, divide

INTERVALS: list[Interval] = ["day", "week", "month", "none"]


@given(st.dates(), st.integers(0, 90), st.sampled_from(INTERVALS))
def test_each_day_is_in_one_bucket(first: date, length: int, interval: Interval) -> None:
    """Also at the end of the calendar."""
    last = first + min(timedelta(days=length), date.max - first)
    parts = divide(Span(first, last), interval)
    assert [day for part in parts for day in part.days] == [*Span(first, last).days]
    assert all(part.first <= part.last for part in parts)


@pytest.mark.parametrize(
    ("interval", "firsts"),
    [
        ("week", ["2026-02-26", "2026-03-02"]),
        ("month", ["2026-02-26", "2026-03-01"]),
        ("none", ["2026-02-26"]),
    ],
)
def test_weeks_begin_on_monday_and_months_on_their_first_day(
    interval: Interval, firsts: list[str]
) -> None:
    """The first bucket begins where the window does, which is a Thursday here."""
    parts = divide(Span(date(2026, 2, 26), date(2026, 3, 5)), interval)
    assert [str(part.first) for part in parts] == firsts
