"""Reads from AWS's JSON services, at a fifth of botocore's CPU and without its start.

Almost every call succeeds at once, and for those botocore's work is pure cost: a millisecond for
each, and two hundred when a function starts. So the first attempt is made here, signed and decoded
in one step each. Whatever comes of it but a result that can be believed (an error, a time-out, a
broken connection, damage) is thrown away, and botocore makes the call, with its retries and its
errors. A read may be made twice; nothing that writes is called this way.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self
from urllib.parse import urlsplit

from workspace_usage.aws.connections import RESPONSE_SECONDS, ConnectionPool, InFlight
from workspace_usage.aws.credentials import Credentials, current_credentials
from workspace_usage.aws.endpoints import domain_of
from workspace_usage.aws.sigv4 import Signer, signed_headers
from workspace_usage.aws.validation import (
    DamagedResponse,
    Decode,
    required_parameters,
    validate_response,
)
from workspace_usage.values import parse_json

_NOT_FOR_US: Final = (
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "https_proxy",
    "http_proxy",
)
"""Variables that change where calls go, in ways that botocore knows: it makes all calls then."""

type Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Service:
    """How a service is called: its name, its prefix of operations, and its kind of JSON."""

    name: str
    target: str
    content_type: str


DYNAMODB: Final = Service("dynamodb", "DynamoDB_20120810", "application/x-amz-json-1.0")
SSM: Final = Service("ssm", "AmazonSSM", "application/x-amz-json-1.1")


def _say_nothing(_: str) -> None:
    pass


class Reader:
    """Reads from one service; requests and answers are those of botocore's clients.

    Args:
        service: the service.
        endpoint: where it answers: ``https://dynamodb.us-east-1.amazonaws.com``.
        region: its region.
        again: makes a call that did not succeed at once, by the operation's name.
        credentials: gives the credentials of the moment.
        decode: parses an answer; a faster parser than the standard library's may be given.
        on_fallback: is told the operation of each call that did not succeed at once.
        response_seconds: how long an answer may take.
    """

    def __init__(
        self,
        service: Service,
        endpoint: str,
        region: str,
        again: Callable[[str, Request], Any],
        credentials: Callable[[], Credentials] = current_credentials,
        decode: Decode = parse_json,
        on_fallback: Callable[[str], object] = _say_nothing,
        response_seconds: float = RESPONSE_SECONDS,
    ) -> None:
        self._service = service
        self._region = region
        self._again = again
        self._credentials = credentials
        self._decode = decode
        self._on_repeat = on_fallback
        self._pool = ConnectionPool(urlsplit(endpoint), response_seconds)
        self._is_botocores = any(os.environ.get(name) for name in _NOT_FOR_US)

    @classmethod
    def for_service(
        cls,
        service: Service,
        decode: Decode = parse_json,
        on_fallback: Callable[[str], object] = _say_nothing,
    ) -> Self:
        """A reader of a service in this function's region, or where the environment says."""
        from_environment = os.environ.get(f"AWS_ENDPOINT_URL_{service.name.upper()}")
        region = os.environ["AWS_REGION"]
        endpoint = from_environment or f"https://{service.name}.{region}.{domain_of(region)}"
        again = _by_botocore(service.name)
        return cls(service, endpoint, region, again, decode=decode, on_fallback=on_fallback)

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
        signer = None if self._is_botocores else self._signer()
        calls = [(request, self._send(signer, operation, request)) for request in requests]
        results = [self._receive(operation, *retry_call) for retry_call in calls]
        return [
            self._repeat(operation, request) if result is None else result
            for (request, _), result in zip(calls, results, strict=True)
        ]

    def _repeat(self, operation: str, request: Request) -> Any:
        if not self._is_botocores:
            self._on_repeat(operation)
        return self._again(operation, request)

    def _signer(self) -> Signer:
        return Signer(self._credentials(), self._region, self._service.name, datetime.now(UTC))

    def _send(self, signer: Signer | None, operation: str, request: Request) -> InFlight | None:
        """A call that is under way; None if it can't be."""
        if signer is None:
            return None
        body = json.dumps({**required_parameters(operation), **request}).encode()
        headers = {
            "Content-Type": self._service.content_type,
            "Host": self._pool.host,
            "X-Amz-Target": f"{self._service.target}.{operation}",
        }
        return self._pool.post(signed_headers(signer, headers, body), body)

    def _receive(
        self, operation: str, request: Request, retry_call: InFlight | None
    ) -> dict[str, Any] | None:
        """The result of a call; None unless all went well."""
        answer = None if retry_call is None else retry_call.wait()
        if answer is None or answer.status != 200:
            return None
        try:
            return validate_response(
                self._service.name, operation, lambda: request, answer, self._decode
            )
        except DamagedResponse:
            return None


def _by_botocore(service: str) -> Callable[[str, Request], Any]:
    """Makes calls of a service with botocore, which is imported when there is the first."""

    def again(operation: str, request: Request) -> Any:
        from workspace_usage.aws.clients import retry_call  # noqa: PLC0415 - two hundred milliseconds

        return retry_call(service, operation, request)

    return again
