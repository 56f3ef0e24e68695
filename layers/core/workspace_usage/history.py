"""Pages of a workspace's history: current, archived and edited rows as one list, newest first.

Each source comes sorted; the merge is lazy, and reads no further than the page needs. A page
continues just before the last row shown, by a bound that is the same for every source: a row that
moves from one table to another in the meantime is neither lost nor shown twice.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Final

from workspace_usage.access import Scope
from workspace_usage.position import encode_cursor
from workspace_usage.query import Query
from workspace_usage.rows import Row, from_item
from workspace_usage.store import Meter, Selection, Store, StoredRow
from workspace_usage.window import Window

_SORT_KEY: Final = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list: its rows, newest first, and whether older ones follow."""

    rows: tuple[Row, ...]
    has_more: bool

    @property
    def next_cursor(self) -> str | None:
        """Where the next page continues; None when there is none."""
        return encode_cursor(self.rows[-1].position) if self.has_more else None


def merge(streams: Iterable[Iterator[StoredRow]]) -> Iterator[StoredRow]:
    """Merges streams, each newest first; of rows at one position, the first stream's is kept.

    The position of an execution is the same in every table, so an execution that is found twice is
    listed once.
    """
    shown = None
    for row in heapq.merge(*streams, key=_SORT_KEY, reverse=True):
        if row[0] != shown:
            yield row
            shown = row[0]


def read_page(store: Store, scope: Scope, query: Query, window: Window, meter: Meter) -> Page:
    """The page that ``query`` asks for, of what ``scope`` and ``window`` let it see.

    ``scope`` must already be narrowed to the query's ``user_id``.

    Raises:
        StoreUnavailable: a table can't be read in time.
    """
    bounds = window.sort_keys(after=query.cursor)
    if bounds is None:
        return Page((), has_more=False)
    skipped = query.per_page * ((query.page_number or 1) - 1)
    wanted = skipped + query.per_page + 1
    selection = Selection(scope, query.agent_type, *bounds)
    merged = merge(store.streams(selection, wanted, meter))
    found = tuple(islice(_drop(merged, skipped), query.per_page + 1))
    rows = tuple(from_item(source, item) for _, source, item in found[: query.per_page])
    return Page(rows, has_more=len(found) > query.per_page)


def _drop(rows: Iterator[StoredRow], number: int) -> Iterator[StoredRow]:
    # islice() refuses numbers above sys.maxsize, and pages may be asked for beyond that.
    for _ in zip(range(number), rows, strict=False):
        pass
    return rows
