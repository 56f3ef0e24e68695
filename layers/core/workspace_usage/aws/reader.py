"""Reads from AWS's JSON services in a fifth of botocore's CPU time, and without importing it.

Almost every call succeeds at once. For those calls, botocore's work is pure cost: a millisecond for
each call, and two hundred milliseconds when a function starts. So the first attempt is made here,
with little work. If it fails (an error, a time-out, a broken connection, a damaged response), the
fallback makes the call: botocore, with its retries and its errors. A read may therefore be made
twice. Writes are never made this way.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self
from urllib.parse import urlsplit

from workspace_usage.aws.connections import RESPONSE_SECONDS, ConnectionPool, InFlight
from workspace_usage.aws.credentials import Credentials, current_credentials
from workspace_usage.aws.environment import AwsEnvironment
from workspace_usage.aws.sigv4 import Signer, signed_headers
from workspace_usage.aws.validation import (
    DamagedResponse,
    Decode,
    required_parameters,
    validate_response,
)
from workspace_usage.values import parse_json

type Request = Mapping[str, Any]
"""An operation's parameters, as botocore's clients take them."""

type Fallback = Callable[[str, Request], Any]
"""Makes a call, given the operation's name and the request, and returns its result."""


@dataclass(frozen=True, slots=True)
class Service:
    """How a service is called.

    Attributes:
        name: its name in endpoints and signatures.
        target_prefix: what stands before the operation in the header ``X-Amz-Target``.
        content_type: its version of AWS's JSON protocol.
    """

    name: str
    target_prefix: str
    content_type: str


DYNAMODB: Final = Service("dynamodb", "DynamoDB_20120810", "application/x-amz-json-1.0")
SSM: Final = Service("ssm", "AmazonSSM", "application/x-amz-json-1.1")


def _ignore(_: str) -> None:
    pass


class Reader:
    """Reads from one service; requests and results are those of botocore's clients.

    Args:
        service: the service.
        endpoint: its URL, such as ``https://dynamodb.us-east-1.amazonaws.com``.
        region: its region.
        fallback: makes a call that did not succeed at once.
        credentials: returns the credentials of the moment.
        decode: parses a response's JSON; a faster parser than the standard library's may be given.
        on_fallback: is called with the operation's name when a call did not succeed at once.
        response_seconds: how long a response may take.
        is_fallback_only: whether the fallback makes all calls.
    """

    def __init__(
        self,
        service: Service,
        endpoint: str,
        region: str,
        fallback: Fallback,
        credentials: Callable[[], Credentials] = current_credentials,
        decode: Decode = parse_json,
        on_fallback: Callable[[str], object] = _ignore,
        response_seconds: float = RESPONSE_SECONDS,
        *,
        is_fallback_only: bool = False,
    ) -> None:
        self._service = service
        self._region = region
        self._fallback = fallback
        self._credentials = credentials
        self._decode = decode
        self._on_fallback = on_fallback
        self._pool = ConnectionPool(urlsplit(endpoint), response_seconds)
        self._is_fallback_only = is_fallback_only

    @classmethod
    def for_service(
        cls,
        service: Service,
        environment: AwsEnvironment,
        decode: Decode = parse_json,
        on_fallback: Callable[[str], object] = _ignore,
    ) -> Self:
        """Returns a reader of a service, with botocore as its fallback."""
        return cls(
            service,
            endpoint=environment.endpoint_of(service.name),
            region=environment.region,
            fallback=_botocore_fallback(service.name),
            decode=decode,
            on_fallback=on_fallback,
            is_fallback_only=environment.needs_botocore,
        )

    def query(self, requests: Iterable[Request]) -> list[Any]:
        """Returns the results of DynamoDB Queries, which are in flight at the same time."""
        return self._call("Query", requests)

    def get_item(self, **request: Any) -> Any:
        """Returns the result of DynamoDB's GetItem."""
        return self._call("GetItem", [request])[0]

    def get_parameter(self, **request: Any) -> Any:
        """Returns the result of Systems Manager's GetParameter."""
        return self._call("GetParameter", [request])[0]

    def _call(self, operation: str, requests: Iterable[Request]) -> list[Any]:
        if self._is_fallback_only:
            return [self._fallback(operation, request) for request in requests]
        signer = self._signer()
        # All requests are sent before any response is awaited, so no threads are needed.
        sent = [(request, self._send(signer, operation, request)) for request in requests]
        # All responses are received before the first fallback: a fallback is slow, and the other
        # responses have deadlines.
        received = [
            (request, None if in_flight is None else self._receive(operation, request, in_flight))
            for request, in_flight in sent
        ]
        return [
            self._fall_back(operation, request) if result is None else result
            for request, result in received
        ]

    def _signer(self) -> Signer:
        return Signer(self._credentials(), self._region, self._service.name, datetime.now(UTC))

    def _send(self, signer: Signer, operation: str, request: Request) -> InFlight | None:
        """Sends a request; returns None if it can't be sent."""
        body = json.dumps({**required_parameters(operation), **request}).encode()
        headers = {
            "Content-Type": self._service.content_type,
            "Host": self._pool.host,
            "X-Amz-Target": f"{self._service.target_prefix}.{operation}",
        }
        return self._pool.post(signed_headers(signer, headers, body), body)

    def _receive(
        self, operation: str, request: Request, in_flight: InFlight
    ) -> dict[str, Any] | None:
        """Returns the result of a call, or None unless all went well."""
        response = in_flight.wait()
        if response is None or response.status != 200:
            return None
        try:
            return validate_response(
                self._service.name, operation, lambda: request, response, self._decode
            )
        except DamagedResponse:
            return None

    def _fall_back(self, operation: str, request: Request) -> Any:
        self._on_fallback(operation)
        return self._fallback(operation, request)


def _botocore_fallback(service: str) -> Fallback:
    """Returns a function that calls a service with botocore, and imports it at the first call."""

    def fallback(operation: str, request: Request) -> Any:
        from workspace_usage.aws.clients import retry_call  # noqa: PLC0415 - takes 200 ms

        return retry_call(service, operation, request)

    return fallback
