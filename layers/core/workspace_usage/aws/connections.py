"""Connections to a service, kept for the next call: a request goes out, an answer comes back.

What goes wrong isn't told: the caller makes the call again with botocore, and that will find out.
"""

import select
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Final
from urllib.parse import SplitResult

from workspace_usage.aws.http1 import Response, UnsupportedResponse, read_response

CONNECT_SECONDS: Final = 1
"""How long a service may take to be reached; botocore's attempts have these limits, too."""

RESPONSE_SECONDS: Final = 3
"""How long it may take until its answer to a request is there as a whole."""


class ConnectionPool:
    """Connections to one address, kept for the next call while they last.

    Args:
        url: the address.
        response_seconds: how long an answer may take.
    """

    def __init__(self, url: SplitResult, response_seconds: float = RESPONSE_SECONDS) -> None:
        self.host: Final = url.netloc
        self._url = url
        self._response_seconds = response_seconds
        self._idle: list[socket.socket] = []

    def post(self, headers: Mapping[str, str], body: bytes) -> "InFlight | None":
        """Sends a POST to ``/``; None if there is no way to."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST / HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        # In one piece: each one costs a call of the kernel, and over TLS a record of its own.
        request = head.encode() + body
        while self._idle:
            connection = self._idle.pop()
            # What has something to say before it is asked has been closed at the other end.
            is_open = not select.select([connection], [], [], 0)[0]
            if is_open and self._send(connection, request):
                return self._call(connection, request, is_reused=True)
            connection.close()
        return self.post_on_new_connection(request)

    def post_on_new_connection(self, request: bytes) -> "InFlight | None":
        """Sends a request on a new connection; None if there is no way to."""
        try:
            connection = self._connect()
        except OSError:
            return None
        if self._send(connection, request):
            return self._call(connection, request, is_reused=False)
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
            connection = tls_context().wrap_socket(connection, server_hostname=host)
        return connection

    def _send(self, connection: socket.socket, request: bytes) -> bool:
        connection.settimeout(self._response_seconds)
        try:
            connection.sendall(request)
        except OSError:
            return False
        return True

    def _call(self, connection: socket.socket, request: bytes, *, is_reused: bool) -> "InFlight":
        deadline = monotonic() + self._response_seconds
        return InFlight(self, connection, request, deadline, is_reused)


@dataclass(frozen=True, slots=True)
class InFlight:
    """A request that was sent.

    Attributes:
        deadline: when its answer must be there as a whole, by the monotonic clock.
        is_reused: whether its connection has served another before.
    """

    connections: ConnectionPool
    connection: socket.socket
    request: bytes
    deadline: float
    is_reused: bool

    def wait(self) -> Response | None:
        """The answer, of whatever status; None if it doesn't come as a whole, and in time."""
        try:
            answer = read_response(self.connection, self.deadline)
        except UnsupportedResponse:
            self.connection.close()
            return None
        except OSError:
            self.connection.close()
            # A kept connection may have ended unnoticed. One that is slow has not.
            if not self.is_reused or monotonic() >= self.deadline:
                return None
            again = self.connections.post_on_new_connection(self.request)
            return None if again is None else again.wait()
        if answer.is_last:
            self.connection.close()
        else:
            self.connections.keep(self.connection)
        return answer


@cache
def tls_context() -> ssl.SSLContext:
    """Trusts those certificate authorities that botocore trusts, which come with it."""
    found = find_spec("botocore")
    assert found is not None  # noqa: S101 - it is in the layer
    assert found.origin is not None  # noqa: S101 - it is in the layer
    return ssl.create_default_context(cafile=str(Path(found.origin).with_name("cacert.pem")))
