"""Pages of a workspace's history: current, archived and edited rows as one list, newest first.

Each source comes sorted; the merge is lazy, and reads no further than the page needs. A page
continues just before the last row shown, by a bound that is the same for every source: a row that
moves from one table to another in the meantime is neither lost nor shown twice.
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
        """Where the next page continues; None when there is none."""
        return encode_cursor(self.rows[-1].position) if self.has_more else None


def read_page(
    store: Store,
    index: PageIndex,
    scope: Scope,
    query: Query,
    window: Window,
    meter: Meter,
) -> Page:
    """The page that ``query`` asks for, of what ``scope`` and ``window`` let it see.

    ``scope`` must already be narrowed to the query's ``user_id``. ``index`` may shorten the way to
    it, and makes no other difference.

    Raises:
        StoreUnavailable: a table can't be read in time.
    """
    bounds = window.sort_keys(after=query.cursor)
    if bounds is None:
        return Page((), has_more=False)
    selection = Selection(scope, query.agent_type, *bounds)
    start: Start | None = Start(selection, 0)
    if query.page_number is not None:
        skipped = query.per_page * (query.page_number - 1)
        start = index.find(store, window, selection, skipped, meter)
    if start is None or start.selection.low >= start.selection.high:
        return Page((), has_more=False)
    wanted = start.skipped + query.per_page + 1
    merged = merge(store.streams(start.selection, wanted, meter))
    found = tuple(islice(_drop(merged, start.skipped), query.per_page + 1))
    rows = tuple(from_stored_item(source, item) for _, source, item in found[: query.per_page])
    return Page(rows, has_more=len(found) > query.per_page)


def _drop(rows: Iterator[StoredRow], number: int) -> Iterator[StoredRow]:
    # islice() refuses numbers above sys.maxsize, and pages may be asked for beyond that.
    for _ in zip(range(number), rows, strict=False):
        pass
    return rows
