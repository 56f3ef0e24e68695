"""MOCK integrations: API Gateway answers with a fixed response, as to a browser's preflight.

Only one form is supported: each request gets the same status and the same headers, without a body.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from local.errors import TemplateError
from local.exchange import JSON, Response
from local.gateway.responses import UNSUPPORTED_MEDIA_TYPE, Refusal, fixed_headers

_HEADER: Final = "method.response.header."
_JSON_TYPE: Final = "application/json"
_KEYS: Final = {
    "type",
    "contentHandling",
    "passthroughBehavior",
    "requestTemplates",
    "responses",
}


@dataclass(frozen=True, slots=True)
class MockIntegration:
    """Answers every request with ``response``."""

    response: Response

    @classmethod
    def parse(cls, name: str, operation: Mapping[str, Any]) -> Self:
        """Returns the integration of a method.

        Args:
            name: the method and its path, for errors.
            operation: the method's definition in OpenAPI.

        Raises:
            TemplateError: the integration has another form than the one that is supported.
        """
        integration = operation["x-amazon-apigateway-integration"]
        responses = integration.get("responses") or {}
        if not integration.keys() <= _KEYS or responses.keys() != {"default"}:
            raise TemplateError(
                f"{name}: a mock is served here only with one response, the default one"
            )
        response = responses["default"]
        status = str(response.get("statusCode"))
        if not response.keys() <= {"statusCode", "responseParameters"}:
            raise TemplateError(f"{name}: a mock is served here only without a body")
        if integration.get("contentHandling") != "CONVERT_TO_TEXT":
            # Without it, the mock of an API with the binary media type */* answers 500.
            raise TemplateError(f"{name}: a mock needs contentHandling CONVERT_TO_TEXT")
        if integration.get("passthroughBehavior") != "never" or not _asks_for(
            status, integration.get("requestTemplates")
        ):
            raise TemplateError(
                f"{name}: a mock is served here only with passthroughBehavior never and the one "
                f'request template {_JSON_TYPE}: {{"statusCode": {status}}}'
            )
        headers = fixed_headers(name, response.get("responseParameters") or {}, _HEADER)
        declared = (operation.get("responses") or {}).get(status, {}).get("headers") or {}
        undeclared = {header for header, _ in headers} - declared.keys()
        if undeclared:
            raise TemplateError(f"{name}: its response {status} has to declare {min(undeclared)}")
        return cls(Response(int(status), (JSON, *headers), b""))

    def respond(self, content_type: str | None) -> Response:
        """Returns the response to a request.

        Raises:
            Refusal: there is no request template for the request's ``Content-Type``.
        """
        if (content_type or _JSON_TYPE).partition(";")[0].strip().lower() != _JSON_TYPE:
            raise Refusal(UNSUPPORTED_MEDIA_TYPE)
        return self.response


def _asks_for(status: str, templates: object) -> bool:
    """Whether the only template is one for JSON that asks for the response with this status."""
    if not isinstance(templates, dict) or templates.keys() != {_JSON_TYPE}:
        return False
    try:
        return status.isdigit() and json.loads(templates[_JSON_TYPE]) == {"statusCode": int(status)}
    except (TypeError, ValueError):
        return False
