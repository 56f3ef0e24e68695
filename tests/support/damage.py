"""A proxy in front of AWS's services that damages their responses as a network may.

A request always reaches the service. Only its response is damaged: a write has happened. A
transaction that comes again with its token has no effect, as in DynamoDB; moto has no tokens.
"""

import json
import re
import socket
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from threading import Event, Lock
from typing import Final
from urllib.parse import urlsplit

CHECKSUM_HEADER: Final = "x-amz-crc32"

DRIP_SECONDS: Final = 0.03
"""The time between two bytes of a response that drips."""


@dataclass(frozen=True)
class Response:
    """A response: its status, its headers by their names in lower case, its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def head(self) -> bytes:
        """The head as it is sent."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"HTTP/1.1 {self.status} Status\r\n{lines}\r\n".encode()

    def with_headers(self, **headers: str | None) -> "Response":
        """Returns the response with other headers; None leaves a header out."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in self.headers.items() if name not in named}
        added = {name: value for name, value in named.items() if value is not None}
        return replace(self, headers=kept | added)

    def with_body(self, body: bytes) -> "Response":
        """Returns the response with another body and its length; the checksum stays as it is."""
        return replace(self.with_headers(content_length=str(len(body))), body=body)


@dataclass(frozen=True)
class Damage:
    """A way to damage a response.

    Attributes:
        name: its name in the tests.
        change: returns the head and the body that are sent in the response's place.
        closes: whether the connection ends after it.
        resets: whether the connection is reset and nothing is sent.
        drips: whether the body is sent byte by byte, with a break before each.
    """

    name: str
    change: Callable[[Response], tuple[bytes, bytes]]
    closes: bool = False
    resets: bool = False
    drips: bool = False


def _whole(change: Callable[[Response], Response]) -> Callable[[Response], tuple[bytes, bytes]]:
    """Sends the whole of what ``change`` makes of the response."""

    def changed(response: Response) -> tuple[bytes, bytes]:
        new = change(response)
        return new.head, new.body

    return changed


def _with_another_byte(response: Response) -> Response:
    """Changes one byte. The body stays JSON if a checksum can show the damage, and only then."""
    if CHECKSUM_HEADER in response.headers:
        return response.with_body(re.sub(rb'[a-z0-9](?=")', b"~", response.body, count=1))
    return response.with_body(response.body.replace(b":", b";", 1))


def _with_altered_error(response: Response) -> Response:
    """Makes a damaged error of it, which would mean "no such item" or "already written"."""
    kinds = {
        "TransactWriteItems": "TransactionCanceledException",
        "GetParameter": "ParameterNotFound",
        "GetItem": "ResourceNotFoundException",
    }
    kind = kinds.get(response.headers.get("operation", ""), "ConditionalCheckFailedException")
    body = {
        "__type": f"com.amazonaws.dynamodb.v20120810#{kind}",
        "CancellationReasons": [{"Code": "ConditionalCheckFailed"}],
    }
    response = replace(response, status=400).with_body(json.dumps(body).encode())
    return response if CHECKSUM_HEADER in response.headers else _with_another_byte(response)


def _replaced_by(body: bytes, status: int = 200) -> Callable[[Response], Response]:
    """Puts a body of another origin in its place, with a right checksum."""
    return lambda response: (
        replace(response, status=status)
        .with_headers(**{CHECKSUM_HEADER: str(zlib.crc32(body))})
        .with_body(body)
    )


DAMAGES: Final = (
    Damage("a body that breaks off", lambda r: (r.head, r.body[: len(r.body) // 2]), closes=True),
    Damage("a head that breaks off", lambda r: (r.head[: len(r.head) // 2], b""), closes=True),
    Damage("a reset", lambda r: (r.head, b""), closes=True, resets=True),
    Damage("another byte", _whole(_with_another_byte)),
    Damage("not JSON", _whole(lambda r: r.with_headers(x_amz_crc32=None).with_body(r.body[:-1]))),
    Damage(
        "HTML",
        _whole(lambda r: r.with_headers(x_amz_crc32=None).with_body(b"<html>Welcome</html>")),
    ),
    Damage("an empty object", _whole(_replaced_by(b"{}"))),
    Damage("no body", _whole(_replaced_by(b""))),
    Damage(
        "a length too long",
        _whole(lambda r: r.with_headers(content_length=str(len(r.body) + 1))),
        closes=True,
    ),
    Damage(
        "a length too short", _whole(lambda r: r.with_headers(content_length=str(len(r.body) - 1)))
    ),
    Damage("an altered error", _whole(_with_altered_error)),
    Damage("an error in HTML", _whole(_replaced_by(b"<html>Forbidden</html>", 403))),
)

DRIP: Final = Damage("a drip", lambda r: (r.head, r.body), closes=True, drips=True)


@dataclass
class Interference:
    """Damage to the responses to one kind of call.

    Attributes:
        operation: the calls' operation.
        request_text: a text that their requests contain.
        damages: how the response to each attempt of a call is damaged; after the last one they
            begin again.
        remaining: how many more responses are to be damaged.
        most_attempts: how many responses to the same call were damaged, of the call with the most.
    """

    operation: str
    request_text: str
    damages: Sequence[Damage]
    remaining: float = inf
    most_attempts: int = 0
    _attempts: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def claim(self, operation: str, request: bytes) -> Damage | None:
        """Returns how the response to a request is to be damaged, or None if it is not."""
        with self._lock:
            is_meant = operation == self.operation and self.request_text.encode() in request
            if not is_meant or not self.remaining:
                return None
            self.remaining -= 1
            # The function's own first attempt and botocore's write the same request differently.
            call = json.dumps(json.loads(request), sort_keys=True)
            damage = self.damages[self._attempts[call] % len(self.damages)]
            self._attempts[call] += 1
            self.most_attempts = max(self.most_attempts, self._attempts[call])
            return damage


class Proxy(ThreadingHTTPServer):
    """A proxy that passes everything on to ``upstream``, and damages what it is told to damage."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.interference: Interference | None = None
        self.is_over = Event()
        self.responses_by_token: dict[str, Response] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def damaging(self, interference: Interference) -> Iterator[Interference]:
        """Damages responses as ``interference`` says."""
        self.interference = interference
        self.is_over.clear()
        yield interference
        self.interference = None
        self.is_over.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_POST(self) -> None:
        """Passes a request on, and its response back."""
        request = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        token = json.loads(request).get("ClientRequestToken", "")
        response = self.server.responses_by_token.get(token) or self._forward(request)
        if token:
            self.server.responses_by_token[token] = response
        interference = self.server.interference
        # The client may have given up and closed the connection.
        with suppress(ConnectionError):
            damage = interference.claim(operation, request) if interference else None
            if damage is None:
                self.wfile.write(response.head + response.body)
            else:
                self._damage(damage, operation, response)

    def _forward(self, request: bytes) -> Response:
        upstream = HTTPConnection(self.server.upstream)
        upstream.request("POST", self.path, request, dict(self.headers))
        response = upstream.getresponse()
        body = response.read()
        upstream.close()
        names = ("content-type", CHECKSUM_HEADER)
        headers = {name: response.headers[name] for name in names if name in response.headers}
        return Response(response.status, headers, b"").with_body(body)

    def _damage(self, damage: Damage, operation: str, response: Response) -> None:
        self.close_connection = damage.closes
        head, body = damage.change(response.with_headers(operation=operation))
        if damage.resets:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The connection ends when all file objects on it are closed.
            self.rfile.close()
            self.connection.close()
        elif damage.drips:
            self.wfile.write(head)
            for number in range(len(body)):
                self.server.is_over.wait(DRIP_SECONDS)
                self.wfile.write(body[number : number + 1])
        else:
            self.wfile.write(head + body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""
