"""Reads HTTP/1.1 responses of the plainest kind: a head, and a body of announced length (RFC 9112).

AWS's JSON services respond like that when all is well. Everything else that HTTP allows (chunks,
encodings, interim responses, folded lines) raises an error instead of being guessed at: the caller
then retries with botocore, which handles all of HTTP. The standard library handles it, too, but
takes four times as long for each response, and 15 ms to be imported.
"""

import re
import socket
from time import monotonic
from typing import Final, NamedTuple

MAX_HEAD_BYTES: Final = 65_536
"""The head of a response must end within this many bytes."""

_MAX_PIECE_BYTES: Final = 65_536
"""The most bytes that are taken from a connection at once."""

_STATUS_LINE: Final = re.compile(r"HTTP/1\.1 ([2-9][0-9]{2})(?: [^\r\n]*)?")
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
_CONTENT_LENGTH: Final = re.compile(r"[0-9]{1,9}")
_STATUSES_WITHOUT_BODY: Final = (204, 304)


class UnsupportedResponse(Exception):
    """A response that is not of the plainest kind."""


class Response(NamedTuple):
    """A response: its status, its headers by their names in lower case, and its whole body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_last(self) -> bool:
        """Whether the service closes the connection after this response."""
        return "close" in self.headers.get("connection", "").lower()


def read_response(connection: socket.socket, deadline: float) -> Response:
    """Returns the response that arrives on a connection; nothing may follow it.

    Args:
        connection: where it arrives.
        deadline: when it must have arrived as a whole, by the monotonic clock. What has arrived by
            then may still be read later.

    Raises:
        UnsupportedResponse: the response is not of the plainest kind.
        OSError: the connection broke, or the response was too slow.
    """
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        if len(received) >= MAX_HEAD_BYTES:
            raise UnsupportedResponse("a head without an end")
        received += _receive(connection, deadline)
    status, headers = _parse_head(received[:end].decode("latin-1"))
    parts = [received[end + 4 :]]
    missing = _content_length(headers) - len(parts[0])
    while missing > 0:
        parts.append(_receive(connection, deadline))
        missing -= len(parts[-1])
    if missing < 0:
        raise UnsupportedResponse("more bytes than announced")
    return Response(status, headers, b"".join(parts))


def _receive(connection: socket.socket, deadline: float) -> bytes:
    # A piece gets the time that is left for all of them; 0 takes only what has arrived already.
    connection.settimeout(max(deadline - monotonic(), 0))
    received = connection.recv(_MAX_PIECE_BYTES)
    if not received:
        raise ConnectionError("the connection has ended")
    return received


def _parse_head(head: str) -> tuple[int, dict[str, str]]:
    first, *lines = head.split("\r\n")
    status_line = _STATUS_LINE.fullmatch(first)
    if status_line is None:
        raise UnsupportedResponse("not a final response of HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise UnsupportedResponse("not a header")
        name = header[1].lower()
        if name == "content-length" and name in headers:
            raise UnsupportedResponse("two lengths")
        headers[name] = header[2]
    status = int(status_line[1])
    if status in _STATUSES_WITHOUT_BODY:
        raise UnsupportedResponse("a status without a body")
    if "transfer-encoding" in headers or "content-encoding" in headers:
        raise UnsupportedResponse("an encoded body")
    return status, headers


def _content_length(headers: dict[str, str]) -> int:
    length = headers.get("content-length", "")
    if not _CONTENT_LENGTH.fullmatch(length):
        raise UnsupportedResponse("a body of unknown length")
    return int(length)
