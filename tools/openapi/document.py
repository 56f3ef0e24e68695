"""The whole document, from the code, the template and the demo's answers."""

from collections.abc import Callable, Iterable, Iterator

from local.template.template import Template
from tools.openapi.examples import SAMPLED, SHOWN, ExampleAnswer, ExampleRequest
from tools.openapi.field_examples import add_field_examples
from tools.openapi.operations import (
    OPERATIONS,
    InvalidRequest,
    Operation,
    Problem,
    check_routes,
)
from tools.openapi.parameters import header_parameters, query_parameters
from tools.openapi.responses import error_references, error_responses, headers, success_responses
from tools.openapi.schemas import Schema, object_schemas
from tools.openapi.texts import INTRODUCTION, SECURITY, TAGS, TITLE, VERSION


def make_document(template: Template, ask: Callable[[ExampleRequest], ExampleAnswer]) -> Schema:
    """Returns the document.

    Args:
        template: the expanded template, with default parameters.
        ask: returns the answer of the demo's stack to a request.

    Raises:
        IncompleteDocument: something has no description, no example, or no operation.
    """
    check_routes(template)
    answers = [ask(request) for request in SHOWN]
    answer_types = [op.answer for op in OPERATIONS.values() if op.answer is not None]
    schemas = object_schemas([*answer_types, Problem, InvalidRequest])
    add_field_examples(schemas, [*answers, *map(ask, SAMPLED)])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {"url": ".", "description": "The deployment that serves this document."},
            {"url": "http://127.0.0.1:3000", "description": "The demo, which `make run` serves."},
        ],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": dict(_paths(answers)),
        "components": {
            "schemas": schemas,
            "responses": dict(error_responses(template, answers)),
            "headers": headers(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": SECURITY}
            },
        },
    }


def _paths(answers: Iterable[ExampleAnswer]) -> Iterator[tuple[str, Schema]]:
    for route, operation in OPERATIONS.items():
        method, path = route.split(" ")
        shown = [
            answer for answer in answers if (answer.request.path, answer.status) == (path, 200)
        ]
        yield path, {method.lower(): _operation(operation, shown)}


def _operation(operation: Operation, answers: list[ExampleAnswer]) -> Schema:
    query = query_parameters(operation.query) if operation.query else ()
    return {
        "operationId": operation.operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "security": [] if operation.is_open else [{"token": []}],
        "parameters": [*header_parameters(operation.headers), *query],
        "responses": {**success_responses(operation, answers), **error_references(operation)},
    }
