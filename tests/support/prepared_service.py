"""A service of AWS with prepared replies, and readers that call it."""

import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier
from typing import Any

from workspace_usage.aws.environment import AwsEnvironment
from workspace_usage.aws.reader import Reader, Service
from workspace_usage.aws.validation import Decode
from workspace_usage.values import parse_json

type Reply = tuple[int, bytes]
"""A status and a body. The status 0 closes the connection without a response."""

EMPTY: dict[str, Any] = {"Items": [], "Count": 0}
GOOD: Reply = (200, json.dumps(EMPTY).encode())
"""The reply to a Query that finds nothing."""


@dataclass(frozen=True)
class ReceivedCall:
    """A call as the service received it."""

    target: str
    request: dict[str, Any]
    agent: str
    authorization: str
    content_type: str
    client_port: int

    @property
    def is_from_botocore(self) -> bool:
        """Whether botocore made it."""
        return self.agent.startswith("Botocore")


class PreparedService(ThreadingHTTPServer):
    """A service that answers each call with the next reply; the last reply stays.

    Attributes:
        replies: the replies to come.
        calls: the calls that were received.
        barrier: what calls wait at before they are answered, or None.
        closes: whether connections are closed after each response.
        announces_close: whether responses say that the connection is closed.
        is_chunked: whether bodies are sent in chunks.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reset()

    def reset(self) -> None:
        """Forgets all calls and whatever a test has prepared."""
        self.replies: list[Reply] = [GOOD]
        self.calls: list[ReceivedCall] = []
        self.barrier: Barrier | None = None
        self.closes = self.announces_close = self.is_chunked = False

    def handle_error(self, *_: object) -> None:
        """Logs nothing: a client that does not wait for its response closes the connection."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    """Answers the calls on one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    server: PreparedService

    def do_POST(self) -> None:
        """Sends the next reply."""
        self.server.calls.append(
            ReceivedCall(
                target=self.headers["X-Amz-Target"],
                request=json.loads(self.rfile.read(int(self.headers["Content-Length"]))),
                agent=self.headers.get("User-Agent", ""),
                authorization=self.headers["Authorization"],
                content_type=self.headers["Content-Type"],
                client_port=self.client_address[1],
            )
        )
        if self.server.barrier is not None:
            self.server.barrier.wait()
        replies = self.server.replies
        status, content = replies.pop(0) if len(replies) > 1 else replies[0]
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("x-amz-crc32", str(zlib.crc32(content)))
        if self.server.announces_close:
            self.send_header("Connection", "close")
        if self.server.is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
            content = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        # If it was not announced, the client has to notice.
        self.close_connection = self.server.closes

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


def environment_reader(
    service: Service,
    decode: Decode = parse_json,
    on_fallback: Callable[[str], object] = lambda _: None,
) -> Reader:
    """Returns a reader as the environment's variables say."""
    environment = AwsEnvironment.from_variables(os.environ)
    return Reader.for_service(service, environment, decode, on_fallback)
