"""HTTP answers of the plainest kind: a head, and a body whose length it tells (RFC 9112).

That is how AWS's JSON services answer when all is well. Whatever else there is in HTTP (chunks,
encodings, interim answers, folded lines) is refused rather than guessed at: the caller has somebody
to ask who knows all of it. The standard library, which does too, takes four times as long for each
answer, and 15 ms to be imported.
"""

import re
import socket
from time import monotonic
from typing import Final, NamedTuple

MAX_HEAD_BYTES: Final = 65_536
"""Bytes in which a head must have ended."""

_PIECE: Final = 65_536
"""The most bytes that are taken from a connection at once."""

_STATUS_LINE: Final = re.compile(r"HTTP/1\.1 ([2-9][0-9]{2})(?: [^\r\n]*)?")
_FIELD: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
_LENGTH: Final = re.compile(r"[0-9]{1,9}")
_BODILESS: Final = (204, 304)


class UnsupportedResponse(Exception):
    """An answer is not of the plainest kind."""


class Response(NamedTuple):
    """An answer: its status, its headers by their names in lower case, and its whole body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_last(self) -> bool:
        """Whether the connection ends with it."""
        return "close" in self.headers.get("connection", "").lower()


def read_response(connection: socket.socket, deadline: float) -> Response:
    """The answer that comes on a connection, and nothing behind it.

    Args:
        connection: where it comes.
        deadline: when it must be there as a whole, by the monotonic clock. What has arrived by then
            may still be read later.

    Raises:
        NotPlain: it is of another kind.
        OSError: the connection broke, or the answer was too slow.
    """
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        if len(received) >= MAX_HEAD_BYTES:
            raise UnsupportedResponse("a head without an end")
        received += _receive(connection, deadline)
    status, headers = _parse(received[:end].decode("latin-1"))
    parts = [received[end + 4 :]]
    missing = _length(headers) - len(parts[0])
    while missing > 0:
        parts.append(_receive(connection, deadline))
        missing -= len(parts[-1])
    if missing < 0:
        raise UnsupportedResponse("more came than was announced")
    return Response(status, headers, b"".join(parts))


def _receive(connection: socket.socket, deadline: float) -> bytes:
    # Each piece may take no longer than all of them together; with 0 nothing is waited for.
    connection.settimeout(max(deadline - monotonic(), 0))
    received = connection.recv(_PIECE)
    if not received:
        raise ConnectionError("the connection has ended")
    return received


def _parse(head: str) -> tuple[int, dict[str, str]]:
    first, *lines = head.split("\r\n")
    status_line = _STATUS_LINE.fullmatch(first)
    if status_line is None:
        raise UnsupportedResponse("no final answer of HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise UnsupportedResponse("not a header")
        name = field[1].lower()
        if name == "content-length" and name in headers:
            raise UnsupportedResponse("two lengths")
        headers[name] = field[2]
    status = int(status_line[1])
    if status in _BODILESS or "transfer-encoding" in headers or "content-encoding" in headers:
        raise UnsupportedResponse("a body that is not as it stands")
    return status, headers


def _length(headers: dict[str, str]) -> int:
    length = headers.get("content-length", "")
    if not _LENGTH.fullmatch(length):
        raise UnsupportedResponse("a body of unknown length")
    return int(length)
