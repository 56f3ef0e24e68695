"""Connections to one service, kept for the next call: a request is sent, a response is received.

The reason for a failure is not reported: the caller makes the call again with botocore, which finds
out.
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
"""How long connecting to a service may take. botocore's attempts have the same limits."""

RESPONSE_SECONDS: Final = 3
"""How long it may take after a request until its whole response has arrived."""


class ConnectionPool:
    """Connections to one address, each kept for the next call while it lasts.

    Args:
        url: the address.
        response_seconds: how long a response may take.
    """

    def __init__(self, url: SplitResult, response_seconds: float = RESPONSE_SECONDS) -> None:
        self.host: Final = url.netloc
        self._url = url
        self._response_seconds = response_seconds
        self._idle: list[socket.socket] = []

    def post(self, headers: Mapping[str, str], body: bytes) -> "InFlight | None":
        """Sends a POST to ``/``; returns None if it can't be sent."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST / HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        # In one piece: each piece costs a system call, and over TLS a record of its own.
        request = head.encode() + body
        while self._idle:
            connection = self._idle.pop()
            # If an idle connection is readable, the service has closed it.
            is_open = not select.select([connection], [], [], 0)[0]
            if is_open and self._send(connection, request):
                return self._in_flight(connection, request, is_reused=True)
            connection.close()
        return self.post_on_new_connection(request)

    def post_on_new_connection(self, request: bytes) -> "InFlight | None":
        """Sends a request on a new connection; returns None if it can't be sent."""
        try:
            connection = self._connect()
        except OSError:
            return None
        if self._send(connection, request):
            return self._in_flight(connection, request, is_reused=False)
        connection.close()
        return None

    def __del__(self) -> None:
        """Closes the idle connections."""
        for connection in self._idle:
            connection.close()

    def keep(self, connection: socket.socket) -> None:
        """Takes back a connection whose call is over."""
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

    def _in_flight(
        self, connection: socket.socket, request: bytes, *, is_reused: bool
    ) -> "InFlight":
        deadline = monotonic() + self._response_seconds
        return InFlight(self, connection, request, deadline, is_reused)


@dataclass(frozen=True, slots=True)
class InFlight:
    """A request that was sent and is not yet answered.

    Attributes:
        pool: where its connection goes when the call is over.
        connection: the connection that it was sent on.
        request: what was sent.
        deadline: when the whole response must have arrived, by the monotonic clock.
        is_reused: whether its connection has served an earlier call.
    """

    pool: ConnectionPool
    connection: socket.socket
    request: bytes
    deadline: float
    is_reused: bool

    def wait(self) -> Response | None:
        """Returns the response, whatever its status, or None if it can't be read in time."""
        try:
            response = read_response(self.connection, self.deadline)
        except UnsupportedResponse:
            self.connection.close()
            return None
        except OSError:
            self.connection.close()
            # The service may have closed a kept connection: the request is sent again. After the
            # deadline, the service was only slow.
            if not self.is_reused or monotonic() >= self.deadline:
                return None
            resent = self.pool.post_on_new_connection(self.request)
            return None if resent is None else resent.wait()
        if response.is_last:
            self.connection.close()
        else:
            self.pool.keep(self.connection)
        return response


@cache
def tls_context() -> ssl.SSLContext:
    """Returns the TLS settings. The certificate authorities are those in botocore's package."""
    botocore = find_spec("botocore")
    assert botocore is not None  # noqa: S101 - it is in the layer
    assert botocore.origin is not None  # noqa: S101 - it is in the layer
    return ssl.create_default_context(cafile=str(Path(botocore.origin).with_name("cacert.pem")))
