"""The format of Lambda proxy integrations: requests as events, and results as responses.

The API Gateway developer guide describes it, "Lambda proxy integrations". If a name was sent more
than once, its last value counts.
"""

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from local.aws import ACCOUNT
from local.exchange import Request, Response, group_values
from local.gateway.binary import decode, encode
from local.gateway.responses import FUNCTION_FAILED, Failure, Refusal

_RESPONSE_KEYS: Final = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


def query_parameters(query: str) -> dict[str, list[str]]:
    """Returns the decoded parameters of a query string; bytes that are not UTF-8 are replaced."""
    return group_values(parse_qsl(query, keep_blank_values=True, errors="replace"))


def make_request_context(
    request: Request, context: Mapping[str, str], api_id: str
) -> dict[str, Any]:
    """Returns an event's ``requestContext``, from the gateway's own ``$context`` of the request."""
    agents = [value for name, value in request.headers if name.lower() == "user-agent"]
    return {
        "accountId": ACCOUNT,
        "apiId": api_id,
        "extendedRequestId": context["extendedRequestId"],
        "httpMethod": request.method,
        "identity": {"sourceIp": request.source_ip, "userAgent": agents[-1] if agents else None},
        "path": f"/{context['stage']}{request.path}",
        "protocol": "HTTP/1.1",
        "requestId": context["requestId"],
        "requestTime": context["requestTime"],
        "requestTimeEpoch": int(time.time() * 1000),
        "resourceId": "local",
        "resourcePath": context["resourcePath"],
        "stage": context["stage"],
    }


def to_event(
    request: Request,
    request_context: Mapping[str, Any],
    path_parameters: Mapping[str, str] | None = None,
    *,
    is_binary: bool = False,
) -> dict[str, Any]:
    """Returns the event for a request.

    Args:
        request: the request.
        request_context: the event's ``requestContext``.
        path_parameters: the parameters in the request's path.
        is_binary: whether the event has the body in base64.
    """
    headers = group_values(request.headers, ignore_case=True)
    parameters = query_parameters(request.query)
    return {
        "resource": request_context["resourcePath"],
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last_values(headers),
        "multiValueHeaders": headers or None,
        "queryStringParameters": _last_values(parameters),
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": dict(path_parameters or {}) or None,
        "stageVariables": None,
        "requestContext": request_context,
        "body": encode(request.content) if is_binary else request.body,
        "isBase64Encoded": is_binary,
    }


def to_authorizer_event(event: Mapping[str, Any], method_arn: str) -> dict[str, Any]:
    """Returns the event for a REQUEST authorizer: the method's event, without the body."""
    visible = {
        name: value for name, value in event.items() if name not in {"body", "isBase64Encoded"}
    }
    return {"type": "REQUEST", "methodArn": method_arn, **visible}


def parse_payload(payload: bytes, failure: Failure) -> Any:
    """Parses a function's result. It may be no JSON: a handler can return any bytes.

    Raises:
        Refusal: it is not JSON; the refusal has this ``failure``.
    """
    try:
        return json.loads(payload.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Refusal(failure) from None


def to_response(payload: bytes, *, is_decoded: bool = False) -> Response:
    """Returns the response in a function's result.

    Args:
        payload: the function's result.
        is_decoded: whether a body in base64 is decoded. Otherwise the response has that text.

    Raises:
        Refusal: the result does not have the proxy format.
    """
    content = parse_payload(payload, FUNCTION_FAILED)
    if not isinstance(content, dict) or not content.keys() <= _RESPONSE_KEYS:
        raise Refusal(FUNCTION_FAILED)
    status, body = content.get("statusCode"), content.get("body")
    if not re.fullmatch(r"[2-5]\d\d", str(status)) or not isinstance(body, str | None):
        raise Refusal(FUNCTION_FAILED)
    headers = _headers(content.get("headers") or {}, content.get("multiValueHeaders") or {})
    is_base64 = content.get("isBase64Encoded") is True
    try:
        content_bytes = decode(body or "") if is_base64 and is_decoded else _utf8(body or "")
    except ValueError:
        raise Refusal(FUNCTION_FAILED) from None
    return Response(int(str(status)), headers, content_bytes)


def _utf8(text: str) -> bytes:
    return text.encode(errors="replace")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _headers(single: object, multiple: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        raise Refusal(FUNCTION_FAILED)
    multiple_names = {name.lower() for name in multiple}
    headers = [
        (name, value) for name, value in single.items() if name.lower() not in multiple_names
    ]
    headers += [(name, value) for name, values in multiple.items() for value in _list(values)]
    if "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("Content-Type", "application/json"))
    return tuple((_checked(_HEADER_NAME, name), _checked(_HEADER_VALUE, v)) for name, v in headers)


def _list(values: object) -> list[Any]:
    if not isinstance(values, list):
        raise Refusal(FUNCTION_FAILED)
    return values


def _checked(pattern: re.Pattern[str], value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if not pattern.fullmatch(text) or text != text.strip():
        raise Refusal(FUNCTION_FAILED)
    return text


def _last_values(values: Mapping[str, list[str]]) -> dict[str, str] | None:
    return {name: several[-1] for name, several in values.items()} or None
