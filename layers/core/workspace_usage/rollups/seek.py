"""Where a page far down begins, found by counts in place of reading all that comes before it.

Rows that are not counted yet are the newest ones: those are read. The counted ones are skipped by
days, by chunks of a day, and by segments of a chunk; what is left to skip is less than one segment.
Where a workspace isn't counted, or its counts change while they are read, nothing is skipped: the
page is then found by reading, as always.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from typing import Any, Final, Protocol

from workspace_usage.aws.dynamodb import StoredItem, item_key, read_pages
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.rollups.items import (
    HEAD_KEY,
    Chunk,
    Head,
    RowList,
    chunk_key,
    days_in,
    has_chunks,
    list_of,
    month_key,
    month_of,
)
from workspace_usage.rows.position import Position, just_after
from workspace_usage.rows.store import Meter, Selection, Store, merge
from workspace_usage.rows.window import end_of
from workspace_usage.values import format_timestamp

WORTHWHILE: Final = 100
"""Rows to skip from which on counts cost less than the rows."""

ATTEMPTS: Final = 3
"""How often counts are read that change meanwhile."""


class Reads(Protocol):
    """What reads single items and makes Queries (``calls.Reader``)."""

    def get_item(self, **request: Any) -> Any:
        """DynamoDB's GetItem."""

    def query(self, requests: list[Any]) -> list[Any]:
        """DynamoDB's Queries."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a page begins: so many rows below the selection's top."""

    selection: Selection
    offset: int


class _Changed(Exception):
    """Counts that were read one after the other don't fit together."""


@dataclass(frozen=True, slots=True)
class PageIndex:
    """Finds where pages begin.

    Attributes:
        reader: reads the counts.
        table: the table that they are in.
        zone: the time zone by whose days this deployment's windows go.
    """

    reader: Reads
    table: str
    zone: tzinfo

    def find(self, store: Store, selection: Selection, skipped: int, meter: Meter) -> Start | None:
        """Where the row begins that has ``skipped`` rows of the selection above it.

        ``selection`` reaches to the window's end. None: there are not so many rows.

        Raises:
            StoreUnavailable: a table can't be read in time.
        """
        unaided = Start(selection, skipped)
        if skipped < WORTHWHILE:
            return unaided
        workspace_id = selection.scope.workspace_id
        row_list = list_of(selection.scope, selection.agent_type)
        for _ in range(ATTEMPTS):
            meter.check_time()
            head = self._head(workspace_id, meter)
            if head is None or not head.is_usable(self.zone):
                return unaided
            counts = _ListCounts(self.reader, self.table, workspace_id, row_list, head, meter)
            try:
                return self._find(store, selection, skipped, counts)
            except _Changed:
                continue
        return unaided

    def _head(self, workspace_id: int, meter: Meter) -> Head | None:
        meter.lookups += 1
        with aws_errors_as_unavailable():
            answer = self.reader.get_item(
                TableName=self.table, Key=item_key(workspace_id, HEAD_KEY), ConsistentRead=True
            )
        return Head.from_item(answer["Item"]) if "Item" in answer else None

    def _find(
        self,
        store: Store,
        selection: Selection,
        skipped: int,
        counts: "_ListCounts",
    ) -> Start | None:
        counted = counts.head.counted_until
        if counted < selection.low:
            return Start(selection, skipped)
        first, last = selection.first_day, selection.last_day
        days = counts.days(first, last)
        if counted < selection.high:
            newer = replace(selection, low=just_after(counted))
            for sort_key, _, _ in merge(store.streams(newer, skipped, counts.meter)):
                skipped -= 1
                if skipped == 0:
                    high = Position.from_stored_key(sort_key).just_before
                    return Start(replace(selection, high=high), 0)
            selection = replace(selection, high=counted)
        for day, chunks in days:
            rows = sum(chunks) if first <= day <= last else 0
            if skipped < rows:
                before, above = counts.find(day, chunks, skipped)
                end = before or format_timestamp(end_of(day, self.zone))
                return Start(replace(selection, high=min(selection.high, end)), above)
            skipped -= rows
        return None


@dataclass(frozen=True, slots=True)
class _ListCounts:
    """The counts of one list, as of a head."""

    reader: Reads
    table: str
    workspace_id: int
    row_list: RowList
    head: Head
    meter: Meter

    def days(self, first: date, last: date) -> list[tuple[date, list[int]]]:
        """The days of the months between two days, newest first, and each one's chunks' rows.

        Raises:
            _Changed: something was counted since the head was read.
        """
        request = {
            "TableName": self.table,
            "KeyConditionExpression": "workspace_id = :id AND sort_key BETWEEN :low AND :high",
            "ExpressionAttributeValues": {
                ":id": {"N": str(self.workspace_id)},
                ":low": {"S": month_key(self.row_list, first)},
                ":high": {"S": month_key(self.row_list, last)},
            },
            # After the head, and as of now: whatever the head says is counted is in them.
            "ConsistentRead": True,
            "ScanIndexForward": False,
        }
        found = []
        for item in self._items(request):
            if self._is_stale(item):
                continue
            if item["counted_until"]["S"] > self.head.counted_until:
                raise _Changed
            month = month_of(item["sort_key"]["S"])
            days = sorted(days_in(item, self.row_list.agent_type).items(), reverse=True)
            found += [(month.replace(day=day), chunks) for day, chunks in days]
        return found

    def _items(self, request: dict[str, Any]) -> Iterator[StoredItem]:
        for page in read_pages(lambda following: self.reader.query([following])[0], request):
            self.meter.lookups += 1
            yield from page["Items"]

    def find(self, day: date, chunks: list[int], skipped: int) -> tuple[str | None, int]:
        """Where to read from for the row that has ``skipped`` rows of its day above it.

        Returns the sort key to begin below (None: the day's end), and how many rows to skip there.

        Raises:
            _Changed: the day was counted or corrected since ``chunks`` were read.
        """
        if not has_chunks(chunks):
            return None, skipped
        below, number = sum(chunks) - 1 - skipped, 0
        while below >= chunks[number]:
            below -= chunks[number]
            number += 1
        chunk = self._chunk(day, number)
        if chunk is None or sum(chunk.counts) != chunks[number]:
            raise _Changed
        start, above = chunk.find(below)
        return (None if start is None else Position.from_stored_key(start).just_before), above

    def _chunk(self, day: date, number: int) -> Chunk | None:
        self.meter.lookups += 1
        with aws_errors_as_unavailable():
            answer = self.reader.get_item(
                TableName=self.table,
                Key=item_key(self.workspace_id, chunk_key(self.row_list, day, number)),
                ConsistentRead=True,
            )
        item = answer.get("Item")
        return None if item is None or self._is_stale(item) else Chunk.from_item(item)

    def _is_stale(self, item: StoredItem) -> bool:
        """Whether an item is of an older generation: it doesn't exist any more.

        Raises:
            _Changed: it is of a newer one.
        """
        generation = int(item["generation"]["N"])
        if generation > self.head.generation:
            raise _Changed
        return generation < self.head.generation
