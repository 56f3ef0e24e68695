"""Counts for a question: the blocks that its range of sort keys consists of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Protocol

from workspace_usage.aws.dynamodb import StoredItem, item_key, read_together
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.packing import Unreadable, unpack
from workspace_usage.rollups import items
from workspace_usage.rollups.blocks import UNREAD, Block, Marks, with_gaps
from workspace_usage.rollups.items import Day, Watermark
from workspace_usage.rows.position import moment_of
from workspace_usage.rows.store import Meter, QueryReader, Selection
from workspace_usage.rows.window import bounds_of, day_of


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
        packed: the contents of blocks that were asked for, by kind and block id. They are packed
            (``aws.packing``), since a page needs only those of the blocks above it.
    """

    blocks: Sequence[Block]
    packed: Mapping[tuple[str, str], Any]

    def content(self, kind: str, block: Block) -> Any | None:
        """Returns a block's content of one kind, or None if it can't be used; see ``Counts``."""
        return _unpacked(self.packed.get((kind, block.id)))


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
        by_id = {
            (kind, items.block_id_of(item["sort_key"]["S"])): item.get("content")
            for kind, some in zip(kinds, contents, strict=True)
            for item in some
        }
        return CountedRange([*_newest_first(covered, marks)], by_id)

    def _day(self, item: StoredItem, watermark: Watermark) -> Day:
        """Returns the day that an item holds; one that can't be read has to be read row by row."""
        try:
            return Day.from_item(item)
        except Unreadable:
            day = items.day_of_item(item)
            low, high = bounds_of(day, self.zone)
            return Day(day, watermark.epoch, 0, (Block(low, high, UNREAD),))

    def content(self, workspace_id: int, kind: str, block: Block, meter: Meter) -> Any | None:
        """Returns a block's content of one kind, or None if it can't be used.

        It may be gone, because the block was replaced meanwhile.

        Raises:
            StoreUnavailable: the table can't be read in time.
        """
        meter.lookups += 1
        day = day_of(moment_of(block.low), self.zone)
        key = item_key(workspace_id, items.content_key(kind, day, block.id))
        with aws_errors_as_unavailable():
            item = self.reader.get_item(TableName=self.table, Key=key).get("Item")
        return None if item is None else _unpacked(item.get("content"))


def _unpacked(packed: Any | None) -> Any | None:
    try:
        return None if packed is None else unpack(packed)
    except Unreadable:
        return None


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


def _newest_first(blocks: Iterable[Block], marks: Marks) -> Iterator[Block]:
    """Yields the blocks that may have rows, newest first; the unread ones are joined."""
    unread: Block | None = None
    for block in reversed([block for block in blocks if block.low < block.high]):
        if marks.is_stale(block):
            unread = Block(block.low, unread.high if unread else block.high, UNREAD)
        elif block.rows:
            if unread:
                yield unread
            yield block
            unread = None
    if unread:
        yield unread
