"""The stage's cache: what an answer depends on is in the cache's key, for each cached route."""

from types import ModuleType
from typing import Final

import pytest

from local.template.template import Template
from tests.support.lookups import LookupRecorder
from tests.support.usage import EVERYONE, answer, proxy_event
from workspace_api import gateway, responder
from workspace_usage.listing.query import Query
from workspace_usage.summary.query import SummaryQuery

PARAMETERS: Final = {"usage": Query.model_fields, "summary": SummaryQuery.model_fields}
ROUTES: Final = {"usage": "/workspaces/usage", "summary": "/workspaces/usage/summary"}


@pytest.mark.parametrize("name", ROUTES)
def test_the_cache_key_has_all_that_an_answer_depends_on(
    name: str, request: pytest.FixtureRequest, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a part were missing, callers would share answers. A part that isn't read has no use."""
    function: ModuleType = request.getfixturevalue(name)
    event = proxy_event(EVERYONE)
    headers = LookupRecorder(gateway.headers_of(event))
    monkeypatch.setattr(responder, "headers_of", lambda _: headers)
    # The function would replace an empty dictionary by its own.
    parameters = LookupRecorder({"unknown": "1"})
    event["queryStringParameters"] = parameters
    assert answer(function, event)[0] == 200
    api = template.only("AWS::ApiGateway::RestApi").properties["Body"]
    method = api["paths"][ROUTES[name]]["get"]
    declared = set(method["x-amazon-apigateway-integration"]["cacheKeyParameters"])
    # The function reads the token's user from the context that the authorizer has made.
    assert {key.lower() for key in declared} == {
        *(f"method.request.header.{header}" for header in headers.names | {"authorization"}),
        *(f"method.request.querystring.{parameter}" for parameter in parameters.names),
    }
    assert parameters.names == set(PARAMETERS[name])
