"""The window of time that a listing covers: whole days of the deployment's time zone.

A window is half-open: from its first day's midnight up to, not including, the midnight after its
last day. A midnight that a clock change skips is the first moment of its day; of one that comes
twice, the first counts.
"""

from array import array
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import Final
from zlib import crc32
from zoneinfo import ZoneInfo

from workspace_usage.rows.position import Position
from workspace_usage.values import format_timestamp

MAX_WINDOW_DAYS: Final = 90
"""The longest window that two dates may span, both ends counted."""

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_MIDDLE: Final = datetime(5000, 1, 1, tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)

_RULED: Final = range(date(2015, 1, 1).toordinal(), date(2040, 1, 1).toordinal())
"""The days that a zone's fingerprint is taken of, as ordinals."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time, ``start`` ≤ t < ``end``, both aware. Empty when start ≥ end."""

    start: datetime
    end: datetime

    def not_before(self, earliest: datetime) -> "Window":
        """This window, beginning at ``earliest`` if it begins before that."""
        return Window(max(self.start, earliest), self.end)

    def sort_keys(self, after: Position | None = None) -> tuple[str, str] | None:
        """The bounds, both inclusive, of the sort keys within the window.

        With ``after``, only what the listing shows after that position (older rows). None when
        nothing can lie between the bounds.
        """
        low, high = format_timestamp(self.start), format_timestamp(self.end)
        # A bare timestamp sorts before each sort key of its moment: as the lower bound it lets them
        # in, as the upper bound it keeps them out.
        if after is not None:
            high = min(high, after.just_before)
        return (low, high) if low < high else None


def time_zone(name: str) -> tzinfo:
    """The time zone of an IANA name.

    Raises:
        ValueError, zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """
    return UTC if name == "UTC" else ZoneInfo(name)


@cache
def zone_fingerprint(zone: tzinfo) -> str:
    """A time zone's name and a fingerprint of its days: ``America/Sao_Paulo 1a2b3c4d``.

    Days that were told apart by it are others when a government has changed the clocks since, and
    a newer tzdata knows. UTC is just ``UTC``.
    """
    if zone is UTC:
        return "UTC"
    days = (date.fromordinal(number) for number in _RULED)
    midnights = array("q", (int(midnight(day, zone).timestamp()) for day in days))
    return f"{zone} {crc32(midnights):08x}"


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first moment of ``day`` in ``zone``, in UTC."""
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:  # east of Greenwich, the calendar's first day began before it
        return _BEGINNING


def between(first: date, last: date, zone: tzinfo) -> Window:
    """The whole days from ``first`` to ``last``, both included."""
    return Window(midnight(first, zone), end_of(last, zone))


def one_day(now: datetime, zone: tzinfo) -> Window:
    """The 24 hours up to the end of today: today itself, unless the clocks change today."""
    end = end_of(now.astimezone(zone).date(), zone)
    return Window(end - timedelta(hours=24), end)


def last_days(days: int, now: datetime, zone: tzinfo) -> Window:
    """The last ``days`` calendar days, today included."""
    today = now.astimezone(zone).date()
    return between(today - timedelta(days=days - 1), today, zone)


def end_of(day: date, zone: tzinfo) -> datetime:
    """The moment at which ``day`` is over in ``zone``, in UTC."""
    return _END if day == date.max else midnight(day + timedelta(days=1), zone)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The day that begins at or before ``moment`` (aware) and is not over then.

    Clocks that are put back across midnight show the day before for a while: that is still this
    day, as it is for windows.
    """
    try:
        day = moment.astimezone(zone).date()
    except OverflowError:  # the calendar's first and last day, in zones where they are another
        day = date.min if moment < _MIDDLE else date.max
    while day > date.min and moment < midnight(day, zone):
        day -= timedelta(days=1)
    while day < date.max and moment >= end_of(day, zone):
        day += timedelta(days=1)
    return day
