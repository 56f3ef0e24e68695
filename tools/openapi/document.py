"""The whole document, from the code, the template and the demo's answers."""

from collections.abc import Iterable

from local.stack import Stack
from tools.openapi.body import body_schemas, request_body
from tools.openapi.examples import SAMPLED, SHOWN, ExampleAnswer, answers_of
from tools.openapi.export_examples import answers_about_exports
from tools.openapi.field_examples import add_field_examples
from tools.openapi.operations import (
    OPERATIONS,
    InvalidRequest,
    Operation,
    Problem,
    check_routes,
)
from tools.openapi.parameters import header_parameters, path_parameters, query_parameters
from tools.openapi.responses import error_references, error_responses, headers, success_responses
from tools.openapi.schemas import Schema, object_schemas
from tools.openapi.texts import INTRODUCTION, SECURITY, TAGS, TITLE
from usagectl import VERSION


def make_document(stack: Stack) -> Schema:
    """Returns the document.

    Args:
        stack: the demo's stack (``examples.demo_stack``), whose parameters are the default ones.

    Raises:
        IncompleteDocument: something has no description, no example, or no operation.
        TimeoutError: the stack does not finish an export.
    """
    check_routes(stack.template)
    ask = answers_of(stack.url)
    answers = [*map(ask, SHOWN), *answers_about_exports(stack)]
    answer_types = [op.answer for op in OPERATIONS.values() if op.answer is not None]
    schemas = {**object_schemas([*answer_types, Problem, InvalidRequest]), **body_schemas()}
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
        "paths": _paths(answers),
        "components": {
            "schemas": schemas,
            "responses": dict(error_responses(stack.template, answers)),
            "headers": headers(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": SECURITY}
            },
        },
    }


def _paths(answers: Iterable[ExampleAnswer]) -> Schema:
    paths: Schema = {}
    for route, operation in OPERATIONS.items():
        method, path = route.split(" ")
        shown = [a for a in answers if (a.request.route, a.status) == (route, operation.status)]
        paths.setdefault(path, {})[method.lower()] = _operation(path, operation, shown)
    return paths


def _operation(path: str, operation: Operation, answers: list[ExampleAnswer]) -> Schema:
    query = query_parameters(operation.query) if operation.query else ()
    headers = header_parameters(operation.headers)
    body = {"requestBody": request_body(operation.body, answers)} if operation.body else {}
    return {
        "operationId": operation.operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "security": [] if operation.is_open else [{"token": []}],
        "parameters": [*path_parameters(path), *headers, *query],
        **body,
        "responses": {**success_responses(operation, answers), **error_references(operation)},
    }
