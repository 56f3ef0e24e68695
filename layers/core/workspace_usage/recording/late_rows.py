"""Late rows: what keeps a workspace's counts right when a row is written that may be counted.

This is all that the recorder knows about counts (``rollups``).
"""

from dataclasses import replace
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from workspace_usage.recording.merge import Copies
from workspace_usage.rollups.counts import LATE, Counts, guarded_head, read_head, unchanged_head
from workspace_usage.rollups.items import Head, RowList, lists_showing
from workspace_usage.rows.row import Row
from workspace_usage.values import format_timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

NEW_ROWS_PER_COUNT_REQUEST: Final = 32
"""One new row in this many asks for its workspace's rows to be counted."""


class CountUpdate(NamedTuple):
    """What a change of a row means for its workspace's counts.

    Attributes:
        needs_counting: whether the workspace's rows should be counted.
        writes: what the row's own transaction has to write besides.
    """

    needs_counting: bool
    writes: "tuple[TransactWriteItemTypeDef, ...]" = ()


class LateRows:
    """Finds out what a change of a row means for the counts.

    Args:
        client: reads the table of counts.
        table: that table's name.
        zone: the time zone by whose days rows are counted.
    """

    def __init__(self, client: "DynamoDBClient", table: str, zone: tzinfo) -> None:
        self._client = client
        self._table = table
        self._zone = zone

    def needs_counting(self, row: Row, now: datetime) -> bool:
        """Whether counts were given up and nobody makes new ones.

        A recorder that gave them up may have been stopped before it could ask for new ones. Then
        its event comes again, and changes nothing but asks for them.
        """
        if not _is_late(row, now):
            return False
        head = read_head(self._client, self._table, row.workspace_id)
        return head is not None and not head.is_held and not head.is_usable(self._zone)

    def update_for(self, row: Row, stored: Copies, merged: Copies, now: datetime) -> CountUpdate:
        """Returns what it means for the counts that ``merged`` replaces ``stored``."""
        before, after = _lists_of(stored), _lists_of(merged)
        sort_key = row.position.sort_key
        is_chosen = crc32(sort_key.encode()) % NEW_ROWS_PER_COUNT_REQUEST == 0
        needs_counting = not before and is_chosen
        if before == after or not _is_late(row, now):
            return CountUpdate(needs_counting)
        correction = self._correct(row.workspace_id, sort_key, before, after)
        return correction._replace(needs_counting=needs_counting or correction.needs_counting)

    def _correct(
        self,
        workspace_id: int,
        sort_key: str,
        before: frozenset[RowList],
        after: frozenset[RowList],
    ) -> CountUpdate:
        """Returns what keeps the counts right when a row goes from some lists to others.

        Its writes fail if another process has begun or continued to count since the head was read.
        """
        table = self._table
        head = read_head(self._client, table, workspace_id)
        if head is None or (head.is_held and sort_key > head.counting_until):
            return CountUpdate(False, (unchanged_head(table, workspace_id, head),))
        counts = Counts(self._client, table, workspace_id, head, self._zone)
        if head.goes_by(self._zone) and sort_key <= head.counted_until:
            counts.correct(after - before, sort_key, 1)
            counts.correct(before - after, sort_key, -1)
        if counts.is_crowded or not head.goes_by(self._zone):
            # A process that holds the workspace still holds it afterwards.
            new_head = replace(
                Head.anew(head, self._zone),
                held_until=head.held_until,
                counting_until=head.counting_until,
            )
            return CountUpdate(True, (guarded_head(table, workspace_id, head, new_head),))
        return CountUpdate(False, tuple(counts.writes(replace(head, revision=head.revision + 1))))


def _is_late(row: Row, now: datetime) -> bool:
    """Whether a row is counted already, or may be counted before it is written."""
    return row.position.created_at < format_timestamp(now - LATE)


def _lists_of(copies: Copies) -> frozenset[RowList]:
    return lists_showing((source, item) for source, item in copies.items() if item is not None)
