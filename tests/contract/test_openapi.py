"""The document and the served stack agree in both directions.

All answers of the contract tests are compared with the document, too (``Service.client``).
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.data.demo import ANA
from local.stack import Stack
from tests.support.functions import ROOT
from tests.support.generator import Member, write_members
from tests.support.openapi import check_answer, openapi_document
from tools.openapi.__main__ import to_text
from tools.openapi.document import make_document
from tools.openapi.examples import demo_stack
from usagectl.loading.loader import Loader

pytestmark = pytest.mark.xdist_group("openapi")

REQUESTS: Final = 25
"""How many requests are made for each operation, of each kind."""
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Schemathesis' checks of answers. Those of what should be refused don't know our rules.

White space around a value is removed, an empty value counts as absent, and names that are not known
change nothing: a request that breaks a schema may be answered. Two dates may contradict each other:
a request that keeps to the schemas may be refused.
"""

EXPECTED: Final[Mapping[str, set[int]]] = {
    "POST /workspaces/usage/exports": {202, 422},
    "GET /workspaces/usage/exports/{id}": {200, 404},
}
"""Statuses that must be among the answers to requests that keep to the document, by operation, if
it isn't 200 alone."""

WORKSPACE: Final = {"x-workspace-id": str(ANA.workspace_id)}
CALLERS: Final = tuple(
    Member(f"secret-of-{number}", ANA.workspace_id, number, sees_everyone=True)
    for number in range(1000, 1060)
)
"""The users that send requests. A user may have two exports running; a third one is a 429."""

KNOWN_EXPORTS: Final = 4
"""How many exports there are that are asked for: one of each of the first callers."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with the demo of the examples, and more members."""
    folder = tmp_path_factory.mktemp("members")
    write_members(folder, CALLERS, datetime.now(UTC), first_token_id=1000)
    with demo_stack() as running:
        Loader(running.resources).load(folder)
        yield running


@pytest.fixture(scope="module")
def exports(stack: Stack) -> dict[Member, str]:
    """The ids of the exports that are asked for, by those who started them."""
    return {caller: _start_export(stack, caller) for caller in CALLERS[:KNOWN_EXPORTS]}


def _start_export(stack: Stack, caller: Member) -> str:
    """Starts an export and returns its id."""
    headers = {**_token(caller), **WORKSPACE}
    url = f"{stack.url}/workspaces/usage/exports"
    started = httpx.post(url, json={"format": "csv"}, headers=headers)
    export_id: str = started.json()["id"]
    found = httpx.get(started.url.join(started.headers["Location"]), headers=headers)
    assert found.url.path == f"/workspaces/usage/exports/{export_id}"
    assert found.json()["id"] == export_id
    return export_id


def _token(caller: Member) -> dict[str, str]:
    return {"Authorization": f"Bearer {caller.token}"}


def test_the_document_is_what_the_code_and_the_demo_make(stack: Stack) -> None:
    """Descriptions, parameters, fields, and every example: the demo still answers just so.

    In examples of exports, what differs from run to run is replaced (``export_examples``).
    """
    document = to_text(make_document(stack))
    assert (ROOT / "openapi.json").read_text("utf-8") == document, "run `make openapi`"


def schemas() -> Iterator[tuple[str, str, st.SearchStrategy[Any]]]:
    """Yields strategies for requests that keep to the document, and for ones that don't.

    Each has its operation and its mode.
    """
    document = {**openapi_document(), "servers": []}
    loaded = schemathesis.openapi.from_dict(json.loads(json.dumps(document)))
    for result in loaded.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        modes = [GenerationMode.POSITIVE]
        # What is served to everyone has no parameter that could be wrong.
        if operation.definition.raw["security"]:
            modes.append(GenerationMode.NEGATIVE)
        for mode in modes:
            yield operation.label, mode.value, operation.as_strategy(generation_mode=mode)


@pytest.mark.parametrize(
    ("operation", "mode", "strategy"),
    [pytest.param(name, mode, made, id=f"{name} {mode}") for name, mode, made in schemas()],
)
def test_requests_made_from_the_document_get_answers_that_it_describes(
    stack: Stack,
    exports: dict[Member, str],
    operation: str,
    mode: str,
    strategy: st.SearchStrategy[Any],
) -> None:
    """No other status, header, media type or field, and no 5XX.

    One request in four keeps the workspace id that it has. Of those that ask for an export, half
    ask for one that there is: nobody guesses an id.
    """
    statuses = set()

    @seed(1)
    @settings(
        max_examples=REQUESTS,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy, st.sampled_from(CALLERS), st.integers(0, 3), st.booleans())
    def send(case: Any, caller: Member, quarter: int, is_known: bool) -> None:
        if "id" in case.path_parameters and is_known:
            caller = CALLERS[quarter % KNOWN_EXPORTS]
            case.path_parameters["id"] = exports[caller]
        headers = {**_token(caller), **(WORKSPACE if quarter else {})}
        response = case.call(base_url=stack.url, headers=headers)
        case.validate_response(response, checks=CHECKS)
        path = urlsplit(response.request.url).path
        received = {name: ", ".join(values) for name, values in response.headers.items()}
        check_answer(case.method, path, response.status_code, received, response.content)
        statuses.add(response.status_code)

    send()
    if mode == GenerationMode.POSITIVE.value:
        assert EXPECTED.get(operation, {200}) <= statuses
    else:
        assert any(status >= 400 for status in statuses)
