"""Proxy responses for API Gateway, with exact numbers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from workspace_usage.listing.answer import plain_number


def proxy_response(status: int, body: Mapping[str, object]) -> dict[str, Any]:
    """Returns a proxy response with ``body`` as JSON.

    ``no-store`` is for clients and proxies; API Gateway caches the response all the same.
    """
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-store"},
        "body": orjson.dumps(body, default=_encode).decode(),
        "isBase64Encoded": False,
    }


def _encode(value: object) -> orjson.Fragment:
    """Returns a Decimal as a JSON number, digit for digit.

    Raises:
        TypeError: JSON has no form for ``value``.
    """
    if not isinstance(value, Decimal):
        raise TypeError
    return orjson.Fragment(plain_number(value))
