"""API Gateway's proxy events: recognizes them, and reads their parts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def is_proxy_event(event: object) -> TypeGuard[dict[str, Any]]:
    """Returns whether ``event`` has the form of API Gateway's proxy events.

    Callers who may invoke the function directly can send any event. An event with a field
    ``workspace_id`` is always a direct invocation: API Gateway's events have no such field.
    """
    return (
        isinstance(event, dict)
        and "workspace_id" not in event
        and "httpMethod" in event
        and isinstance(event.get("requestContext"), dict)
        and isinstance(event["requestContext"].get("authorizer") or {}, dict)
        and _has_only_texts(event.get("headers"))
        and _has_only_texts(event.get("queryStringParameters"))
    )


def _has_only_texts(value: object) -> bool:
    return value is None or (
        isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    )


def headers_of(event: Mapping[str, Any]) -> Mapping[str, str]:
    """Returns a request's headers by their names in lower case, because clients choose the case."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def request_id_of(event: Mapping[str, Any], context: "LambdaContext") -> str:
    """Returns API Gateway's id of a request or, if there is none, Lambda's id of the invocation."""
    request_id: str = (event.get("requestContext") or {}).get("requestId", context.aws_request_id)
    return request_id
