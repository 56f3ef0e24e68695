"""Plain responses are read as the standard library reads them; others are unsupported."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from itertools import pairwise
from threading import Event, Thread
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workspace_usage.aws import http1
from workspace_usage.aws.http1 import Response, UnsupportedResponse, read_response

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def connection_with(*pieces: bytes) -> Iterator[socket.socket]:
    """A connection on which these pieces arrive, and then its end."""
    here, there = socket.socketpair()

    def send() -> None:
        # The reader may close the connection before it has read everything.
        with there, suppress(BrokenPipeError, ConnectionResetError):
            for piece in filter(None, pieces):
                there.sendall(piece)

    sender = Thread(target=send)
    sender.start()
    with here:
        yield here
        # What was not read must not keep the sender waiting.
        here.shutdown(socket.SHUT_RDWR)
        sender.join()


def read(*pieces: bytes) -> Response:
    """Reads the response that arrives in these pieces."""
    with connection_with(*pieces) as connection:
        return read_response(connection, monotonic() + 60)


def read_with_standard_library(sent: bytes) -> Response:
    """Reads a response with http.client."""
    with connection_with(sent) as connection:
        response = HTTPResponse(connection, method="POST")
        response.begin()
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = response.read()
        response.close()
        return Response(response.status, headers, body)


names = st.from_regex(r"x-[a-zA-Z0-9_-]{1,20}", fullmatch=True)
values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


@settings(max_examples=50)
@given(
    status=st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    reason=st.sampled_from(["", " ", " OK", " Not So Good"]),
    headers=st.dictionaries(names, values, max_size=5),
    length=st.sampled_from(["Content-Length", "content-length", "CONTENT-LENGTH"]),
    space=st.sampled_from(["", " ", " \t "]),
    body=st.binary(max_size=300),
    cuts=st.lists(st.integers(0, 800), max_size=6),
)
def test_a_plain_response_is_read_as_the_standard_library_reads_it(
    status: int,
    reason: str,
    headers: dict[str, str],
    length: str,
    space: str,
    body: bytes,
    cuts: list[int],
) -> None:
    """Its status, its headers, its body, in any number of pieces."""
    lines = [f"{name}:{space}{value}{space}" for name, value in headers.items()]
    lines.append(f"{length}:{space}{len(body)}{space}")
    sent = "\r\n".join([f"HTTP/1.1 {status}{reason}", *lines, "", ""]).encode() + body
    places = [0, *sorted(cuts), len(sent)]
    pieces = [sent[a:b] for a, b in pairwise(places)]
    response, expected = read(*pieces), read_with_standard_library(sent)
    assert (response.status, response.body) == (expected.status, expected.body)
    # Of a header that is sent twice, the standard library keeps the first. Either will do.
    assert response.headers.keys() == expected.headers.keys()
    if len(expected.headers) == len(lines):
        stripped = {name: value.strip() for name, value in expected.headers.items()}
        assert response.headers == stripped


def test_a_large_body_is_read_whole() -> None:
    """It is larger than what is taken from a connection at once."""
    body = bytes(range(256)) * 4096
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert read(head, body).body == body


@pytest.mark.parametrize(
    ("header", "is_last"),
    [
        (b"", False),
        (b"Connection: keep-alive\r\n", False),
        (b"Connection: close\r\n", True),
        (b"connection: foo, Close\r\n", True),
    ],
)
def test_the_last_response_on_a_connection_says_so(header: bytes, is_last: bool) -> None:
    """The connection is not kept then."""
    assert read(PLAIN.replace(b"\r\n", b"\r\n" + header, 1)).is_last is is_last


def with_header(header: bytes) -> bytes:
    """A plain response with another header."""
    return PLAIN.replace(b"\r\n", b"\r\n" + header + b"\r\n", 1)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(PLAIN.replace(b"1.1", b"1.0"), id="an older HTTP"),
        pytest.param(PLAIN.replace(b"200", b"100"), id="an interim response"),
        pytest.param(PLAIN.replace(b"200", b"204"), id="a status without a body"),
        pytest.param(PLAIN.replace(b"200", b"304"), id="a status without a body"),
        pytest.param(PLAIN.replace(b"200 OK", b"2000"), id="not a status"),
        pytest.param(b"<html>\r\n\r\n", id="not HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{}", id="no length"),
        pytest.param(with_header(b"Content-Length: 2"), id="two lengths"),
        pytest.param(with_header(b"Content-Length: 3"), id="two lengths that differ"),
        pytest.param(PLAIN.replace(b": 2", b": +2"), id="a length with a sign"),
        pytest.param(PLAIN.replace(b": 2", b": 0x2"), id="a length in hex"),
        pytest.param(PLAIN.replace(b": 2", b": -2"), id="a negative length"),
        pytest.param(PLAIN.replace(b": 2", b": 9999999999"), id="a length of ten digits"),
        pytest.param(with_header(b"Transfer-Encoding: chunked"), id="chunks"),
        pytest.param(with_header(b"transfer-encoding: identity"), id="another transfer encoding"),
        pytest.param(with_header(b"Content-Encoding: gzip"), id="compressed"),
        pytest.param(with_header(b"X-Folded: one\r\n two"), id="a folded line"),
        pytest.param(with_header(b"X-Spaced : one"), id="space before the colon"),
        pytest.param(with_header(b"no colon"), id="not a header"),
        pytest.param(with_header(b": nameless"), id="no name"),
        pytest.param(with_header(b"X-Bare: one\nX-Other: two"), id="a line feed alone"),
        pytest.param(PLAIN + b"{", id="more than was announced"),
        pytest.param(PLAIN + PLAIN, id="a second response"),
    ],
)
def test_other_responses_are_unsupported(sent: bytes) -> None:
    """It is never guessed where a body ends."""
    with pytest.raises(UnsupportedResponse):
        read(sent)


@pytest.mark.parametrize("length", range(len(PLAIN)))
def test_a_response_that_ends_too_early_is_a_broken_connection(length: int) -> None:
    """Wherever it ends."""
    with pytest.raises(ConnectionError):
        read(PLAIN[:length])


def test_a_head_that_is_too_long_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can't fill the memory."""
    monkeypatch.setattr(http1, "MAX_HEAD_BYTES", 100)
    with pytest.raises(UnsupportedResponse, match="without an end"):
        read(b"HTTP/1.1 200 OK\r\n" + b"x" * 100)


def test_a_silent_connection_is_given_up_at_the_deadline() -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(PLAIN[:-1])
        with pytest.raises(TimeoutError):
            read_response(here, monotonic() + 0.01)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX: ", PLAIN.replace(b": 2", b": 9999")])
def test_a_response_that_drips_is_given_up_at_the_deadline(start: bytes) -> None:
    """Each byte arrives in time, but the whole response never would."""
    here, there = socket.socketpair()
    is_given_up = Event()

    def drip() -> None:
        with there, suppress(BrokenPipeError, ConnectionResetError):
            there.sendall(start)
            while not is_given_up.wait(0.01):
                there.sendall(b" ")

    sender = Thread(target=drip)
    sender.start()
    with here:
        with pytest.raises((TimeoutError, BlockingIOError)):
            read_response(here, monotonic() + 0.1)
        is_given_up.set()
        sender.join()


def test_a_response_that_arrived_in_time_may_be_read_later() -> None:
    """Responses to other requests were read first."""
    with connection_with(PLAIN) as connection:
        connection.recv(1, socket.MSG_PEEK)
        assert read_response(connection, monotonic() - 1).body == b"{}"
