"""Compares the service's answers with ``openapi.json``, strictly: nothing undocumented may come."""

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any, Final

import httpx
from jsonschema import Draft202012Validator

from local.gateway.paths import PathPattern, find_pattern
from tests.support.functions import ROOT

TRANSPORT_HEADERS: Final = {"connection", "content-encoding", "content-length", "date"}
"""Headers of HTTP itself, which no API describes."""

LOCAL_HEADERS: Final = {"x-cache"}
"""Headers that the local stack adds for developers."""

LOCAL_PATHS: Final = ("/_local/", "/2015-03-31/")
"""Beginnings of the local stack's own addresses."""

NOT_DESCRIBED: Final = ("/docs/", "/web/")
"""Beginnings of the addresses of the files of pages, which are no part of the API."""


_validators: Final[dict[str, Draft202012Validator]] = {}


@cache
def openapi_document() -> Any:
    """Returns the document. It is shared, so callers must not change it."""
    return json.loads((ROOT / "openapi.json").read_text("utf-8"))


@cache
def closed_components() -> Any:
    """Returns the document's components, whose objects allow no other fields than those described.

    The document itself leaves them open, so that a client that validates survives a new field.
    """
    components = deepcopy(openapi_document()["components"])
    for schema in components["schemas"].values():
        schema["additionalProperties"] = False
    return components


def check_response(response: httpx.Response) -> None:
    """Fails if the response to a request of the API is not one that the document describes."""
    request = response.request
    path = request.url.raw_path.partition(b"?")[0].decode()
    if path.startswith(LOCAL_PATHS) or (request.method, response.status_code) == ("OPTIONS", 204):
        return
    response.read()
    check_answer(request.method, path, response.status_code, response.headers, response.content)


def check_answer(
    method: str, path: str, status: int, headers: Mapping[str, str], content: bytes
) -> None:
    """Fails if an answer is not one that the document describes.

    Args:
        method: the request's method.
        path: the request's path.
        status: the answer's status.
        headers: the answer's headers; for a name, the case does not matter.
        content: the answer's body, decompressed.
    """
    if status == httpx.codes.OK and path.startswith(NOT_DESCRIBED):
        return
    described = _described(method, path, status)
    place = f"{status} of {method} {path}"
    sent = {name.lower(): value for name, value in headers.items()}
    _check_headers(described, sent, place)
    if "content" not in described:
        assert content == b"", place
        return
    media_type = sent["content-type"]
    assert media_type in described["content"], f"{place}: {media_type}"
    if media_type == "application/json":
        schema = described["content"][media_type]["schema"]
        problems = list(_validator(schema).iter_errors(json.loads(content)))
        assert not problems, f"{place}: {problems[0].json_path} {problems[0].message}"


def _described(method: str, path: str, status: int) -> Any:
    """Returns the document's response for an answer; another path or method must be refused."""
    document = openapi_document()
    found = find_pattern(_patterns(), path)
    operation = document["paths"][found[0].path].get(method.lower()) if found else None
    if operation is None:
        # The server refuses malformed requests before it knows their paths.
        name = "NotFound" if status == httpx.codes.NOT_FOUND else "Malformed"
        assert 400 <= status < 500, f"{status} of {method} {path}"
        return document["components"]["responses"][name]
    responses = operation["responses"]
    response = responses.get(str(status), responses.get(f"{status // 100}XX"))
    assert response is not None, f"{status} of {method} {path} is not described"
    if "$ref" in response:
        return document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return response


@cache
def _patterns() -> tuple[PathPattern, ...]:
    return tuple(map(PathPattern.parse, openapi_document()["paths"]))


def _check_headers(described: Any, sent: Mapping[str, str], place: str) -> None:
    known = openapi_document()["components"]["headers"]
    headers = {
        name.lower(): known[reference["$ref"].rpartition("/")[2]]
        for name, reference in described["headers"].items()
    }
    required = {name for name, header in headers.items() if header["required"]}
    assert required <= sent.keys(), f"{place}: {required - sent.keys()} are missing"
    other = sent.keys() - headers.keys() - TRANSPORT_HEADERS - LOCAL_HEADERS - {"content-type"}
    assert not other, f"{place}: {other} are not described"
    for name in sent.keys() & headers.keys():
        schema = headers[name]["schema"]
        value = int(sent[name]) if schema["type"] == "integer" else sent[name]
        _validator(schema).validate(value)


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """Returns a validator of a schema. Making one takes longer than a page's validation."""
    text = json.dumps(schema)
    if text not in _validators:
        _validators[text] = Draft202012Validator(
            {**schema, "components": closed_components()},
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
    return _validators[text]


def operations() -> Iterable[tuple[str, str, Any]]:
    """Yields the method, the path and the description of each operation."""
    for path, methods in openapi_document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation
