"""The days that an export has."""

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from usagectl.exporting.selection import Selection
from workspace_usage.rows.position import Position
from workspace_usage.values import MAX_ID


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, MAX_ID))
def test_a_selection_has_whole_days(first: date, number: int) -> None:
    """From the first moment of the first day to the last moment of the last day."""
    last = first + timedelta(days=2)
    low, high = Selection(11, first, last).bounds
    edges = [
        (datetime.combine(first, datetime.min.time()), True),
        (datetime.combine(first, datetime.min.time()) - timedelta(microseconds=1), False),
        (datetime.combine(last, datetime.max.time()), True),
        (datetime.combine(last + timedelta(days=1), datetime.min.time()), False),
    ]
    for edge, is_in in edges:
        key = Position(f"{edge:%Y-%m-%dT%H:%M:%S.%fZ}", 1, number).sort_key
        assert (low <= key <= high) is is_in
        everything = Selection(11).bounds
        assert everything[0] <= key <= everything[1]
