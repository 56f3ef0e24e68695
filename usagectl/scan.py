"""A whole table, read with a filter."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from workspace_usage.aws.dynamodb import StoredItem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def scan(
    client: "DynamoDBClient",
    table: str,
    filter_expression: str,
    values: Mapping[str, Any],
    advance: Callable[[int], object],
    attributes: str = "",
) -> Iterator[StoredItem]:
    """Yields the items of a table that a filter lets through. All of the table is read.

    Args:
        client: a client.
        table: the table's name.
        filter_expression: DynamoDB's FilterExpression. ``#output`` stands for the attribute
            ``output``, whose name is a reserved word.
        values: the values that the expression names.
        advance: is told how many more items were read, those that the filter leaves out included.
        attributes: the attributes to yield, separated by commas; all if it isn't given.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the table can't be read.
    """
    request: Any = {
        "TableName": table,
        "FilterExpression": filter_expression,
        "ExpressionAttributeValues": values,
        "ConsistentRead": True,
    }
    if attributes:
        request["ProjectionExpression"] = attributes
    if "#output" in filter_expression + attributes:
        request["ExpressionAttributeNames"] = {"#output": "output"}
    for page in client.get_paginator("scan").paginate(**request):
        yield from page["Items"]
        advance(page["ScannedCount"])
