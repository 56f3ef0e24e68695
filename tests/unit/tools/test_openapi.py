"""``openapi.json``: valid for a public validator, complete, and compared with answers strictly.

That it is what the code makes, and that the service keeps to it, is tested in tests/contract.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypedDict

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from local.stack import TEMPLATE
from local.template.expand import expand
from tests.support.openapi import (
    check_answer,
    closed_components,
    openapi_document,
    operations,
)
from tools.openapi import operations as table
from tools.openapi import texts
from tools.openapi.parameters import query_parameters
from tools.openapi.schemas import object_schemas, type_schema
from tools.openapi.texts import IncompleteDocument, text_of
from workspace_usage.exporting.query import ExportQuery
from workspace_usage.listing.filters import Filters
from workspace_usage.listing.query import PARAMETER_NAMES
from workspace_usage.summary.query import PARAMETER_NAMES as SUMMARY_PARAMETER_NAMES


class Undescribed(TypedDict):
    """An object with a field that has no docstring."""

    field: int


class Described(TypedDict):
    """An object."""

    nullable: str | None
    """A text, or null."""
    parts: list[Undescribed]
    """Other objects."""


SINGLE_PARTS = ("get", "post", "requestBody")
GROUPS_OF_PARTS = ("parameters", "responses", "headers", "schemas", "properties")


def parts_with_descriptions(part: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yields operations, parameters, bodies, responses, headers and fields, with their places."""
    for name in (*SINGLE_PARTS, *GROUPS_OF_PARTS):
        children = part.get(name, {}) if isinstance(part, dict) else {}
        if name in SINGLE_PARTS and children:
            children = {name: children}
        elif isinstance(children, list):
            children = {child["name"]: child for child in children}
        for key, child in children.items():
            if "$ref" not in child or name == "properties":
                yield f"{place}/{key}", child
                yield from parts_with_descriptions(child, f"{place}/{key}")


def test_a_public_validator_accepts_the_document() -> None:
    """As OpenAPI 3.1."""
    assert openapi_document()["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(openapi_document()).validate()


def test_everything_has_a_description_in_sentences() -> None:
    """Operations, parameters, bodies, responses, headers and fields."""
    document = openapi_document()
    places = [*document["paths"].values(), document["components"]]
    described = [pair for place in places for pair in parts_with_descriptions(place)]
    assert len(described) > 100
    for place, part in described:
        text = part["description"]
        assert text.endswith((".", "`")), f"{place}: {text}"
        assert "``" not in text, f"{place}: {text}"


def test_every_answer_with_json_has_an_example() -> None:
    """But for the document itself."""
    responses = list(openapi_document()["components"]["responses"].values())
    for _, path, operation in operations():
        if "workspaces" in path:
            responses += [r for r in operation["responses"].values() if "content" in r]
    assert len(responses) == 4 + len(openapi_document()["components"]["responses"])
    for response in responses:
        assert response["content"]["application/json"]["examples"]


def test_the_parameters_are_those_that_the_functions_read() -> None:
    """In the contract's order, after the headers."""
    for path, names in (
        ("/workspaces/usage", PARAMETER_NAMES),
        ("/workspaces/usage/summary", SUMMARY_PARAMETER_NAMES),
    ):
        parameters = openapi_document()["paths"][path]["get"]["parameters"]
        assert [p["name"] for p in parameters if p["in"] == "query"] == list(names)


def test_the_body_of_an_export_has_the_fields_that_the_function_reads() -> None:
    """The listing's filters, described as there, and the format, which alone is required."""
    document = openapi_document()
    schema = document["components"]["schemas"]["ExportRequest"]
    assert list(schema["properties"]) == list(ExportQuery.model_fields)
    assert schema["required"] == ["format"]
    for parameter in document["paths"]["/workspaces/usage"]["get"]["parameters"]:
        field = schema["properties"].get(parameter["name"])
        if field is not None:
            assert field == {**parameter["schema"], "description": parameter["description"]}


def test_what_has_no_description_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new parameter or field fails ``make openapi`` until somebody describes it."""
    with pytest.raises(IncompleteDocument, match=r"Undescribed\.field"):
        object_schemas([Described])
    with pytest.raises(IncompleteDocument, match="no_such_name"):
        text_of(texts.PARAMETERS, "no_such_name")
    monkeypatch.delitem(texts.PARAMETERS, "type")
    with pytest.raises(IncompleteDocument, match="type"):
        list(query_parameters(Filters))


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str | None, {"type": ["string", "null"]}),
        (int | str, {"oneOf": [{"type": "integer", "format": "int64"}, {"type": "string"}]}),
        (
            Described | None,
            {"oneOf": [{"$ref": "#/components/schemas/Described"}, {"type": "null"}]},
        ),
        (
            dict[str, list[str]],
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        ),
    ],
)
def test_types_become_schemas_as_openapi_3_1_has_them(hint: Any, schema: Any) -> None:
    """``nullable`` was a word of 3.0."""
    assert type_schema(hint) == schema


def test_a_type_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="has no schema"):
        type_schema(set[str])


HEADERS = {
    "x-amzn-RequestId": "97d0e5e9-fb3c-4073-b2e8-83b886463818",
    "x-amz-apigw-id": "VSDUbITAZbFPlMQ=",
    "Cache-Control": "no-store",
    "Content-Type": "application/json",
}
BODY = openapi_document()["paths"]["/workspaces/usage"]["get"]["responses"]["200"]["content"][
    "application/json"
]["examples"]["firstPage"]["value"]


def check(status: int = 200, body: Any = BODY, **headers: str) -> None:
    """Compares an answer of the listing with the document."""
    sent = {name: value for name, value in {**HEADERS, **headers}.items() if value}
    content = json.dumps(body).encode()
    check_answer("GET", "/workspaces/usage", status, sent, content)


def test_a_path_with_a_parameter_is_compared_with_its_own_operation() -> None:
    """So is another method of it, which is refused like an unknown path."""
    content = json.dumps({"message": "m"}).encode()
    for method, path in (
        ("GET", "/workspaces/usage/exports/1"),
        ("PUT", "/workspaces/usage/exports/1"),
        ("GET", "/workspaces/usage/exports/1/2"),
    ):
        check_answer(method, path, 404, HEADERS, content)
    with pytest.raises(AssertionError, match="is not described"):
        check_answer("GET", "/workspaces/usage/exports/1", 202, HEADERS, content)


def test_an_answer_that_is_described_passes_the_comparison() -> None:
    check()
    check(422, {"message": "m", "errors": {"type": ["m"]}})
    check(413, {"message": "m"})


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (201, BODY, {}),
        (500, {"message": "m"}, {}),
        (200, {**BODY, "other": 1}, {}),
        (200, {**BODY, "page": "1"}, {}),
        (200, {name: value for name, value in BODY.items() if name != "page"}, {}),
        (200, {**BODY, "items": [{**BODY["items"][0], "other": 1}]}, {}),
        (200, {**BODY, "items": [{**BODY["items"][0], "created_at": "yesterday"}]}, {}),
        (422, {"message": "m"}, {}),
        (503, {"message": "m"}, {}),
        (200, BODY, {"X-Other": "1"}),
        (200, BODY, {"Cache-Control": "public"}),
        (200, BODY, {"Cache-Control": ""}),
        (200, BODY, {"Content-Type": "text/plain"}),
    ],
)
def test_an_answer_that_is_not_described_fails_the_comparison(
    status: int, body: Any, headers: dict[str, str]
) -> None:
    """Status, field, type, missing field or header, other header, other media type."""
    with pytest.raises(Exception):  # noqa: B017, PT011 - an assertion, or jsonschema's error
        check(status, body, **headers)


def test_the_document_leaves_objects_open_for_new_fields() -> None:
    """A client that validates must survive a new field; only the comparison closes objects."""
    schemas = openapi_document()["components"]["schemas"]
    assert not any("additionalProperties" in schema for schema in schemas.values())
    assert all(
        schema["additionalProperties"] is False
        for schema in closed_components()["schemas"].values()
    )


def test_a_route_without_an_operation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is an operation without a route, or one that is open where the route is not."""
    template = expand(TEMPLATE, {})
    table.check_routes(template)
    removed = dict(table.OPERATIONS)
    listing = removed.pop("GET /workspaces/usage")
    for operations_, reason in (
        (removed, "no entry"),
        ({**table.OPERATIONS, "GET /x": listing}, "no route"),
        ({**table.OPERATIONS, "GET /workspaces/usage": replace(listing, answer=None)}, "open"),
    ):
        monkeypatch.setattr(table, "OPERATIONS", operations_)
        with pytest.raises(IncompleteDocument, match=reason):
            table.check_routes(template)
