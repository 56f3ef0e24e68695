"""A mock of the supported form answers; any other form is refused when the stack starts."""

from typing import Any

import pytest

from local.errors import TemplateError
from local.gateway.mock import MockIntegration
from local.gateway.responses import UNSUPPORTED_MEDIA_TYPE, Refusal

INTEGRATION: dict[str, Any] = {
    "type": "mock",
    "contentHandling": "CONVERT_TO_TEXT",
    "passthroughBehavior": "never",
    "requestTemplates": {"application/json": '{"statusCode": 204}'},
    "responses": {
        "default": {
            "statusCode": "204",
            "responseParameters": {"method.response.header.A": "'b, c'"},
        }
    },
}


def mock(**integration: object) -> MockIntegration:
    """The mock of an operation that declares the header A."""
    operation = {
        "responses": {"204": {"headers": {"A": {"type": "string"}}}},
        "x-amazon-apigateway-integration": {**INTEGRATION, **integration},
    }
    return MockIntegration.parse("OPTIONS /a", operation)


@pytest.mark.parametrize("content_type", [None, "", "application/json", "Application/JSON; a=b"])
def test_a_mock_answers_with_its_status_and_headers(content_type: str | None) -> None:
    """Without a body. A request without a type counts as JSON."""
    response = mock().respond(content_type)
    assert response.status == 204
    assert response.headers == (("Content-Type", "application/json"), ("A", "b, c"))
    assert response.body == b""


def test_another_media_type_than_that_of_the_template_is_refused() -> None:
    """passthroughBehavior never asks for that."""
    with pytest.raises(Refusal) as raised:
        mock().respond("text/plain")
    assert raised.value.failure is UNSUPPORTED_MEDIA_TYPE


def test_a_mock_without_headers_answers_too() -> None:
    """With its status alone."""
    response = mock(responses={"default": {"statusCode": "204"}}).respond(None)
    assert response.headers == (("Content-Type", "application/json"),)


DEFAULT = INTEGRATION["responses"]["default"]


@pytest.mark.parametrize(
    ("integration", "sentence"),
    [
        ({"credentials": "arn"}, "only with one response"),
        ({"responses": {}}, "only with one response"),
        ({"responses": {"default": DEFAULT, "4xx": DEFAULT}}, "only with one response"),
        ({"responses": {"200": DEFAULT}}, "only with one response"),
        ({"responses": {"default": {**DEFAULT, "responseTemplates": {}}}}, "without a body"),
        ({"contentHandling": None}, "needs contentHandling"),
        ({"passthroughBehavior": "when_no_match"}, "only with passthroughBehavior never"),
        ({"requestTemplates": None}, "only with passthroughBehavior never"),
        ({"requestTemplates": {"text/plain": "{}"}}, "only with passthroughBehavior never"),
        ({"requestTemplates": {"application/json": "{}"}}, "only with passthroughBehavior never"),
        ({"requestTemplates": {"application/json": None}}, "only with passthroughBehavior never"),
        ({"requestTemplates": {"application/json": "#set(…)"}}, "only with passthroughBehavior"),
        (
            {"requestTemplates": {"application/json": '{"statusCode": 200}'}},
            'request template application/json: {"statusCode": 204}',
        ),
        (
            {"responses": {"default": {**DEFAULT, "statusCode": None}}},
            "only with passthroughBehavior never",
        ),
        (
            {
                "responses": {
                    "default": {
                        "statusCode": "204",
                        "responseParameters": {"method.response.header.A": "context.requestId"},
                    }
                }
            },
            "method.response.header.A is not a header with a fixed text",
        ),
        (
            {
                "responses": {
                    "default": {
                        "statusCode": "204",
                        "responseParameters": {"method.response.header.B": "'b'"},
                    }
                }
            },
            "its response 204 has to declare B",
        ),
    ],
)
def test_another_form_of_mock_is_refused(integration: dict[str, Any], sentence: str) -> None:
    """The error names the method and its path."""
    with pytest.raises(TemplateError) as raised:
        mock(**integration)
    assert str(raised.value).startswith("OPTIONS /a: ")
    assert sentence in str(raised.value)
