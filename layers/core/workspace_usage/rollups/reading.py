"""Counts for a question: the blocks that its range of sort keys consists of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import chain, groupby
from typing import Any, Protocol

from workspace_usage.aws.dynamodb import StoredItem, item_key, read_together
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.packing import Unreadable, unpack, wrong_form_as_unreadable
from workspace_usage.rollups import items
from workspace_usage.rollups.blocks import UNREAD, Block, Marks, with_gaps
from workspace_usage.rollups.items import Day, Watermark
from workspace_usage.rows.store import Meter, QueryReader, Selection
from workspace_usage.rows.window import bounds_of


class CountsReader(QueryReader, Protocol):
    """Reads items (``aws.reader.Reader``)."""

    def get_item(self, **request: Any) -> Any:
        """Returns the response to a GetItem."""


@dataclass(frozen=True, slots=True)
class CountedRange:
    """A range of sort keys.

    Attributes:
        blocks: the blocks that have rows, newest first. A block that is ``UNREAD`` is not counted,
            or not believed: its rows must be read.
        contents: the items of those contents of blocks that were asked for, by their sort keys. A
            page unpacks only those of the blocks above it.
    """

    blocks: Sequence[Block]
    contents: Mapping[str, StoredItem]

    def content(self, kind: str, block: Block) -> Any:
        """Returns a block's content of one kind; see ``Counts.content``."""
        with wrong_form_as_unreadable():
            return unpack(self.contents[items.content_key(kind, block.id)]["content"])


@dataclass(frozen=True, slots=True)
class Counts:
    """The table Rollups, for reading.

    Attributes:
        reader: reads its items.
        table: its name.
        zone: the time zone by whose days this deployment counts rows.
    """

    reader: CountsReader
    table: str
    zone: tzinfo

    def read(
        self, selection: Selection, kinds: Sequence[str], now: datetime, meter: Meter
    ) -> CountedRange | None:
        """Returns the blocks of a selection's range, or None if no counts can be used.

        Args:
            selection: the range, and its days.
            kinds: the contents that are read as well (``items``).
            now: the current time (aware).
            meter: counts the calls.

        Raises:
            StoreUnavailable: the table can't be read in time.
        """
        names = self.table, selection.scope.workspace_id
        first, last = selection.first_day, selection.last_day
        requests = [
            items.state_query(*names),
            items.days_query(*names, first, last),
            *(items.contents_query(*names, kind, first, last) for kind in kinds),
        ]

        def read(requests: list[Any]) -> list[Any]:
            meter.check_time()
            meter.lookups += len(requests)
            return self.reader.query(requests)

        state, days, *contents = read_together(read, requests)
        watermark, marks = items.state_of(state)
        if watermark is None or watermark.basis != items.basis_of(self.zone):
            return None
        covered = _cover(selection, watermark, [self._day(i, watermark) for i in days], now)
        if not covered:
            return None
        by_key = {item["sort_key"]["S"]: item for item in chain(*contents)}
        return CountedRange([*_newest_first(covered, marks)], by_key)

    def _day(self, item: StoredItem, watermark: Watermark) -> Day:
        """Returns the day that an item holds; one that can't be read has to be read row by row."""
        try:
            return Day.from_item(item)
        except Unreadable:
            day = items.day_of_item(item)
            return Day(day, watermark.epoch, 0, (Block(*bounds_of(day, self.zone), UNREAD),))

    def content(self, workspace_id: int, kind: str, block: Block, meter: Meter) -> Any:
        """Returns a block's content of one kind.

        Raises:
            StoreUnavailable: the table can't be read in time.
            Unreadable: it can't be read, or is gone, because the block was replaced meanwhile.
        """
        meter.lookups += 1
        key = item_key(workspace_id, items.content_key(kind, block.id))
        with aws_errors_as_unavailable():
            response = self.reader.get_item(TableName=self.table, Key=key)
        with wrong_form_as_unreadable():
            return unpack(response["Item"]["content"])


def _cover(
    selection: Selection, watermark: Watermark, days: Sequence[Day], now: datetime
) -> Sequence[Block]:
    """Returns blocks and gaps that cover a selection's range, or nothing if none can be used."""
    if any(day.epoch > watermark.epoch for day in days):
        return ()  # counting has begun again since the watermark was read
    settled, low, high = watermark.settled(now), selection.low, selection.high
    of_epoch = (day for day in days if day.epoch == watermark.epoch)
    blocks = [
        _clip(block, low, high)
        for day in of_epoch
        for block in day.blocks
        if block.low < min(settled, high) and low < block.high
    ]
    counted_to = max([settled, *(block.high for block in blocks)])
    if counted_to <= low:
        return ()
    return [*with_gaps(blocks, low, min(high, counted_to)), Block(counted_to, high, UNREAD)]


def _clip(block: Block, low: str, high: str) -> Block:
    """Returns a block, or the part of it between two sort keys, which is not counted by itself."""
    if low <= block.low and block.high <= high:
        return block
    return Block(max(low, block.low), min(high, block.high), UNREAD)


def _newest_first(blocks: Sequence[Block], marks: Marks) -> Iterator[Block]:
    """Yields the blocks that may have rows, newest first; those that must be read are joined."""
    parts = (part for part in reversed(blocks) if part.low < part.high)
    with_rows = (part for part in parts if part.rows or marks.is_stale(part))
    for is_stale, some in groupby(with_rows, marks.is_stale):
        run = list(some)
        yield from [Block(run[-1].low, run[0].high, UNREAD)] if is_stale else run
