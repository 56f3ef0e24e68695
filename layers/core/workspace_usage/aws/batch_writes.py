"""Batches of writes: many items put or deleted, a few calls, no order and no condition."""

from collections.abc import Iterable
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from workspace_usage.aws.backoff import wait_before_retry
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MAX_WRITES: Final = 25
"""Writes of one BatchWriteItem: DynamoDB's limit."""

_BATCH_WRITE_ATTEMPTS: Final = 6
"""How often a batch is sent, each time with what DynamoDB has left unprocessed.

The pauses between the attempts add up to about 3 seconds at most.
"""

_BACKOFF_SECONDS: Final = 0.05
"""The second attempt waits at most twice this long; the limit doubles with every attempt."""


def write_batches(client: "DynamoDBClient", table: str, writes: Iterable[Any]) -> None:
    """Makes all writes: ``{"PutRequest": …}`` or ``{"DeleteRequest": …}``, each of another item.

    Raises:
        StoreUnavailable: the table can't be written in time; some of the writes may be made.
    """
    for batch in batched(writes, _MAX_WRITES, strict=False):
        _write_batch(client, {table: batch})


def _write_batch(client: "DynamoDBClient", writes: Any) -> None:
    for attempt in range(_BATCH_WRITE_ATTEMPTS):
        if attempt > 0:
            wait_before_retry(attempt, _BACKOFF_SECONDS)
        with aws_errors_as_unavailable():
            writes = client.batch_write_item(RequestItems=writes)["UnprocessedItems"]
        if not writes:
            return
    raise StoreUnavailable("BatchWriteItem leaves items unprocessed")
