"""Windows are whole days of the deployment's time zone, and days tile time: no gap, no overlap."""

from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.strategies import ZONES, positions, zones
from workspace_usage.rows.position import Position
from workspace_usage.rows.window import (
    MAX_WINDOW_DAYS,
    Window,
    between,
    day_of,
    last_days,
    midnight,
    one_day,
    time_zone,
    zone_fingerprint,
)
from workspace_usage.values import format_timestamp

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)

# The calendar without its ends: each day has neighbours, and midnights in every zone.
days = st.dates(date(1, 1, 3), date(9999, 12, 29))
# Since 1970 no clock has skipped a midnight by more than the time that follows it.
modern_days = st.dates(date(1970, 1, 2), date(2037, 12, 31))
modern_moments = st.builds(
    lambda day, age: datetime.combine(day, time(), UTC) + age,
    modern_days,
    st.timedeltas(timedelta(), DAY),
)


def utc(text: str) -> datetime:
    """The moment ``2026-01-05 19:35``, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(window: Window) -> float:
    return (window.end - window.start) / timedelta(hours=1)


# Whole days


@given(days, zones())
def test_consecutive_days_tile_time(day: date, zone: str) -> None:
    here = ZoneInfo(zone)
    one, next_one = between(day, day, here), between(day + DAY, day + DAY, here)
    assert one.start <= one.end == next_one.start
    assert between(day, day + DAY, here) == Window(one.start, next_one.end, here)


@given(modern_days, zones())
def test_a_midnight_is_the_first_moment_of_its_day(day: date, zone: str) -> None:
    here = ZoneInfo(zone)
    first = midnight(day, here)
    assert first.tzinfo is UTC
    assert first.astimezone(here).date() >= day
    assert (first - MICROSECOND).astimezone(here).date() < day


@given(modern_moments, zones())
def test_every_moment_lies_in_its_own_day_of_the_zone(moment: datetime, zone: str) -> None:
    here = ZoneInfo(zone)
    day = moment.astimezone(here).date()
    window = between(day, day, here)
    # Havana, Beirut: after a clock goes back across midnight, it shows the day before again.
    twice = moment.astimezone(here).fold == 1 and moment >= window.end
    assert window.start <= moment < window.end or twice


@given(st.datetimes(timezones=st.just(UTC)), zones())
# The clock was put forward from 23:30: the day begins at midnight by the old time, when the clock
# shows one o'clock.
@example(utc("1919-03-31 04:45"), "America/Toronto")
# It was put back from one minute after midnight: the day that has begun goes on.
@example(utc("2010-11-07 02:45"), "America/St_Johns")
@example(datetime.min.replace(tzinfo=UTC), "America/New_York")
@example(datetime.max.replace(tzinfo=UTC), "Asia/Tokyo")
def test_the_day_of_a_moment_is_the_one_whose_window_holds_it(moment: datetime, zone: str) -> None:
    """Whatever date the clock shows: rows are counted by this day, and listed by its window."""
    here = ZoneInfo(zone)
    day = day_of(moment, here)
    window = between(day, day, here)
    # The calendar's first and last day have what lies outside it.
    assert window.start <= moment or day == date.min
    assert moment < window.end or day == date.max


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        ("UTC", "2026-01-05", "2026-01-05 00:00", "2026-01-06 00:00"),
        ("Asia/Tokyo", "2026-01-05", "2026-01-04 15:00", "2026-01-05 15:00"),
        ("Asia/Kathmandu", "2026-01-05", "2026-01-04 18:15", "2026-01-05 18:15"),
        # Days of 23 and 25 hours.
        ("Europe/Berlin", "2026-03-29", "2026-03-28 23:00", "2026-03-29 22:00"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24 22:00", "2026-10-25 23:00"),
        ("America/New_York", "2026-03-08", "2026-03-08 05:00", "2026-03-09 04:00"),
        ("America/New_York", "2026-11-01", "2026-11-01 04:00", "2026-11-02 05:00"),
        # Of 23.5 hours.
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03 13:30", "2026-10-04 13:00"),
        # A midnight that the clock skips: the day begins at one o'clock.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04 03:00", "2018-11-05 02:00"),
        ("America/Havana", "2026-03-08", "2026-03-08 05:00", "2026-03-09 04:00"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28 22:00", "2026-03-29 21:00"),
        # A midnight that comes twice: the day begins with the first one.
        ("America/Havana", "2026-11-01", "2026-11-01 04:00", "2026-11-02 05:00"),
        # The hour before midnight comes twice: the day ends after the second one.
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17 02:00", "2018-02-18 03:00"),
        ("Asia/Beirut", "2026-10-24", "2026-10-23 21:00", "2026-10-24 22:00"),
        # A day that a place never had.
        ("Pacific/Apia", "2011-12-29", "2011-12-29 10:00", "2011-12-30 10:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30 10:00", "2011-12-30 10:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00", "2011-12-31 10:00"),
    ],
)
def test_a_day_lasts_from_midnight_to_midnight_of_the_zone(
    zone: str, day: str, start: str, end: str
) -> None:
    one, here = date.fromisoformat(day), time_zone(zone)
    assert between(one, one, here) == Window(utc(start), utc(end), here)


@given(days, st.integers(0, MAX_WINDOW_DAYS), zones())
def test_a_window_knows_its_first_and_its_last_day(first: date, more: int, zone: str) -> None:
    """Apia had no 30 December 2011, so that no window begins or ends with it."""
    here = ZoneInfo(zone)
    last = min(first, date(9999, 12, 29) - timedelta(days=more)) + timedelta(days=more)
    first = last - timedelta(days=more)
    assume(zone != "Pacific/Apia" or date(2011, 12, 30) not in (first, last))
    window = between(first, last, here)
    assert (window.first_day, window.last_day) == (first, last)


def test_a_window_that_begins_within_a_day_begins_with_that_day() -> None:
    """As 24 hours do on the day on which the clocks are put forward; the setting may cut them."""
    berlin = ZoneInfo("Europe/Berlin")
    window = one_day(utc("2026-03-29 12:00"), berlin)
    assert (window.first_day, window.last_day) == (date(2026, 3, 28), date(2026, 3, 29))
    later = window.not_before(midnight(date(2026, 3, 29), berlin))
    assert (later.first_day, later.last_day) == (date(2026, 3, 29), date(2026, 3, 29))


# What is asked for


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("days_back", [7, 30])
def test_the_last_days_end_with_today(zone: str, days_back: int) -> None:
    here = time_zone(zone)
    now = utc("2026-11-02 15:00")
    today = now.astimezone(here).date()
    window = last_days(days_back, now, here)
    assert window == Window(
        midnight(today - timedelta(days=days_back - 1), here), midnight(today + DAY, here), here
    )
    assert window.start <= now < window.end


@pytest.mark.parametrize(
    ("zone", "now", "first_day"),
    [
        # The last moment of a day and the first of the next, and what the UTC date doesn't tell.
        ("UTC", "2026-01-05T23:59:59.999999+00:00", "2025-12-30"),
        ("UTC", "2026-01-06T00:00:00.000000+00:00", "2025-12-31"),
        ("America/Sao_Paulo", "2026-01-06T02:59:59.999999+00:00", "2025-12-30"),
        ("America/Sao_Paulo", "2026-01-06T03:00:00.000000+00:00", "2025-12-31"),
        ("Asia/Tokyo", "2026-01-05T14:59:59.999999+00:00", "2025-12-30"),
        ("Asia/Tokyo", "2026-01-05T15:00:00.000000+00:00", "2025-12-31"),
    ],
)
def test_today_is_the_date_in_the_zone(zone: str, now: str, first_day: str) -> None:
    window = last_days(7, datetime.fromisoformat(now), time_zone(zone))
    assert window.start == midnight(date.fromisoformat(first_day), time_zone(zone))


@given(modern_moments, zones())
def test_one_day_is_the_24_hours_up_to_the_end_of_today(now: datetime, zone: str) -> None:
    here = ZoneInfo(zone)
    window = one_day(now, here)
    assert hours(window) == 24
    assert window.end == midnight(now.astimezone(here).date() + DAY, here)


@pytest.mark.parametrize(
    ("zone", "now", "difference"),
    [
        ("UTC", "2026-03-29 12:00", 0),
        ("Europe/Berlin", "2026-03-28 12:00", 0),
        ("Europe/Berlin", "2026-03-29 12:00", -1),  # 23 hours: an hour of yesterday, too
        ("Europe/Berlin", "2026-10-25 12:00", 1),  # 25 hours: without the first one
        ("America/New_York", "2026-03-08 12:00", -1),
        ("America/New_York", "2026-11-01 12:00", 1),
    ],
)
def test_one_day_is_today_unless_the_clocks_change(zone: str, now: str, difference: int) -> None:
    here = time_zone(zone)
    today = utc(now).astimezone(here).date()
    assert one_day(utc(now), here).start - midnight(today, here) == timedelta(hours=difference)


def test_ninety_days_are_counted_with_both_ends() -> None:
    first = date(2026, 1, 1)
    assert hours(between(first, first + timedelta(days=MAX_WINDOW_DAYS - 1), UTC)) == 90 * 24


@pytest.mark.parametrize("zone", ZONES)
def test_the_first_and_the_last_day_of_the_calendar_have_windows(zone: str) -> None:
    here = time_zone(zone)
    first, last = between(date.min, date.min, here), between(date.max, date.max, here)
    assert first.start < first.end < last.start < last.end
    assert 0 < hours(first) <= 38
    assert 0 < hours(last) <= 38
    for window in (first, last):
        assert window.sort_keys() == (format_timestamp(window.start), format_timestamp(window.end))


@given(st.dates(), st.dates(), zones())
def test_no_two_dates_raise(first: date, last: date, zone: str) -> None:
    window = between(min(first, last), max(first, last), ZoneInfo(zone))
    assert window.start <= window.end
    window.sort_keys()


def test_unknown_time_zones_are_refused() -> None:
    for name in ("Mars/Olympus", "utc+1", "", "../etc/passwd"):
        with pytest.raises((ValueError, KeyError)):
            time_zone(name)


# The app setting's date


@given(st.tuples(*[st.datetimes(timezones=st.just(UTC))] * 3))
def test_a_window_begins_no_earlier_than_it_may(moments: tuple[datetime, ...]) -> None:
    start, end, earliest = moments
    assert Window(start, end, UTC).not_before(earliest) == Window(max(start, earliest), end, UTC)


def test_a_window_that_ends_before_it_may_begin_is_empty() -> None:
    window = Window(utc("2026-01-01 00:00"), utc("2026-01-02 00:00"), UTC)
    assert window.not_before(utc("2026-01-02 00:00")).sort_keys() is None
    assert window.not_before(utc("2027-01-01 00:00")).sort_keys() is None


# Sort keys


@pytest.mark.parametrize(
    ("created_at", "is_inside"),
    [
        ("2025-12-31T23:59:59.999999Z", False),
        ("2026-01-01T00:00:00.000000Z", True),
        ("2026-01-01T23:59:59.999999Z", True),
        ("2026-01-02T00:00:00.000000Z", False),
    ],
)
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("number", [0, 1, 2**63 - 1])
def test_a_window_holds_its_first_moment_and_not_its_last(
    created_at: str, is_inside: bool, rank: int, number: int
) -> None:
    bounds = Window(utc("2026-01-01 00:00"), utc("2026-01-02 00:00"), UTC).sort_keys()
    assert bounds is not None
    low, high = bounds
    assert (low <= Position(created_at, rank, number).sort_key <= high) == is_inside


edges = positions().map(lambda position: datetime.fromisoformat(position.created_at))


def test_a_fingerprint_tells_zones_with_other_days_apart() -> None:
    """Its name alone does not: a government may change its clocks."""
    assert zone_fingerprint(UTC) == "UTC"
    names = ("UTC", "America/Sao_Paulo", "America/Noronha", "America/New_York", "Asia/Tokyo")
    rules = {name: zone_fingerprint(ZoneInfo.no_cache(name)) for name in names}
    assert len(set(rules.values())) == len(names)
    for name, found in rules.items():
        assert found.startswith(f"{name} ")
        assert zone_fingerprint(ZoneInfo.no_cache(name)) == found
    with files("tzdata.zoneinfo").joinpath("America", "Noronha").open("rb") as file:
        renamed = ZoneInfo.from_file(file, key="America/Sao_Paulo")
    assert zone_fingerprint(renamed).split() == [
        "America/Sao_Paulo",
        rules["America/Noronha"].split()[1],
    ]


@given(edges, edges, positions(), positions())
def test_bounds_admit_what_is_in_the_window_and_after_the_cursor(
    start: datetime, end: datetime, cursor: Position, row: Position
) -> None:
    window = Window(start, end, UTC)
    inside = start <= datetime.fromisoformat(row.created_at) < end
    for after, expected in ((None, inside), (cursor, inside and row < cursor)):
        bounds = window.sort_keys(after)
        admitted = bounds is not None and bounds[0] <= row.sort_key <= bounds[1]
        assert admitted == expected


@given(edges, edges, st.none() | positions())
def test_bounds_are_in_order(start: datetime, end: datetime, after: Position | None) -> None:
    """DynamoDB refuses a BETWEEN whose ends are in the wrong order."""
    bounds = Window(start, end, UTC).sort_keys(after)
    if bounds is not None:
        assert bounds[0] < bounds[1]
    elif after is None:
        assert start >= end
