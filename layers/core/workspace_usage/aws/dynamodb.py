"""DynamoDB's own form: attributes in DynamoDB JSON, keys, and the pages of a long response."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from workspace_usage.aws.errors import aws_errors_as_unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type StoredItem = Mapping[str, Mapping[str, Any]]
"""An item that was read, in DynamoDB JSON: attribute name → ``{"S": …}`` or ``{"N": …}``."""

type Attributes = dict[str, dict[str, Any]]
"""Attributes to send, in DynamoDB JSON: an item to put, a key, or the values of an expression."""


def item_key(workspace_id: int, sort_key: str) -> Attributes:
    """Returns the key of an item in a table that is keyed by workspace and sort key."""
    return {"workspace_id": {"N": str(workspace_id)}, "sort_key": {"S": sort_key}}


def query_between(table: str, workspace_id: int, low: str, high: str) -> dict[str, Any]:
    """Returns the Query for a workspace's items between two sort keys, both included."""
    return {
        "TableName": table,
        "KeyConditionExpression": "workspace_id = :id AND sort_key BETWEEN :low AND :high",
        "ExpressionAttributeValues": {
            ":id": {"N": str(workspace_id)},
            ":low": {"S": low},
            ":high": {"S": high},
        },
    }


def next_request[Request: Mapping[str, Any]](
    request: Request, page: Mapping[str, Any]
) -> Request | None:
    """Returns the request for the page after ``page``, or None if ``page`` is the last one.

    Args:
        request: the Query or Scan that ``page`` is the response to.
        page: the response. Even a response without items need not be the last one.
    """
    last_key = page.get("LastEvaluatedKey")
    if not last_key:
        return None
    return cast(Request, {**request, "ExclusiveStartKey": last_key})


def read_pages[Request: Mapping[str, Any], Page: Mapping[str, Any]](
    read_page: Callable[[Request], Page], request: Request
) -> Iterator[Page]:
    """Yields the pages of the response to a Query or Scan; each is read when it is asked for.

    Args:
        read_page: makes one call, such as ``Reader.query`` with one request.
        request: what is asked for.

    Raises:
        StoreUnavailable: a page can't be read in time.
    """
    following: Request | None = request
    while following is not None:
        with aws_errors_as_unavailable():
            page = read_page(following)
        yield page
        following = next_request(following, page)


def read_items(client: "DynamoDBClient", query: Mapping[str, Any]) -> Iterator[StoredItem]:
    """Yields the items that a Query finds, with strongly consistent reads of all pages.

    Raises:
        StoreUnavailable: a page can't be read in time.
    """
    request: Any = {**query, "ConsistentRead": True}
    for page in read_pages(lambda following: client.query(**following), request):
        yield from page["Items"]


def read_together(
    read: Callable[[list[Any]], Sequence[Mapping[str, Any]]],
    requests: Sequence[Mapping[str, Any]],
) -> list[list[StoredItem]]:
    """Returns the items of each of some Queries, with all of their pages.

    Args:
        read: makes calls that are in flight together, such as ``Reader.query``.
        requests: the Queries.

    Raises:
        StoreUnavailable: a page can't be read in time.
    """
    found: list[list[StoredItem]] = [[] for _ in requests]
    following = dict(enumerate(requests))
    while following:
        with aws_errors_as_unavailable():
            pages = read([*following.values()])
        for (number, request), page in zip([*following.items()], pages, strict=True):
            found[number] += page["Items"]
            onwards = next_request(request, page)
            if onwards is None:
                del following[number]
            else:
                following[number] = onwards
    return found
