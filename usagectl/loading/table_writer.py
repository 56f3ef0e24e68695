"""Writes items into a table: in parallel, and in order for each key.

If a table is too busy to take an item, the item is offered again, more and more slowly.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import TYPE_CHECKING, Final
from zlib import crc32

from usagectl.data_set.encoded_items import EncodedItem
from usagectl.errors import LoadError
from usagectl.late_writes import LateWrites, RowKey
from usagectl.parallel import CALLS_IN_FLIGHT
from usagectl.row_batches import RowBatches

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_BATCH_ITEMS: Final = 25
"""The most items that BatchWriteItem takes in one call."""

type Write = Callable[[list[EncodedItem]], int]
"""Writes items. Returns for how many of them a newer item was kept instead."""


class Lanes:
    """Writes items in parallel, but items with the same key in their order: the last one stays.

    A lane has one call in flight at a time, and items with the same key go to the same lane.
    """

    def __init__(self, executor: Executor, write: Write) -> None:
        self._lanes = [_Lane(executor, write) for _ in range(CALLS_IN_FLIGHT)]

    def put(self, item: EncodedItem) -> None:
        """Takes an item. It is written later, at the latest when ``finish`` is called."""
        self._lanes[crc32(item.key.encode()) % CALLS_IN_FLIGHT].put(item)

    def finish(self) -> int:
        """Waits for all writes. Returns for how many items a newer one was kept instead."""
        for lane in self._lanes:
            lane.send()
        for lane in self._lanes:
            lane.wait()
        return sum(lane.take_kept() for lane in self._lanes)


class _Lane:
    """Items that are written one call after the other."""

    def __init__(self, executor: Executor, write: Write) -> None:
        self._executor = executor
        self._write = write
        self._batch: dict[str, EncodedItem] = {}
        self._in_flight: Future[int] | None = None
        self._kept = 0

    def put(self, item: EncodedItem) -> None:
        """Takes an item. Of two with the same key in one call, the later one stays."""
        self._batch[item.key] = item
        if len(self._batch) == MAX_BATCH_ITEMS:
            self.send()

    def send(self) -> None:
        self.wait()
        if self._batch:
            items, self._batch = list(self._batch.values()), {}
            self._in_flight = self._executor.submit(self._write, items)

    def wait(self) -> None:
        if self._in_flight is not None:
            done, self._in_flight = self._in_flight, None
            self._kept += done.result()

    def take_kept(self) -> int:
        kept, self._kept = self._kept, 0
        return kept


def put_rows(
    late_writes: LateWrites, batches: RowBatches, table: str, rows: list[EncodedItem]
) -> int:
    """Puts rows. Those that the table doesn't take are offered again, more and more slowly.

    Raises:
        LoadError: the table still doesn't take them.
        StoreUnavailable, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the
            table doesn't answer, or its counts can't be marked.
    """
    rest = [row.content for row in rows]

    def put_rest() -> int | None:
        nonlocal rest
        rest = batches.put(table, rest)
        return None if rest else 0

    kept = late_writes.write([RowKey.parse(row.key) for row in rows], put_rest)
    if kept is None:
        raise LoadError(
            f"The table {table} takes no more items; try again later, nothing is lost or doubled."
        )
    return kept


def put_rows_unless_newer(late_writes: LateWrites, table: str, rows: list[EncodedItem]) -> int:
    """Puts rows one by one, but not over rows that an event has written.

    Returns how many rows were not put for that reason.

    Raises:
        StoreUnavailable, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the
            table doesn't answer, or its counts can't be marked.
    """
    return sum(
        not late_writes.write(
            [RowKey.parse(row.key)], partial(_put_unless_newer, late_writes.client, table, row)
        )
        for row in rows
    )


def put_unless_newer(client: "DynamoDBClient", table: str, items: list[EncodedItem]) -> int:
    """Puts items one by one, but not over items that an event or a command has written.

    Such items, tombstones included, have a version; imported items have none. Returns how many
    items were not put for that reason.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the table doesn't
            answer.
    """
    return sum(not _put_unless_newer(client, table, item) for item in items)


def _put_unless_newer(client: "DynamoDBClient", table: str, item: EncodedItem) -> bool:
    """Puts an item; returns False if a newer one is kept instead."""
    try:
        client.put_item(
            TableName=table,
            Item=item.decode(),
            ConditionExpression="attribute_not_exists(version)",
        )
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True
