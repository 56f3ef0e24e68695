"""The real template's API: its routes, cache, authorizer, messages, limits and logs."""

import json
import re
from copy import deepcopy
from typing import Any

import pytest

from tests.deploy.documented import without
from tests.deploy.stack import Stack, read_template, transform
from workspace_api import responses
from workspace_usage.messages import LOCALES, translate

CALLER = ["header.Authorization", "header.x-workspace-id", "header.Accept-Language"]
FILTERS = [f"querystring.{name}" for name in ("range", "start_date", "end_date", "user_id", "type")]
CACHE_KEYS_BY_ROUTE = {
    "/workspaces/usage": [
        *(CALLER + FILTERS),
        *(f"querystring.{name}" for name in ("page", "per_page", "cursor")),
    ],
    "/workspaces/usage/summary": [
        *(CALLER + FILTERS),
        *(f"querystring.{name}" for name in ("interval", "group_by", "limit")),
    ],
}
"""The routes that are cached, and what their answers depend on."""

OPEN_ROUTES = ("/", "/web/{version}/{file}", "/openapi.json", "/docs", "/docs/{file}")
"""The routes that everyone may call."""

EXPORTS = "/workspaces/usage/exports"

FUNCTIONS_BY_METHOD = {
    ("get", "/workspaces/usage"): "${UsageFunctionAliaslive}",
    ("get", "/workspaces/usage/summary"): "${SummaryFunctionAliaslive}",
    ("post", EXPORTS): "${ExportsFunction.Arn}",
    ("get", f"{EXPORTS}/{{id}}"): "${ExportsFunction.Arn}",
    **{("get", route): "${PageFunction.Arn}" for route in OPEN_ROUTES},
}
"""All methods, each with the ARN that is called: an alias if the function has snapshots."""

ORIGIN = "https://app.example.com"

STATUSES_AND_MESSAGES = {
    "UNAUTHORIZED": (401, "unauthorized"),
    "MISSING_AUTHENTICATION_TOKEN": (404, "not_found"),
    "INVALID_SIGNATURE": (404, "not_found"),
    "EXPIRED_TOKEN": (404, "not_found"),
    "RESOURCE_NOT_FOUND": (404, "not_found"),
    "THROTTLED": (429, "too_many_requests"),
    "QUOTA_EXCEEDED": (429, "too_many_requests"),
    "WAF_FILTERED": (429, "too_many_requests"),
    "DEFAULT_4XX": (None, "bad_request"),
    "DEFAULT_5XX": (503, "unavailable"),
}
"""Each response of the gateway: its status, if the template sets one, and its message's key."""


def definition(stack: Stack) -> Any:
    """Returns the API's OpenAPI definition."""
    return stack.properties("Api")["Body"]


def gateway_responses(stack: Stack) -> dict[str, Any]:
    """Returns the responses that the gateway sends by itself, by their types."""
    found: dict[str, Any] = definition(stack)["x-amazon-apigateway-gateway-responses"]
    return found


def method_of(route: str, name: str = "get") -> Any:
    """Returns the definition of a route's method."""
    return definition(Stack())["paths"][route][name]


def operations(stack: Stack) -> dict[str, dict[str, Any]]:
    """Returns the API's methods by their paths and names, without those that do not exist."""
    return {
        path: {name: operation for name, operation in methods.items() if operation is not None}
        for path, methods in definition(stack)["paths"].items()
    }


def cors_headers(response: Any) -> dict[str, str]:
    """Returns the CORS headers among the parameters of a response, without their quotes."""
    return {
        name.rsplit(".", 1)[1]: value.strip("'")
        for name, value in response["responseParameters"].items()
        if ".Access-Control-" in name and value is not None
    }


def test_there_is_one_stage() -> None:
    """The API's routes are tested below."""
    stack = Stack()
    methods = {(name, path) for path, found in operations(stack).items() for name in found}
    assert methods == FUNCTIONS_BY_METHOD.keys()
    assert list(stack.of_type("AWS::ApiGateway::Stage")) == ["ApiStage"]
    assert stack.properties("ApiStage")["StageName"] == "v1"
    assert "StageName" not in next(iter(stack.of_type("AWS::ApiGateway::Deployment").values()))


@pytest.mark.parametrize(("name", "route"), FUNCTIONS_BY_METHOD)
def test_a_function_answers_each_method(name: str, route: str) -> None:
    """API Gateway passes the request on without changes."""
    integration = method_of(route, name)["x-amazon-apigateway-integration"]
    function = FUNCTIONS_BY_METHOD[name, route]
    assert integration["type"] == "aws_proxy"
    assert integration["uri"].endswith(f"/functions/{function}/invocations")


@pytest.mark.parametrize("route", CACHE_KEYS_BY_ROUTE)
def test_the_cache_key_is_what_an_answer_depends_on(route: str) -> None:
    """It has the contract's headers and parameters, and no others."""
    keys = method_of(route)["x-amazon-apigateway-integration"]["cacheKeyParameters"]
    assert sorted(keys) == sorted(f"method.request.{key}" for key in CACHE_KEYS_BY_ROUTE[route])


@pytest.mark.parametrize("route", CACHE_KEYS_BY_ROUTE)
def test_the_gateway_refuses_no_request_for_a_missing_parameter(route: str) -> None:
    """The functions check parameters, in the contract's order."""
    method = method_of(route)
    assert len(method["parameters"]) == len(CACHE_KEYS_BY_ROUTE[route])
    assert not any(parameter["required"] for parameter in method["parameters"])


@pytest.mark.parametrize("is_on", ["true", "false"])
def test_the_stage_caches_only_these_routes_for_a_minute_and_throttles_all(is_on: str) -> None:
    """The cache is encrypted, and whole requests are never logged.

    Caching is switched off explicitly, since API Gateway may keep a cache on if its setting is only
    removed. The limits of the parameters apply to each method.
    """
    stack = Stack(CacheEnabled=is_on, CacheSize="1.6", ThrottleRate="7", ThrottleBurst="9")
    every = {
        "DataTraceEnabled": False,
        "ThrottlingRateLimit": "7",
        "ThrottlingBurstLimit": "9",
    }
    cached = {"CachingEnabled": is_on, "CacheTtlInSeconds": 60, "CacheDataEncrypted": True}
    paths = {route: "/" + route.replace("/", "~1") for route in CACHE_KEYS_BY_ROUTE}
    stage = without(stack.properties("ApiStage"), "AccessLogSetting", "TracingEnabled")
    [deployment] = stack.of_type("AWS::ApiGateway::Deployment")
    assert stage == {
        "RestApiId": "${Api}",
        "DeploymentId": f"${{{deployment}}}",
        "StageName": "v1",
        "CacheClusterEnabled": is_on,
        "CacheClusterSize": "1.6",
        "MethodSettings": [
            {"HttpMethod": "*", "ResourcePath": "/*", "CachingEnabled": False, **every},
            *({"HttpMethod": "GET", "ResourcePath": p, **cached, **every} for p in paths.values()),
        ],
    }


def test_the_api_is_deployed_again_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a new DefaultLocale would not reach the stage: its definition stays the same."""
    deployments = set()
    for now in (1_000_000, 1_000_001):
        monkeypatch.setattr("time.time", lambda now=now: now)
        resources = transform(read_template())["Resources"].items()
        deployments |= {n for n, r in resources if r["Type"] == "AWS::ApiGateway::Deployment"}
    assert len(deployments) == 2


def test_the_authorizer_decides_on_every_request() -> None:
    """Its decisions are not cached, and it is invoked even if headers are missing."""
    stack = Stack()
    body = definition(stack)
    for name, route in FUNCTIONS_BY_METHOD:
        if route not in OPEN_ROUTES:
            assert body["paths"][route][name]["security"] == [{"TokenAuthorizer": []}], route
    (definition_,) = body["securityDefinitions"].values()
    authorizer = dict(definition_["x-amazon-apigateway-authorizer"])
    assert authorizer.pop("authorizerUri").endswith("/${AuthorizerFunction.Arn}:live/invocations")
    assert authorizer == {"type": "request", "authorizerResultTtlInSeconds": 0}


def test_only_the_page_and_its_files_are_open() -> None:
    """Their function can read no data; a new route has the authorizer unless it says otherwise."""
    opened = {
        (name, path)
        for path, methods in operations(Stack()).items()
        for name, method in methods.items()
        if method["security"] == [{"NONE": []}]
    }
    assert opened == {("get", route) for route in OPEN_ROUTES}
    assert "NONE" not in definition(Stack())["securityDefinitions"]


def test_the_authorizer_s_alias_is_created_before_the_api() -> None:
    """CloudFormation sees no dependency, because the API has the alias's ARN as plain text."""
    stack = Stack()
    assert stack.resources["Api"]["DependsOn"] == "AuthorizerFunctionAliaslive"
    alias = stack.properties("AuthorizerFunctionAliaslive")
    assert (alias["FunctionName"], alias["Name"]) == ("${AuthorizerFunction}", "live")


def test_only_this_api_may_invoke_the_functions() -> None:
    """API Gateway may invoke them for this API's routes, and as this API's authorizer."""
    permissions = Stack().of_type("AWS::Lambda::Permission").values()
    assert {p["Principal"] for p in permissions} == {"apigateway.amazonaws.com"}
    api = "arn:aws:execute-api:us-east-1:123456789012:${Api}"
    assert {(p["FunctionName"], p["SourceArn"]) for p in permissions} == {
        ("${UsageFunctionAliaslive}", f"{api}/*/GET/workspaces/usage"),
        ("${SummaryFunctionAliaslive}", f"{api}/*/GET/workspaces/usage/summary"),
        ("${ExportsFunction}", f"{api}/*/POST/workspaces/usage/exports"),
        ("${ExportsFunction}", f"{api}/*/GET/workspaces/usage/exports/*"),
        ("${PageFunction}", f"{api}/*/GET/"),
        ("${PageFunction}", f"{api}/*/GET/web/*/*"),
        ("${PageFunction}", f"{api}/*/GET/openapi.json"),
        ("${PageFunction}", f"{api}/*/GET/docs"),
        ("${PageFunction}", f"{api}/*/GET/docs/*"),
        ("${AuthorizerFunction.Arn}:live", f"{api}/authorizers/*"),
    }


def test_every_response_of_the_gateway_is_tested() -> None:
    """The template sets no type of response that these tests don't know."""
    assert gateway_responses(Stack()).keys() == STATUSES_AND_MESSAGES.keys() | {"ACCESS_DENIED"}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("response_type", STATUSES_AND_MESSAGES)
def test_the_gateway_s_messages_are_in_the_default_locale(response_type: str, locale: str) -> None:
    """Its bodies are JSON with the catalogue's text, and have the contract's status."""
    status, key = STATUSES_AND_MESSAGES[response_type]
    response = gateway_responses(Stack(DefaultLocale=locale))[response_type]
    assert response.get("statusCode") == (None if status is None else str(status))
    ((content_type, body),) = response["responseTemplates"].items()
    assert content_type == "application/json"
    assert json.loads(body) == {"message": translate(locale, key)}


def test_a_denial_has_the_authorizer_s_message() -> None:
    """The body of the 403 is the message in the policy's context."""
    response = gateway_responses(Stack())["ACCESS_DENIED"]
    assert response["statusCode"] == "403"
    (body,) = response["responseTemplates"].values()
    assert json.loads(body) == {"message": "$context.authorizer.message"}


def test_a_response_that_asks_for_a_retry_says_when() -> None:
    """429 and 503 have Retry-After, in seconds. 401 names the authentication scheme."""
    responses_by_type = gateway_responses(Stack())
    for response_type, response in responses_by_type.items():
        headers = response["responseParameters"]
        retry_after = headers.get("gatewayresponse.header.Retry-After")
        if response.get("statusCode") in {"429", "503"}:
            assert int(retry_after.strip("'")) > 0
        else:
            assert retry_after is None, response_type
    unauthorized = responses_by_type["UNAUTHORIZED"]["responseParameters"]
    assert unauthorized["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"


def test_no_response_of_the_gateway_may_be_stored() -> None:
    """A 401 must not stay in a proxy's cache when the token has become valid."""
    for response_type, response in gateway_responses(Stack()).items():
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Cache-Control"] == "'no-store'", response_type


def test_without_an_allowed_origin_nothing_is_said_about_cors() -> None:
    """No response has a header, and OPTIONS is no method."""
    stack = Stack()
    assert not any("options" in methods for methods in operations(stack).values())
    assert not any(map(cors_headers, gateway_responses(stack).values()))
    assert stack.environment("UsageFunction")["ALLOWED_ORIGIN"] == ""


def test_every_path_answers_a_preflight_of_the_allowed_origin_without_a_token() -> None:
    """It allows the path's methods, and the headers that the API reads."""
    for methods in deepcopy(operations(Stack(AllowedOrigin=ORIGIN))).values():
        preflight = methods.pop("options")
        integration = preflight["x-amazon-apigateway-integration"]
        response = integration.pop("responses")["default"]
        headers = cors_headers(response)
        # API Gateway answers by itself, with a status and headers that the method declares.
        assert without(preflight, "x-amazon-apigateway-integration") == {
            "responses": {
                "204": {
                    "description": "What pages of the allowed origin may send.",
                    "headers": {name: {"type": "string"} for name in headers},
                }
            }
        }
        assert integration == {
            "type": "mock",
            "contentHandling": "CONVERT_TO_TEXT",
            "passthroughBehavior": "never",
            "requestTemplates": {"application/json": '{"statusCode": 204}'},
        }
        assert response.keys() == {"statusCode", "responseParameters"}
        assert response["statusCode"] == "204"
        assert len(response["responseParameters"]) == len(headers)
        allowed = headers.pop("Access-Control-Allow-Methods").lower().split(",")
        assert methods.keys() <= set(allowed)
        assert int(headers.pop("Access-Control-Max-Age")) > 0
        assert set(headers.pop("Access-Control-Allow-Headers").split(",")) == {
            "authorization",
            "x-workspace-id",
            "accept-language",
            "content-type",
            "if-none-match",
        }
        assert headers == {"Access-Control-Allow-Origin": ORIGIN}


def test_every_response_of_the_gateway_may_be_read_by_the_allowed_origin() -> None:
    """With the same headers as the functions' responses."""
    for response_type, response in gateway_responses(Stack(AllowedOrigin=ORIGIN)).items():
        assert cors_headers(response) == responses.cors_headers(ORIGIN), response_type


def test_every_function_of_the_api_knows_the_allowed_origin() -> None:
    """All methods but the preflights are answered by functions."""
    stack = Stack(AllowedOrigin=ORIGIN)
    methods = json.dumps(operations(stack))
    names = set(re.findall(r"functions/\$\{(\w+?)(?:Aliaslive|\.Arn)\}/invocations", methods))
    assert names == {"UsageFunction", "SummaryFunction", "ExportsFunction", "PageFunction"}
    for name in names:
        assert stack.environment(name)["ALLOWED_ORIGIN"] == ORIGIN, name


def test_the_api_is_regional_and_compresses_responses_from_a_kilobyte_on() -> None:
    """No media type is binary: the functions return text only."""
    assert without(Stack().properties("Api"), "Description", "Body") == {
        "Name": "stack",
        "EndpointConfiguration": {"Types": ["REGIONAL"]},
        "Parameters": {"endpointConfigurationTypes": "REGIONAL"},
        "MinimumCompressionSize": 1024,
    }
    assert without(definition(Stack()), "paths", "x-amazon-apigateway-gateway-responses") == {
        "swagger": "2.0",
        "info": {"title": "stack", "version": "1.0"},
        "securityDefinitions": definition(Stack())["securityDefinitions"],
    }


def test_the_access_log_can_be_left_out() -> None:
    """API Gateway writes it with an account's role, and a stack without that role can't be made.

    The log group stays, with what was logged before.
    """
    stack = Stack(AccessLog="false")
    assert stack.properties("ApiStage")["AccessLogSetting"] is None
    assert "AccessLogGroup" in stack.resources
    setting = Stack().properties("ApiStage")["AccessLogSetting"]
    assert without(setting, "Format") == {"DestinationArn": "${AccessLogGroup.Arn}"}


def test_the_access_log_contains_no_secret() -> None:
    """A line is JSON and has only these fields: no header, no query string, no request."""
    entry = json.loads(Stack().properties("ApiStage")["AccessLogSetting"]["Format"])
    assert set(entry.values()) == {
        "$context.requestId",
        "$context.extendedRequestId",
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


def test_the_stack_does_not_change_the_account() -> None:
    """API Gateway's settings of the account apply to other stacks too."""
    assert not Stack().of_type("AWS::ApiGateway::Account")


def test_the_url_is_an_output() -> None:
    """The deployment prints the listing's address."""
    url = Stack(StageName="live").outputs["ApiUrl"]["Value"]
    assert url == "https://${Api}.execute-api.us-east-1.amazonaws.com/live/workspaces/usage"
