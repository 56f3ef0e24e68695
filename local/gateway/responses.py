"""Gateway responses: what API Gateway answers itself, with the template's texts and headers.

Types, statuses and messages are from the API Gateway developer guide, "Gateway response types". For
a type that the template doesn't define, its DEFAULT_4XX or DEFAULT_5XX is used.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.errors import TemplateError
from local.exchange import Pairs, Response

_HEADER: Final = "gatewayresponse.header."
_PLAIN_TEMPLATE: Final = {"application/json": '{"message":$context.error.messageString}'}
_VARIABLE: Final = re.compile(r"\$context\.(\w+(?:\.\w+)*)")


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason why the gateway answers itself.

    Attributes:
        type: the gateway response's type.
        status: its status, which the template can change.
        message: its message in English.
    """

    type: str
    status: int
    message: str


ACCESS_DENIED: Final = Failure(
    "ACCESS_DENIED", 403, "User is not authorized to access this resource"
)
AUTHORIZER_FAILURE: Final = Failure("AUTHORIZER_FAILURE", 500, "Internal server error")
AUTHORIZER_UNUSABLE: Final = Failure("AUTHORIZER_CONFIGURATION_ERROR", 500, "Internal server error")
FUNCTION_FAILED: Final = Failure("DEFAULT_5XX", 502, "Internal server error")
INTEGRATION_TIMEOUT: Final = Failure("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out")
NO_ROUTE: Final = Failure("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")
REQUEST_TOO_LARGE: Final = Failure("REQUEST_TOO_LARGE", 413, "Request Too Long")
THROTTLED: Final = Failure("THROTTLED", 429, "Too Many Requests")
UNAUTHORIZED: Final = Failure("UNAUTHORIZED", 401, "Unauthorized")
UNSUPPORTED_MEDIA_TYPE: Final = Failure("UNSUPPORTED_MEDIA_TYPE", 415, "Unsupported Media Type")
WAF_FILTERED: Final = Failure("WAF_FILTERED", 403, "Forbidden")


class Refusal(Exception):
    """The gateway answers the request itself, because of ``failure``."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.type)
        self.failure = failure


class GatewayResponses:
    """The gateway responses of an OpenAPI definition.

    Raises:
        TemplateError: one of them has a header whose value is not a fixed text.
    """

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._headers = {
            kind: fixed_headers(
                f"gateway response {kind}", definition.get("responseParameters") or {}, _HEADER
            )
            for kind, definition in definitions.items()
        }

    def make(self, failure: Failure, context: dict[str, str]) -> Response:
        """Returns the response for a failure, and adds the failure to the request's context."""
        context["error.responseType"] = failure.type
        context["error.message"] = failure.message
        context["error.messageString"] = json.dumps(failure.message)
        kind = failure.type
        if kind not in self._definitions:
            kind = "DEFAULT_5XX" if failure.status >= 500 else "DEFAULT_4XX"
        definition = self._definitions.get(kind, {})
        templates = definition.get("responseTemplates") or _PLAIN_TEMPLATE
        content_type, template = next(iter(templates.items()))
        return Response(
            status=int(definition.get("statusCode") or failure.status),
            headers=(("Content-Type", content_type), *self._headers.get(kind, ())),
            body=fill(template, context).encode(),
        )


def fill(template: str, context: Mapping[str, str], missing: str = "") -> str:
    """Returns ``template`` with its ``$context`` variables replaced, not escaped, as in AWS."""
    return _VARIABLE.sub(lambda match: context.get(match[1], missing), template)


def fixed_headers(owner: str, parameters: Mapping[str, str], prefix: str) -> Pairs:
    """Returns the headers in a response's parameters.

    Args:
        owner: what has the parameters, for errors.
        parameters: texts in single quotes, by the headers' names with ``prefix`` in front.
        prefix: says that a parameter is a header.

    Raises:
        TemplateError: a parameter is not a header with a fixed text.
    """
    for name, value in parameters.items():
        if not (name.startswith(prefix) and re.fullmatch(r"'[^']*'", value)):
            raise TemplateError(f"{owner}: {name} is not a header with a fixed text")
    return tuple((name.removeprefix(prefix), value[1:-1]) for name, value in parameters.items())
