"""Reads return what botocore returns: at once if all is well, otherwise through botocore."""

import json
import os
import select
import ssl
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Thread
from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.support.aws_clients import forget_clients
from tests.support.strategies import stored_rows
from workspace_usage.aws import clients
from workspace_usage.aws.connections import tls_context
from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.environment import AwsEnvironment
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.reader import DYNAMODB, SSM, Reader
from workspace_usage.aws.reader import Service as AwsService
from workspace_usage.aws.validation import Decode
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.row import Row, to_stored_item
from workspace_usage.values import parse_json

type Reply = tuple[int, bytes]
"""A status and a body."""

EMPTY: dict[str, Any] = {"Items": [], "Count": 0}
GOOD: Reply = (200, json.dumps(EMPTY).encode())
PARAMETER: Reply = (200, b'{"Parameter": {"Value": "v"}}')


class Service(ThreadingHTTPServer):
    """A service with one prepared reply for each call; the last one stays.

    A reply of status 0 closes the connection without a response.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[Reply] = []
        self.checksum = ""
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.agents: list[str] = []
        self.authorizations: list[str] = []
        self.client_ports: list[int] = []
        self.barrier: Barrier | None = None
        self.closes = self.announces_close = False
        self.is_chunked = False

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers one call after the other on each connection."""

    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        """Sends the next reply."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.headers["X-Amz-Target"], json.loads(body)))
        self.server.agents.append(self.headers.get("User-Agent", ""))
        self.server.authorizations.append(self.headers["Authorization"])
        self.server.client_ports.append(self.client_address[1])
        if self.server.barrier is not None:
            self.server.barrier.wait()
        replies = self.server.replies
        status, content = replies.pop(0) if len(replies) > 1 else replies[0]
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("x-amz-crc32", self.server.checksum or str(zlib.crc32(content)))
        if self.server.announces_close:
            self.send_header("Connection", "close")
        if self.server.is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
            content = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        # If it was not announced, the client has to notice.
        self.close_connection = self.server.closes

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    """The running service."""
    with Service() as service:
        Thread(target=service.serve_forever, args=(0.05,), daemon=True).start()
        yield service
        service.shutdown()


@pytest.fixture(autouse=True)
def service(running: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service, which has had no request yet, in the environment of a function."""
    running.replies, running.checksum = [GOOD], ""
    running.requests, running.agents = [], []
    running.authorizations, running.client_ports = [], []
    running.barrier = None
    running.closes = running.announces_close = running.is_chunked = False
    for name in ("DYNAMODB", "SSM"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", running.url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("time.sleep", lambda _: None)
    forget_clients()
    yield running
    forget_clients()


def reader_for(
    service: AwsService,
    decode: Decode = parse_json,
    on_fallback: Callable[[str], object] = lambda _: None,
) -> Reader:
    """A reader in this environment."""
    return Reader.for_service(
        service, AwsEnvironment.from_variables(os.environ), decode, on_fallback
    )


def is_botocore(agent: str) -> bool:
    """Whether a call was made by botocore."""
    return agent.startswith("Botocore")


@given(rows=st.lists(stored_rows(), max_size=5), more=st.booleans())
@pytest.mark.parametrize("decode", [json.loads, orjson.loads])
def test_rows_are_those_that_botocore_returns(
    running: Service, decode: Any, rows: list[Row], more: bool
) -> None:
    """Every value of every row, the count, and the key to continue from."""
    items = [to_stored_item(row) for row in rows]
    body: dict[str, Any] = {**EMPTY, "Count": len(items), "Items": items}
    if more and items:
        names = ("workspace_id", "sort_key")
        body["LastEvaluatedKey"] = {name: items[-1][name] for name in names}
    running.replies = [(200, json.dumps(body).encode())]
    theirs = clients.retry_call("dynamodb", "Query", {"TableName": "rows"})
    del theirs["ResponseMetadata"]
    assert reader_for(DYNAMODB, decode).query([{"TableName": "rows"}]) == [theirs] == [body]


def test_each_operation_is_called_by_its_name(service: Service) -> None:
    """With its service's prefix; GetItem also asks for what tells its result from damage."""
    service.replies = [GOOD, (200, b'{"ConsumedCapacity": {}}'), PARAMETER]
    reader = reader_for(DYNAMODB)
    reader.query([{"TableName": "a", "Limit": 1}])
    reader.get_item(TableName="b", Key={"id": {"N": "1"}})
    reader_for(SSM).get_parameter(Name="c")
    counted = {"ReturnConsumedCapacity": "TOTAL"}
    assert service.requests == [
        ("DynamoDB_20120810.Query", {"TableName": "a", "Limit": 1}),
        ("DynamoDB_20120810.GetItem", {"TableName": "b", "Key": {"id": {"N": "1"}}} | counted),
        ("AmazonSSM.GetParameter", {"Name": "c"}),
    ]
    assert not any(map(is_botocore, service.agents))


ERROR = b'{"__type": "com.amazonaws.dynamodb.v20120810#%s", "message": "no"}'
THROTTLED = (400, ERROR % b"ProvisionedThroughputExceededException")


@pytest.mark.parametrize(
    "reply", [THROTTLED, (500, b""), (503, b"<html>"), (0, b""), (200, b"<html>"), (200, b"[]")]
)
def test_a_call_that_fails_once_is_made_again_by_botocore(service: Service, reply: Reply) -> None:
    """After an error, a connection that breaks, or nonsense, the result comes all the same."""
    service.replies = [reply, GOOD]
    fallbacks: list[str] = []
    reader = reader_for(DYNAMODB, on_fallback=fallbacks.append)
    assert reader.query([{"TableName": "rows"}])[0]["Items"] == []
    assert [is_botocore(agent) for agent in service.agents] == [False, True]
    assert reader.query([{"TableName": "rows"}])[0]["Items"] == []
    assert fallbacks == ["Query"], "only the first call"


def test_a_call_that_fails_twice_is_tried_a_third_time(service: Service) -> None:
    """And no more often."""
    service.replies = [THROTTLED, (500, b""), GOOD]
    assert reader_for(DYNAMODB).query([{"TableName": "rows"}])[0]["Items"] == []
    service.replies, service.requests = [(500, b"")], []
    with pytest.raises(StoreUnavailable), aws_errors_as_unavailable():
        reader_for(DYNAMODB).query([{"TableName": "rows"}])
    assert len(service.requests) == 3


@pytest.mark.parametrize("name", ["ResourceNotFoundException", "ValidationException"])
def test_errors_are_those_of_botocore(service: Service, name: str) -> None:
    """With their codes."""
    service.replies = [(400, ERROR % name.encode())]
    with pytest.raises(ClientError) as raised:
        reader_for(DYNAMODB).query([{"TableName": "rows"}])
    assert raised.value.response["Error"]["Code"] == name


@pytest.mark.parametrize("reply", [(200, b"{}"), (200, b'{"Items": null, "Count": 0}')])
def test_a_result_without_its_members_is_a_failed_attempt(service: Service, reply: Reply) -> None:
    """After three attempts the store is unavailable, and the log says why."""
    service.replies = [reply]
    with (
        pytest.raises(StoreUnavailable, match="the response to Query has no"),
        aws_errors_as_unavailable(),
    ):
        reader_for(DYNAMODB).query([{"TableName": "rows"}])
    assert [is_botocore(agent) for agent in service.agents] == [False, True, True]


def test_if_nothing_listens_the_store_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    with (
        pytest.raises(StoreUnavailable, match="EndpointConnectionError"),
        aws_errors_as_unavailable(),
    ):
        reader_for(DYNAMODB).query([{"TableName": "rows"}])


@pytest.mark.parametrize("name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_where_calls_go_another_way_botocore_makes_all_of_them(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """That is no failure, and isn't reported as one."""
    monkeypatch.setenv(name, "true")
    service.replies = [GOOD]
    with pytest.MonkeyPatch.context() as patch:
        operations: list[str] = []
        patch.setattr(
            "workspace_usage.aws.clients.retry_call",
            lambda _, operation, __: operations.append(operation),
        )
        reader = reader_for(DYNAMODB, on_fallback=lambda _: pytest.fail("nothing failed"))
        reader.query([{"TableName": "rows"}])
    assert (operations, service.requests) == (["Query"], [])


def test_credentials_are_looked_up_at_every_call(service: Service) -> None:
    """They age, and are renewed."""
    given = iter([Credentials("first", "s"), Credentials("second", "s", "token")])
    reader = Reader(
        DYNAMODB, service.url, "us-east-1", lambda *_: pytest.fail("all was well"), given.__next__
    )
    reader.query([{"TableName": "rows"}])
    reader.query([{"TableName": "rows"}])
    access_keys = [
        authorization.partition("Credential=")[2].partition("/")[0]
        for authorization in service.authorizations
    ]
    assert access_keys == ["first", "second"]


def test_calls_are_in_flight_at_the_same_time(service: Service) -> None:
    """The service waits for all three calls before it answers the first."""
    service.barrier = Barrier(3, timeout=10)
    service.replies = [GOOD]
    reader = reader_for(DYNAMODB)
    for _ in range(2):
        results = reader.query({"TableName": name} for name in "abc")
        assert len(results) == 3
    assert len(set(service.client_ports)) == 3, "connections are kept"
    assert not any(map(is_botocore, service.agents))


def test_a_connection_that_was_closed_meanwhile_is_replaced(service: Service) -> None:
    """As after a function was frozen: the call is made on a new one, without botocore."""
    reader = reader_for(DYNAMODB)
    service.replies = [GOOD]
    service.closes = True
    for _ in range(3):
        assert reader.query([{"TableName": "rows"}]) == [EMPTY]
        wait_until_readable(reader)
    assert len(set(service.client_ports)) == 3
    assert not any(map(is_botocore, service.agents))


def wait_until_readable(reader: Reader) -> None:
    """Waits until the end of the kept connections has arrived."""
    for connection in reader._pool._idle:
        assert select.select([connection], [], [], 10)[0]


def test_a_connection_whose_close_is_announced_is_not_kept(service: Service) -> None:
    """The next call opens another."""
    reader = reader_for(DYNAMODB)
    service.closes = service.announces_close = True
    for _ in range(2):
        assert reader.query([{"TableName": "rows"}]) == [EMPTY]
        assert reader._pool._idle == []
    assert len(set(service.client_ports)) == 2
    assert not any(map(is_botocore, service.agents))


def test_an_unsupported_response_is_left_to_botocore(service: Service) -> None:
    """It handles all of HTTP. The connection is closed."""
    reader = reader_for(DYNAMODB)
    service.replies, service.is_chunked = [GOOD], True
    assert reader.query([{"TableName": "rows"}])[0]["Items"] == []
    assert [is_botocore(agent) for agent in service.agents] == [False, True]
    assert reader._pool._idle == []


def test_a_request_on_a_connection_that_has_ended_is_sent_again(service: Service) -> None:
    """It was sent, and no response came: it is sent on a new connection, before the fallback."""
    reader = reader_for(DYNAMODB)
    service.replies = [GOOD, (0, b""), GOOD]
    for _ in range(2):
        assert reader.query([{"TableName": "rows"}]) == [EMPTY]
    assert len(service.requests) == 3
    assert not any(map(is_botocore, service.agents))


def test_certificates_are_checked() -> None:
    """Against the authorities that botocore trusts."""
    context = tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] > 100


def test_a_server_without_a_valid_certificate_gets_no_request(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", service.url.replace("http:", "https:"))
    with pytest.raises(StoreUnavailable, match="SSLError"), aws_errors_as_unavailable():
        reader_for(DYNAMODB).query([{"TableName": "rows"}])
    assert service.requests == []
