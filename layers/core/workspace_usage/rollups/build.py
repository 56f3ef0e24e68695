"""Building a block: rows are read one after the other, and counted as a whole."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

from workspace_usage.rollups.blocks import UNREAD, Block
from workspace_usage.rollups.facets import Facet, page_contents
from workspace_usage.rollups.items import new_block_id, shard_of
from workspace_usage.rollups.shown import Shown
from workspace_usage.rollups.totals import MAX_TEXT_SIZE, TextSize, summary_contents
from workspace_usage.rows.copies import RowCopies
from workspace_usage.rows.position import just_after
from workspace_usage.values import to_milliseconds

MAX_ROWS: Final = 5_000
"""The most rows of a block."""

_ROWS_BETWEEN: Final = 100
"""The most rows between two that may change without a mark and are in one unread block."""


def build(
    rows: Iterator[tuple[str, RowCopies]], day: date, low: str, high: str, read_at: datetime
) -> tuple[Block, dict[str, Any]]:
    """Returns the block of the next ``rows``, and its contents by their kind (``items``).

    Rows that may change without a mark are in a block that is ``UNREAD``.

    Args:
        rows: the rows from ``low`` to below ``high``. More may be taken than are in the block.
        day: the day of the rows.
        low, high: the range. The block ends at ``high``; or behind its last row, if it is full or
            if the next row may change without a mark.
        read_at: when reading began.

    Raises:
        StoreUnavailable: a table can't be read in time.
    """
    taken: dict[str, list[Shown]] = {}
    texts = TextSize()
    for sort_key, copies in rows:
        if _changes_without_mark(copies):
            if not taken:
                return Block(low, _end_of_unread(sort_key, rows), UNREAD), {}
            high = just_after(max(taken))
            break
        taken[sort_key] = [Shown.of(copy) for copy in copies]
        texts.add(taken[sort_key])
        if len(taken) >= MAX_ROWS or texts.size >= MAX_TEXT_SIZE:
            high = just_after(sort_key)
            break
    moment = to_milliseconds(read_at)
    if not taken:
        return Block(low, high, moment), {}
    facets = [tuple(sorted({copy.facet for copy in copies})) for copies in taken.values()]
    types = Counter(
        kind for some in facets for kind in sorted({facet.agent_type for facet in some})
    )
    contents = page_contents([*taken], facets, types) | summary_contents([*taken.values()])
    shards = sum({1 << shard_of(facet.user_id) for some in facets for facet in some})
    block_id = new_block_id(day, moment)
    return Block(low, high, moment, block_id, len(taken), types, shards), contents


def may_have_taken_more(block: Block) -> bool:
    """Returns whether building a block may have taken rows that are not in it."""
    return block.rows < MAX_ROWS


def _end_of_unread(sort_key: str, rows: Iterator[tuple[str, RowCopies]]) -> str:
    """Returns the end of an unread block with a row that may change without a mark.

    Other such rows that follow closely are in the same block, which is read with few calls.
    """
    rows_since = 0
    for following, copies in rows:
        rows_since += 1
        if _changes_without_mark(copies):
            sort_key, rows_since = following, 0
        elif rows_since == _ROWS_BETWEEN:
            break
    return just_after(sort_key)


def _changes_without_mark(copies: RowCopies) -> bool:
    """Returns whether a row changes when DynamoDB deletes its flagged copy (``recording.merge``).

    An import can put an archived row that has another user or type than its flagged copy. Until the
    copy is deleted, a filter may find the row by it.
    """
    shown, *others = copies
    return any(copy.source is shown.source and Facet.of(copy) != Facet.of(shown) for copy in others)
