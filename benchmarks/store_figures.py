"""Measures rows and their counts in one store: what pages read, what counting takes, late rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from benchmarks import counting, exports, far_pages, late_rows, reads, summaries
from benchmarks.counting import Cost
from benchmarks.exports import Exported
from benchmarks.far_pages import FarPages
from benchmarks.late_rows import LateRows
from benchmarks.measured_store import running_store
from benchmarks.metered_listing import Listing
from benchmarks.readings import Readings
from benchmarks.summaries import Measured

_WORKSPACE_WITH_NEW_ROWS: Final = 14


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """All figures of the store."""

    readings: Readings
    far: FarPages
    summaries: list[Measured]
    costs: list[Cost]
    late: LateRows
    exported: list[Exported]


def measure(rows: int, print_line: Callable[[str], object]) -> StoreFigures:
    """Measures a workspace with ``rows`` rows, and smaller ones in the same tables.

    Args:
        rows: the number of rows.
        print_line: takes a line that says what is being done.

    Raises:
        AssertionError: a page differs when it is found by counts.
        StartError: the store can't be started.
    """
    with running_store() as store:
        all_at_once = reads.fill(store, rows, print_line)
        listing = Listing(store)
        readings = reads.measure(listing, rows)
        print_line(f"exporting {rows:,} rows")
        exported = exports.measure(store, reads.WORKSPACE)
        far_pages.add_uncounted_rows(store, reads.WORKSPACE)
        far = far_pages.measure(store, listing, reads.WORKSPACE, rows)
        print_line(f"loading {rows:,} rows of 200 users")
        by_users = summaries.fill(store, rows)
        sums = summaries.measure(store, listing)
        print_line("counting new rows, and recording late ones")
        read_once, new_rows = counting.count_new(store, _WORKSPACE_WITH_NEW_ROWS)
        late = late_rows.measure(store)
    return StoreFigures(
        readings,
        far,
        sums,
        [read_once, all_at_once, replace(by_users, name="200 users in 90 days"), new_rows],
        late,
        exported,
    )
