"""The gateway handles requests, and results of functions, as API Gateway does."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws import ACCOUNT
from local.errors import TemplateError
from local.exchange import Request
from local.functions.configuration import versions_by_arn
from local.functions.invocation import MAX_EVENT_BYTES, NoResult, Result
from local.gateway.authorizer import Decision, decide
from local.gateway.gateway import MAX_WAIT_SECONDS, Gateway
from local.gateway.proxy import (
    make_request_context,
    query_parameters,
    to_authorizer_event,
    to_event,
    to_response,
)
from local.gateway.responses import (
    ACCESS_DENIED,
    AUTHORIZER_FAILURE,
    AUTHORIZER_UNUSABLE,
    FUNCTION_FAILED,
    INTEGRATION_TIMEOUT,
    THROTTLED,
    UNAUTHORIZED,
    Failure,
    GatewayResponses,
    Refusal,
    fill,
)
from local.gateway.routes import Route, Routes, make_routes
from local.log import JsonLog
from local.stack import TEMPLATE
from local.template.expand import expand
from local.template.template import Resource

METHOD = "arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/workspaces/usage"


# --- Gateway responses ----------------------------------------------------------------------------


def test_a_gateway_response_has_the_template_s_status_headers_and_body() -> None:
    """Those of its type, if the template defines them."""
    responses = GatewayResponses(
        {
            "THROTTLED": {
                "statusCode": "420",
                "responseParameters": {
                    "gatewayresponse.header.Retry-After": "'1'",
                    "gatewayresponse.header.Empty": "''",
                },
                "responseTemplates": {"text/plain": "calm down"},
            }
        }
    )
    response = responses.make(THROTTLED, {})
    assert response.status == 420
    assert response.headers == (
        ("Content-Type", "text/plain"),
        ("Retry-After", "1"),
        ("Empty", ""),
    )
    assert response.body == b"calm down"


@pytest.mark.parametrize(
    ("failure", "body"),
    [(THROTTLED, b"four"), (UNAUTHORIZED, b"four"), (INTEGRATION_TIMEOUT, b"five")],
)
def test_a_type_without_a_definition_has_the_default_of_its_class(
    failure: Failure, body: bytes
) -> None:
    """With the type's own status, unless the default has one."""
    responses = GatewayResponses(
        {
            "DEFAULT_4XX": {"responseTemplates": {"application/json": "four"}},
            "DEFAULT_5XX": {"responseTemplates": {"application/json": "five"}},
        }
    )
    response = responses.make(failure, {})
    assert (response.status, response.body) == (failure.status, body)


@pytest.mark.parametrize("failure", [ACCESS_DENIED, AUTHORIZER_FAILURE, Failure("X", 400, 'a "b"')])
def test_without_a_template_a_response_is_api_gateway_s_own_json(failure: Failure) -> None:
    """The message is quoted as JSON."""
    response = GatewayResponses({}).make(failure, {})
    assert response.status == failure.status
    assert response.headers == (("Content-Type", "application/json"),)
    assert json.loads(response.body) == {"message": failure.message}


def test_a_failure_is_added_to_the_context_of_its_request() -> None:
    """For the access log, and for the response's own template."""
    template = "$context.error.responseType $context.error.message $context.error.messageString"
    responses = GatewayResponses({"X": {"responseTemplates": {"text/plain": template}}})
    context: dict[str, str] = {}
    assert responses.make(Failure("X", 400, "no"), context).body == b'X no "no"'
    assert context == {
        "error.responseType": "X",
        "error.message": "no",
        "error.messageString": '"no"',
    }


@pytest.mark.parametrize(
    "parameters",
    [
        {"gatewayresponse.header.A": "method.request.header.A"},
        {"gatewayresponse.header.A": "plain"},
        {"gatewayresponse.header.A": "'a'b'"},
        {"gatewayresponse.header.A": ""},
        {"gatewayresponse.querystring.A": "'a'"},
    ],
)
def test_a_header_that_is_not_a_fixed_text_is_refused_at_the_start(
    parameters: dict[str, str],
) -> None:
    """The error names the response and the header."""
    (name,) = parameters
    with pytest.raises(TemplateError, match=f"gateway response THROTTLED: {name} is not"):
        GatewayResponses({"THROTTLED": {"responseParameters": parameters}})


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("$context.a", "1"),
        ("<$context.a.b>", "<2>"),
        ("$context.a.", "1."),
        ("$context.a.b.c", "?"),
        ("$context.nothing", "?"),
        ("$context.", "$context."),
        ("$context", "$context"),
        ("$$context.a", "$1"),
        ("$context.a$context.a", "11"),
        ("$stageVariables.a", "$stageVariables.a"),
        ("$context.quote", r'\1 " $context.a'),
    ],
)
def test_fill_replaces_variables_once_and_unescaped(template: str, filled: str) -> None:
    """A variable's value is not filled again, and not escaped."""
    context = {"a": "1", "a.b": "2", "quote": r'\1 " $context.a'}
    assert fill(template, context, missing="?") == filled


@given(st.text(max_size=30).filter(lambda text: "$" not in text))
def test_fill_does_not_change_text_without_variables(text: str) -> None:
    """Any text, also as a variable's value."""
    assert fill(text, {}) == text
    assert fill("<$context.a>", {"a": text}) == f"<{text}>"


# --- The authorizer's answer ----------------------------------------------------------------------


def statement(effect: object = "Allow", resource: object = METHOD, **others: object) -> Any:
    """A statement of a policy about the method."""
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource, **others}


def decision(*statements: object, **fields: object) -> Decision:
    """The decision if the authorizer returns these statements."""
    content = {
        "principalId": "user",
        "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
        **fields,
    }
    return decide(Result(json.dumps(content).encode()), METHOD)


def refused(answer: Result) -> Failure:
    """The failure for a result."""
    with pytest.raises(Refusal) as raised:
        decide(answer, METHOD)
    return raised.value.failure


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([statement("Allow")], True),
        ([statement("Deny")], False),
        ([statement("Allow"), statement("Deny")], False),
        ([statement("Deny"), statement("Allow")], False),
        ([statement("Allow"), statement("Allow")], True),
        ([statement("Allow"), statement("Deny", f"{METHOD}/other")], True),
        ([statement("Allow", f"{METHOD}/other")], False),
        ([statement("Allow", [f"{METHOD}/other", METHOD])], True),
        ([statement("Allow", [])], False),
        ([statement("Allow", Action=["execute-api:InvalidateCache"])], False),
        ([statement("Allow", Action=["execute-api:Other", "execute-api:Invoke"])], True),
        ([statement("Allow", Action="EXECUTE-API:invoke", Sid="x")], True),
        ([statement("Allow", Action="execute-api:*")], True),
        ([statement("Allow", Action="*")], True),
        ([], False),
    ],
)
def test_only_an_allow_without_a_deny_lets_a_request_pass(
    statements: list[object], allowed: bool
) -> None:
    """Only statements about invoking the method count."""
    assert decision(*statements).is_allowed is allowed


@pytest.mark.parametrize(
    ("resource", "meant"),
    [
        ("*", True),
        ("arn:aws:execute-api:*", True),
        ("arn:aws:execute-api:us-east-1:123456789012:api/v1/*/workspaces/usage", True),
        ("arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/workspaces/us??e", True),
        ("arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/workspaces/usage?", False),
        ("arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/workspaces/usage*", True),
        ("arn:aws:execute-api:us-east-1:123456789012:api/v2/*", False),
        ("arn:aws:execute-api:us-east-1:123456789012:api/v1/get/workspaces/usage", False),
        ("arn.aws.execute-api:us-east-1:123456789012:api/v1/GET/workspaces/usage", False),
        ("", False),
    ],
)
def test_a_resource_s_wildcards_stand_for_any_text_and_for_one_character(
    resource: str, meant: bool
) -> None:
    """No other character is special; upper and lower case differ."""
    assert decision(statement("Allow", resource)).is_allowed is meant
    assert decision(statement(), statement("Deny", resource)).is_allowed is not meant


@given(st.text(st.characters(exclude_characters="*?"), max_size=20), st.text(max_size=20))
def test_a_resource_without_wildcards_matches_itself_only(resource: str, method: str) -> None:
    """No other character is special."""
    content = {"principalId": "u", "policyDocument": {"Statement": statement("Allow", resource)}}
    answer = Result(json.dumps(content).encode())
    assert decide(answer, method).is_allowed == (resource == method)
    assert decide(answer, resource).is_allowed


def test_a_single_statement_needs_no_list() -> None:
    """As in IAM."""
    assert decision(policyDocument={"Statement": statement()}).is_allowed


@pytest.mark.parametrize(
    "fields",
    [
        {"principalId": None},
        {"principalId": 5},
        {"policyDocument": {}},
        {"policyDocument": {"Statement": None}},
        {"policyDocument": {"Statement": "Allow"}},
        {"policyDocument": {"Statement": [None]}},
        {"policyDocument": {"Statement": statement("allow")}},
        {"policyDocument": {"Statement": statement(None)}},
        {"policyDocument": {"Statement": statement(resource=None)}},
        {"policyDocument": {"Statement": statement(resource=5)}},
        {"policyDocument": {"Statement": statement(resource=[METHOD, 5])}},
        {"policyDocument": {"Statement": statement(Action=None)}},
        {"policyDocument": {"Statement": statement(Action={"a": 1})}},
        {"policyDocument": {"Statement": statement(Condition={})}},
        {"policyDocument": {"Statement": statement(NotAction="a")}},
        {"policyDocument": {"Statement": {"Effect": "Allow", "Resource": METHOD}}},
        {"policyDocument": {"Statement": [statement(), {"Effect": "Deny"}]}},
        {"context": {"nested": {"a": 1}}},
        {"context": {"list": []}},
        {"context": {"nothing": None}},
        {"context": ["a"]},
        {"context": "text"},
    ],
)
def test_a_result_in_another_format_is_an_error_of_the_authorizer_s_configuration(
    fields: dict[str, object],
) -> None:
    """Nobody is let in by an incomplete policy, or by one with an unsupported condition."""
    with pytest.raises(Refusal) as raised:
        decision(statement(), **fields)
    assert raised.value.failure is AUTHORIZER_UNUSABLE
    assert AUTHORIZER_UNUSABLE.type == "AUTHORIZER_CONFIGURATION_ERROR"


@pytest.mark.parametrize(
    "payload", [b"null", b"[]", b'"Allow"', b"true", b"{}", b"", b"\xff", b'{"principalId": NaN}']
)
def test_a_result_without_a_principal_is_unusable(payload: bytes) -> None:
    """Any other JSON."""
    assert refused(Result(payload)) is AUTHORIZER_UNUSABLE


@pytest.mark.parametrize("policy", [None, "text", 5, []])
def test_a_result_without_a_policy_lets_nobody_in(policy: object) -> None:
    """It is refused or denied."""
    with suppress(Refusal):
        assert not decision(policyDocument=policy).is_allowed


def test_every_value_of_the_context_becomes_a_string() -> None:
    """In JSON's notation. A denial has a context, too."""
    context = {"s": "é", "i": 5, "f": 1.5, "yes": True, "no": False, "empty": ""}
    for effect in ("Allow", "Deny"):
        assert decision(statement(effect), context=context).context == {
            "principalId": "user",
            "s": "é",
            "i": "5",
            "f": "1.5",
            "yes": "true",
            "no": "false",
            "empty": "",
        }
    assert decision(statement()).context == {"principalId": "user"}
    assert decision(statement(), context=None).context == {"principalId": "user"}


def test_an_authorizer_that_raises_unauthorized_means_401_and_any_other_failure_500() -> None:
    """Only exactly this message means 401."""
    assert refused(Result.error("Exception", "Unauthorized")) is UNAUTHORIZED
    for message in ("unauthorized", "Unauthorized ", "boom", ""):
        assert refused(Result.error("Exception", message)) is AUTHORIZER_FAILURE
    assert refused(Result(b"{}", is_error=True)) is AUTHORIZER_FAILURE
    assert (UNAUTHORIZED.status, AUTHORIZER_FAILURE.status) == (401, 500)


# --- Requests become events -----------------------------------------------------------------------

CONTEXT: dict[str, Any] = {"stage": "v1", "resourcePath": "/a/{id}"}
"""The context of a request, as far as these tests need it."""


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("", {}),
        ("a=1", {"a": ["1"]}),
        ("a=1&b=2&a=3", {"a": ["1", "3"], "b": ["2"]}),
        ("a=&b", {"a": [""], "b": [""]}),
        ("a=1;b=2", {"a": ["1;b=2"]}),
        ("a=x+y%20z%2B", {"a": ["x y z+"]}),
        ("%C3%A9=%C3%A9", {"é": ["é"]}),
        ("a=%FF%41", {"a": ["\N{REPLACEMENT CHARACTER}A"]}),
        ("a=%4", {"a": ["%4"]}),
        ("a=%zz", {"a": ["%zz"]}),
        ("a=b=c", {"a": ["b=c"]}),
        ("&&a=1&", {"a": ["1"]}),
        ("a[]=1&A[]=2", {"a[]": ["1"], "A[]": ["2"]}),
    ],
)
def test_a_query_string_is_decoded(query: str, parameters: dict[str, list[str]]) -> None:
    """Bytes that are not UTF-8 are replaced; upper and lower case of names differ."""
    assert query_parameters(query) == parameters


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.lists(st.text(), min_size=1)))
def test_encoded_parameters_are_decoded(parameters: dict[str, list[str]]) -> None:
    """Names and values with any characters, in their order."""
    parameters = {
        name: [value.encode(errors="replace").decode() for value in values]
        for name, values in parameters.items()
    }
    assert query_parameters(urlencode(parameters, doseq=True)) == parameters


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40))
def test_any_query_string_becomes_an_event(query: str) -> None:
    """With the last value of each name."""
    event = to_event(Request("GET", "/", query), CONTEXT)
    several = event["multiValueQueryStringParameters"] or {}
    single = event["queryStringParameters"] or {}
    assert single == {name: values[-1] for name, values in several.items()}
    assert json.loads(json.dumps(event)) == event


def test_an_event_has_the_last_value_of_each_name_and_all_of_them() -> None:
    """A header has the spelling of its first name."""
    request = Request(
        "POST",
        "/a/b%20c",
        "x=1&X=2&x=3",
        (("Accept", "a"), ("X-One", ""), ("ACCEPT", "b")),
        content=b"text",
    )
    assert to_event(request, CONTEXT, {"id": "b%20c"}) == {
        "resource": "/a/{id}",
        "path": "/a/b%20c",
        "httpMethod": "POST",
        "headers": {"Accept": "b", "X-One": ""},
        "multiValueHeaders": {"Accept": ["a", "b"], "X-One": [""]},
        "queryStringParameters": {"x": "3", "X": "2"},
        "multiValueQueryStringParameters": {"x": ["1", "3"], "X": ["2"]},
        "pathParameters": {"id": "b%20c"},
        "stageVariables": None,
        "requestContext": CONTEXT,
        "body": "text",
        "isBase64Encoded": False,
    }


def test_missing_parts_of_a_request_are_null_in_the_event() -> None:
    """They are not empty objects."""
    event = to_event(Request("GET", "/"), CONTEXT)
    for name in ("headers", "queryStringParameters", "pathParameters"):
        assert event[name] is None
    for name in ("multiValueHeaders", "multiValueQueryStringParameters"):
        assert event[name] is None
    assert event["body"] is None
    assert Request("POST", "/").with_content(b"").body is None
    assert Request("POST", "/").with_content(b"a\xff").body == "a\N{REPLACEMENT CHARACTER}"


def test_the_authorizer_s_event_is_the_method_s_without_its_body() -> None:
    """It has the method's ARN."""
    event = to_event(Request("GET", "/", "a=1", (("A", "b"),), b"secret"), CONTEXT)
    seen = to_authorizer_event(event, METHOD)
    assert (seen.pop("type"), seen.pop("methodArn")) == ("REQUEST", METHOD)
    assert {**seen, "body": "secret", "isBase64Encoded": False} == event


def test_the_context_of_a_request_names_its_client_and_its_stage() -> None:
    """The stage is in front of the path, as in the API's own URL."""
    context = {
        "stage": "v1",
        "requestId": "id",
        "extendedRequestId": "id=",
        "requestTime": "now",
        "resourcePath": "/{id}",
    }
    request = Request("GET", "/a", headers=(("user-agent", "x"), ("User-Agent", "y")))
    about = make_request_context(request, context, "api")
    assert about["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "y"}
    assert (about["path"], about["resourcePath"], about["stage"]) == ("/v1/a", "/{id}", "v1")
    assert (about["accountId"], about["apiId"]) == (ACCOUNT, "api")
    assert (about["requestId"], about["extendedRequestId"]) == ("id", "id=")
    assert about["requestTime"] == "now"
    nobody = make_request_context(Request("GET", "/a"), context, "api")
    assert nobody["identity"]["userAgent"] is None


# --- What functions answer becomes responses ------------------------------------------------------


def responded(**content: object) -> Any:
    """The response in this result."""
    return to_response(json.dumps({"statusCode": 200, **content}).encode())


def test_a_proxy_response_has_its_status_headers_and_body() -> None:
    """Also headers with several values, and numbers."""
    response = responded(
        statusCode="404",
        headers={"A": "1", "b": 2, "C": True, "Content-Type": "text/plain"},
        multiValueHeaders={"B": ["3", "4"]},
        body="é",
        isBase64Encoded=False,
    )
    assert response.status == 404
    assert response.headers == (
        ("A", "1"),
        ("C", "true"),
        ("Content-Type", "text/plain"),
        ("B", "3"),
        ("B", "4"),
    )
    assert response.body == "é".encode()


def test_a_response_without_a_type_is_json_and_without_a_body_empty() -> None:
    """Null headers and a null body are allowed."""
    for content in ({}, {"headers": None, "multiValueHeaders": None, "body": None}):
        response = responded(**content)
        assert response.headers == (("Content-Type", "application/json"),)
        assert response.body == b""
    assert responded(multiValueHeaders={"content-TYPE": ["a/b"]}).headers == (
        ("content-TYPE", "a/b"),
    )


@pytest.mark.parametrize(
    "content",
    [
        {"statusCode": None},
        {"statusCode": "ok"},
        {"statusCode": 99},
        {"statusCode": 101},
        {"statusCode": 600},
        {"statusCode": 200.5},
        {"statusCode": True},
        {"statusCode": "200\n"},
        {"body": 5},
        {"body": {"message": "no text"}},
        {"message": "a key that is none of the format's"},
        {"headers": ["A"]},
        {"headers": "A"},
        {"multiValueHeaders": {"A": "b"}},
        {"multiValueHeaders": ["A"]},
        {"headers": {"": "b"}},
        {"headers": {"a b": "c"}},
        {"headers": {"a:": "c"}},
        {"headers": {"é": "c"}},
        {"headers": {"A": "b\r\nSet-Cookie: c"}},
        {"headers": {"A": " b"}},
        {"headers": {"A": "\N{SNOWMAN}"}},
        {"multiValueHeaders": {"A": ["ok", "no\n"]}},
    ],
)
def test_a_result_without_the_proxy_format_is_a_failure_of_the_function(
    content: dict[str, object],
) -> None:
    """A header can't contain a line break."""
    with pytest.raises(Refusal) as raised:
        responded(**content)
    assert raised.value.failure is FUNCTION_FAILED


@pytest.mark.parametrize(
    "payload",
    [
        *(b"null", b"[]", b'"text"', b"5", b"{}", b"", b"text", b"\xff", b"[" * 100_000),
        b'{"statusCode": 200, "headers": {"A": NaN}}',
        b'{"statusCode": %d}' % 10**4_000,
        b'{"statusCode": ' + b"2" * 5_000 + b"}",
    ],
    ids=lambda payload: payload[:20],
)
def test_a_result_without_a_status_is_a_failure_of_the_function(
    payload: bytes,
) -> None:
    """Any other JSON."""
    with pytest.raises(Refusal) as raised:
        to_response(payload)
    assert raised.value.failure is FUNCTION_FAILED


PROXY_KEYS = ("statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 600) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(
    JSON
    | st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"), JSON
        ),
    )
)
def test_any_result_becomes_a_response_or_is_refused(content: object) -> None:
    """The response has only headers that HTTP allows."""
    try:
        response = to_response(json.dumps(content).encode())
    except Refusal:
        return
    assert 200 <= response.status < 600
    for name, text in response.headers:
        assert name.isascii()
        assert not {*"\r\n\0"} & {*name, *text.encode("latin-1").decode("latin-1")}


# --- Routes ---------------------------------------------------------------------------------------

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION_ARN}/invocations"
AUTHORIZER = {"type": "request", "authorizerUri": URI, "authorizerResultTtlInSeconds": 0}
INTEGRATION = {"type": "aws_proxy", "uri": URI}


def answering(event: bytes, patience: float) -> Result:
    """A function that returns its event."""
    return Result(json.dumps({"event": event.decode(), "patience": patience}).encode())


def resource(name: str, properties: Mapping[str, object]) -> Resource:
    """A resource of the template."""
    return Resource(logical_id=name, type="T", name=name, ref=name, arn=name, properties=properties)


def routes(
    *,
    path: str = "/a",
    method: str = "get",
    operation: Mapping[str, object] | None = None,
    authorizer: Mapping[str, object] | None = None,
    stage: Mapping[str, object] | None = None,
) -> Routes:
    """The routes of an API with one method."""
    operation = {"x-amazon-apigateway-integration": INTEGRATION, **(operation or {})}
    schemes = {"A": {"x-amazon-apigateway-authorizer": authorizer}, "B": {}}
    body = {"paths": {path: {method: operation}}, "securityDefinitions": schemes}
    return make_routes(
        resource("Api", {"Body": body}),
        resource("Stage", stage or {}),
        {FUNCTION_ARN: answering},
        lambda: 0.0,
    )


def only_route(**wanted: Any) -> Route:
    """The route of an API with one method."""
    found = routes(**wanted).find("GET", wanted.get("path", "/a"))
    assert found is not None
    return found[0]


def test_a_method_is_found_with_its_function_its_authorizer_and_its_cache_keys() -> None:
    """By its name in upper case, and its path."""
    operation = {
        "security": [{"A": []}],
        "x-amazon-apigateway-integration": {**INTEGRATION, "cacheKeyParameters": ["x", "y"]},
    }
    route = only_route(operation=operation, authorizer=AUTHORIZER)
    assert route.path == "/a"
    assert route.integration is answering
    assert route.authorizer is answering
    assert route.cache_keys == ("x", "y")
    assert route.cache is None
    assert only_route().authorizer is None


@pytest.mark.parametrize(
    ("settings", "burst"),
    [
        ([], 5000),
        ([{"HttpMethod": "*", "ResourcePath": "/*", "ThrottlingBurstLimit": "3"}], 3),
        ([{"HttpMethod": "GET", "ResourcePath": "/~1a", "ThrottlingBurstLimit": 4}], 4),
        ([{"HttpMethod": "GET", "ResourcePath": "/~1b", "ThrottlingBurstLimit": 4}], 5000),
        ([{"HttpMethod": "PUT", "ResourcePath": "/~1a", "ThrottlingBurstLimit": 4}], 5000),
        (
            [
                {"HttpMethod": "GET", "ResourcePath": "/~1a", "ThrottlingBurstLimit": 4},
                {"HttpMethod": "*", "ResourcePath": "/*", "ThrottlingBurstLimit": 3},
            ],
            4,
        ),
    ],
)
def test_a_stage_s_settings_of_a_method_win_over_those_of_all_methods(
    settings: list[dict[str, object]], burst: int
) -> None:
    """In any order. Without settings, the account's limits hold."""
    bucket = only_route(stage={"MethodSettings": settings}).bucket
    assert sum(bucket.take() for _ in range(burst + 10)) == burst


@pytest.mark.parametrize(
    ("cluster", "caching", "cached"),
    [("true", True, True), (True, "true", True), ("false", True, False), (True, "false", False)],
)
def test_a_method_is_cached_if_the_stage_and_the_method_have_caching_enabled(
    cluster: object, caching: object, cached: bool
) -> None:
    """Both values can be texts, from a parameter."""
    settings = [{"HttpMethod": "GET", "ResourcePath": "/~1a", "CachingEnabled": caching}]
    stage = {"CacheClusterEnabled": cluster, "MethodSettings": settings}
    assert (only_route(stage=stage).cache is not None) is cached


def test_the_root_s_settings_have_a_slash_alone_as_their_path() -> None:
    """As in CloudFormation."""
    settings = [{"HttpMethod": "GET", "ResourcePath": "/", "CachingEnabled": True}]
    stage = {"CacheClusterEnabled": True, "MethodSettings": settings}
    assert only_route(path="/", stage=stage).cache is not None
    assert only_route(path="/a", stage=stage).cache is None


SECURED: dict[str, object] = {"security": [{"A": []}]}


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"path": "/a{id}"}, "/a{id}: a parameter has to be a whole segment"),
        ({"path": "/{proxy+}/a"}, "/{proxy+}/a: only the last segment can have a plus"),
        ({"method": "x-amazon-apigateway-any-method"}, "/a: methods have to be named here"),
        (
            {"stage": {"MethodSettings": [{"HttpMethod": "*", "ResourcePath": "/~1a"}]}},
            "method settings have to be for all methods of all paths",
        ),
        (
            {"operation": {"x-amazon-apigateway-integration": {"type": "mock"}}},
            "GET /a: a mock is served here only with one response",
        ),
        ({"operation": {"x-amazon-apigateway-integration": {}}}, "GET /a: only functions"),
        (
            {
                "operation": {
                    "x-amazon-apigateway-integration": {**INTEGRATION, "type": "http_proxy"}
                }
            },
            "GET /a: only functions",
        ),
        (
            {
                "operation": {
                    "x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": f"{URI}/x"}
                }
            },
            f"the API refers to {URI}/x, which is not a function",
        ),
        (
            {
                "operation": {
                    "x-amazon-apigateway-integration": {
                        **INTEGRATION,
                        "uri": URI.replace(":f/", ":g/"),
                    }
                }
            },
            "the API refers to",
        ),
        (
            {
                "operation": SECURED,
                "authorizer": {**AUTHORIZER, "authorizerResultTtlInSeconds": 300},
            },
            "A: decisions of authorizers are not cached here",
        ),
        (
            {"operation": SECURED, "authorizer": {"type": "request", "authorizerUri": URI}},
            "A: decisions of authorizers are not cached here",
        ),
        (
            {
                "operation": SECURED,
                "authorizer": {**AUTHORIZER, "identitySource": "method.request.header.A"},
            },
            "A: decisions of authorizers are not cached here",
        ),
        (
            {"operation": SECURED, "authorizer": {**AUTHORIZER, "type": "token"}},
            "A: only a single REQUEST authorizer",
        ),
        ({"operation": {"security": [{"B": []}]}}, "B: only a single REQUEST authorizer"),
        ({"operation": {"security": [{"C": []}]}}, "C: only a single REQUEST authorizer"),
        (
            {"operation": {"security": [{"A": [], "B": []}]}, "authorizer": AUTHORIZER},
            "A: only a single REQUEST authorizer",
        ),
        (
            {"operation": SECURED, "authorizer": {**AUTHORIZER, "authorizerUri": "nowhere"}},
            "the API refers to nowhere, which is not a function",
        ),
    ],
)
def test_unsupported_features_are_refused_at_the_start(
    wanted: dict[str, Any], sentence: str
) -> None:
    """They are not ignored. The error names the method, or the authorizer."""
    with pytest.raises(TemplateError) as raised:
        routes(**wanted)
    assert str(raised.value).startswith(sentence)


# --- The gateway of the project's template --------------------------------------------------------

USAGE = "/workspaces/usage"
NOT_AVAILABLE = "The service is unavailable at the moment. Please try again shortly."


class Api:
    """The gateway of the project's template, with functions whose results tests set."""

    def __init__(self, **parameters: str) -> None:
        template = expand(TEMPLATE, parameters)
        self.now = 0.0
        self.log: list[str] = []
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.effect = "Allow"
        self.answers: dict[str, Result | Exception] = {}
        self.arns = {
            arn: function.logical_id
            for function in template.of_type("AWS::Lambda::Function")
            for arn in versions_by_arn(template, function)
        }
        invokes = {arn: self._invoker(name) for arn, name in self.arns.items()}
        self.gateway = Gateway(template, invokes, lambda: self.now, JsonLog(self.log.append))

    def _invoker(self, name: str) -> Any:
        def invoke(event: bytes, patience: float) -> Result:
            assert patience == MAX_WAIT_SECONDS
            seen = self.events.setdefault(name, [])
            seen.append(json.loads(event))
            answer = self.answers.get(name, self._usual(name, seen[-1], len(seen)))
            if isinstance(answer, Exception):
                raise answer
            return answer

        return invoke

    def _usual(self, name: str, event: dict[str, Any], count: int) -> Result:
        if name == "UsageFunction":
            return Result(json.dumps({"statusCode": 200, "body": f"{count}"}).encode())
        content = {
            "principalId": "7",
            "policyDocument": {"Statement": statement(self.effect, event["methodArn"])},
            "context": {"user_id": 7, "message": "no entry"},
        }
        return Result(json.dumps(content).encode())

    def ask(
        self, query: str = "", *headers: tuple[str, str], method: str = "GET", path: str = USAGE
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the response."""
        response = self.gateway.handle(Request(method, path, query, headers))
        return response.status, dict(response.headers), response.body


def test_the_gateway_knows_which_functions_it_uses() -> None:
    """The recorder, the counter and the exporter are not among them."""
    api = Api()
    assert {api.arns[arn] for arn in api.gateway.function_arns} == {
        "UsageFunction",
        "SummaryFunction",
        "ExportsFunction",
        "PageFunction",
        "AuthorizerFunction",
    }


def test_the_function_gets_the_authorizer_s_context() -> None:
    """As strings, and the authorizer's latency."""
    api = Api()
    assert api.ask("a=1")[0] == 200
    (event,) = api.events["UsageFunction"]
    assert event["requestContext"]["authorizer"] == {
        "principalId": "7",
        "user_id": "7",
        "message": "no entry",
        "integrationLatency": 0,
    }
    (asked,) = api.events["AuthorizerFunction"]
    assert asked["type"] == "REQUEST"
    assert asked["methodArn"].endswith(f"/v1/GET{USAGE}")
    assert "authorizer" not in asked["requestContext"]


@pytest.mark.parametrize(
    ("function", "answer", "status"),
    [
        ("AuthorizerFunction", Result.error("Exception", "Unauthorized"), 401),
        ("AuthorizerFunction", Result.error("Exception", "boom"), 503),
        ("AuthorizerFunction", Result(b"null"), 503),
        ("AuthorizerFunction", NoResult(), 503),
        ("AuthorizerFunction", OSError("no more processes"), 503),
        ("UsageFunction", Result.error("Exception", "boom"), 503),
        ("UsageFunction", Result(b"null"), 503),
        ("UsageFunction", NoResult(), 503),
        ("UsageFunction", OSError("no more processes"), 503),
    ],
)
def test_the_response_for_a_function_that_fails_is_not_cached(
    function: str, answer: Result | Exception, status: int
) -> None:
    """It is the template's gateway response. The next request invokes the function again."""
    api = Api()
    api.answers[function] = answer
    found, headers, body = api.ask()
    assert found == status
    assert headers["Content-Type"] == "application/json"
    if status == 503:
        assert json.loads(body) == {"message": NOT_AVAILABLE}
        assert headers["Retry-After"] == "5"
    else:
        assert json.loads(body) == {"message": "Unauthenticated."}
        assert headers["WWW-Authenticate"] == "Bearer"
    del api.answers[function]
    assert api.ask()[0] == 200


def test_the_event_of_a_request_has_a_size_limit() -> None:
    """Lambda's, in bytes. One byte more is 413, and the function is not invoked."""
    api = Api()

    def ask(text: str) -> int:
        # The body is not part of the cache's key.
        api.now += 1_000
        return api.gateway.handle(Request("GET", USAGE, content=text.encode())).status

    assert ask("") == 200
    envelope = len(
        json.dumps(api.events["UsageFunction"][0], ensure_ascii=False, separators=(",", ":"))
    )
    # Its body was null; how long the times in it are may differ by a few digits.
    room = MAX_EVENT_BYTES - envelope - 20
    assert ask("é" * (room // 2)) == 200
    assert len(api.events["UsageFunction"]) == 2
    assert ask("é" * (room // 2 + 40)) == 413
    assert ask('"' * (MAX_EVENT_BYTES // 2 + 1)) == 413
    assert len(api.events["UsageFunction"]) == 2
    lines = [json.loads(line.removeprefix("Api")) for line in api.log]
    assert lines[-1]["errorType"] == "REQUEST_TOO_LARGE"


def test_an_error_in_the_gateway_is_logged() -> None:
    """With its traceback."""
    api = Api()
    api.answers["UsageFunction"] = OSError("no more processes")
    api.ask()
    assert any("OSError: no more processes" in line for line in api.log)


def test_a_denial_has_the_authorizer_s_message() -> None:
    """The function is not invoked."""
    api = Api()
    api.effect = "Deny"
    status, _, body = api.ask()
    assert (status, json.loads(body)) == (403, {"message": "no entry"})
    assert "UsageFunction" not in api.events


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", USAGE), ("HEAD", USAGE), ("get", USAGE), ("GET", f"{USAGE}/"), ("GET", "*")],
)
def test_an_unknown_path_or_method_invokes_nothing(method: str, path: str) -> None:
    """The response is 404."""
    api = Api()
    assert api.ask(method=method, path=path)[0] == 404
    assert api.events == {}


def test_a_response_is_cached_under_its_keys_for_its_lifetime() -> None:
    """Header names in any case; the last value counts; other parameters make no difference."""
    api = Api()
    assert api.ask("page=1", ("Accept-Language", "en"))[2] == b"1"
    status, headers, body = api.ask(
        "page=2&other=1&page=1", ("accept-language", "es"), ("ACCEPT-LANGUAGE", "en"), ("X", "y")
    )
    assert (status, headers["X-Cache"], body) == (200, "Hit", b"1")
    for query, *sent in (
        ("page=2", ("Accept-Language", "en")),
        ("page=1", ("Accept-Language", "es")),
        ("page=1",),
        ("page=", ("Accept-Language", "en")),
        ("", ("Accept-Language", "en")),
        ("PAGE=1", ("Accept-Language", "en"), ("Authorization", "x")),
    ):
        assert api.ask(query, *sent)[1]["X-Cache"] == "Miss"
    api.now = 59.9
    assert api.ask("page=1", ("Accept-Language", "en"))[1]["X-Cache"] == "Hit"
    api.now = 60.0
    assert api.ask("page=1", ("Accept-Language", "en"))[1]["X-Cache"] == "Miss"


def test_every_request_is_authorized_even_if_its_response_is_cached() -> None:
    """A denied request gets no response from the cache."""
    api = Api()
    api.ask()
    api.effect = "Deny"
    status, headers, _ = api.ask()
    assert (status, "X-Cache" in headers) == (403, False)


def test_throttled_requests_do_not_invoke_the_authorizer() -> None:
    """Later requests do."""
    api = Api(ThrottleRate="1", ThrottleBurst="2")
    assert [api.ask()[0] for _ in range(3)] == [200, 200, 429]
    assert len(api.events["AuthorizerFunction"]) == 2
    api.now = 1.0
    assert [api.ask()[0] for _ in range(2)] == [200, 429]


def test_requests_that_the_web_acl_refuses_reach_nothing_else() -> None:
    """Neither the throttle nor the authorizer. An unknown path is refused, too."""
    api = Api(WebAclEnabled="true", RequestsPerToken="10", ThrottleRate="1", ThrottleBurst="10")
    token = ("Authorization", "Bearer x")
    assert [api.ask("", token)[0] for _ in range(12)] == [200] * 10 + [429] * 2
    assert len(api.events["AuthorizerFunction"]) == 10
    assert api.ask("", token, path="/nothing")[0] == 429
    lines = [json.loads(line.removeprefix("Api")) for line in api.log]
    assert [line["errorType"] for line in lines[10:]] == ["WAF_FILTERED"] * 3
    api.now = 60.0
    assert api.ask("", token)[0] == 200


def test_every_response_has_its_own_request_id_and_a_line_in_the_access_log() -> None:
    """The line is JSON; unknown values are a dash."""
    api = Api()
    ids = [api.ask(path=path)[1]["x-amzn-RequestId"] for path in (USAGE, "/nothing", USAGE)]
    lines = [json.loads(line.removeprefix("Api")) for line in api.log]
    assert [line["requestId"] for line in lines] == ids
    assert len(set(ids)) == 3
    assert [line["status"] for line in lines] == ["200", "404", "200"]
    assert [line["userId"] for line in lines] == ["7", "-", "7"]
    assert [line["errorType"] for line in lines] == ["-", "MISSING_AUTHENTICATION_TOKEN", "-"]
    assert [line["integrationStatus"] for line in lines] == ["200", "-", "-"]


def test_a_bad_request_gets_the_template_s_gateway_response() -> None:
    """With the server's status. It is logged, too."""
    api = Api(DefaultLocale="es")
    response = api.gateway.refuse(Request("-", "-"), Failure("DEFAULT_4XX", 414, "too long"))
    assert response.status == 414
    assert json.loads(response.body) == {"message": "No se pudo entender la solicitud."}
    assert json.loads(api.log[0].removeprefix("Api"))["status"] == "414"


@pytest.fixture(scope="module")
def api() -> Api:
    """A gateway for many examples."""
    return Api()


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20),
    st.text(max_size=20).map(quote_plus),
    st.lists(st.tuples(st.sampled_from(["Accept-Language", "A", "a"]), st.text(max_size=9))),
)
def test_the_gateway_responds_to_any_request(
    api: Api, path: str, query: str, headers: list[tuple[str, str]]
) -> None:
    """At the API's path and at others."""
    assert api.ask(query, *headers)[0] == 200
    assert api.ask(query, *headers, path=f"/{path}")[0] == 404
