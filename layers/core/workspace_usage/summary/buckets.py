"""Buckets: the days of a window, divided by an interval."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from workspace_usage.summary.answer import Interval


@dataclass(frozen=True, slots=True)
class Span:
    """Some days, from the first to the last."""

    first: date
    last: date

    @property
    def days(self) -> Iterator[date]:
        """The days, in their order."""
        return map(date.fromordinal, range(self.first.toordinal(), self.last.toordinal() + 1))


def divide(window: Span, interval: Interval) -> list[Span]:
    """Returns the parts of a window, oldest first.

    A week begins on Monday. The first and the last part end where the window does. Without an
    interval, the window is the only part.
    """
    parts: list[Span] = []
    first = None
    for day in window.days:
        first = first or day
        if day == window.last or _is_last(day, interval):
            parts.append(Span(first, day))
            first = None
    return parts


def _is_last(day: date, interval: Interval) -> bool:
    """Returns whether a day is the last one of an interval."""
    match interval:
        case "day":
            return True
        case "week":
            return day.isoweekday() == 7
        case "month":
            return day.day == monthrange(day.year, day.month)[1]
        case "none":
            return False
