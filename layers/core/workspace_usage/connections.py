"""Connections to a service, kept for the next call: a request goes out, a good answer comes back.

Good is what came whole and undamaged, with the status 200. What went wrong otherwise isn't told:
whoever makes the call again will find out.
"""

import select
import socket
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult

from workspace_usage.plain_http import NotPlain, read_answer

CONNECT_SECONDS: Final = 1
"""How long a service may take to be reached; botocore's attempts have these limits, too."""

READ_SECONDS: Final = 3
"""How long it may be silent."""


class Connections:
    """Connections to one address, kept for the next call while they last."""

    def __init__(self, url: SplitResult) -> None:
        self.host: Final = url.netloc
        self._url = url
        self._idle: list[socket.socket] = []

    def post(self, headers: Mapping[str, str], body: bytes) -> "Call | None":
        """Sends a POST to ``/``; None if there is no way to."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST / HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        # In one piece: each one costs a call of the kernel, and over TLS a record of its own.
        request = head.encode() + body
        while self._idle:
            connection = self._idle.pop()
            # What has something to say before it is asked has been closed at the other end.
            is_open = not select.select([connection], [], [], 0)[0]
            if is_open and _send(connection, request):
                return Call(self, connection, request, is_reused=True)
            connection.close()
        return self.post_anew(request)

    def post_anew(self, request: bytes) -> "Call | None":
        """Sends a request on a new connection; None if there is no way to."""
        try:
            connection = self._connect()
        except OSError:
            return None
        if _send(connection, request):
            return Call(self, connection, request, is_reused=False)
        connection.close()
        return None

    def __del__(self) -> None:
        """Leaves no connection open when nobody needs them any more."""
        for connection in self._idle:
            connection.close()

    def keep(self, connection: socket.socket) -> None:
        """Takes a connection back whose call is over."""
        self._idle.append(connection)

    def _connect(self) -> socket.socket:
        is_secure = self._url.scheme == "https"
        host = self._url.hostname or ""
        address = (host, self._url.port or (443 if is_secure else 80))
        connection = socket.create_connection(address, CONNECT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_secure:
            connection = trusted_authorities().wrap_socket(connection, server_hostname=host)
        connection.settimeout(READ_SECONDS)
        return connection


def _send(connection: socket.socket, request: bytes) -> bool:
    try:
        connection.sendall(request)
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was sent; ``is_reused``: on a connection that has served another before."""

    connections: Connections
    connection: socket.socket
    request: bytes
    is_reused: bool

    def wait(self) -> bytes | None:
        """The body of the answer; None unless it is there, whole and good."""
        try:
            answer = read_answer(self.connection)
        except NotPlain:
            self.connection.close()
            return None
        except OSError as error:
            self.connection.close()
            # A kept connection may have ended unnoticed. One that is slow has not.
            if not self.is_reused or isinstance(error, TimeoutError):
                return None
            again = self.connections.post_anew(self.request)
            return None if again is None else again.wait()
        if answer.is_last:
            self.connection.close()
        else:
            self.connections.keep(self.connection)
        if answer.status != 200:
            return None
        checksum = answer.headers.get("x-amz-crc32")
        return answer.body if checksum in (None, str(zlib.crc32(answer.body))) else None


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Trusts those certificate authorities that botocore trusts, which come with it."""
    found = find_spec("botocore")
    assert found is not None  # noqa: S101 - it is in the layer
    assert found.origin is not None  # noqa: S101 - it is in the layer
    return ssl.create_default_context(cafile=str(Path(found.origin).with_name("cacert.pem")))
