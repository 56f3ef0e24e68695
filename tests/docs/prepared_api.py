"""An API with prepared replies, which tells what clients make of each of them."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REQUEST_ID = "7d0bf6ae-4c51-4d4f-9a0e-0f5f3a1c2b10"
"""The request id of every reply."""


@dataclass(frozen=True)
class Reply:
    """A reply: its status (0 closes the connection without one), its body, more headers."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """A request as it was received, and the moment in seconds of a monotonic clock."""

    path: str
    headers: Mapping[str, str]
    moment: float


class PreparedApi(ThreadingHTTPServer):
    """Answers each request with the next reply; the last reply stays.

    Attributes:
        replies: the replies to come.
        received: the requests so far.
    """

    daemon_threads = True

    def __init__(self, *replies: Reply) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = list(replies)
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_reply(self) -> Reply:
        """Returns the reply to the newest request."""
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class _Handler(BaseHTTPRequestHandler):
    server: PreparedApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append(Received(self.path, headers, time.monotonic()))
        reply = self.server.next_reply()
        if not reply.status:
            self.close_connection = True
            return
        content = reply.body.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amzn-RequestId", REQUEST_ID)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Logs nothing."""


def problem(status: int, message: str, **headers: str) -> Reply:
    """Returns an error with a message; ``Retry_After="1"`` is the header ``Retry-After: 1``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps({"message": message}), named)
