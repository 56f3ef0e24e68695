"""The HTTP server on 127.0.0.1. It passes requests on, and has bad ones refused by the API.

h11 reads and writes HTTP. Each connection has its own thread.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, Final

import h11

from local.errors import StartError
from local.exchange import Request, Response
from local.gateway.responses import Failure

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""The largest body of a request, in API Gateway."""
MAX_HEADER_BYTES: Final = 10_240
"""The most bytes of all names and values of headers, in API Gateway."""
MAX_TARGET_BYTES: Final = 8_192
"""The longest path with its query string."""

_IDLE_SECONDS: Final = 60.0
_OWN_HEADERS: Final = {
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "transfer-encoding",
}
"""Headers that the server sets itself."""

type Handle = Callable[[Request], Response]
type Refuse = Callable[[Request, Failure], Response]


class Server(ThreadingTCPServer):
    """A server that binds its port when it is made, and listens after ``start``.

    So an error with the port is known early, and a client that comes too early is refused at once.

    Raises:
        StartError: the port can't be used.
    """

    daemon_threads = False
    request_queue_size = 1024

    def __init__(self, port: int) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Connection, bind_and_activate=False)
        try:
            self.server_bind()
        except (OSError, OverflowError) as error:
            self.server_close()
            raise _unusable(port, error) from None

    def server_bind(self) -> None:
        """Binds the port, even if closed connections of an earlier server still hold it.

        SO_REUSEADDR allows that. It is set only if it is needed: two servers that both set it can
        bind the same port, until one of them listens.
        """
        try:
            super().server_bind()
        except OSError:
            self.allow_reuse_address = True
            super().server_bind()

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self, respond: Handle, refuse: Refuse) -> None:
        """Listens; answers requests with ``respond``, and bad ones with ``refuse``.

        Raises:
            StartError: another process listens on the port by now.
        """
        self.respond = respond
        self.refuse = refuse
        # Connections inherit it, so that closed ones don't keep the port from the next server.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.server_activate()
        except OSError as error:
            raise _unusable(self.server_address[1], error) from None
        Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close_connections(self) -> None:
        """Accepts no more connections, and closes those that are open."""
        self.shutdown()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Frees the port, and waits until the connections' threads have ended."""
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Keeps a new connection, so that ``close_connections`` can close it."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forgets a connection that is closed."""
        self._connections.discard(request)
        super().shutdown_request(request)


def _unusable(port: int, error: Exception) -> StartError:
    reason = getattr(error, "strerror", None) or error
    return StartError(f"port {port} of 127.0.0.1 can't be used: {reason}")


class _Connection(BaseRequestHandler):
    """A client's connection, with one request after the other."""

    server: Server
    request: socket.socket

    def handle(self) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=2 * MAX_HEADER_BYTES)
        # A client that disconnects, or is silent for too long, gets no response.
        with suppress(OSError):
            self.request.settimeout(_IDLE_SECONDS)
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._serve(http):
                http.start_next_cycle()

    def _serve(self, http: h11.Connection) -> bool:
        """Answers the next request; returns whether another one can follow."""
        request = Request(method="-", path="-")
        try:
            head = self._next_event(http)
            if not isinstance(head, h11.Request):
                return False
            request = _to_request(head, self.client_address[0])
            _check_sizes(head)
            request = request.with_content(self._read_body(http))
        except h11.RemoteProtocolError as error:
            self._refuse(http, request, error.error_status_hint)
            return False
        self._send(http, request, self.server.respond(request))
        return http.our_state is h11.DONE and http.their_state is h11.DONE

    def _next_event(self, http: h11.Connection) -> object:
        while (event := http.next_event()) is h11.NEED_DATA:
            if http.they_are_waiting_for_100_continue:
                informational = h11.InformationalResponse(status_code=100, headers=[])
                self.request.sendall(_bytes(http, informational))
            http.receive_data(self.request.recv(65_536))
        return event

    def _read_body(self, http: h11.Connection) -> bytes:
        body = bytearray()
        while isinstance(event := self._next_event(http), h11.Data):
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                raise h11.RemoteProtocolError("body too large", error_status_hint=413)
        return bytes(body)

    def _refuse(self, http: h11.Connection, request: Request, status: int) -> None:
        """Answers a bad request, and closes the connection.

        What the client still sends is read for a while: closing a connection with unread data
        resets it, and the client would lose the response.
        """
        # h11 suggests 501 for an unknown transfer coding, but it is the client's error.
        status = status if status < 500 else 400
        kind = "REQUEST_TOO_LARGE" if status == 413 else "DEFAULT_4XX"
        failure = Failure(kind, status, HTTPStatus(status).phrase)
        response = self.server.refuse(request, failure)
        self._send(http, request, response, is_last=True)
        self.request.shutdown(socket.SHUT_WR)
        self.request.settimeout(1)
        left = 2 * MAX_BODY_BYTES
        while left > 0 and (data := self.request.recv(65_536)):
            left -= len(data)

    def _send(
        self,
        http: h11.Connection,
        request: Request,
        response: Response,
        *,
        is_last: bool = False,
    ) -> None:
        can_have_body = response.status not in {204, 304}
        headers = [
            (name, value) for name, value in response.headers if name.lower() not in _OWN_HEADERS
        ]
        headers.append(("Date", formatdate(usegmt=True)))
        if is_last:
            headers.append(("Connection", "close"))
        if can_have_body:
            headers.append(("Content-Length", str(len(response.body))))
        head = h11.Response(
            status_code=response.status,
            reason=_reason(response.status),
            headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in headers],
        )
        has_body = can_have_body and request.method != "HEAD"
        body = [h11.Data(data=response.body)] if has_body else []
        self.request.sendall(_bytes(http, head, *body, h11.EndOfMessage()))


def _check_sizes(head: h11.Request) -> None:
    """Refuses a request that is too large for API Gateway.

    Raises:
        h11.RemoteProtocolError: the target or the headers are too large.
    """
    if len(head.target) > MAX_TARGET_BYTES:
        raise h11.RemoteProtocolError("target too long", error_status_hint=414)
    if sum(len(name) + len(value) for name, value in head.headers.raw_items()) > MAX_HEADER_BYTES:
        raise h11.RemoteProtocolError("headers too large", error_status_hint=431)


def _to_request(head: h11.Request, source_ip: str) -> Request:
    path, _, query = head.target.decode("ascii").partition("?")
    headers = tuple(
        (name.decode("ascii"), value.decode("utf-8", errors="replace"))
        for name, value in head.headers.raw_items()
    )
    return Request(head.method.decode("ascii"), path, query, headers, source_ip=source_ip)


def _bytes(http: h11.Connection, *events: h11.Event) -> bytes:
    return b"".join(http.send(event) or b"" for event in events)


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
