"""Reads from AWS's JSON services, at a fifth of botocore's CPU and without its start.

Almost every call succeeds at once, and for those botocore's work is pure cost: a millisecond for
each, and two hundred when a function starts. So the first attempt is made here, signed and decoded
in one step each. Whatever comes of it but a whole and undamaged answer (an error, a time-out, a
broken connection, a wrong checksum) is thrown away, and botocore makes the call, with its retries
and its errors. A read may be made twice; nothing that writes is called this way.
"""

import json
import os
import select
import socket
import ssl
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http.client import HTTPException, HTTPResponse
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import SplitResult, urlsplit

from workspace_usage.partitions import domain_of
from workspace_usage.signing import Credentials, current_credentials, signed_headers

CONNECT_SECONDS: Final = 1
"""How long a service may take to be reached; botocore's attempts have these limits, too."""

READ_SECONDS: Final = 3
"""How long it may be silent."""

_NOT_FOR_US: Final = (
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "https_proxy",
    "http_proxy",
)
"""Variables that change where calls go, in ways that botocore knows: it makes all calls then."""

type Decode = Callable[[bytes], Any]
type Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Service:
    """How a service is called: its name, its prefix of operations, and its kind of JSON."""

    name: str
    target: str
    content_type: str


DYNAMODB: Final = Service("dynamodb", "DynamoDB_20120810", "application/x-amz-json-1.0")
SSM: Final = Service("ssm", "AmazonSSM", "application/x-amz-json-1.1")


class Reader:
    """Reads from one service; requests and answers are those of botocore's clients.

    Args:
        service: the service.
        endpoint: where it answers: ``https://dynamodb.us-east-1.amazonaws.com``.
        region: its region.
        again: makes a call that did not succeed at once, by the operation's name.
        credentials: gives the credentials of the moment.
        decode: parses an answer; a faster parser than the standard library's may be given.
    """

    def __init__(
        self,
        service: Service,
        endpoint: str,
        region: str,
        again: Callable[[str, Request], Any],
        credentials: Callable[[], Credentials] = current_credentials,
        decode: Decode = json.loads,
    ) -> None:
        self._service = service
        self._region = region
        self._again = again
        self._credentials = credentials
        self._decode = decode
        self._connections = Connections(urlsplit(endpoint))
        self._is_botocores = any(os.environ.get(name) for name in _NOT_FOR_US)

    @classmethod
    def of(cls, service: Service, decode: Decode = json.loads) -> Self:
        """A reader of a service in this function's region, or where the environment says."""
        from_environment = os.environ.get(f"AWS_ENDPOINT_URL_{service.name.upper()}")
        region = os.environ["AWS_REGION"]
        endpoint = from_environment or f"https://{service.name}.{region}.{domain_of(region)}"
        return cls(service, endpoint, region, _by_botocore(service.name), decode=decode)

    def query(self, requests: Iterable[Request]) -> list[Any]:
        """The answers to some of DynamoDB's Queries, all of which are under way together."""
        return self._call("Query", requests)

    def get_item(self, **request: Any) -> Any:
        """DynamoDB's GetItem."""
        return self._call("GetItem", [request])[0]

    def get_parameter(self, **request: Any) -> Any:
        """Systems Manager's GetParameter."""
        return self._call("GetParameter", [request])[0]

    def _call(self, operation: str, requests: Iterable[Request]) -> list[Any]:
        # All are sent before the first answer is waited for: no thread has to wait for each.
        calls = [(request, self._send(operation, request)) for request in requests]
        answers = [None if call is None else self._receive(call) for _, call in calls]
        return [
            self._again(operation, request) if answer is None else answer
            for (request, _), answer in zip(calls, answers, strict=True)
        ]

    def _send(self, operation: str, request: Request) -> "Call | None":
        """A call that is under way; None if it can't be."""
        if self._is_botocores:
            return None
        body = json.dumps(request).encode()
        headers = signed_headers(
            self._credentials(),
            self._region,
            self._service.name,
            {
                "Content-Type": self._service.content_type,
                "Host": self._connections.host,
                "X-Amz-Target": f"{self._service.target}.{operation}",
            },
            body,
            datetime.now(UTC),
        )
        return self._connections.post(headers, body)

    def _receive(self, call: "Call") -> dict[str, Any] | None:
        """The answer to a call; None unless all went well."""
        body = call.wait()
        if body is None:
            return None
        try:
            answer = self._decode(body)
        except ValueError:
            return None
        return answer if isinstance(answer, dict) else None


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
        response = HTTPResponse(self.connection, method="POST")
        try:
            response.begin()
            body = response.read()
        except (OSError, HTTPException) as error:
            response.close()
            self.connection.close()
            # A kept connection may have ended unnoticed. One that is slow has not.
            if not self.is_reused or isinstance(error, TimeoutError):
                return None
            again = self.connections.post_anew(self.request)
            return None if again is None else again.wait()
        if response.will_close:
            self.connection.close()
        else:
            self.connections.keep(self.connection)
        if response.status != 200:
            return None
        checksum = response.headers.get("x-amz-crc32")
        return body if checksum in (None, str(zlib.crc32(body))) else None


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Trusts those certificate authorities that botocore trusts, which come with it."""
    found = find_spec("botocore")
    assert found is not None  # noqa: S101 - it is in the layer
    assert found.origin is not None  # noqa: S101 - it is in the layer
    return ssl.create_default_context(cafile=str(Path(found.origin).with_name("cacert.pem")))


def _by_botocore(service: str) -> Callable[[str, Request], Any]:
    """Makes calls of a service with botocore, which is imported when there is the first."""

    def again(operation: str, request: Request) -> Any:
        from workspace_usage.aws import call  # noqa: PLC0415 - two hundred milliseconds

        return call(service, operation, request)

    return again
