"""Examples of single fields: values that the demo's answers have."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tools.openapi.examples import ExampleAnswer
from tools.openapi.operations import OPERATIONS, InvalidRequest, Problem
from tools.openapi.schemas import Schema, component_name
from tools.openapi.texts import IncompleteDocument

_INVALID: Final = 422


def add_field_examples(schemas: Mapping[str, Schema], answers: Iterable[ExampleAnswer]) -> None:
    """Adds an example to each field of an answer that is not an object: a value that is not null.

    Args:
        schemas: the schemas of objects, by their names. They are changed.
        answers: the demo's answers.

    Raises:
        IncompleteDocument: no answer has a value for a field.
    """
    for answer in answers:
        _take_values(schemas, _schema_name(answer), answer.body)
    for name, schema in schemas.items():
        for field, rules in schema["properties"].items():
            if not (list(_references(rules)) or "examples" in rules):
                raise IncompleteDocument(f"no request of examples.py has a value of {name}.{field}")


def _schema_name(answer: ExampleAnswer) -> str:
    operation = OPERATIONS.get(answer.request.route)
    if operation and operation.answer and answer.status == operation.status:
        return component_name(operation.answer)
    return component_name(InvalidRequest if answer.status == _INVALID else Problem)


def _take_values(schemas: Mapping[str, Schema], name: str, body: Mapping[str, Any]) -> None:
    """Makes the values of an object, and of all objects in it, the examples of their fields."""
    for field, value in body.items():
        rules = schemas[name]["properties"][field]
        references = list(_references(rules))
        for reference in references:
            for part in value if isinstance(value, list) else [value] if value else []:
                _take_values(schemas, reference, part)
        if not references and value not in (None, "", []):
            rules.setdefault("examples", [value])


def _references(rules: Schema) -> Iterator[str]:
    """Yields the name of the schema that a field, or each part of it, has."""
    for schema in (rules, rules.get("items", {}), *rules.get("oneOf", ())):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
