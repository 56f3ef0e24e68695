"""The API of the real template: its route, cache, authorizer, messages, limits and logs."""

import json
from typing import Any

import pytest

from tests.deploy.stack import Stack
from workspace_usage.messages import LOCALES, translate

USAGE = "/~1workspaces~1usage"
CACHE_KEYS = [
    "method.request.header.Authorization",
    "method.request.header.x-workspace-id",
    "method.request.header.Accept-Language",
    "method.request.querystring.range",
    "method.request.querystring.start_date",
    "method.request.querystring.end_date",
    "method.request.querystring.user_id",
    "method.request.querystring.type",
    "method.request.querystring.page",
    "method.request.querystring.per_page",
    "method.request.querystring.cursor",
]
TEXTS = {
    "UNAUTHORIZED": (401, "unauthorized"),
    "MISSING_AUTHENTICATION_TOKEN": (404, "not_found"),
    "INVALID_SIGNATURE": (404, "not_found"),
    "EXPIRED_TOKEN": (404, "not_found"),
    "RESOURCE_NOT_FOUND": (404, "not_found"),
    "THROTTLED": (429, "too_many_requests"),
    "QUOTA_EXCEEDED": (429, "too_many_requests"),
    "DEFAULT_4XX": (None, "bad_request"),
    "DEFAULT_5XX": (503, "unavailable"),
}


def definition(stack: Stack) -> Any:
    return stack.properties("Api")["Body"]


def responses(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = definition(stack)["x-amazon-apigateway-gateway-responses"]
    return found


def method_setting(stack: Stack, method: str, path: str) -> dict[str, Any]:
    settings: list[dict[str, Any]] = stack.properties("ApiStage")["MethodSettings"]
    (found,) = [s for s in settings if (s["HttpMethod"], s["ResourcePath"]) == (method, path)]
    return found


def test_there_is_one_route_and_one_stage() -> None:
    """The listing is all that the API answers, at one place."""
    stack = Stack()
    paths = definition(stack)["paths"]
    assert {path: list(methods) for path, methods in paths.items()} == {
        "/workspaces/usage": ["get"]
    }
    assert list(stack.of_type("AWS::ApiGateway::Stage")) == ["ApiStage"]
    assert stack.properties("ApiStage")["StageName"] == "v1"
    assert "StageName" not in next(iter(stack.of_type("AWS::ApiGateway::Deployment").values()))
    assert stack.properties("Api")["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_the_route_goes_to_the_usage_function() -> None:
    """The integration hands the request to the usage function as it is."""
    integration = definition(Stack())["paths"]["/workspaces/usage"]["get"][
        "x-amazon-apigateway-integration"
    ]
    assert integration["type"] == "aws_proxy"
    assert integration["uri"].endswith("/functions/${UsageFunctionAliaslive}/invocations")


def test_the_cache_key_holds_everything_an_answer_depends_on() -> None:
    """The declared cache keys are those of the contract, neither more nor fewer."""
    method = definition(Stack())["paths"]["/workspaces/usage"]["get"]
    keys = method["x-amazon-apigateway-integration"]["cacheKeyParameters"]
    assert sorted(keys) == sorted(CACHE_KEYS)


def test_the_gateway_refuses_no_request_for_a_missing_parameter() -> None:
    """What is missing or wrong is the functions' to say, in the contract's order."""
    method = definition(Stack())["paths"]["/workspaces/usage"]["get"]
    assert len(method["parameters"]) == len(CACHE_KEYS)
    assert not any(parameter["required"] for parameter in method["parameters"])


def test_only_the_listing_is_cached_and_for_a_minute() -> None:
    """The cache is encrypted and lasts 60 seconds; every other method is told not to cache."""
    stack = Stack()
    stage = stack.properties("ApiStage")
    assert (stage["CacheClusterEnabled"], stage["CacheClusterSize"]) == ("true", "0.5")
    assert len(stage["MethodSettings"]) == 2
    usage = method_setting(stack, "GET", USAGE)
    assert usage["CachingEnabled"] == "true"
    assert usage["CacheTtlInSeconds"] == 60
    assert usage["CacheDataEncrypted"] is True
    assert method_setting(stack, "*", "/*")["CachingEnabled"] is False


def test_a_cache_that_is_off_is_said_to_be_off() -> None:
    """A setting that goes away can leave the cache on, so it stays and says false."""
    stack = Stack(CacheEnabled="false")
    assert stack.properties("ApiStage")["CacheClusterEnabled"] == "false"
    assert method_setting(stack, "GET", USAGE)["CachingEnabled"] == "false"
    assert method_setting(stack, "*", "/*")["CachingEnabled"] is False


def test_every_method_is_throttled() -> None:
    """The parameters' limits hold for the listing and for everything else."""
    stack = Stack(ThrottleRate="7", ThrottleBurst="9")
    for setting in stack.properties("ApiStage")["MethodSettings"]:
        limits = (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"])
        assert limits == ("7", "9")


def test_the_authorizer_is_asked_for_every_request() -> None:
    """No decision is kept and no header is required before the authorizer is asked."""
    stack = Stack()
    body = definition(stack)
    assert body["paths"]["/workspaces/usage"]["get"]["security"] == [{"TokenAuthorizer": []}]
    authorizer = body["securityDefinitions"]["TokenAuthorizer"]["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "request"
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert "identitySource" not in authorizer
    assert authorizer["authorizerUri"].endswith("/${AuthorizerFunction.Arn}:live/invocations")


def test_the_authorizer_s_alias_is_there_before_the_api_names_it() -> None:
    """It is named by its ARN, which CloudFormation can't tell from any text."""
    stack = Stack()
    assert stack.resources["Api"]["DependsOn"] == "AuthorizerFunctionAliaslive"
    alias = stack.properties("AuthorizerFunctionAliaslive")
    assert (alias["FunctionName"], alias["Name"]) == ("${AuthorizerFunction}", "live")


def test_only_this_api_may_invoke_the_functions() -> None:
    """API Gateway's permission names this API: on the listing, and as its authorizer."""
    permissions = Stack().of_type("AWS::Lambda::Permission").values()
    assert {p["Principal"] for p in permissions} == {"apigateway.amazonaws.com"}
    api = "arn:aws:execute-api:us-east-1:123456789012:${Api}"
    assert {p["FunctionName"]: p["SourceArn"] for p in permissions} == {
        "${UsageFunctionAliaslive}": f"{api}/*/GET/workspaces/usage",
        "${AuthorizerFunction.Arn}:live": f"{api}/authorizers/*",
    }


def test_the_gateway_answers_with_nothing_else() -> None:
    """Each response type that is set is one that is tested here."""
    assert responses(Stack()).keys() == TEXTS.keys() | {"ACCESS_DENIED"}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("response_type", TEXTS)
def test_the_gateway_speaks_the_default_locale(response_type: str, locale: str) -> None:
    """Its bodies are JSON with the catalogue's text, under the contract's status."""
    status, key = TEXTS[response_type]
    response = responses(Stack(DefaultLocale=locale))[response_type]
    assert response.get("statusCode") == (status and str(status))
    (template,) = response["responseTemplates"].items()
    assert template[0] == "application/json"
    assert json.loads(template[1]) == {"message": translate(locale, key)}


def test_a_denial_carries_the_authorizers_message() -> None:
    """The 403's body is the message of the deny policy's context."""
    response = responses(Stack())["ACCESS_DENIED"]
    assert response["statusCode"] == "403"
    (body,) = response["responseTemplates"].values()
    assert json.loads(body) == {"message": "$context.authorizer.message"}


def test_who_may_come_again_is_told_when() -> None:
    """429 and 503 carry Retry-After, in seconds; 401 says which scheme is asked for."""
    found = responses(Stack())
    for response_type, response in found.items():
        headers = response["responseParameters"]
        retry_after = headers.get("gatewayresponse.header.Retry-After")
        if response.get("statusCode") in {"429", "503"}:
            assert int(retry_after.strip("'")) > 0
        else:
            assert retry_after is None, response_type
    unauthorized = found["UNAUTHORIZED"]["responseParameters"]
    assert unauthorized["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"


def test_none_of_the_gateway_s_answers_may_be_stored() -> None:
    """A revoked token's 200 and a new token's 401 must not outlive the moment."""
    for response_type, response in responses(Stack()).items():
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Cache-Control"] == "'no-store'", response_type


def test_the_access_log_holds_no_secret() -> None:
    """A line is JSON with known fields only: no header, no query string, no quoted request."""
    entry = json.loads(Stack().properties("ApiStage")["AccessLogSetting"]["Format"])
    allowed = {
        "$context.requestId",
        "$context.requestTime",
        "$context.httpMethod",
        "$context.resourcePath",
        "$context.status",
        "$context.error.responseType",
        "$context.authorizer.user_id",
        "$context.authorizer.workspace_id",
        "$context.authorizer.status",
        "$context.authorizer.latency",
        "$context.integration.status",
        "$context.integration.latency",
        "$context.responseLatency",
        "$context.responseLength",
        "$context.xrayTraceId",
    }
    assert set(entry.values()) == allowed


def test_requests_are_traced_and_their_bodies_never_logged() -> None:
    """X-Ray is on at the stage; execution logging of whole requests is off everywhere."""
    stage = Stack().properties("ApiStage")
    assert stage["TracingEnabled"] is True
    assert all(setting["DataTraceEnabled"] is False for setting in stage["MethodSettings"])


def test_the_account_is_left_as_it_is() -> None:
    """API Gateway's account-wide settings belong to no single stack."""
    assert not Stack().of_type("AWS::ApiGateway::Account")


def test_the_url_is_an_output() -> None:
    """Whoever deploys is told the listing's address."""
    url = Stack(StageName="live").outputs["ApiUrl"]["Value"]
    assert url == "https://${Api}.execute-api.us-east-1.amazonaws.com/live/workspaces/usage"
