"""The types of answers (TypedDicts) as JSON Schemas, as OpenAPI 3.1 has them.

A field's description is its docstring, so that the code and the document say the same.
"""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from types import NoneType, UnionType, get_original_bases
from typing import Any, Final, Literal, TypeAliasType, get_args, get_origin, get_type_hints
from typing import is_typeddict as is_object

from tools.openapi.texts import IncompleteDocument
from workspace_usage.exporting.answer import ExportBody
from workspace_usage.exporting.query import ExportQuery
from workspace_usage.listing.answer import Body, Item
from workspace_usage.summary.answer import Bucket, SummaryBody, TokenTotals

type Schema = dict[str, Any]

COMPONENT_NAMES: Final[Mapping[type, str]] = {
    Body: "Page",
    SummaryBody: "Summary",
    ExportBody: "Export",
    ExportQuery: "ExportRequest",
}
"""The names that some types have in the document, where many types have bodies."""

_SCALARS: Final[Mapping[object, Schema]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int64"},
    # Its digits are exact. A generator of clients knows by the format that a float is not enough.
    Decimal: {"type": "number", "format": "decimal"},
}

_DATE: Final = {"format": "date"}
_MOMENT: Final = {"format": "date-time"}
_LARGE: Final = {"format": None}
_RULES: Final[Mapping[tuple[type, str], Schema]] = {
    (Item, "created_at"): _MOMENT,
    (ExportBody, "created_at"): _MOMENT,
    (ExportBody, "expires_at"): _MOMENT,
    (ExportBody, "link"): {"format": "uri"},
    (Bucket, "start_date"): _DATE,
    (Bucket, "end_date"): _DATE,
    (SummaryBody, "start_date"): _DATE,
    (SummaryBody, "end_date"): _DATE,
    # Sums may have more than 64 bits.
    (TokenTotals, "input"): _LARGE,
    (TokenTotals, "output"): _LARGE,
    (TokenTotals, "total"): _LARGE,
}
"""What a field's Python type doesn't say; None removes what the type says."""


def component_name(kind: type) -> str:
    """Returns the name of a type among the document's schemas."""
    return COMPONENT_NAMES.get(kind, kind.__name__)


def reference_to(kind: type) -> Schema:
    """Returns a reference to a type's schema."""
    return {"$ref": f"#/components/schemas/{component_name(kind)}"}


def object_schemas(roots: Iterable[type]) -> dict[str, Schema]:
    """Returns the schemas of TypedDicts, and of all that their fields have, by their names.

    Raises:
        IncompleteDocument: a type or a field has no docstring.
    """
    schemas: dict[str, Schema] = {}
    remaining = list(roots)
    while remaining:
        kind = remaining.pop(0)
        name = component_name(kind)
        if name not in schemas:
            schemas[name] = _object_schema(kind)
            remaining += [part for hint in get_type_hints(kind).values() for part in _objects(hint)]
    return schemas


def type_schema(hint: Any) -> Schema:
    """Returns the schema of a type; an object is a reference.

    Raises:
        TypeError: JSON has no form for the type, or the document has needed none so far.
    """
    if isinstance(hint, TypeAliasType):
        return type_schema(hint.__value__)
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if is_object(hint):
        return reference_to(hint)
    arguments = get_args(hint)
    origin = get_origin(hint)
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": type_schema(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": type_schema(arguments[1])}
    if origin is UnionType:
        return _union_schema(arguments)
    raise TypeError(f"{hint} has no schema")


def _union_schema(kinds: tuple[Any, ...]) -> Schema:
    options = [type_schema(kind) for kind in kinds if kind is not NoneType]
    if NoneType not in kinds:
        return {"oneOf": options}
    if len(options) == 1 and "type" in options[0]:
        return {**options[0], "type": [options[0]["type"], "null"]}
    return {"oneOf": [*options, {"type": "null"}]}


def _object_schema(kind: Any) -> Schema:
    """Returns the schema of a TypedDict. Its own fields come before those of its base."""
    texts = dict(_field_texts(kind))
    hints = get_type_hints(kind)
    properties = {}
    for name in sorted(hints, key=list(texts).index):
        rules = {**type_schema(hints[name]), **_RULES.get((kind, name), {})}
        known = {key: value for key, value in rules.items() if value is not None}
        properties[name] = {**known, "description": texts[name]}
    return {
        "type": "object",
        "description": _markdown(inspect.getdoc(kind) or "", component_name(kind)),
        "properties": properties,
        "required": [name for name in properties if name in kind.__required_keys__],
    }


def _field_texts(kind: type) -> Iterator[tuple[str, str]]:
    """Yields each field's name and the docstring below it.

    Raises:
        IncompleteDocument: a field has none.
    """
    (definition,) = [
        node
        for node in ast.parse(inspect.getsource(sys.modules[kind.__module__])).body
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    ]
    for field, following in zip(definition.body, [*definition.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            name, text = field.target.id, ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                text = inspect.cleandoc(str(following.value.value))
            yield name, _markdown(text, f"{component_name(kind)}.{name}")
    for base in get_original_bases(kind):
        if is_object(base):
            yield from _field_texts(base)


def _markdown(docstring: str, place: str) -> str:
    """Returns a docstring as Markdown: without its line breaks, and with code in single marks."""
    if not docstring:
        raise IncompleteDocument(f"{place} has no docstring, which would be its description")
    paragraphs = docstring.replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _objects(hint: Any) -> Iterator[type]:
    """Yields the TypedDicts in a type."""
    if is_object(hint):
        yield hint
    for argument in get_args(hint):
        yield from _objects(argument)
