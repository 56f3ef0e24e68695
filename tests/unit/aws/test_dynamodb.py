"""All pages of a response are read, one after the other, and no more than are asked for."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import pytest
from botocore.exceptions import ClientError

from workspace_usage.aws.dynamodb import item_key, next_request, read_pages
from workspace_usage.errors import StoreUnavailable

REQUEST = {"TableName": "rows", "Limit": 1}
PAGES: list[dict[str, Any]] = [
    {"Items": [1], "LastEvaluatedKey": {"id": {"N": "1"}}},
    {"Items": [], "LastEvaluatedKey": {"id": {"N": "2"}}},
    {"Items": [3]},
]


class Table:
    """A table whose Query has these pages."""

    def __init__(self) -> None:
        self.requests: list[Mapping[str, Any]] = []

    def read_page(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the next page."""
        self.requests.append(request)
        return PAGES[len(self.requests) - 1]


def test_each_page_is_asked_for_from_the_end_of_the_one_before() -> None:
    """A page without items is not the last one."""
    table = Table()
    assert list(read_pages(table.read_page, REQUEST)) == PAGES
    assert table.requests == [
        REQUEST,
        {**REQUEST, "ExclusiveStartKey": {"id": {"N": "1"}}},
        {**REQUEST, "ExclusiveStartKey": {"id": {"N": "2"}}},
    ]


def test_a_page_is_read_when_it_is_asked_for() -> None:
    table = Table()
    assert list(islice(read_pages(table.read_page, REQUEST), 1)) == PAGES[:1]
    assert len(table.requests) == 1


def test_after_the_last_page_there_is_no_request() -> None:
    assert next_request(REQUEST, {"Items": []}) is None
    assert next_request(REQUEST, {"Items": [], "LastEvaluatedKey": {}}) is None


def test_a_page_that_can_not_be_read_makes_the_store_unavailable() -> None:
    def fail(_: object) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Query")

    with pytest.raises(StoreUnavailable, match="Query failed: ThrottlingException"):
        next(read_pages(fail, REQUEST))


def test_the_key_of_an_item() -> None:
    assert item_key(11, "a#b") == {"workspace_id": {"N": "11"}, "sort_key": {"S": "a#b"}}
