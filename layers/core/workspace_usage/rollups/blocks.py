"""How rows are counted, and when a count is believed.

Rows are counted in blocks. A block is a run of one day's rows between two sort keys. It is read
once, counted as a whole, and never changed: a block that is no longer right is replaced by another
one. The watermark says how far counting has come. Below it, every row is in a block::

    day 2026-01-05                                     day 2026-01-06     watermark
    |---- block ----|---- block ----|  (no rows)  |    |---- block ----|  | rows that are not
             ^                                                            | counted yet
             mark 2026-01-05T19, put at 2026-01-09T08:00:00

Before a writer writes, moves or deletes a row that is older than ``LATE``, it makes sure that there
is a mark for the row's hour (or its day) that is not older than ``REUSE``. The write ends within
``WRITE``. Rows are put into blocks when they are older than ``LATE`` and ``WRITE`` together.

The rule: a block is believed, unless a mark that overlaps it was put so late that a write which
relies on the mark could have ended after reading for the block began::

    marked_at + MARGIN >= read_at        MARGIN = REUSE + WRITE

Why it is right: a write that lands in a block's range after reading began is late, since the rows
of the block were older than ``LATE`` and ``WRITE`` by then. So there was a mark when the write
began, put at most ``MARGIN`` before the write landed. By the rule, the block is not believed. The
same holds for a gap between blocks, which is empty: it counts as read before all time, and any mark
that overlaps it means that rows may be there.

A mark may go when everything that overlaps it was read later than ``MARGIN`` after it. Two more
waits make that safe. A block that is committed later than ``BUILD`` after reading began is thrown
away, so ``BUILD`` after the mark's margin no block can appear that was read before it. And a reader
reads marks and blocks at slightly different moments, so a mark stays ``READ`` longer than the
blocks that it made unbelievable.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from workspace_usage.values import format_timestamp

LATE: Final = timedelta(minutes=2)
"""The age from which on a row's write is late, and needs a mark."""

WRITE: Final = timedelta(minutes=1)
"""The most time that a write takes, from the check of its mark to its end."""

REUSE: Final = timedelta(seconds=30)
"""How long a writer may rely on a mark that it has put."""

MARGIN: Final = REUSE + WRITE
"""The most time from a mark to the end of a write that relies on it."""

BUILD: Final = timedelta(minutes=1)
"""The most time from the beginning of reading a block to its commit."""

READ: Final = timedelta(minutes=1)
"""The most time that a reader takes from its first read of counts to its last."""

ENOUGH_ROWS: Final = 2_500
"""The rows of a block that is not read again to make it larger."""

UNREAD: Final = -1
"""The ``read_at`` of a part of a day that no longer is in a block: it is never believed."""

GREATEST: Final = "~"
"""Greater than every character of a sort key, and so than every sort key."""


def horizon(now: datetime) -> str:
    """Returns the sort key below which rows are old enough at ``now`` to be put into blocks."""
    return format_timestamp(now - LATE - WRITE)


@dataclass(frozen=True, slots=True)
class Block:
    """A run of one day's rows; also a gap, which is a block without rows that nobody had to read.

    Attributes:
        low: the sort key at which it begins, included.
        high: the sort key at which it ends, not included.
        read_at: when reading began, in milliseconds since 1970; 0 for a gap; ``UNREAD``.
        id: its day and its name, with which the sort keys of its contents end (``items``).
        rows: how many rows it has, as the listing shows them without a filter.
        types: how many rows it has by agent type, as the listing shows them with that filter.
        shards: whose rows it has: the bit n says whether it has rows of users of the shard n
            (``items``).
    """

    low: str
    high: str
    read_at: int = 0
    id: str = ""
    rows: int = 0
    types: Mapping[str, int] = field(default_factory=dict)
    shards: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it has enough rows, or ends right behind a row, because no more would fit."""
        return self.rows >= ENOUGH_ROWS or self.high.endswith("\0")

    def has_shard(self, shard: int) -> bool:
        """Returns whether it has rows of users of a shard."""
        return bool(self.shards & 1 << shard)


@dataclass(frozen=True, slots=True)
class Marks:
    """A workspace's marks: when each was put, in milliseconds since 1970.

    A mark's span is a prefix of sort keys: ``2026-01-05T19`` is an hour, ``2026-01-05`` a day.
    """

    marked_at: Mapping[str, int] = field(default_factory=dict)

    def is_stale(self, block: Block) -> bool:
        """Returns whether a block's numbers may be wrong, by the rule above."""
        margin = MARGIN // timedelta(milliseconds=1)
        return block.read_at == UNREAD or any(
            marked_at + margin >= block.read_at
            for span, marked_at in self.marked_at.items()
            if overlaps(span, block)
        )


def overlaps(span: str, block: Block) -> bool:
    """Returns whether a mark's span and a block have sort keys in common."""
    return block.low < span + GREATEST and span < block.high


def with_gaps(blocks: Iterable[Block], low: str, high: str) -> Iterator[Block]:
    """Yields blocks that lie between two sort keys, oldest first, and the gaps between them."""
    for block in blocks:
        if low < block.low:
            yield Block(low, block.low)
        yield block
        low = block.high
    if low < high:
        yield Block(low, high)
