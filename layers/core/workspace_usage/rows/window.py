"""The window of time that a listing covers: whole days of the deployment's time zone.

A window is half-open: from its first day's midnight up to, not including, the midnight after its
last day. Where a clock change skips midnight, the day begins with the first moment after the
change; where midnight comes twice, the day begins with the first of the two.
"""

from array import array
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import Final, Self
from zlib import crc32
from zoneinfo import ZoneInfo

from workspace_usage.rows.position import Position
from workspace_usage.values import format_timestamp

MAX_WINDOW_DAYS: Final = 90
"""The longest window that two dates may span, both ends counted."""

_BEGINNING_OF_TIME: Final = datetime.min.replace(tzinfo=UTC)
_MIDDLE_OF_TIME: Final = datetime(5000, 1, 1, tzinfo=UTC)
_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)

_SMALLEST_STEP: Final = timedelta(microseconds=1)

_FINGERPRINTED_DAYS: Final = range(date(2015, 1, 1).toordinal(), date(2040, 1, 1).toordinal())
"""The days that a zone's fingerprint covers, as ordinals."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time, ``start`` ≤ t < ``end``; empty when ``start`` ≥ ``end``.

    Attributes:
        start: its first moment (aware).
        end: the moment after its last one (aware).
        zone: the time zone whose days it is made of.
    """

    start: datetime
    end: datetime
    zone: tzinfo

    @property
    def first_day(self) -> date:
        """The day of the window's first moment."""
        return day_of(self.start, self.zone)

    @property
    def last_day(self) -> date:
        """The day of the window's last moment; only a window that isn't empty has one."""
        return day_of(self.end - _SMALLEST_STEP, self.zone)

    def not_before(self, earliest: datetime) -> Self:
        """Returns this window, beginning at ``earliest`` if it begins before that."""
        return replace(self, start=max(self.start, earliest))

    def sort_keys(self, after: Position | None = None) -> tuple[str, str] | None:
        """Returns the bounds, both inclusive, of the sort keys within the window.

        Returns None if no sort key can lie between the bounds.

        Args:
            after: the bounds leave out this position and all that the listing shows before it; None
                leaves out nothing.
        """
        low, high = format_timestamp(self.start), format_timestamp(self.end)
        # A timestamp alone is less than every sort key that begins with it. So ``low`` includes the
        # keys of its moment, and ``high`` leaves them out.
        if after is not None:
            high = min(high, after.just_before)
        return (low, high) if low < high else None


def time_zone(name: str) -> tzinfo:
    """Returns the time zone of an IANA name.

    Raises:
        ValueError, zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """
    return UTC if name == "UTC" else ZoneInfo(name)


@cache
def zone_fingerprint(zone: tzinfo) -> str:
    """Returns a time zone's name and a checksum of its days: ``America/Sao_Paulo 1a2b3c4d``.

    The checksum changes when a government changes its clocks and a newer tzdata knows of it: what
    was stored by days of the zone is then out of date. UTC's fingerprint is just ``UTC``.
    """
    if zone is UTC:
        return "UTC"
    days = (date.fromordinal(number) for number in _FINGERPRINTED_DAYS)
    midnights = array("q", (int(midnight(day, zone).timestamp()) for day in days))
    return f"{zone} {crc32(midnights):08x}"


def midnight(day: date, zone: tzinfo) -> datetime:
    """Returns the first moment of ``day`` in ``zone``, in UTC."""
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:  # east of Greenwich, the first day began before the calendar does
        return _BEGINNING_OF_TIME


def end_of(day: date, zone: tzinfo) -> datetime:
    """Returns the moment at which ``day`` is over in ``zone``, in UTC."""
    return _END_OF_TIME if day == date.max else midnight(day + timedelta(days=1), zone)


def bounds_of(day: date, zone: tzinfo) -> tuple[str, str]:
    """Returns the bounds of a day's sort keys: the first one included, the second one not."""
    return format_timestamp(midnight(day, zone)), format_timestamp(end_of(day, zone))


def between(first: date, last: date, zone: tzinfo) -> Window:
    """Returns the whole days from ``first`` to ``last``, both included."""
    return Window(midnight(first, zone), end_of(last, zone), zone)


def one_day(now: datetime, zone: tzinfo) -> Window:
    """Returns the 24 hours up to the end of today: today itself, unless the clocks change today."""
    end = end_of(now.astimezone(zone).date(), zone)
    return Window(end - timedelta(hours=24), end, zone)


def last_days(days: int, now: datetime, zone: tzinfo) -> Window:
    """Returns the last ``days`` calendar days, today included."""
    today = now.astimezone(zone).date()
    return between(today - timedelta(days=days - 1), today, zone)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """Returns the day that begins at or before ``moment`` (aware) and ends after it.

    Clocks that are put back across midnight show the previous date again for a while. That time
    belongs to the day that has already begun, here as in windows.
    """
    try:
        day = moment.astimezone(zone).date()
    except OverflowError:  # in this zone, the moment's date is outside the calendar
        day = date.min if moment < _MIDDLE_OF_TIME else date.max
    while day > date.min and moment < midnight(day, zone):
        day -= timedelta(days=1)
    while day < date.max and moment >= end_of(day, zone):
        day += timedelta(days=1)
    return day
