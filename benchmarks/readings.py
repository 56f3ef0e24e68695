"""What requests read: rows, calls, bytes and capacity, by filter and depth."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.chart import Bars

PAGE_SIZES: Final = (20, 100)
"""Rows of the pages that are measured."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one request read."""

    name: str
    rows: int
    calls: int
    kilobytes: float
    capacity: float


@dataclass(frozen=True, slots=True)
class Readings:
    """What requests read.

    Attributes:
        single: single requests, with different filters and depths.
        without_counts: the capacity of pages of 100 rows if nothing is counted, by page number.
    """

    single: list[Reading]
    without_counts: dict[int, float]

    def first_page_capacities(self) -> dict[int, float]:
        """Returns the capacity of page 1, by rows of a page."""
        counted = self._capacities()
        return {per_page: counted[page_name(1, per_page)] for per_page in PAGE_SIZES}

    def _capacities(self) -> dict[str, float]:
        return {reading.name: reading.capacity for reading in self.single}

    def bars(self) -> Iterator[Bars]:
        """Yields the capacity of pages of 100 rows by depth: without counts, and with them."""
        counted = self._capacities()
        for page, without_counts in self.without_counts.items():
            capacity = counted[page_name(page, 100)]
            labels = (f"{without_counts:,.1f}", f"{capacity:,.1f}")
            yield Bars(f"page {page:,}", (without_counts, capacity), labels)


def page_name(page: int, per_page: int) -> str:
    """Returns the name of a page's reading."""
    return f"page {page:,} of {per_page}"
