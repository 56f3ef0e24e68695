"""Answers are read as the standard library reads them; what isn't plain is refused."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from itertools import pairwise
from threading import Event, Thread
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_usage.aws import http1
from workspace_usage.aws.http1 import Response, UnsupportedResponse, read_response

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def connection_that_says(*pieces: bytes) -> Iterator[socket.socket]:
    """A connection on which these pieces come, and then its end."""
    here, there = socket.socketpair()

    def say() -> None:
        # Who has heard enough hangs up.
        with there, suppress(BrokenPipeError, ConnectionResetError):
            for piece in filter(None, pieces):
                there.sendall(piece)

    saying = Thread(target=say)
    saying.start()
    with here:
        yield here
        # Whatever was not read must not keep the other end from its end.
        here.shutdown(socket.SHUT_RDWR)
        saying.join()


def read(*pieces: bytes) -> Response:
    """What is read of these pieces."""
    with connection_that_says(*pieces) as connection:
        return read_response(connection, monotonic() + 60)


def as_the_standard_library_has_it(said: bytes) -> Response:
    """The answer that http.client reads."""
    with connection_that_says(said) as connection:
        response = HTTPResponse(connection, method="POST")
        response.begin()
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Response(response.status, headers, response.read())
        response.close()
        return answer


names = st.from_regex(r"x-[a-zA-Z0-9_-]{1,20}", fullmatch=True)
values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


@given(
    status=st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    reason=st.sampled_from(["", " ", " OK", " Not So Good"]),
    headers=st.dictionaries(names, values, max_size=5),
    length=st.sampled_from(["Content-Length", "content-length", "CONTENT-LENGTH"]),
    space=st.sampled_from(["", " ", " \t "]),
    body=st.binary(max_size=300),
    cuts=st.lists(st.integers(0, 800), max_size=6),
)
def test_a_plain_answer_is_what_the_standard_library_reads(
    status: int,
    reason: str,
    headers: dict[str, str],
    length: str,
    space: str,
    body: bytes,
    cuts: list[int],
) -> None:
    """Its status, its headers, its body, in however many pieces it comes."""
    lines = [f"{name}:{space}{value}{space}" for name, value in headers.items()]
    lines.append(f"{length}:{space}{len(body)}{space}")
    said = "\r\n".join([f"HTTP/1.1 {status}{reason}", *lines, "", ""]).encode() + body
    places = [0, *sorted(cuts), len(said)]
    pieces = [said[a:b] for a, b in pairwise(places)]
    found, expected = read(*pieces), as_the_standard_library_has_it(said)
    assert (found.status, found.body) == (expected.status, expected.body)
    # Of one that comes twice the standard library keeps the first in its place; any will do.
    assert found.headers.keys() == expected.headers.keys()
    if len(expected.headers) == len(lines):
        stripped = {name: value.strip() for name, value in expected.headers.items()}
        assert found.headers == stripped


def test_a_large_body_is_read_whole() -> None:
    """Larger than what a connection gives at once."""
    body = bytes(range(256)) * 4096
    said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert read(said, body).body == body


@pytest.mark.parametrize(
    ("header", "is_last"),
    [
        (b"", False),
        (b"Connection: keep-alive\r\n", False),
        (b"Connection: close\r\n", True),
        (b"connection: foo, Close\r\n", True),
    ],
)
def test_the_last_answer_of_a_connection_says_so(header: bytes, is_last: bool) -> None:
    """The connection is not kept then."""
    assert read(PLAIN.replace(b"\r\n", b"\r\n" + header, 1)).is_last is is_last


def with_header(header: bytes) -> bytes:
    """A plain answer, but for this header."""
    return PLAIN.replace(b"\r\n", b"\r\n" + header + b"\r\n", 1)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(PLAIN.replace(b"1.1", b"1.0"), id="an older HTTP"),
        pytest.param(PLAIN.replace(b"200", b"100"), id="an interim answer"),
        pytest.param(PLAIN.replace(b"200", b"204"), id="no body, by its status"),
        pytest.param(PLAIN.replace(b"200", b"304"), id="no body, by its status"),
        pytest.param(PLAIN.replace(b"200 OK", b"2000"), id="no status"),
        pytest.param(b"<html>\r\n\r\n", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{}", id="no length"),
        pytest.param(with_header(b"Content-Length: 2"), id="two lengths"),
        pytest.param(with_header(b"Content-Length: 3"), id="two lengths that differ"),
        pytest.param(PLAIN.replace(b": 2", b": +2"), id="a length with a sign"),
        pytest.param(PLAIN.replace(b": 2", b": 0x2"), id="a length in hex"),
        pytest.param(PLAIN.replace(b": 2", b": -2"), id="a length below nothing"),
        pytest.param(PLAIN.replace(b": 2", b": 9999999999"), id="a length beyond reason"),
        pytest.param(with_header(b"Transfer-Encoding: chunked"), id="chunks"),
        pytest.param(with_header(b"transfer-encoding: identity"), id="chunks or not"),
        pytest.param(with_header(b"Content-Encoding: gzip"), id="compressed"),
        pytest.param(with_header(b"X-Folded: one\r\n two"), id="a folded line"),
        pytest.param(with_header(b"X-Spaced : one"), id="space before the colon"),
        pytest.param(with_header(b"no colon"), id="no header"),
        pytest.param(with_header(b": nameless"), id="no name"),
        pytest.param(with_header(b"X-Bare: one\nX-Other: two"), id="half a line's end"),
        pytest.param(PLAIN + b"{", id="more than was announced"),
        pytest.param(PLAIN + PLAIN, id="an answer behind it"),
    ],
)
def test_what_is_not_plain_is_refused(said: bytes) -> None:
    """Nobody here guesses where a body ends."""
    with pytest.raises(UnsupportedResponse):
        read(said)


@pytest.mark.parametrize("length", range(len(PLAIN)))
def test_what_ends_too_early_is_a_broken_connection(length: int) -> None:
    """Wherever it breaks."""
    with pytest.raises(ConnectionError):
        read(PLAIN[:length])


def test_a_head_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can fill the memory with one."""
    monkeypatch.setattr(http1, "MAX_HEAD_BYTES", 100)
    with pytest.raises(UnsupportedResponse, match="without an end"):
        read(b"HTTP/1.1 200 OK\r\n" + b"x" * 100)


def test_a_silent_connection_is_given_up() -> None:
    """When its time is up."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall(PLAIN[:-1])
        with pytest.raises(TimeoutError):
            read_response(here, monotonic() + 0.01)


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\nX: ", PLAIN.replace(b": 2", b": 9999")])
def test_an_answer_that_drips_is_given_up(said: bytes) -> None:
    """Each byte comes in time, and all of them together never would."""
    here, there = socket.socketpair()
    heard_enough = Event()

    def drip() -> None:
        with there, suppress(BrokenPipeError, ConnectionResetError):
            there.sendall(said)
            while not heard_enough.wait(0.01):
                there.sendall(b" ")

    dripping = Thread(target=drip)
    dripping.start()
    with here:
        with pytest.raises((TimeoutError, BlockingIOError)):
            read_response(here, monotonic() + 0.1)
        heard_enough.set()
        dripping.join()


def test_what_has_arrived_in_time_is_read_later() -> None:
    """Answers to other requests were waited for first."""
    with connection_that_says(PLAIN) as connection:
        connection.recv(1, socket.MSG_PEEK)
        assert read_response(connection, monotonic() - 1).body == b"{}"
