"""DynamoDB's own form: attributes in DynamoDB JSON, keys, and the pages of a long response."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from workspace_usage.aws.errors import aws_errors_as_unavailable

type StoredItem = Mapping[str, Mapping[str, Any]]
"""An item that was read, in DynamoDB JSON: attribute name → ``{"S": …}`` or ``{"N": …}``."""

type Attributes = dict[str, dict[str, Any]]
"""Attributes to send, in DynamoDB JSON: an item to put, a key, or the values of an expression."""


def item_key(workspace_id: int, sort_key: str) -> Attributes:
    """Returns the key of an item in a table that is keyed by workspace and sort key."""
    return {"workspace_id": {"N": str(workspace_id)}, "sort_key": {"S": sort_key}}


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
