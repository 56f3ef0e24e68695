"""One page of a workspace's history: current, archived and edited rows as one list, newest first.

Each source comes sorted; the merge is lazy, and reads no further than the page needs. The next page
continues at the greatest sort key below the last row shown, and this bound is the same for every
source. So a row that moves from one table to another in the meantime is neither lost nor shown
twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from workspace_usage.access.scope import Scope
from workspace_usage.listing.query import Query
from workspace_usage.rollups.seek import PageIndex, Start
from workspace_usage.rows.position import encode_cursor
from workspace_usage.rows.row import Row, from_stored_item
from workspace_usage.rows.store import Meter, Selection, Store, StoredRow, merge
from workspace_usage.rows.window import Window


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list: its rows, newest first, and whether older ones follow."""

    rows: tuple[Row, ...]
    has_more: bool

    @property
    def next_cursor(self) -> str | None:
        """Where the next page continues, or None if there is no next page."""
        return encode_cursor(self.rows[-1].position) if self.has_more else None


def read_page(
    store: Store,
    index: PageIndex,
    scope: Scope,
    query: Query,
    window: Window,
    meter: Meter,
) -> Page:
    """Returns the page that ``query`` asks for.

    Args:
        store: the tables of rows.
        index: finds where a page far down begins; if it can't, the page is found by reading.
        scope: whose rows may be seen, already narrowed to the query's ``user_id``.
        query: the question; its dates and range are already in ``window``.
        window: the time that may be seen.
        meter: counts what is read.

    Raises:
        StoreUnavailable: a table can't be read in time.
    """
    selection = Selection.of(scope, query.agent_type, window, after=query.cursor)
    start = None if selection is None else _start(store, index, query, selection, meter)
    if start is None or start.selection.low >= start.selection.high:
        return Page((), has_more=False)
    wanted = start.offset + query.per_page + 1
    merged = merge(store.streams(start.selection, wanted, meter))
    stored_rows = tuple(islice(_drop(merged, start.offset), query.per_page + 1))
    return Page(
        tuple(from_stored_item(source, item) for _, source, item in stored_rows[: query.per_page]),
        has_more=len(stored_rows) > query.per_page,
    )


def _start(
    store: Store, index: PageIndex, query: Query, selection: Selection, meter: Meter
) -> Start | None:
    """Returns where the page begins, or None if there are too few rows to reach it."""
    if query.page_number is None:
        return Start(selection, 0)
    offset = query.per_page * (query.page_number - 1)
    return index.find(store, selection, offset, meter)


def _drop(rows: Iterator[StoredRow], number: int) -> Iterator[StoredRow]:
    # islice() refuses numbers above sys.maxsize, and pages may be asked for beyond that.
    for _ in zip(range(number), rows, strict=False):
        pass
    return rows
