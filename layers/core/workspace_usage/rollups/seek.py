"""Seeking: where a page far down begins, without reading all that comes before it.

What comes before the page is passed over by the counts of blocks that are believed; all else is
read. Without counts the page is found by reading, and is the same.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from workspace_usage.access.scope import user_of
from workspace_usage.aws.packing import Unreadable
from workspace_usage.rollups.blocks import UNREAD, Block
from workspace_usage.rollups.facets import fence_before, rows_of
from workspace_usage.rollups.items import rows_kind, shard_of
from workspace_usage.rollups.reading import CountedRange, Counts
from workspace_usage.rows.position import Position
from workspace_usage.rows.store import Meter, Selection, Store, merge
from workspace_usage.values import Clock

MIN_OFFSET: Final = 100
"""Rows to pass over for which reading counts costs less than reading the rows."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a page begins: behind the first ``offset`` rows of a selection."""

    selection: Selection
    offset: int


@dataclass(frozen=True, slots=True)
class PageIndex:
    """Finds where pages begin.

    Attributes:
        counts: the counts.
        clock: gives the current time (aware).
    """

    counts: Counts
    clock: Clock = lambda: datetime.now(UTC)

    def find(self, store: Store, selection: Selection, offset: int, meter: Meter) -> Start | None:
        """Returns where the row is that has ``offset`` rows of the selection before it.

        None if there are fewer rows.

        Args:
            store: the tables of rows.
            selection: the rows of a window, from its end.
            offset: the rows to pass over.
            meter: counts what is read.

        Raises:
            StoreUnavailable: a table can't be read in time.
        """
        if offset < MIN_OFFSET:
            return Start(selection, offset)
        user_id = user_of(selection.scope)
        kinds = [] if user_id is None else [rows_kind(user_id)]
        counted = self.counts.read(selection, kinds, self.clock(), meter)
        if counted is None:
            return Start(selection, offset)
        for block in counted.blocks:
            below = replace(selection, high=min(selection.high, block.high))
            rows = _rows_of(block, selection, counted)
            if offset == 0:
                return Start(below, 0)
            if rows is None:
                rows, last = _read_over(store, replace(below, low=block.low), offset, meter)
                if rows == offset:
                    return Start(_up_to(selection, last), 0)
            elif offset < rows:
                return self._start_in(block, below, offset, meter)
            offset -= rows
        return None

    def _start_in(self, block: Block, below: Selection, offset: int, meter: Meter) -> Start:
        """Returns where the row is that has ``offset`` rows of a block before it."""
        with suppress(Unreadable):
            content = self.counts.content(below.scope.workspace_id, "order", block, meter)
            fence = fence_before(content, below, offset)
            if fence is not None:
                sort_key, skipped = fence
                return Start(_up_to(below, sort_key), skipped)
        return Start(below, offset)


def _up_to(selection: Selection, sort_key: str) -> Selection:
    """Returns the rows of a selection that come after the row with a sort key."""
    return replace(selection, high=Position.from_stored_key(sort_key).just_before)


def _rows_of(block: Block, selection: Selection, counted: CountedRange) -> int | None:
    """Returns how many of a block's rows are selected, or None if they must be read."""
    user_id, agent_type = user_of(selection.scope), selection.agent_type
    if block.read_at == UNREAD:
        return None
    if user_id is None:
        return block.rows if agent_type is None else block.types.get(agent_type, 0)
    if not block.has_shard(shard_of(user_id)) or agent_type not in (None, *block.types):
        return 0
    with suppress(Unreadable):
        return rows_of(counted.content(rows_kind(user_id), block), selection, [*block.types])
    return None


def _read_over(store: Store, selection: Selection, offset: int, meter: Meter) -> tuple[int, str]:
    """Reads up to ``offset`` rows; returns how many there are, and the last one's sort key."""
    rows, last = 0, ""
    for sort_key, _, _ in islice(merge(store.streams(selection, offset, meter)), offset):
        rows, last = rows + 1, sort_key
    return rows, last
