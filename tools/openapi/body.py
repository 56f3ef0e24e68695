"""Bodies of requests, from the models that check them."""

from tools.openapi.examples import ExampleAnswer
from tools.openapi.operations import OPERATIONS
from tools.openapi.parameters import body_properties
from tools.openapi.schemas import Schema, component_name, reference_to
from tools.openapi.texts import BODIES, BODY_OF_REQUESTS, text_of
from workspace_usage.errors import InvalidRequest
from workspace_usage.listing.filters import Filters


def body_schemas() -> dict[str, Schema]:
    """Returns the schemas of all operations' bodies, by their names.

    Raises:
        IncompleteDocument: a body or a field has no description.
    """
    models = [operation.body for operation in OPERATIONS.values() if operation.body is not None]
    return {component_name(model): _schema(model) for model in models}


def request_body(model: type[Filters], answers: list[ExampleAnswer]) -> Schema:
    """Returns the description of an operation's body.

    Args:
        model: the model that checks it.
        answers: the demo's answers to valid bodies, which become the examples.
    """
    examples = {
        answer.request.name: {"summary": answer.request.summary, "value": answer.request.body}
        for answer in answers
    }
    return {
        "description": BODY_OF_REQUESTS,
        "required": True,
        "content": {"application/json": {"schema": reference_to(model), "examples": examples}},
    }


def _schema(model: type[Filters]) -> Schema:
    return {
        "type": "object",
        "description": text_of(BODIES, component_name(model)).description,
        "properties": dict(body_properties(model)),
        "required": _required_fields(model),
    }


def _required_fields(model: type[Filters]) -> list[str]:
    """Returns the fields that the model misses in an empty body."""
    try:
        model.parse({})
    except InvalidRequest as error:
        return [v.field for v in error.violations if v.message_key == "required"]
    return []
