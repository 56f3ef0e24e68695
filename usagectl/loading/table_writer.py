"""Items written into a table: in parallel, in order for each key, and with patience."""

import random
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from usagectl.errors import LoadError
from workspace_usage.aws.dynamodb import WritableItem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH: Final = 25
"""Items in one call: the most that BatchWriteItem takes."""

WRITERS: Final = 8
"""Calls under way at the same time."""

PATIENCE: Final = 12
"""How often what a table did not take is offered again, ever more slowly, before it fails."""

type Write = Callable[[list[WritableItem]], int]
"""Writes items; returns how many it left alone."""


class Lanes:
    """Writes items in parallel, but those with the same key in their order, so the last one stays.

    Each lane has one call under way at a time.
    """

    def __init__(self, executor: Executor, write: Write) -> None:
        self._lanes = [_Lane(executor, write) for _ in range(WRITERS)]

    def put(self, item: WritableItem) -> None:
        """Takes an item, to be written soon."""
        key = _key(item)
        self._lanes[crc32(key.encode()) % WRITERS].put(key, item)

    def finish(self) -> int:
        """Waits until everything is written; returns how many items were left alone since then."""
        for lane in self._lanes:
            lane.send()
        for lane in self._lanes:
            lane.wait()
        return sum(lane.take_kept() for lane in self._lanes)


class _Lane:
    def __init__(self, executor: Executor, write: Write) -> None:
        self._executor = executor
        self._write = write
        self._batch: dict[str, WritableItem] = {}
        self._under_way: Future[int] | None = None
        self._kept = 0

    def put(self, key: str, item: WritableItem) -> None:
        """Takes an item; of two with one key, the later stays."""
        self._batch[key] = item
        if len(self._batch) == BATCH:
            self.send()

    def send(self) -> None:
        self.wait()
        if self._batch:
            items, self._batch = list(self._batch.values()), {}
            self._under_way = self._executor.submit(self._write, items)

    def wait(self) -> None:
        if self._under_way is not None:
            done, self._under_way = self._under_way, None
            self._kept += done.result()

    def take_kept(self) -> int:
        kept, self._kept = self._kept, 0
        return kept


def _key(item: WritableItem) -> str:
    """What tells an item from the others of its table."""
    return "/".join(item[name]["N" if "N" in item[name] else "S"] for name in _key_names(item))


def _key_names(item: WritableItem) -> tuple[str, ...]:
    if "token_id" in item:
        return ("token_id",)
    return ("workspace_id", "sort_key" if "sort_key" in item else "user_id")


def put_batch(client: "DynamoDBClient", table: str, items: list[WritableItem]) -> int:
    """Puts items, offering again, ever more slowly, what the table doesn't take.

    Raises:
        LoadError: it goes on not taking it.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the table doesn't
            answer.
    """
    requests: Any = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for attempt in range(PATIENCE):
        requests = client.batch_write_item(RequestItems=requests).get("UnprocessedItems")
        if not requests:
            return 0
        # Full jitter: writers that were refused together must not come back together.
        time.sleep(random.uniform(0, min(20, 0.05 * 2**attempt)))  # noqa: S311
    raise LoadError(
        f"The table {table} takes no more items; try again later, nothing is lost or doubled."
    )


def put_unless_newer(client: "DynamoDBClient", table: str, items: list[WritableItem]) -> int:
    """Puts items one by one, but none in the place of what an event or a command has written.

    Everything that is not from an import has a version, what was revoked or removed too. Returns
    how many were left alone.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the table doesn't
            answer.
    """
    kept = 0
    for item in items:
        try:
            client.put_item(
                TableName=table, Item=item, ConditionExpression="attribute_not_exists(version)"
            )
        except client.exceptions.ConditionalCheckFailedException:
            kept += 1
    return kept
