"""The server answers HTTP, refuses everything else, and frees connections and port."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPResponse
from threading import Event, active_count
from threading import enumerate as threads
from typing import Any

import pytest

from local.errors import StartError
from local.exchange import Request, Response
from local.gateway.responses import Failure
from local.server import MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_TARGET_BYTES, Server
from tests.support.local_functions import DEADLINE, wait_until

HOST = b"Host: here\r\n"
LAST = HOST + b"Connection: close\r\n"


@dataclass
class Served:
    """A running server that returns its requests, and keeps them."""

    server: Server
    requests: list[Request] = field(default_factory=list)
    refused: list[tuple[Request, Failure]] = field(default_factory=list)
    response: Response | None = None

    def respond(self, request: Request) -> Response:
        """Returns ``response``, or the request."""
        self.requests.append(request)
        if self.response is not None:
            return self.response
        body = json.dumps([request.method, request.path, request.query, request.body])
        return Response(200, (("Content-Type", "text/plain"),), body.encode())

    def refuse(self, request: Request, failure: Failure) -> Response:
        """Returns the reason."""
        self.refused.append((request, failure))
        return Response(failure.status, (("Content-Type", "text/plain"),), failure.type.encode())

    def connect(self) -> socket.socket:
        """A connection of a new client."""
        return connect(self.server)

    def ask(self, sent: bytes) -> bytes:
        """All bytes that a client gets for these bytes, until the server closes the connection."""
        with self.connect() as client:
            client.sendall(sent)
            return read_all(client)


def connect(server: Server) -> socket.socket:
    """A connection of a new client."""
    return socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=DEADLINE)


def read_all(client: socket.socket) -> bytes:
    """All bytes until the other side closes the connection."""
    return b"".join(iter(lambda: client.recv(65_536), b""))


def answer(client: socket.socket, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next response."""
    with closing(HTTPResponse(client, method=method)) as response:
        response.begin()
        return response.status, dict(response.getheaders()), response.read()


def split(answered: bytes) -> tuple[bytes, bytes]:
    """The status line and the body of a response."""
    head, _, body = answered.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], body


@pytest.fixture
def served(capfd: pytest.CaptureFixture[str]) -> Iterator[Served]:
    """A running server. At the end no thread is left, and nothing was logged."""
    server = Server(0)
    before = active_count()
    served = Served(server)
    server.start(served.respond, served.refuse)
    yield served
    server.close_connections()
    server.close()
    wait_until(lambda: active_count() <= before)
    assert capfd.readouterr().err == "", threads()


# --- Requests -------------------------------------------------------------------------------------


def test_a_request_arrives_unchanged(served: Served) -> None:
    """Only header values are decoded, as UTF-8. Names keep case and order."""
    sent = (
        b"POST /a%20b//c?x=%31&x=2?&y HTTP/1.1\r\nhost: here\r\nX-One: \xc3\xa9 \r\nx-one:\xff\r\n"
        b"Connection: close\r\nContent-Length: 3\r\n\r\n\xc3\xa9\xff"
    )
    assert split(served.ask(sent))[0] == b"HTTP/1.1 200 OK"
    assert served.requests == [
        Request(
            method="POST",
            path="/a%20b//c",
            query="x=%31&x=2?&y",
            headers=(
                ("host", "here"),
                ("X-One", "é"),
                ("x-one", "\N{REPLACEMENT CHARACTER}"),
                ("Connection", "close"),
                ("Content-Length", "3"),
            ),
            content="é".encode() + b"\xff",
            source_ip="127.0.0.1",
        )
    ]


@pytest.mark.parametrize(
    ("sent", "method", "path"),
    [
        (b"GET /a HTTP/1.0\r\n\r\n", "GET", "/a"),
        (b"OPTIONS * HTTP/1.1\r\n" + LAST + b"\r\n", "OPTIONS", "*"),
        (b"any /a HTTP/1.1\r\n" + LAST + b"\r\n", "any", "/a"),
        (b"GET /a HTTP/1.1\n" + LAST.replace(b"\r", b"") + b"\n", "GET", "/a"),
    ],
)
def test_unusual_requests_are_answered_too(
    served: Served, sent: bytes, method: str, path: str
) -> None:
    """The gateway decides about them."""
    status, body = split(served.ask(sent))
    assert status == b"HTTP/1.1 200 OK"
    assert json.loads(body) == [method, path, "", None]


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c"])
def test_an_upgrade_to_another_protocol_is_ignored(served: Served, upgrade: bytes) -> None:
    """The connection goes on."""
    with served.connect() as client:
        for _ in range(2):
            client.sendall(
                b"GET / HTTP/1.1\r\n"
                + HOST
                + b"Connection: upgrade\r\nUpgrade: "
                + upgrade
                + b"\r\n\r\n"
            )
            assert answer(client)[0] == 200


def test_a_tunnel_is_refused_like_any_other_method(served: Served) -> None:
    """The gateway has no CONNECT."""
    served.response = Response(404, (), b"none")
    with served.connect() as client:
        client.sendall(b"CONNECT there:443 HTTP/1.1\r\n" + HOST + b"\r\n")
        assert answer(client)[0::2] == (404, b"none")


def test_a_body_may_come_in_chunks_and_in_small_pieces(served: Served) -> None:
    """Its parts are joined."""
    sent = (
        b"POST / HTTP/1.1\r\n" + LAST + b"Transfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;extension\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    )
    with served.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(sent)):
            client.sendall(sent[place : place + 1])
        assert json.loads(split(read_all(client))[1]) == ["POST", "/", "", "abcde"]


def test_a_connection_serves_one_request_after_the_other(served: Served) -> None:
    """Each with its own body, until the client closes it."""
    with served.connect() as client:
        for number in range(3):
            body = b"x" * number
            head = b"POST /%d HTTP/1.1\r\n" % number + HOST
            client.sendall(head + b"Content-Length: %d\r\n\r\n" % number + body)
            status, headers, found = answer(client)
            assert status == 200
            assert json.loads(found) == ["POST", f"/{number}", "", body.decode() or None]
            assert "Connection" not in headers
        client.sendall(b"GET / HTTP/1.1\r\n" + LAST + b"\r\n")
        assert answer(client)[1]["Connection"] == "close"
        assert client.recv(1) == b""


def test_pipelined_requests_are_answered_in_their_order(served: Served) -> None:
    """None is lost, even if several are read at once."""
    sent = b"".join(b"GET /%d HTTP/1.1\r\n" % number + HOST + b"\r\n" for number in range(5))
    answered = served.ask(sent + b"GET /5 HTTP/1.1\r\n" + LAST + b"\r\n")
    assert answered.count(b"HTTP/1.1 200 OK\r\n") == 6
    assert [request.path for request in served.requests] == [f"/{number}" for number in range(6)]


def test_an_http_1_0_connection_is_closed_after_its_response(served: Served) -> None:
    """It is how HTTP/1.0 marks the end of a response."""
    answered = served.ask(b"GET / HTTP/1.0\r\n\r\nGET /second HTTP/1.0\r\n\r\n")
    assert answered.count(b"HTTP/1.1 200 OK") == 1
    assert len(served.requests) == 1


# --- Answers --------------------------------------------------------------------------------------


def test_head_has_the_headers_and_no_body(served: Served) -> None:
    """The next request on the connection works."""
    with served.connect() as client:
        client.sendall(b"HEAD /a HTTP/1.1\r\n" + HOST + b"\r\n")
        client.sendall(b"GET /b HTTP/1.1\r\n" + LAST + b"\r\n")
        first, _, rest = read_all(client).partition(b"\r\n\r\n")
    length = len(json.dumps(["HEAD", "/a", "", None]))
    assert f"\r\nContent-Length: {length}".encode() in first
    assert split(rest) == (b"HTTP/1.1 200 OK", b'["GET", "/b", "", null]')


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(served: Served, status: int) -> None:
    """Even if the function returned one."""
    served.response = Response(status, (), b"body")
    with served.connect() as client:
        for _ in range(2):
            client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            found, headers, body = answer(client)
            assert (found, body) == (status, b"")
            assert "Content-Length" not in headers


def test_the_server_sets_the_headers_of_the_connection(served: Served) -> None:
    """A function can't set a wrong length or coding."""
    served.response = Response(
        299,
        (
            ("content-length", "1"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "close"),
            ("Keep-Alive", "no"),
            ("Date", "never"),
            ("X-Own", "\xe9"),
        ),
        b"body",
    )
    with served.connect() as client:
        for _ in range(2):
            client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            status, headers, body = answer(client)
            assert (status, body) == (299, b"body")
            date = headers.pop("Date")
            assert date.endswith(" GMT")
            assert headers == {"X-Own": "\xe9", "Content-Length": "4"}


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / http/1.1\r\n" + HOST + b"\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"A : b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"A\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"A: \0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_bytes_that_are_not_http_are_400_and_end_the_connection(
    served: Served, sent: bytes
) -> None:
    """The API words the refusal, and handles no request."""
    assert split(served.ask(sent)) == (b"HTTP/1.1 400 Bad Request", b"DEFAULT_4XX")
    assert served.requests == []


def test_only_the_bad_request_is_refused(served: Served) -> None:
    """Earlier requests on the connection were answered."""
    answered = served.ask(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\nnonsense\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"HTTP/1.1 400 Bad Request\r\n" in answered


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"x" * MAX_TARGET_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"x" * MAX_HEADER_BYTES + b"\r\n\r\n", 431),
        (
            b"PUT / HTTP/1.1\r\n"
            + HOST
            + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1)
            + b"x" * (MAX_BODY_BYTES + 1),
            413,
        ),
        (b"nonsense\r\n\r\n", 400),
    ],
    ids=["target", "headers", "body", "nonsense"],
)
def test_a_client_is_told_that_a_refusal_ends_the_connection(
    served: Served, sent: bytes, status: int
) -> None:
    """So it doesn't use the connection for its next request, which would fail."""
    with served.connect() as client:
        client.sendall(sent)
        found, headers, _ = answer(client)
    assert (found, headers["Connection"]) == (status, "close")


def headers(size: int) -> bytes:
    """Headers whose names and values have ``size`` bytes together."""
    known = len(b"HosthereConnectioncloseA")
    return LAST + b"A: " + b"x" * (size - known) + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + headers(MAX_HEADER_BYTES), 200),
        (b"GET / HTTP/1.1\r\n" + headers(MAX_HEADER_BYTES + 1), 431),
        (b"GET / HTTP/1.1\r\n" + headers(1_000_000), 431),
        (b"GET /" + b"x" * (MAX_TARGET_BYTES - 1) + b" HTTP/1.1\r\n" + LAST + b"\r\n", 200),
        (b"GET /" + b"x" * MAX_TARGET_BYTES + b" HTTP/1.1\r\n" + LAST + b"\r\n", 414),
        (b"GET /?" + b"x" * MAX_TARGET_BYTES + b" HTTP/1.1\r\n" + LAST + b"\r\n", 414),
    ],
)
def test_headers_and_targets_have_a_size_limit(served: Served, sent: bytes, status: int) -> None:
    """One byte more is refused, and the client can read the response."""
    line, body = split(served.ask(sent))
    assert line.startswith(b"HTTP/1.1 %d " % status)
    assert len(served.requests) == (status == 200)
    assert (body == b"DEFAULT_4XX") is (status != 200)


def test_a_refused_head_request_gets_no_body(served: Served) -> None:
    """Like any HEAD request."""
    answer = served.ask(b"HEAD /" + b"x" * MAX_TARGET_BYTES + b" HTTP/1.1\r\n" + LAST + b"\r\n")
    line, body = split(answer)
    assert (line.startswith(b"HTTP/1.1 414 "), body) == (True, b"")


def test_headers_without_an_end_are_refused_before_they_end(served: Served) -> None:
    """The server doesn't wait for their end."""
    sent = b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"x" * 30_000
    assert split(served.ask(sent))[0].startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("more", [0, 1, 9_000_000])
def test_a_body_has_a_size_limit(served: Served, chunked: bool, more: int) -> None:
    """One byte more is 413, which the client can read even while it still sends."""
    size = MAX_BODY_BYTES + more
    served.response = Response(200, (), b"fits")
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size) if chunked else b"x" * size
    line, found = split(served.ask(b"POST / HTTP/1.1\r\n" + LAST + length + b"\r\n\r\n" + body))
    if more:
        assert (line[:13], found) == (b"HTTP/1.1 413 ", b"REQUEST_TOO_LARGE")
        assert served.requests == []
    else:
        assert (line, found) == (b"HTTP/1.1 200 OK", b"fits")
        assert served.requests[0].body == "x" * size


# --- Clients that wait, and clients that go -------------------------------------------------------


def test_a_client_that_expects_100_continue_gets_it(served: Served) -> None:
    """Then its body is read. Other clients don't get it."""
    head = b"POST / HTTP/1.1\r\n" + LAST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    with served.connect() as client:
        client.sendall(head)
        interim = b""
        while not interim.endswith(b"\r\n\r\n"):
            interim += client.recv(1)
        assert interim.startswith(b"HTTP/1.1 100 ")
        client.sendall(b"body")
        assert json.loads(split(read_all(client))[1]) == ["POST", "/", "", "body"]
    plain = head.replace(b"Expect: 100-continue\r\n", b"")
    assert served.ask(plain + b"body").startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHo",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        b"GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    ],
)
@pytest.mark.parametrize("rudely", [False, True])
def test_a_client_that_disconnects_does_no_harm(served: Served, sent: bytes, rudely: bool) -> None:
    """At any moment, in any way: others are served, and its thread ends."""
    client = served.connect()
    client.sendall(sent)
    if rudely:
        # No time to linger: the other side gets a reset.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert served.ask(b"GET /next HTTP/1.1\r\n" + LAST + b"\r\n").startswith(b"HTTP/1.1 200 OK")
    wait_until(lambda: not served.server._connections)


def test_a_client_that_disconnects_before_its_response_does_no_harm(served: Served) -> None:
    """The response is dropped."""
    asked, gone = Event(), Event()

    def respond(request: Request) -> Response:
        if request.path == "/slow":
            asked.set()
            assert gone.wait(DEADLINE)
        return Response(200, (), b"x" * 5_000_000)

    served.server.respond = respond
    client = served.connect()
    client.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
    assert asked.wait(DEADLINE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    gone.set()
    assert len(split(served.ask(b"GET / HTTP/1.1\r\n" + LAST + b"\r\n"))[1]) == 5_000_000
    wait_until(lambda: not served.server._connections)


def test_clients_are_served_at_the_same_time(served: Served) -> None:
    """A slow one doesn't delay the others."""
    with served.connect() as idle, served.connect() as slow:
        slow.sendall(b"GET /slow HT")
        assert served.ask(b"GET / HTTP/1.1\r\n" + LAST + b"\r\n").startswith(b"HTTP/1.1 200 OK")
        slow.sendall(b"TP/1.1\r\n" + LAST + b"\r\n")
        assert read_all(slow).startswith(b"HTTP/1.1 200 OK")
        idle.sendall(b"GET / HTTP/1.1\r\n" + LAST + b"\r\n")
        assert read_all(idle).startswith(b"HTTP/1.1 200 OK")


# --- Ports ----------------------------------------------------------------------------------------


def test_a_port_in_use_is_refused_with_its_number() -> None:
    """Also if the other process only listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=f"^port {port} of 127.0.0.1 can't be used: "):
            Server(port)


def test_before_it_is_ready_a_server_refuses_connections() -> None:
    """A client that comes too early is refused at once. The port is taken all the same."""
    with closing(Server(0)) as server:
        port = server.server_address[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        with pytest.raises(StartError, match=f"^port {port} of 127.0.0.1 can't be used: "):
            Server(port)
        served = Served(server)
        server.start(served.respond, served.refuse)
        socket.create_connection(("127.0.0.1", port)).close()
        server.close_connections()


@pytest.mark.parametrize("port", [-1, 65_536, 10**10])
def test_an_impossible_port_is_refused_with_its_number(port: int) -> None:
    """Before anything is started."""
    with pytest.raises(StartError, match=f"^port {port} of 127.0.0.1 can't be used: "):
        Server(port)


def test_closing_frees_the_port() -> None:
    """Another server can use it at once, even if a client was connected."""
    port, clients = 0, []
    for _ in range(3):
        server = Server(port)
        port = server.server_address[1]
        served = Served(server)
        server.start(served.respond, served.refuse)
        client = served.connect()
        clients.append(client)
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert answer(client)[0] == 200
        server.close_connections()
        server.close()
        assert client.recv(1) == b""
    for client in clients:
        client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)


def test_a_server_without_a_request_can_be_closed() -> None:
    """And its port is free."""
    server = Server(0)
    port = server.server_address[1]
    assert server.url == f"http://127.0.0.1:{port}"
    server.close()
    Server(port).close()


def test_closing_waits_for_requests_in_flight() -> None:
    """No thread is left that could use parts of the stack that are stopped next."""
    asked, go_on, done = Event(), Event(), Event()

    def respond(_: Request) -> Response:
        asked.set()
        assert go_on.wait(DEADLINE)
        done.set()
        return Response(200, (), b"")

    def refuse(request: Request, failure: Failure) -> Any:
        raise AssertionError(request, failure)

    server = Server(0)
    server.start(respond, refuse)
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert asked.wait(DEADLINE)
        server.close_connections()
        assert client.recv(1) == b""
        assert not done.is_set()
        go_on.set()
        server.close()
        assert done.is_set()
