"""The document and the served stack agree in both directions.

All answers of the contract tests are compared with the document, too (``Service.client``).
"""

import json
from collections.abc import Iterator
from typing import Any, Final

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
from tests.support.openapi import check_answer, openapi_document
from tools.openapi.__main__ import to_text
from tools.openapi.document import make_document
from tools.openapi.examples import demo_stack

pytestmark = pytest.mark.xdist_group("openapi")

REQUESTS: Final = 100
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

TOKEN: Final = {"Authorization": f"Bearer {ANA.token}"}
MEMBER: Final = {**TOKEN, "x-workspace-id": str(ANA.workspace_id)}
CALLERS: Final = (MEMBER, MEMBER, MEMBER, TOKEN)
"""The headers that replace those of a request. One in four keeps the workspace id that it has."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack with the demo of the examples."""
    with demo_stack() as running:
        yield running


def test_the_document_is_what_the_code_and_the_demo_make(stack: Stack) -> None:
    """Descriptions, parameters, fields, and every example: the demo still answers just so."""
    document = to_text(make_document(stack))
    assert (ROOT / "openapi.json").read_text("utf-8") == document, "run `make openapi`"


def schemas() -> Iterator[tuple[str, st.SearchStrategy[Any]]]:
    """Yields strategies for requests that keep to the document, and for ones that don't."""
    document = {**openapi_document(), "servers": []}
    loaded = schemathesis.openapi.from_dict(json.loads(json.dumps(document)))
    for result in loaded.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        modes = [GenerationMode.POSITIVE]
        # What is served to everyone has no parameter that could be wrong.
        if operation.definition.raw["security"]:
            modes.append(GenerationMode.NEGATIVE)
        for mode in modes:
            yield f"{operation.label} {mode.value}", operation.as_strategy(generation_mode=mode)


@pytest.mark.parametrize("strategy", [pytest.param(s, id=name) for name, s in schemas()])
def test_requests_made_from_the_document_get_answers_that_it_describes(
    stack: Stack, strategy: st.SearchStrategy[Any]
) -> None:
    """No other status, header, media type or field, and no 5XX."""
    statuses = set()

    @seed(1)
    @settings(
        max_examples=REQUESTS,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy, st.sampled_from(CALLERS))
    def send(case: Any, headers: dict[str, str]) -> None:
        response = case.call(base_url=stack.url, headers=headers)
        case.validate_response(response, checks=CHECKS)
        sent = {name: ", ".join(values) for name, values in response.headers.items()}
        check_answer(case.method, case.path, response.status_code, sent, response.content)
        statuses.add(response.status_code)

    send()
    assert 200 in statuses
