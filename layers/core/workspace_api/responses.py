"""Proxy responses for API Gateway, with the headers that browsers need."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from workspace_usage.errors import InvalidRequest, Violation
from workspace_usage.listing.encoding import to_json
from workspace_usage.listing.sizes import ENVELOPE_BYTES, MAX_RESPONSE_BYTES, encoded_bytes

EXPOSED_HEADERS: Final = "x-amzn-RequestId,Retry-After,ETag,Location"
"""Headers of responses that pages of another origin may read. The gateway's own name the same."""


def cors_headers(allowed_origin: str | None) -> dict[str, str]:
    """Returns the headers that let pages of another origin read a response (CORS).

    They are the same whatever the request's ``Origin`` is, so that a cached response has the right
    ones and no response varies by ``Origin``.

    Args:
        allowed_origin: the origin, or None if pages of no other origin may read it.
    """
    if allowed_origin is None:
        return {}
    return {
        "Access-Control-Allow-Origin": allowed_origin,
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
    }


def proxy_response(
    status: int,
    body: Mapping[str, object],
    allowed_origin: str | None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Returns a proxy response with ``body`` as JSON.

    ``no-store`` is for clients and proxies; API Gateway caches the response all the same.

    Args:
        status: the HTTP status.
        body: what becomes JSON.
        allowed_origin: the origin whose pages may read the response, besides the API's own.
        headers: headers besides those that every response has.
    """
    return {
        "statusCode": status,
        "headers": {
            "Content-Type": "application/json",
            "Cache-Control": "no-store",
            **cors_headers(allowed_origin),
            **headers,
        },
        "body": to_json(body),
        "isBase64Encoded": False,
    }


def check_size(body: object) -> None:
    """Refuses to answer with more than Lambda returns.

    Only the names of groups can make an answer so large: texts of rows may be long, and each bucket
    repeats them.

    Raises:
        InvalidRequest: the answer is too large; the caller has to ask for less.
    """
    if encoded_bytes(to_json(body)) > MAX_RESPONSE_BYTES - ENVELOPE_BYTES:
        raise InvalidRequest((Violation("limit", "answer_too_large"),))
