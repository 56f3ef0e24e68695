"""Reads give what botocore gives: at once when all is well, and through botocore when it isn't."""

import json
import select
import ssl
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Thread
from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import stored_rows
from workspace_usage.aws import clients
from workspace_usage.aws.connections import tls_context
from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.aws.reader import DYNAMODB, SSM, Reader
from workspace_usage.aws.session import botocore_session
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.row import Row, to_stored_item

type Said = tuple[int, bytes]
"""A status and a body."""

EMPTY: dict[str, Any] = {"Items": [], "Count": 0}
GOOD: Said = (200, json.dumps(EMPTY).encode())
PARAMETER: Said = (200, b'{"Parameter": {"Value": "v"}}')


class Service(ThreadingHTTPServer):
    """A service that says what it is told to, call by call, and the last for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.says: list[Said] = []
        self.checksum = ""
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.agents: list[str] = []
        self.keys: list[str] = []
        self.clients: list[int] = []
        self.together: Barrier | None = None
        self.closes = self.says_so = False
        self.chunks = False

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Hears one call after the other on each connection."""

    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        """Says what is next."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.headers["X-Amz-Target"], json.loads(body)))
        self.server.agents.append(self.headers.get("User-Agent", ""))
        self.server.keys.append(self.headers["Authorization"])
        self.server.clients.append(self.client_address[1])
        if self.server.together is not None:
            self.server.together.wait()
        says = self.server.says
        status, said = says.pop(0) if len(says) > 1 else says[0]
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("x-amz-crc32", self.server.checksum or str(zlib.crc32(said)))
        if self.server.says_so:
            self.send_header("Connection", "close")
        if self.server.chunks:
            self.send_header("Transfer-Encoding", "chunked")
            said = b"%x\r\n%s\r\n0\r\n\r\n" % (len(said), said)
        else:
            self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
        # If without a word about it, the client has to notice.
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
    """The service, which has heard nothing yet, in the environment of a function."""
    running.says, running.checksum = [GOOD], ""
    running.heard, running.agents, running.keys, running.clients = [], [], [], []
    running.together, running.closes, running.says_so, running.chunks = None, False, False, False
    for name in ("DYNAMODB", "SSM"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", running.url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("time.sleep", lambda _: None)
    forget()
    yield running
    forget()


def forget() -> None:
    """Botocore's clients, which know the environment that they were made in."""
    for client in (botocore_session, clients._client):
        client.cache_clear()


def is_botocore(agent: str) -> bool:
    """Whether a call came from botocore."""
    return agent.startswith("Botocore")


@given(rows=st.lists(stored_rows(), max_size=5), more=st.booleans())
@pytest.mark.parametrize("decode", [json.loads, orjson.loads])
def test_rows_are_those_that_botocore_gives(
    running: Service, decode: Any, rows: list[Row], more: bool
) -> None:
    """Every value of every row, counts, and where to go on."""
    items = [to_stored_item(row) for row in rows]
    body: dict[str, Any] = {**EMPTY, "Count": len(items), "Items": items}
    if more and items:
        names = ("workspace_id", "sort_key")
        body["LastEvaluatedKey"] = {name: items[-1][name] for name in names}
    running.says = [(200, json.dumps(body).encode())]
    theirs = clients.retry_call("dynamodb", "Query", {"TableName": "rows"})
    del theirs["ResponseMetadata"]
    assert Reader.for_service(DYNAMODB, decode).query([{"TableName": "rows"}]) == [theirs] == [body]


def test_each_operation_is_called_by_its_name(service: Service) -> None:
    """With its service's prefix; GetItem's also asks for what tells its answer from damage."""
    service.says = [GOOD, (200, b'{"ConsumedCapacity": {}}'), PARAMETER]
    reader = Reader.for_service(DYNAMODB)
    reader.query([{"TableName": "a", "Limit": 1}])
    reader.get_item(TableName="b", Key={"id": {"N": "1"}})
    Reader.for_service(SSM).get_parameter(Name="c")
    counted = {"ReturnConsumedCapacity": "TOTAL"}
    assert service.heard == [
        ("DynamoDB_20120810.Query", {"TableName": "a", "Limit": 1}),
        ("DynamoDB_20120810.GetItem", {"TableName": "b", "Key": {"id": {"N": "1"}}} | counted),
        ("AmazonSSM.GetParameter", {"Name": "c"}),
    ]
    assert not any(map(is_botocore, service.agents))


ERROR = b'{"__type": "com.amazonaws.dynamodb.v20120810#%s", "message": "no"}'
THROTTLED = (400, ERROR % b"ProvisionedThroughputExceededException")


@pytest.mark.parametrize(
    "said", [THROTTLED, (500, b""), (503, b"<html>"), (0, b""), (200, b"<html>"), (200, b"[]")]
)
def test_what_goes_wrong_once_is_botocores_to_do_again(service: Service, said: Said) -> None:
    """An error, a connection that breaks, nonsense: the answer comes all the same."""
    service.says = [said, GOOD]
    repeated: list[str] = []
    reader = Reader.for_service(DYNAMODB, on_fallback=repeated.append)
    assert reader.query([{"TableName": "rows"}])[0]["Items"] == []
    assert [is_botocore(agent) for agent in service.agents] == [False, True]
    assert reader.query([{"TableName": "rows"}])[0]["Items"] == []
    assert repeated == ["Query"], "only the one"


def test_what_goes_wrong_twice_is_tried_a_third_time(service: Service) -> None:
    """And no more often."""
    service.says = [THROTTLED, (500, b""), GOOD]
    assert Reader.for_service(DYNAMODB).query([{"TableName": "rows"}])[0]["Items"] == []
    service.says, service.heard = [(500, b"")], []
    with pytest.raises(StoreUnavailable), aws_errors_as_unavailable():
        Reader.for_service(DYNAMODB).query([{"TableName": "rows"}])
    assert len(service.heard) == 3


@pytest.mark.parametrize("name", ["ResourceNotFoundException", "ValidationException"])
def test_errors_are_those_of_botocore(service: Service, name: str) -> None:
    """With their codes."""
    service.says = [(400, ERROR % name.encode())]
    with pytest.raises(ClientError) as raised:
        Reader.for_service(DYNAMODB).query([{"TableName": "rows"}])
    assert raised.value.response["Error"]["Code"] == name


@pytest.mark.parametrize("said", [(200, b"{}"), (200, b'{"Items": null, "Count": 0}')])
def test_an_answer_without_what_it_must_have_is_asked_for_again(
    service: Service, said: Said
) -> None:
    """Three times in all; then the store is unavailable, and the log says why."""
    service.says = [said]
    with (
        pytest.raises(StoreUnavailable, match="the response to Query has no"),
        aws_errors_as_unavailable(),
    ):
        Reader.for_service(DYNAMODB).query([{"TableName": "rows"}])
    assert [is_botocore(agent) for agent in service.agents] == [False, True, True]


def test_a_service_that_is_not_there_is_the_stores_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody listens."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    with (
        pytest.raises(StoreUnavailable, match="EndpointConnectionError"),
        aws_errors_as_unavailable(),
    ):
        Reader.for_service(DYNAMODB).query([{"TableName": "rows"}])


@pytest.mark.parametrize("name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_where_calls_go_elsewhere_botocore_makes_them_all(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It knows what these settings mean."""
    monkeypatch.setenv(name, "true")
    service.says = [GOOD]
    with pytest.MonkeyPatch.context() as patch:
        asked: list[str] = []
        patch.setattr(
            "workspace_usage.aws.clients.retry_call",
            lambda _, operation, __: asked.append(operation),
        )
        reader = Reader.for_service(
            DYNAMODB, on_fallback=lambda _: pytest.fail("nothing is repeated")
        )
        reader.query([{"TableName": "rows"}])
    assert (asked, service.heard) == (["Query"], [])


def test_credentials_are_asked_for_with_every_call(service: Service) -> None:
    """They age, and are renewed."""
    given = iter([Credentials("first", "s"), Credentials("second", "s", "token")])
    reader = Reader(
        DYNAMODB, service.url, "us-east-1", lambda *_: pytest.fail("all was well"), given.__next__
    )
    reader.query([{"TableName": "rows"}])
    reader.query([{"TableName": "rows"}])
    assert [key.partition("Credential=")[2].partition("/")[0] for key in service.keys] == [
        "first",
        "second",
    ]


def test_calls_are_under_way_together(service: Service) -> None:
    """Each answer waits until all calls are there: one after the other, they would never come."""
    service.together = Barrier(3, timeout=10)
    service.says = [GOOD]
    reader = Reader.for_service(DYNAMODB)
    for _ in range(2):
        answers = reader.query({"TableName": name} for name in "abc")
        assert len(answers) == 3
    assert len(set(service.clients)) == 3, "connections are kept"
    assert not any(map(is_botocore, service.agents))


def test_a_connection_that_was_closed_meanwhile_is_not_used(service: Service) -> None:
    """As when a function was asleep: the call is made on a new one, without botocore."""
    reader = Reader.for_service(DYNAMODB)
    service.says = [GOOD]
    service.closes = True
    for _ in range(3):
        assert reader.query([{"TableName": "rows"}]) == [EMPTY]
        eventually_readable(reader)
    assert len(set(service.clients)) == 3
    assert not any(map(is_botocore, service.agents))


def eventually_readable(reader: Reader) -> None:
    """Waits until the end of the kept connections has arrived."""
    for connection in reader._pool._idle:
        assert select.select([connection], [], [], 10)[0]


def test_a_connection_whose_end_is_announced_is_not_kept(service: Service) -> None:
    """The next call begins with another."""
    reader = Reader.for_service(DYNAMODB)
    service.closes = service.says_so = True
    for _ in range(2):
        assert reader.query([{"TableName": "rows"}]) == [EMPTY]
        assert reader._pool._idle == []
    assert len(set(service.clients)) == 2
    assert not any(map(is_botocore, service.agents))


def test_an_answer_that_is_not_plain_is_botocores_to_read(service: Service) -> None:
    """It knows all of HTTP; the connection is given up."""
    reader = Reader.for_service(DYNAMODB)
    service.says, service.chunks = [GOOD], True
    assert reader.query([{"TableName": "rows"}])[0]["Items"] == []
    assert [is_botocore(agent) for agent in service.agents] == [False, True]
    assert reader._pool._idle == []


def test_a_connection_that_ends_unnoticed_is_replaced(service: Service) -> None:
    """The request went out, and no answer came: it goes out once more, before botocore is asked."""
    reader = Reader.for_service(DYNAMODB)
    service.says = [GOOD, (0, b""), GOOD]
    for _ in range(2):
        assert reader.query([{"TableName": "rows"}]) == [EMPTY]
    assert len(service.heard) == 3
    assert not any(map(is_botocore, service.agents))


def test_addresses_are_those_of_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names no other."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "")
    for region, host in (
        ("sa-east-1", "dynamodb.sa-east-1.amazonaws.com"),
        ("cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn"),
    ):
        monkeypatch.setenv("AWS_REGION", region)
        connections = Reader.for_service(DYNAMODB)._pool
        assert (connections._url.scheme, connections.host) == ("https", host)


def test_certificates_are_checked() -> None:
    """Against the authorities that botocore trusts."""
    context = tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] > 100


def test_a_server_that_shows_no_good_certificate_is_told_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the request: the connection comes to nothing."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", service.url.replace("http:", "https:"))
    with pytest.raises(StoreUnavailable, match="SSLError"), aws_errors_as_unavailable():
        Reader.for_service(DYNAMODB).query([{"TableName": "rows"}])
    assert service.heard == []
