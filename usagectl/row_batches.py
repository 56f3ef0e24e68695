"""Batches of rows: BatchWriteItem with rows that are encoded already.

botocore takes most of an import's CPU time: it walks over each item, checks it, and encodes it. So
the first attempt is made here, as ``workspace_usage.aws.reader`` makes it for reads. If it fails,
botocore makes the call. A batch may therefore be written twice, which changes nothing.

Responses to a first attempt don't set the clock (``usagectl.service_clock``). Those to marks do,
and while late rows are written, marks are put every half a minute.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import local
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import orjson
from botocore.credentials import ReadOnlyCredentials
from botocore.utils import get_environ_proxies

from workspace_usage.aws.connections import ConnectionPool
from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.reader import DYNAMODB
from workspace_usage.aws.sigv4 import Signer, signed_headers
from workspace_usage.aws.validation import DamagedResponse, validate_response

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_dynamodb import DynamoDBClient

_RESPONSE_SECONDS: Final = 8
"""How long the first attempt's response may take.

With the limits of ``usagectl.resources.ONE_ATTEMPT``, both attempts and the check of marks before
them take less than a minute (``usagectl.late_writes``).
"""

_MAX_FAILURES: Final = 5
"""After this many failures in a row, botocore makes all calls: it knows more ways to AWS."""

_OPERATION: Final = "BatchWriteItem"
_BEFORE_FIRST: Final = b'[{"PutRequest":{"Item":'
_BETWEEN: Final = b'}},{"PutRequest":{"Item":'
_AFTER_LAST: Final = b"}}]"


class RowBatches(Protocol):
    """Puts rows into tables; several threads may use it at once."""

    def put(self, table: str, rows: Sequence[bytes]) -> list[bytes]:
        """Puts rows, at most 25 with different keys. Returns those that the table did not take.

        Args:
            table: the table's name.
            rows: the rows in DynamoDB JSON.

        Raises:
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the call failed.
        """


class BotocoreBatches:
    """Puts rows with a client of botocore."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client

    def put(self, table: str, rows: Sequence[bytes]) -> list[bytes]:
        """Puts rows, as ``RowBatches`` says."""
        requests: Any = [{"PutRequest": {"Item": orjson.loads(row)}} for row in rows]
        response = self._client.batch_write_item(RequestItems={table: requests})
        return _unprocessed(response, table)


class DirectBatches:
    """Puts rows without botocore; other batches are the fallback.

    Args:
        endpoint: DynamoDB's URL.
        region: its region.
        credentials: returns the credentials of the moment.
        fallback: makes the calls that fail here.
    """

    def __init__(
        self,
        endpoint: str,
        region: str,
        credentials: Callable[[], Credentials],
        fallback: RowBatches,
    ) -> None:
        self._endpoint = urlsplit(endpoint)
        self._region = region
        self._credentials = credentials
        self._fallback = fallback
        self._failures = 0
        self._thread = local()

    def put(self, table: str, rows: Sequence[bytes]) -> list[bytes]:
        """Puts rows, as ``RowBatches`` says."""
        if self._failures < _MAX_FAILURES:
            response = self._call(table, rows)
            if response is not None:
                self._failures = 0
                return _unprocessed(response, table)
            self._failures += 1
        return self._fallback.put(table, rows)

    def _call(self, table: str, rows: Sequence[bytes]) -> Any:
        """Returns the result of the first attempt, or None unless all went well."""
        pool = self._pool()
        body = b'{"RequestItems":{%b:%b%b%b}}' % (
            orjson.dumps(table),
            _BEFORE_FIRST,
            _BETWEEN.join(rows),
            _AFTER_LAST,
        )
        signer = Signer(self._credentials(), self._region, DYNAMODB.name, datetime.now(UTC))
        headers = {
            "Content-Type": DYNAMODB.content_type,
            "Host": pool.host,
            "X-Amz-Target": f"{DYNAMODB.target_prefix}.{_OPERATION}",
        }
        in_flight = pool.post(signed_headers(signer, headers, body), body)
        response = None if in_flight is None else in_flight.wait()
        if response is None or response.status != 200:
            return None
        try:
            return validate_response(
                DYNAMODB.name, _OPERATION, lambda: orjson.loads(body), response, orjson.loads
            )
        except DamagedResponse:
            return None

    def _pool(self) -> ConnectionPool:
        """Returns this thread's connection."""
        if not hasattr(self._thread, "pool"):
            self._thread.pool = ConnectionPool(self._endpoint, _RESPONSE_SECONDS)
        pool: ConnectionPool = self._thread.pool
        return pool


def row_batches(session: "boto3.Session", client: "DynamoDBClient") -> RowBatches:
    """Returns what puts rows where ``client`` puts them.

    Args:
        session: has the client's credentials.
        client: the fallback.
    """
    fallback = BotocoreBatches(client)
    found = session.get_credentials()
    if found is None or get_environ_proxies(client.meta.endpoint_url):
        return fallback
    return DirectBatches(
        client.meta.endpoint_url,
        client.meta.region_name,
        lambda: _credentials(found.get_frozen_credentials()),
        fallback,
    )


def _credentials(frozen: ReadOnlyCredentials) -> Credentials:
    return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)


def _unprocessed(response: Any, table: str) -> list[bytes]:
    left = response.get("UnprocessedItems", {}).get(table, [])
    return [orjson.dumps(request["PutRequest"]["Item"]) for request in left]
