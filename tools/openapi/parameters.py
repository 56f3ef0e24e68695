"""Parameters and fields of bodies: types, limits and defaults, from the models that check them."""

from collections.abc import Iterator
from datetime import date
from types import NoneType
from typing import Any, Final, Literal, TypeAliasType, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from local.gateway.paths import PathPattern
from tools.openapi.schemas import Schema
from tools.openapi.texts import HEADERS_OF_REQUESTS, PARAMETERS, Text, text_of
from workspace_usage.listing.filters import DEFAULT_RANGE, Filters
from workspace_usage.rows.position import Position
from workspace_usage.summary.query import MAX_DIMENSIONS
from workspace_usage.values import MAX_ID

_DEFAULTS: Final = {"range": DEFAULT_RANGE}
"""Defaults that a model applies by itself.

``page`` is not here. A client that sends defaults would send it with a cursor, which is an error.
"""


def query_parameters(model: type[Filters]) -> Iterator[Schema]:
    """Yields the query parameters of a model, in the contract's order.

    Raises:
        IncompleteDocument: a parameter has no description.
    """
    for name, field in model.model_fields.items():
        text = text_of(PARAMETERS, name)
        schema = _schema(name, field)
        yield {
            "name": name,
            "in": "query",
            "description": text.description,
            "schema": _with_example(schema, text),
        }


def body_properties(model: type[Filters]) -> Iterator[tuple[str, Schema]]:
    """Yields the names and schemas of the fields of a body, which are those of a model.

    Raises:
        IncompleteDocument: a field has no description.
    """
    for name, field in model.model_fields.items():
        text = text_of(PARAMETERS, name)
        schema = _with_example(_schema(name, field), text)
        yield name, {**schema, "description": text.description}


def path_parameters(path: str) -> Iterator[Schema]:
    """Yields the parameters in a path, as the template writes it.

    Raises:
        IncompleteDocument: a parameter has no description.
    """
    for name in PathPattern.parse(path).names:
        text = text_of(PARAMETERS, name)
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": text.description,
            "schema": _with_example({"type": "string"}, text),
        }


def header_parameters(names: tuple[str, ...]) -> Iterator[Schema]:
    """Yields request headers as parameters."""
    schemas: dict[str, Schema] = {
        "x-workspace-id": _integer(1, MAX_ID),
        "Accept-Language": {"type": "string"},
        "If-None-Match": {"type": "string"},
    }
    for name in names:
        text = text_of(HEADERS_OF_REQUESTS, name)
        is_required = name == "x-workspace-id"
        yield {
            "name": name,
            "in": "header",
            "required": is_required,
            "description": text.description,
            "schema": schemas[name] if is_required else _with_example(schemas[name], text),
            **({"example": text.example} if is_required else {}),
        }


def _with_example(schema: Schema, text: Text) -> Schema:
    """Returns a schema with an example.

    An example beside the schema would be what the reference's form sends at first.
    """
    return schema if text.example is None else {**schema, "examples": [text.example]}


def _schema(name: str, field: FieldInfo) -> Schema:
    kind, limits = _unwrap(field.annotation)
    limits += field.metadata
    default = _DEFAULTS.get(name, field.default)
    schema = _type_schema(kind, limits)
    return schema if default in (None, ()) else {**schema, "default": default}


def _unwrap(annotation: Any) -> tuple[Any, list[object]]:
    """Returns the type inside an annotation, and what the annotation adds to it."""
    if isinstance(annotation, TypeAliasType):
        return _unwrap(annotation.__value__)
    arguments = get_args(annotation)
    if NoneType in arguments:
        (annotation,) = (argument for argument in arguments if argument is not NoneType)
        return _unwrap(annotation)
    if hasattr(annotation, "__metadata__"):
        kind, metadata = _unwrap(arguments[0])
        added = [
            limit
            for part in annotation.__metadata__
            for limit in (part.metadata if isinstance(part, FieldInfo) else [part])
        ]
        return kind, metadata + added
    return annotation, []


def _type_schema(kind: Any, limits: list[object]) -> Schema:
    """Returns the schema of a parameter.

    Raises:
        TypeError: no parameter has had this type so far.
    """
    if get_origin(kind) is Literal:
        # A Literal inside another one is taken apart by Python.
        return {"type": "string", "enum": list(get_args(kind))}
    if get_origin(kind) is tuple:
        # Not an array with ``explode: false``: generated clients ignore that, and send the name
        # several times, of which the last one counts.
        choices = "|".join(_type_schema(*_unwrap(get_args(kind)[0]))["enum"])
        return {
            "type": "string",
            "pattern": f"^({choices})(,({choices})){{0,{MAX_DIMENSIONS - 1}}}$",
        }
    if kind is int:
        (minimum,) = (limit.ge for limit in limits if isinstance(limit, Ge))
        (maximum,) = (limit.le for limit in limits if isinstance(limit, Le))
        return _integer(minimum, maximum)
    if kind is date:
        return {"type": "string", "format": "date"}
    if kind is Position:
        return {"type": "string"}
    raise TypeError(f"a parameter of the type {kind} has no schema")


def _integer(minimum: object, maximum: object) -> Schema:
    return {"type": "integer", "format": "int64", "minimum": minimum, "maximum": maximum}
