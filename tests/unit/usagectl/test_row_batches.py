"""Batches of rows are put in one call; what does not succeed at once is left to the fallback."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Thread

import orjson
import pytest

from tests.support.prepared_service import PreparedService, Reply
from usagectl.row_batches import DirectBatches
from workspace_usage.aws.credentials import Credentials

ROWS = [orjson.dumps({"workspace_id": {"N": "11"}, "sort_key": {"S": key}}) for key in "abc"]
ALL_TAKEN: Reply = (200, b'{"UnprocessedItems": {}}')
THROTTLED: Reply = (400, b'{"__type": "x#ProvisionedThroughputExceededException"}')


@dataclass
class Fallback:
    """Notes what it has to put."""

    put_rows: list[list[bytes]] = field(default_factory=list)

    def put(self, table: str, rows: Sequence[bytes]) -> list[bytes]:
        """Takes all rows but the last."""
        assert table == "rows"
        self.put_rows.append(list(rows))
        return [*rows[-1:]]


@pytest.fixture
def service() -> Iterator[PreparedService]:
    """DynamoDB with prepared replies."""
    with PreparedService() as running:
        thread = Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def batches(url: str, fallback: Fallback) -> DirectBatches:
    """Returns batches that are put at a URL."""
    return DirectBatches(url, "us-east-1", lambda: Credentials("key", "secret", "token"), fallback)


def test_rows_are_put_in_one_signed_call(service: PreparedService) -> None:
    """As botocore would put them, and without it."""
    service.replies = [ALL_TAKEN]
    fallback = Fallback()
    assert batches(service.url, fallback).put("rows", ROWS) == []
    (call,) = service.calls
    assert call.target == "DynamoDB_20120810.BatchWriteItem"
    requests = [{"PutRequest": {"Item": orjson.loads(row)}} for row in ROWS]
    assert call.request == {"RequestItems": {"rows": requests}}
    assert call.authorization.startswith("AWS4-HMAC-SHA256 Credential=key/")
    assert not fallback.put_rows


def test_rows_that_the_table_did_not_take_are_returned(service: PreparedService) -> None:
    """They can be put again."""
    left = {"rows": [{"PutRequest": {"Item": orjson.loads(ROWS[1])}}]}
    service.replies = [(200, orjson.dumps({"UnprocessedItems": left})), ALL_TAKEN]
    writer = batches(service.url, Fallback())
    assert writer.put("rows", ROWS) == [ROWS[1]]
    assert writer.put("rows", [ROWS[1]]) == []


@pytest.mark.parametrize(
    "reply", [THROTTLED, (200, b"{}"), (200, b"no JSON"), (500, b""), (0, b"")]
)
def test_the_fallback_makes_a_call_that_does_not_succeed_at_once(
    service: PreparedService, reply: Reply
) -> None:
    """An error, a damaged response, a broken connection. What is left is what it leaves."""
    service.replies = [reply, ALL_TAKEN]
    fallback = Fallback()
    writer = batches(service.url, fallback)
    assert writer.put("rows", ROWS) == [ROWS[-1]]
    assert fallback.put_rows == [ROWS]
    assert writer.put("rows", ROWS) == []


def test_after_some_failures_the_fallback_makes_all_calls(service: PreparedService) -> None:
    """It knows more ways to AWS."""
    service.replies = [(500, b"")]
    fallback = Fallback()
    writer = batches(service.url, fallback)
    for _ in range(20):
        writer.put("rows", ROWS)
    assert len(fallback.put_rows) == 20
    assert len(service.calls) == 5
