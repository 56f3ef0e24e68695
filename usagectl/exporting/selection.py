"""What is exported of a workspace: the rows of some days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.rows.row import ARCHIVED_FLAG, Row, Source, from_stored_item
from workspace_usage.rows.store import IN_ORDER_OF_PRECEDENCE, StoredRow, merge
from workspace_usage.rows.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Selection:
    """One workspace's rows of whole days in UTC.

    Attributes:
        workspace_id: the workspace.
        start_date: the first day, or None if all days from the beginning are selected.
        end_date: the last day, or None if all days up to the end are selected.
    """

    workspace_id: int
    start_date: date | None = None
    end_date: date | None = None

    @property
    def bounds(self) -> tuple[str, str]:
        """The least and the greatest sort key, as DynamoDB's ``BETWEEN`` takes them."""
        # A date alone sorts before every sort key of its day. "U" sorts after the "T" in sort keys,
        # and ":" after every digit.
        low = self.start_date.isoformat() if self.start_date else "0"
        high = f"{self.end_date.isoformat()}U" if self.end_date else ":"
        return low, high


def read_rows(
    client: "DynamoDBClient", tables: Tables, source: Source, selection: Selection
) -> Iterator[Row]:
    """Yields the selected rows of one source, oldest first.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the table can't be read.
    """
    for item in _read_items(client, tables, source, selection, newest_first=False):
        # A row with the flag is in the table of archived rows, too.
        if ARCHIVED_FLAG not in item:
            yield from_stored_item(source, item)


def read_listed_rows(
    client: "DynamoDBClient", tables: Tables, selection: Selection
) -> Iterator[Row]:
    """Yields the selected rows of all sources as the listing has them: merged, newest first.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: a table can't be read.
    """

    def stream(source: Source) -> Iterator[StoredRow]:
        for item in _read_items(client, tables, source, selection, newest_first=True):
            yield item["sort_key"]["S"], source, item

    for _, source, item in merge(map(stream, IN_ORDER_OF_PRECEDENCE)):
        yield from_stored_item(source, item)


def _read_items(
    client: "DynamoDBClient",
    tables: Tables,
    source: Source,
    selection: Selection,
    *,
    newest_first: bool,
) -> Iterator[StoredItem]:
    low, high = selection.bounds
    pages = client.get_paginator("query").paginate(
        TableName=tables.by_source[source],
        KeyConditionExpression="workspace_id = :workspace AND sort_key BETWEEN :low AND :high",
        ExpressionAttributeValues={
            ":workspace": {"N": str(selection.workspace_id)},
            ":low": {"S": low},
            ":high": {"S": high},
        },
        ScanIndexForward=not newest_first,
        ConsistentRead=True,
    )
    for page in pages:
        yield from page["Items"]
