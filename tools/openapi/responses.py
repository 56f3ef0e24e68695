"""The responses of operations: headers, bodies and examples of each status."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from local.gateway.responses import (
    FUNCTION_FAILED,
    REQUEST_TOO_LARGE,
    THROTTLED,
    Failure,
    GatewayResponses,
)
from local.template.template import Template
from tools.openapi.examples import ExampleAnswer, ExampleRequest
from tools.openapi.operations import OPERATIONS, InvalidRequest, Operation, Problem
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


class ErrorKind(NamedTuple):
    """An error of the document: its status, its body, and the headers that others don't have."""

    status: str
    body: type
    headers: tuple[str, ...] = ()


_ERRORS: Final[Mapping[str, ErrorKind]] = {
    "Unauthorized": ErrorKind("401", Problem, ("WWW-Authenticate",)),
    "Forbidden": ErrorKind("403", Problem),
    "NotFound": ErrorKind("404", Problem),
    "ExportNotFound": ErrorKind("404", Problem),
    "Invalid": ErrorKind("422", InvalidRequest),
    "TooManyRequests": ErrorKind("429", Problem, ("Retry-After",)),
    "TooManyExports": ErrorKind("429", Problem, ("Retry-After",)),
    "Malformed": ErrorKind("4XX", Problem),
    "Unavailable": ErrorKind("503", Problem, ("Retry-After",)),
}
"""The errors by their names. ``NotFound`` is no operation's."""

_ERRORS_OF_FILES: Final = ("TooManyRequests", "Malformed", "Unavailable")
_ERRORS_OF_ANSWERS: Final = ("Unauthorized", "Forbidden", "Invalid", *_ERRORS_OF_FILES)

_FAILURES: Final[Mapping[str, tuple[str, str, Failure]]] = {
    "TooManyRequests": ("tooMany", "Too many requests", THROTTLED),
    "Malformed": ("tooLarge", "A request that is too large", REQUEST_TOO_LARGE),
    "Unavailable": ("unavailable", "The service is unavailable", FUNCTION_FAILED),
}
"""Errors that no request to the demo has: the example is made from the template's text."""


def headers() -> dict[str, Schema]:
    """Returns the headers that responses refer to."""
    return {name: _header(name) for name in HEADERS_OF_RESPONSES}


def success_responses(operation: Operation, answers: list[ExampleAnswer]) -> dict[str, Schema]:
    """Returns an operation's responses that are no errors, by status.

    Args:
        operation: the operation.
        answers: the demo's answers that are examples of a success.
    """
    responses = {str(operation.status): _success(operation, answers)}
    if operation.is_open:
        responses["304"] = _not_modified(operation)
    return responses


def error_references(operation: Operation) -> dict[str, Schema]:
    """Returns references to an operation's errors, by status."""
    names = _error_names(operation)
    return {status: {"$ref": f"#/components/responses/{names[status]}"} for status in sorted(names)}


def _error_names(operation: Operation) -> dict[str, str]:
    """Returns the names of an operation's errors, by status."""
    common = _ERRORS_OF_FILES if operation.is_open else _ERRORS_OF_ANSWERS
    return {_ERRORS[name].status: name for name in (*common, *operation.errors)}


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
    for name, kind in _ERRORS.items():
        if name in _FAILURES:
            key, summary, failure = _FAILURES[name]
            text = gateway.make(failure, {}).body.decode()
            examples = {key: {"summary": summary, "value": json.loads(text)}}
        else:
            examples = _shown([answer for answer in answers if _error_name(answer) == name])
        yield (
            name,
            {
                "description": text_of(STATUSES, name).description,
                "headers": _headers((*_ANSWER_HEADERS, *kind.headers)),
                "content": {
                    "application/json": {"schema": reference_to(kind.body), "examples": examples}
                },
            },
        )


def _error_name(answer: ExampleAnswer) -> str | None:
    """Returns the name of the error that an answer is, or None if it is a success."""
    operation = OPERATIONS.get(answer.request.route)
    if operation is None:
        return "NotFound"
    return _error_names(operation).get(str(answer.status))


def _success(operation: Operation, answers: list[ExampleAnswer]) -> Schema:
    if operation.answer is None:
        is_json = operation.media_type == "application/json"
        content: Schema = {"schema": {"type": "object" if is_json else "string"}}
    else:
        content = {"schema": reference_to(operation.answer), "examples": _shown(answers)}
    common = (operation.cache_control, *_FILE_HEADERS) if operation.is_open else _ANSWER_HEADERS
    return {
        "description": operation.success,
        "headers": _headers((*common, *operation.success_headers)),
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
    body = "" if request.body is None else f" and the body `{json.dumps(request.body)}`"
    headers = "".join(f", `{name}: {value}`" for name, value in request.headers.items())
    sent = f"`{request.method} {request.target}` with the demo's token `{request.account.token}`"
    note = f". {request.note}" if request.note else ""
    return f"{sent}{body}{headers}{note}"


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
