"""A workspace's counts as of one head, and changes to them that are written all at once or not.

One item guards all others of a workspace: its head. Whoever changes a count changes the head in the
same transaction, on the condition that it is as it was read. So whatever was read with a head is
still true when the change is written, and each row is counted exactly once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from workspace_usage.aws.dynamodb import StoredItem, item_key
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.transactions import write_all_or_nothing
from workspace_usage.rollups.items import (
    HEAD_KEY,
    MARKS,
    SEGMENT,
    Chunk,
    Head,
    Month,
    RowList,
    chunk_key,
    day_of,
    has_chunks,
    month_key,
)
from workspace_usage.values import format_timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

LATE: Final = timedelta(minutes=2)
"""The age from which on a new row is late, as the recorder sees it before it writes."""

MARGIN: Final = timedelta(minutes=1)
"""The most time between that look and the end of the write, clocks that differ included: twice as
long as the recorder may run."""

CROWDED: Final = 4 * SEGMENT
"""The rows of a segment from which on it is too many to read for one page."""

_MOST_ITEMS: Final = 100
"""What one transaction can change, and one call can read."""

_MOST_ROWS: Final = 500
"""Rows after which a transaction is written: the longer it waits, the likelier it is overtaken."""

_KNOWN_AT_MOST: Final = 20_000
"""Items that are remembered from one transaction to the next."""


def horizon(now: datetime) -> str:
    """The sort key before which rows are old enough to be counted at ``now``."""
    return format_timestamp(now - LATE - MARGIN)


class Progress(Enum):
    """How far counting has come.

    Attributes:
        DONE: what is old enough is counted, or whoever holds the workspace will see to it.
        UNFINISHED: there was no time for all of it.
        HELD_UP: somebody else is at it, or rows keep coming late: it has to wait.
    """

    DONE = auto()
    UNFINISHED = auto()
    HELD_UP = auto()


class Counts:
    """A workspace's counts as of one head, and the changes to them that are not written yet.

    Attributes:
        head: the head.
        is_crowded: whether so many rows came late to one place that rows should be counted anew.
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, workspace_id: int, head: Head, zone: tzinfo
    ) -> None:
        self.head = head
        self.is_crowded = False
        self._client = client
        self._table = table
        self._workspace_id = workspace_id
        self._zone = zone
        self._months: dict[str, Month] = {}
        self._chunks: dict[str, Chunk | None] = {}
        self._changed: set[str] = set()
        self._appended = 0

    def has_room_for(self, lists: Iterable[RowList]) -> bool:
        """Whether one transaction can still take a row that is in these lists, and should."""
        # Each may change a month, fill a chunk, and begin another; the head is one more.
        items = 1 + len(self._changed) + 3 * len(list(lists))
        return items <= _MOST_ITEMS and self._appended < _MOST_ROWS

    def append(self, lists: Iterable[RowList], sort_key: str) -> None:
        """Counts a row that comes after all others of its lists."""
        day = day_of(sort_key, self._zone)
        self._appended += 1
        for row_list in lists:
            counts = self._counts(row_list, day)
            last = len(counts) - 1
            if last == 0 and counts[0] < SEGMENT:
                counts[0] += 1
                continue
            chunk = self._chunk(row_list, day, counts, last)
            if chunk.counts[-1] < SEGMENT:
                chunk.counts[-1] += 1
                counts[last] += 1
            elif len(chunk.starts) < MARKS:
                chunk.starts.append(sort_key)
                chunk.counts.append(1)
                counts[last] += 1
            else:
                chunk.end = sort_key
                counts.append(1)
                self._set_chunk(row_list, day, last + 1, Chunk([sort_key], [1]))
            self._set_chunk(row_list, day, last, chunk)

    def correct(self, lists: Iterable[RowList], sort_key: str, number: int) -> None:
        """Counts a row more (1) or less (-1) at a place that is counted already."""
        day = day_of(sort_key, self._zone)
        for row_list in lists:
            counts = self._counts(row_list, day)
            position = self._chunk_with(row_list, day, counts, sort_key)
            chunk = self._chunk(row_list, day, counts, position)
            segment = chunk.segment_of(sort_key)
            chunk.counts[segment] += number
            counts[position] += number
            if has_chunks(counts):
                self._set_chunk(row_list, day, position, chunk)
            self.is_crowded |= chunk.counts[segment] >= CROWDED

    def writes(self, head: Head) -> "list[TransactWriteItemTypeDef]":
        """What a transaction has to write: all that changed, and ``head`` in the head's place."""
        puts: list[TransactWriteItemTypeDef] = [
            _put(self._table, found.to_item(self._workspace_id, sort_key, head))
            for known in (self._months, self._chunks)
            for sort_key, found in known.items()
            if sort_key in self._changed and found is not None
        ]
        return [guarded_head(self._table, self._workspace_id, self.head, head), *puts]

    def written(self, head: Head) -> None:
        """Takes note that all changes are written: what is known goes on being true."""
        self.head = head
        self._changed.clear()
        self._appended = 0
        if len(self._months) + len(self._chunks) > _KNOWN_AT_MOST:
            self._months.clear()
            self._chunks.clear()

    def fetch(self, rows: Iterable[tuple[date, Iterable[RowList]]]) -> None:
        """Reads, in few calls, what counting rows of these days and lists takes."""
        wanted = {(row_list, day) for day, lists in rows for row_list in lists}
        months = {month_key(row_list, day) for row_list, day in wanted} - self._months.keys()
        for item in self._read(sorted(months)):
            self._months[item["sort_key"]["S"]] = Month.from_item(item)
        for month in months:
            self._months.setdefault(month, Month())
        chunks = set()
        for row_list, day in wanted:
            counts = self._months[month_key(row_list, day)].counts(row_list.agent_type, day)
            if has_chunks(counts):
                chunks.add(chunk_key(row_list, day, len(counts) - 1))
        chunks -= self._chunks.keys()
        for item in self._read(sorted(chunks)):
            self._chunks[item["sort_key"]["S"]] = Chunk.from_item(item)
        for chunk in chunks:
            self._chunks.setdefault(chunk, None)

    def _counts(self, row_list: RowList, day: date) -> list[int]:
        """The rows of each chunk of a list's day, to be changed."""
        found = month_key(row_list, day)
        if found not in self._months:
            self.fetch([(day, [row_list])])
        self._changed.add(found)
        return self._months[found].counts(row_list.agent_type, day)

    def _chunk_with(self, row_list: RowList, day: date, counts: list[int], sort_key: str) -> int:
        """The number of the chunk in which a row belongs."""

        def start_of(number: int) -> str:
            return self._chunk(row_list, day, counts, number).starts[0]

        return bisect_right(range(1, len(counts)), sort_key, key=start_of)

    def _chunk(self, row_list: RowList, day: date, counts: list[int], number: int) -> Chunk:
        """One of a day's chunks, to be changed."""
        found = None
        if has_chunks(counts):
            sort_key = chunk_key(row_list, day, number)
            if sort_key not in self._chunks:
                [*items] = self._read([sort_key])
                self._chunks[sort_key] = Chunk.from_item(items[0]) if items else None
            found = self._chunks[sort_key]
        return found or Chunk([""], [counts[number]])

    def _set_chunk(self, row_list: RowList, day: date, number: int, chunk: Chunk) -> None:
        sort_key = chunk_key(row_list, day, number)
        self._chunks[sort_key] = chunk
        self._changed.add(sort_key)

    def _read(self, sort_keys: list[str]) -> Iterator[StoredItem]:
        """The items at these keys that are of this generation, as of now."""
        for begin in range(0, len(sort_keys), _MOST_ITEMS):
            some = sort_keys[begin : begin + _MOST_ITEMS]
            keys: Any = [item_key(self._workspace_id, sort_key) for sort_key in some]
            requests: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
            while requests:
                with aws_errors_as_unavailable():
                    answer = self._client.batch_get_item(RequestItems=requests)
                requests = answer.get("UnprocessedKeys")
                for item in answer["Responses"].get(self._table, ()):
                    if item["generation"]["N"] == str(self.head.generation):
                        yield item


def read_head(client: "DynamoDBClient", table: str, workspace_id: int) -> Head | None:
    """A workspace's head as of now; None when it is not counted.

    Raises:
        StoreUnavailable: the table can't be read in time.
    """
    with aws_errors_as_unavailable():
        item = client.get_item(
            TableName=table, Key=item_key(workspace_id, HEAD_KEY), ConsistentRead=True
        ).get("Item")
    return None if item is None else Head.from_item(item)


def guarded_head(
    table: str, workspace_id: int, old: Head | None, new: Head
) -> "TransactWriteItemTypeDef":
    """Puts a head in the place of ``old``, if that is still there."""
    return _put(table, new.to_item(workspace_id), **_as_it_was(workspace_id, old))


def unchanged_head(table: str, workspace_id: int, head: Head | None) -> "TransactWriteItemTypeDef":
    """Lets a transaction fail unless ``head`` is still there (None: unless there still is none)."""
    check = {
        "TableName": table,
        "Key": item_key(workspace_id, HEAD_KEY),
        **_as_it_was(workspace_id, head),
    }
    return {"ConditionCheck": check}  # type: ignore[typeddict-item]


def _as_it_was(workspace_id: int, head: Head | None) -> dict[str, Any]:
    """The condition that a workspace's head is still this one."""
    if head is None:
        return {"ConditionExpression": "attribute_not_exists(sort_key)"}
    names = ("generation", "counted_until", "revision", "held_until")
    was = head.to_item(workspace_id)
    return {
        "ConditionExpression": " AND ".join(f"{name} = :{name}" for name in names),
        "ExpressionAttributeValues": {f":{name}": was[name] for name in names},
    }


def replace_head(
    client: "DynamoDBClient", table: str, workspace_id: int, old: Head | None, new: Head
) -> bool:
    """Puts a head in the place of ``old``; False if that is not there any more.

    Raises:
        StoreUnavailable: the table can't be written in time.
    """
    return write_all_or_nothing(client, [guarded_head(table, workspace_id, old, new)])


def _put(table: str, item: dict[str, Any], **condition: Any) -> "TransactWriteItemTypeDef":
    return {"Put": {"TableName": table, "Item": item, **condition}}  # type: ignore[typeddict-item]
