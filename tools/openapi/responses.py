"""The responses of operations: headers, bodies and examples of each status."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from local.gateway.responses import (
    FUNCTION_FAILED,
    REQUEST_TOO_LARGE,
    THROTTLED,
    Failure,
    GatewayResponses,
)
from local.template.template import Template
from tools.openapi.examples import ExampleAnswer, ExampleRequest
from tools.openapi.operations import InvalidRequest, Operation, Problem
from tools.openapi.schemas import Schema, reference_to
from tools.openapi.texts import HEADERS_OF_RESPONSES, STATUSES, IncompleteDocument, text_of

_IDS: Final = ("x-amzn-RequestId", "x-amz-apigw-id")
_CORS: Final = ("Access-Control-Allow-Origin", "Access-Control-Expose-Headers")
_ANSWER_HEADERS: Final = (*_IDS, "no-store", *_CORS)
_FILE_HEADERS: Final = (
    *_IDS,
    "ETag",
    "Content-Security-Policy",
    "Referrer-Policy",
    "Vary",
    "X-Content-Type-Options",
    *_CORS,
)
_CACHE_CONTROLS: Final = {"no-store", "no-cache", "max-age"}
_HEADER_SCHEMAS: Final[Mapping[str, Schema]] = {
    "no-store": {"type": "string", "const": "no-store"},
    "Retry-After": {"type": "integer", "minimum": 1},
}
"""The schemas of headers that are not any text."""

_ERRORS: Final[Mapping[str, tuple[str, type, tuple[str, ...]]]] = {
    "401": ("Unauthorized", Problem, ("WWW-Authenticate",)),
    "403": ("Forbidden", Problem, ()),
    "404": ("NotFound", Problem, ()),
    "422": ("Invalid", InvalidRequest, ()),
    "429": ("TooManyRequests", Problem, ("Retry-After",)),
    "4XX": ("Malformed", Problem, ()),
    "503": ("Unavailable", Problem, ("Retry-After",)),
}
"""The name, the body and the additional headers of each error. 404 is no operation's."""

_ERRORS_OF_ANSWERS: Final = ("401", "403", "422", "429", "4XX", "503")
_ERRORS_OF_FILES: Final = ("429", "4XX", "503")

_FAILURES: Final[Mapping[str, tuple[str, str, Failure]]] = {
    "429": ("tooMany", "Too many requests", THROTTLED),
    "4XX": ("tooLarge", "A request that is too large", REQUEST_TOO_LARGE),
    "503": ("unavailable", "The service is unavailable", FUNCTION_FAILED),
}
"""Errors that no request to the demo has: the example is made from the template's text."""


def headers() -> dict[str, Schema]:
    """Returns the headers that responses refer to."""
    return {name: _header(name) for name in HEADERS_OF_RESPONSES}


def success_responses(operation: Operation, answers: list[ExampleAnswer]) -> dict[str, Schema]:
    """Returns an operation's responses that are no errors, by status.

    Args:
        operation: the operation.
        answers: the demo's answers that are examples of a 200.
    """
    responses = {"200": _success(operation, answers)}
    if operation.is_open:
        responses["304"] = _not_modified(operation)
    return responses


def error_references(operation: Operation) -> dict[str, Schema]:
    """Returns references to an operation's errors, by status."""
    errors = _ERRORS_OF_FILES if operation.is_open else _ERRORS_OF_ANSWERS
    return {status: {"$ref": f"#/components/responses/{_ERRORS[status][0]}"} for status in errors}


def error_responses(
    template: Template, answers: list[ExampleAnswer]
) -> Iterator[tuple[str, Schema]]:
    """Yields the errors that operations refer to, by their names.

    Args:
        template: the expanded template, which has the messages of the gateway.
        answers: the demo's answers that are examples.
    """
    definition = template.only("AWS::ApiGateway::RestApi").properties["Body"]
    gateway = GatewayResponses(definition.get("x-amazon-apigateway-gateway-responses", {}))
    for status, (name, body, headers) in _ERRORS.items():
        if status in _FAILURES:
            key, summary, failure = _FAILURES[status]
            text = gateway.make(failure, {}).body.decode()
            examples = {key: {"summary": summary, "value": json.loads(text)}}
        else:
            examples = _shown([answer for answer in answers if str(answer.status) == status])
        yield (
            name,
            {
                "description": text_of(STATUSES, name).description,
                "headers": _headers((*_ANSWER_HEADERS, *headers)),
                "content": {
                    "application/json": {"schema": reference_to(body), "examples": examples}
                },
            },
        )


def _success(operation: Operation, answers: list[ExampleAnswer]) -> Schema:
    if operation.answer is None:
        is_json = operation.media_type == "application/json"
        content: Schema = {"schema": {"type": "object" if is_json else "string"}}
    else:
        content = {"schema": reference_to(operation.answer), "examples": _shown(answers)}
    return {
        "description": operation.success,
        "headers": _file_headers(operation) if operation.is_open else _headers(_ANSWER_HEADERS),
        "content": {operation.media_type: content},
    }


def _not_modified(operation: Operation) -> Schema:
    return {
        "description": "The client has the file already.",
        "headers": _file_headers(operation),
    }


def _file_headers(operation: Operation) -> Schema:
    return _headers((operation.cache_control, *_FILE_HEADERS))


def _shown(answers: list[ExampleAnswer]) -> Schema:
    """Returns answers as examples.

    Raises:
        IncompleteDocument: there are none.
    """
    if not answers:
        raise IncompleteDocument("an operation or an error has no example in its SHOWN requests")
    return {
        answer.request.name: {
            "summary": answer.request.summary,
            "description": _request_text(answer.request),
            "value": answer.body,
        }
        for answer in answers
    }


def _request_text(request: ExampleRequest) -> str:
    headers = "".join(f", `{name}: {value}`" for name, value in request.headers.items())
    return f"`GET {request.target}` with the demo's token `{request.account.token}`{headers}"


def _headers(names: Iterable[str]) -> Schema:
    return {
        "Cache-Control" if name in _CACHE_CONTROLS else name: {
            "$ref": f"#/components/headers/{name}"
        }
        for name in names
    }


def _header(name: str) -> Schema:
    text = text_of(HEADERS_OF_RESPONSES, name)
    return {
        "description": text.description,
        "required": name not in _CORS,
        "schema": _HEADER_SCHEMAS.get(name, {"type": "string"}),
        "example": text.example,
    }
