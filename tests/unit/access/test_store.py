"""A token is found by its hash on whichever page of the index it is."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast

from workspace_usage.access.items import token_item
from workspace_usage.access.store import AccessStore
from workspace_usage.access.tokens import AccessToken, BearerToken

TOKEN = AccessToken(
    token_id=7,
    tokenable_type="App\\Models\\User",
    tokenable_id=42,
    token_hash=sha256(b"secret").hexdigest(),
    abilities=frozenset({"use_agents"}),
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
    expires_at=None,
)
KEY = {"token_id": {"N": "7"}, "token_hash": {"S": TOKEN.token_hash}}


class PagedReader:
    """DynamoDB with one token, whose index has ``empty_pages`` pages without items first."""

    def __init__(self, empty_pages: int, last_page: dict[str, Any]) -> None:
        self.pages = [{"Items": [], "LastEvaluatedKey": {"page": n}} for n in range(empty_pages)]
        self.pages.append(last_page)
        self.start_keys: list[object] = []

    def query(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Returns the next page of the index."""
        (request,) = requests
        self.start_keys.append(request.get("ExclusiveStartKey"))
        return [self.pages[len(self.start_keys) - 1]]

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Returns the token."""
        assert request["Key"] == {"token_id": {"N": "7"}}
        return {"Item": token_item(TOKEN)}


def find(reader: PagedReader) -> AccessToken | None:
    store = AccessStore(cast(Any, reader), "access_tokens", "memberships")
    return store.find_token(BearerToken.from_header("Bearer secret"))


def test_an_empty_page_of_the_index_is_not_its_end() -> None:
    reader = PagedReader(2, {"Items": [KEY], "LastEvaluatedKey": KEY})
    assert find(reader) == TOKEN
    assert reader.start_keys == [None, {"page": 0}, {"page": 1}]


def test_the_last_page_of_the_index_is_its_end() -> None:
    reader = PagedReader(1, {"Items": []})
    assert find(reader) is None
    assert reader.start_keys == [None, {"page": 0}]
