"""Measures what requests read, on DynamoDB Local, which reports capacity as DynamoDB does."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.counting import Cost, count_all
from benchmarks.measured_store import MeasuredStore
from benchmarks.metered_listing import Listing
from benchmarks.readings import Readings, page_name
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace

WORKSPACE: Final = 11
"""The workspace with the number of rows that `make bench` was given."""

SMALLER_WORKSPACES: Final = {12: 10, 13: 100}
"""Other workspaces in the same tables, each with this fraction (one of 10, of 100) of its rows."""


def fill(store: MeasuredStore, rows: int, print_line: Callable[[str], object]) -> Cost:
    """Fills and counts the workspaces; returns what counting the largest one cost.

    Args:
        store: the store.
        rows: the number of rows of the largest workspace.
        print_line: takes a line that says what is being done.

    Raises:
        AssertionError: a row is not counted.
    """
    costs = []
    for workspace_id, number in ((WORKSPACE, rows), *_smaller(rows)):
        print_line(f"loading {number:,} rows into workspace {workspace_id}")
        store.fill(workspace_id, number)
        costs.append(count_all(store, workspace_id))
    if costs[0].rows != rows:
        raise AssertionError(f"{costs[0].rows:,} of {rows:,} rows are counted")
    return costs[0]


def measure(listing: Listing, rows: int) -> Readings:
    """Measures requests of the workspaces that ``fill`` has filled.

    Raises:
        AssertionError: a page differs when it is found by counts.
    """
    single = [listing.read(*request)[0] for request in _requests(rows)]
    everyone = WholeWorkspace(WORKSPACE)
    without_counts = {
        page: listing.capacity_without_counts(everyone, {"page": page, "per_page": 100})
        for page in _depths(rows, 100)
    }
    return Readings(single, without_counts)


def table(readings: Readings) -> Iterator[str]:
    """Yields lines of text."""
    yield f"{'read':44} {'rows':>8} {'calls':>6} {'kB':>9} {'RCU':>8}"
    for reading in readings.single:
        yield (
            f"{reading.name:44} {reading.rows:8,} {reading.calls:6} "
            f"{reading.kilobytes:9,.1f} {reading.capacity:8,.1f}"
        )
    for page, capacity in readings.without_counts.items():
        name = f"{page_name(page, 100)}, nothing counted"
        yield f"{name:44} {'':8} {'':6} {'':9} {capacity:8,.1f}"


def _requests(rows: int) -> Iterator[tuple[str, Scope, dict[str, Any]]]:
    everyone, own = WholeWorkspace(WORKSPACE), OwnRuns(WORKSPACE, 7)
    for per_page in (20, 100):
        for page in _depths(rows, per_page):
            yield page_name(page, per_page), everyone, {"per_page": per_page, "page": page}
        for name, scope, kind, share in (
            ("one type", everyone, "image", 6),
            ("one user", own, "all", 17),
            ("one user and type", own, "image", 6 * 17),
        ):
            for page in sorted({1, _depths(rows // share, per_page)[-1]}):
                parameters = {"per_page": per_page, "page": page, "type": kind}
                yield f"{page_name(page, per_page)}, {name}", scope, parameters
    for workspace_id, number in _smaller(rows):
        for page in sorted({1, _depths(number, 100)[-1]}):
            name = f"{page_name(page, 100)}, a workspace of {number:,}"
            yield name, WholeWorkspace(workspace_id), {"per_page": 100, "page": page}


def _smaller(rows: int) -> Iterator[tuple[int, int]]:
    """Yields the smaller workspaces, each with its number of rows."""
    for workspace_id, part in SMALLER_WORKSPACES.items():
        yield workspace_id, max(rows // part, 1)


def _depths(rows: int, per_page: int) -> list[int]:
    """Returns the page numbers 1, 10, 100 ... that exist with this number of rows."""
    return [page for page in (1, 10, 100, 1_000, 10_000) if page <= max(rows * 0.95 / per_page, 1)]
