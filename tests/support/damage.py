"""A proxy before AWS's services that damages their answers, in the ways that a network can.

A request always reaches the service: what is damaged is how it hears of what became of it.
"""

import json
import re
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock
from typing import Final
from urllib.parse import urlsplit

CHECKSUM: Final = "x-amz-crc32"

DRIP_SECONDS: Final = 0.03
"""The time between two bytes of an answer that drips."""


@dataclass(frozen=True)
class Said:
    """An answer: its status, its headers by their names in lower case, its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def head(self) -> bytes:
        """The head as it is sent."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"HTTP/1.1 {self.status} Said\r\n{lines}\r\n".encode()

    def having(self, **headers: str | None) -> "Said":
        """The answer with other headers; None: without them."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in self.headers.items() if name not in named}
        added = {name: value for name, value in named.items() if value is not None}
        return replace(self, headers=kept | added)

    def saying(self, body: bytes) -> "Said":
        """An answer with another body, of which the head knows; its checksum stays as it is."""
        return replace(self.having(content_length=str(len(body))), body=body)


@dataclass(frozen=True)
class Damage:
    """A way to damage an answer.

    Attributes:
        name: what to call it.
        change: what is sent in its place: a head, and a body.
        hangs_up: whether the connection ends with it, and how.
    """

    name: str
    change: Callable[[Said], tuple[bytes, bytes]]
    hangs_up: bool = False
    resets: bool = False
    drips: bool = False


def _whole(change: Callable[[Said], Said]) -> Callable[[Said], tuple[bytes, bytes]]:
    def changed(said: Said) -> tuple[bytes, bytes]:
        new = change(said)
        return new.head, new.body

    return changed


def _altered(said: Said) -> Said:
    """One byte is another. Where a checksum would tell it is still JSON; else it is not."""
    if CHECKSUM in said.headers:
        return said.saying(re.sub(rb'[a-z0-9](?=")', b"~", said.body, count=1))
    return said.saying(said.body.replace(b":", b";", 1))


def _refused(said: Said) -> Said:
    """An error that reads as an answer would: no such item, or it was written already."""
    kinds = {
        "TransactWriteItems": "TransactionCanceledException",
        "GetParameter": "ParameterNotFound",
        "GetItem": "ResourceNotFoundException",
    }
    kind = kinds.get(said.headers.get("operation", ""), "ConditionalCheckFailedException")
    body = {
        "__type": f"com.amazonaws.dynamodb.v20120810#{kind}",
        "CancellationReasons": [{"Code": "ConditionalCheckFailed"}],
    }
    said = replace(said, status=400).saying(json.dumps(body).encode())
    return said if CHECKSUM in said.headers else _altered(said)


def _own(body: bytes, status: int = 200) -> Callable[[Said], Said]:
    """Somebody else's answer, which is whole in itself."""
    return lambda said: (
        replace(said, status=status).having(**{CHECKSUM: str(zlib.crc32(body))}).saying(body)
    )


DAMAGES: Final = (
    Damage("a body that breaks off", lambda s: (s.head, s.body[: len(s.body) // 2]), hangs_up=True),
    Damage("a head that breaks off", lambda s: (s.head[: len(s.head) // 2], b""), hangs_up=True),
    Damage("a reset", lambda s: (s.head, b""), hangs_up=True, resets=True),
    Damage("another byte", _whole(_altered)),
    Damage("no JSON", _whole(lambda s: s.having(x_amz_crc32=None).saying(s.body[:-1]))),
    Damage("HTML", _whole(lambda s: s.having(x_amz_crc32=None).saying(b"<html>Welcome</html>"))),
    Damage("an empty object", _whole(_own(b"{}"))),
    Damage("no body", _whole(_own(b""))),
    Damage(
        "a length too long",
        _whole(lambda s: s.having(content_length=str(len(s.body) + 1))),
        hangs_up=True,
    ),
    Damage("a length too short", _whole(lambda s: s.having(content_length=str(len(s.body) - 1)))),
    Damage("an altered error", _whole(_refused)),
    Damage("an error in HTML", _whole(_own(b"<html>Forbidden</html>", 403))),
)

DRIP: Final = Damage("a drip", lambda s: (s.head, s.body), hangs_up=True, drips=True)


@dataclass
class Harm:
    """What is done to the answers to one kind of call.

    Attributes:
        operation: the calls' operation.
        about: a text that is in their requests.
        damage: how they are damaged.
        left: how many more of them are.
        done: how many were.
    """

    operation: str
    about: str
    damage: Damage
    left: float
    done: int = 0
    _lock: Lock = field(default_factory=Lock)

    def strikes(self, operation: str, request: bytes) -> bool:
        """Whether the answer to a request is to be damaged; counts it."""
        with self._lock:
            if operation != self.operation or self.about.encode() not in request or not self.left:
                return False
            self.left -= 1
            self.done += 1
            return True


class Proxy(ThreadingHTTPServer):
    """A proxy that passes everything on to ``upstream``, unless it is told to do harm."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.harm: Harm | None = None
        self.heard_enough = Event()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def doing(self, harm: Harm) -> Iterator[Harm]:
        """Does harm."""
        self.harm = harm
        self.heard_enough.clear()
        yield harm
        self.harm = None
        self.heard_enough.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_POST(self) -> None:
        """Passes a request on, and its answer back."""
        request = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        said = self._ask(request)
        harm = self.server.harm
        # Who has heard enough hangs up.
        with suppress(ConnectionError):
            if harm is None or not harm.strikes(operation, request):
                self.wfile.write(said.head + said.body)
            else:
                self._damage(harm.damage, operation, said)

    def _ask(self, request: bytes) -> Said:
        upstream = HTTPConnection(self.server.upstream)
        upstream.request("POST", self.path, request, dict(self.headers))
        response = upstream.getresponse()
        body = response.read()
        upstream.close()
        names = ("content-type", CHECKSUM)
        headers = {name: response.headers[name] for name in names if name in response.headers}
        return Said(response.status, headers, b"").saying(body)

    def _damage(self, damage: Damage, operation: str, said: Said) -> None:
        self.close_connection = damage.hangs_up
        head, body = damage.change(said.having(operation=operation))
        if damage.resets:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # All of its ends: only then is it gone.
            self.rfile.close()
            self.connection.close()
        elif damage.drips:
            self.wfile.write(head)
            for number in range(len(body)):
                self.server.heard_enough.wait(DRIP_SECONDS)
                self.wfile.write(body[number : number + 1])
        else:
            self.wfile.write(head + body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""
