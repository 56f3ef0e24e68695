"""Proxy events: requests without headers or parameters, and without an id."""

from typing import Any, cast

from tests.support.functions import Context
from workspace_api.gateway import headers_of, is_proxy_event, request_id_of


def test_a_request_may_have_no_headers_and_no_parameters() -> None:
    """API Gateway sends null in place of an empty object."""
    event = {
        "httpMethod": "GET",
        "headers": None,
        "queryStringParameters": None,
        "requestContext": {"requestId": "the-request", "authorizer": None},
    }
    assert is_proxy_event(event)
    assert headers_of(event) == {}


def test_a_request_without_an_id_has_the_invocation_s() -> None:
    """``sam local`` and other clients may leave the request's id out."""
    context = cast(Any, Context())
    assert request_id_of({"requestContext": {"requestId": "the-request"}}, context) == "the-request"
    assert request_id_of({"requestContext": {}}, context) == context.aws_request_id
    assert request_id_of({}, context) == context.aws_request_id
