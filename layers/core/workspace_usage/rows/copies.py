"""Rows as the tables hold them, oldest first: what is counted, and what an operator reads."""

import heapq
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from workspace_usage.aws.dynamodb import StoredItem, query_between, read_items
from workspace_usage.rows.row import Row, Source, from_stored_item
from workspace_usage.rows.store import IN_ORDER_OF_PRECEDENCE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type RowCopies = list[Row]
"""A row as the tables hold it: one copy, or an execution's two while it is being archived."""


def read_copies(
    client: "DynamoDBClient",
    tables: Mapping[Source, str],
    workspace_id: int,
    low: str,
    high: str,
    limit: int | None = None,
) -> Iterator[tuple[str, RowCopies]]:
    """Yields the sort keys from ``low`` to below ``high``, oldest first, and their rows' copies.

    The copy that the listing shows comes first. All reads are strongly consistent.

    Args:
        client: reads the tables.
        tables: their names.
        workspace_id: the rows' workspace.
        low, high: the range of sort keys.
        limit: how many rows one Query reads, or None for as many as DynamoDB returns at once.

    Raises:
        StoreUnavailable: a table can't be read in time.
    """
    if low >= high:
        return

    options = {} if limit is None else {"Limit": limit}

    def read(source: Source) -> Iterator[tuple[str, Source, StoredItem]]:
        request = query_between(tables[source], workspace_id, low, high) | options
        for item in read_items(client, request):
            yield item["sort_key"]["S"], source, item

    # merge() keeps the order of the streams among equal keys.
    merged = heapq.merge(*map(read, IN_ORDER_OF_PRECEDENCE), key=itemgetter(0))
    for sort_key, copies in groupby(merged, itemgetter(0)):
        if sort_key < high:
            yield sort_key, [from_stored_item(source, item) for _, source, item in copies]
