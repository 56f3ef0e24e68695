"""Measures what requests read, on DynamoDB Local, which reports capacity as DynamoDB does."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.large_data_set import FIRST_CREATED_AT, write_large_data_set
from benchmarks.metered_listing import SPAN, Listing
from benchmarks.readings import Reading, Readings, page_name
from benchmarks.rows import row_of_age
from local.dynamodb.process import DynamoDBLocal
from local.stack import Stack
from usagectl.loading.loader import Loader
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace
from workspace_usage.rows.row import Source, to_stored_item

WORKSPACE: Final = 11
"""The workspace with the number of rows that `make bench` was given."""

SMALLER_WORKSPACES: Final = {12: 10, 13: 100}
"""Other workspaces in the same tables, each with this fraction (one of 10, of 100) of its rows."""

MAX_PAGE_RATIO: Final = 5
"""The most capacity that a page of 100 rows may take, as a multiple of page 1's."""

UNCOUNTED_ROWS: Final = 250
"""Rows that may have come since rows were counted: three minutes' rows in a workspace that gets a
million a month, the hundred rows that start a count, and some more."""

SPREAD_PAGES: Final = 40
"""The number of pages between the first and the last that are read."""


def measure(rows: int, print_line: Callable[[str], object]) -> Readings:
    """Measures a workspace with ``rows`` rows, and smaller ones in the same tables.

    Args:
        rows: the number of rows.
        print_line: takes a line that says what is being done.

    Raises:
        AssertionError: a page differs when it is found by counts.
    """
    with DynamoDBLocal() as engine, Stack.start(dynamodb_endpoint=engine.url) as stack:
        for workspace_id, number in ((WORKSPACE, rows), *_smaller(rows)):
            print_line(f"loading {number:,} rows into workspace {workspace_id}")
            with TemporaryDirectory() as folder:
                write_large_data_set(Path(folder), number, (workspace_id,), SPAN)
                Loader(stack.resources).load(Path(folder))
        listing = Listing(stack, engine)
        single = [listing.read(*request)[0] for request in _requests(rows)]
        without_counts = {page: _without_counts(listing, page) for page in _depths(rows, 100)}
        _add_uncounted_rows(stack)
        _without_counts(listing, _depths(rows, 100)[1])  # again: now with uncounted rows
        spread = {per_page: _read_spread(listing, rows, per_page) for per_page in (20, 100)}
        return Readings(single, without_counts, spread)


def _add_uncounted_rows(stack: Stack) -> None:
    """Adds rows that are newer than those that are counted."""
    destination, now = stack.resources, FIRST_CREATED_AT + SPAN + timedelta(hours=1)
    for number in range(UNCOUNTED_ROWS):
        row = row_of_age(Source.CURRENT, 10**9 + number, timedelta(seconds=number), now)
        item = to_stored_item(row)
        destination.dynamodb.put_item(TableName=destination.tables.executions, Item=item)


def _without_counts(listing: Listing, page: int) -> float:
    """Returns the capacity of a page of 100 rows if nothing is counted.

    Raises:
        AssertionError: the page differs when it is found by counts.
    """
    parameters = {"page": page, "per_page": 100}
    reading, expected = listing.read("", WholeWorkspace(WORKSPACE), parameters, use_counts=False)
    if listing.read("", WholeWorkspace(WORKSPACE), parameters)[1] != expected:
        raise AssertionError(f"page {page} differs when it is found by counts")
    return reading.capacity


def _read_spread(listing: Listing, rows: int, per_page: int) -> list[Reading]:
    last = rows // per_page
    pages = sorted({1, *(last * n // SPREAD_PAGES or 1 for n in range(1, SPREAD_PAGES + 1))})
    everyone = WholeWorkspace(WORKSPACE)
    return [
        listing.read(page_name(page, per_page), everyone, {"page": page, "per_page": per_page})[0]
        for page in pages
    ]


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
