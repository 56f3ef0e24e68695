"""The gateway serves an API with several functions, paths with parameters, and binary bodies."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

from local.exchange import Request, Response
from local.functions.invocation import Invoke, Result
from local.gateway.gateway import Gateway
from local.log import JsonLog
from local.template.template import Resource, Template


def arn(function: str) -> str:
    """The ARN of a function."""
    return f"arn:aws:lambda:us-east-1:123456789012:function:{function}"


def uri(function: str) -> str:
    """The address of a function's integration."""
    path = f"path/2015-03-31/functions/{arn(function)}/invocations"
    return f"arn:aws:apigateway:us-east-1:lambda:{path}"


def operation(function: str, *, is_open: bool = False) -> dict[str, Any]:
    """A method that a function answers."""
    return {
        "security": [{"NONE": []} if is_open else {"Token": []}],
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": uri(function)},
    }


PREFLIGHT = {
    "responses": {"204": {"headers": {"Access-Control-Allow-Origin": {}}}},
    "x-amazon-apigateway-integration": {
        "type": "mock",
        "contentHandling": "CONVERT_TO_TEXT",
        "passthroughBehavior": "never",
        "requestTemplates": {"application/json": '{"statusCode": 204}'},
        "responses": {
            "default": {
                "statusCode": "204",
                "responseParameters": {
                    "method.response.header.Access-Control-Allow-Origin": "'https://a.example'"
                },
            }
        },
    },
}
DEFINITION = {
    "paths": {
        "/": {"get": operation("page", is_open=True)},
        "/exports": {"post": operation("exports"), "options": PREFLIGHT},
        "/exports/{id}": {"get": operation("exports"), "options": PREFLIGHT},
        "/{proxy+}": {"get": operation("page", is_open=True)},
    },
    "securityDefinitions": {
        "Token": {
            "x-amazon-apigateway-authorizer": {
                "type": "request",
                "authorizerUri": uri("authorizer"),
                "authorizerResultTtlInSeconds": 0,
            }
        }
    },
}
FORMAT = json.dumps(
    {
        "id": "$context.requestId",
        "more": "$context.extendedRequestId",
        "route": "$context.resourcePath",
    }
)


class Api:
    """A gateway whose functions answer with their names; the authorizer allows everything.

    Attributes:
        answers: other results of functions, in the proxy format.
        events: the events that each function got.
        log: the lines of the access log.
    """

    def __init__(self, *binary: str, **properties: object) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.log: list[str] = []
        body = {**DEFINITION, "x-amazon-apigateway-binary-media-types": list(binary)}
        self._gateway = Gateway(
            Template(
                Path(),
                {
                    "Api": _resource("RestApi", {"Body": body, **properties}),
                    "Stage": _resource("Stage", {"AccessLogSetting": {"Format": FORMAT}}),
                },
                {},
            ),
            {arn(name): self._invoker(name) for name in ("page", "exports", "authorizer")},
            lambda: 0.0,
            JsonLog(self.log.append),
        )

    def _invoker(self, name: str) -> Invoke:
        def invoke(event: bytes, patience: float) -> Result:
            del patience
            parsed = json.loads(event)
            self.events.setdefault(name, []).append(parsed)
            answer: dict[str, Any] = self.answers.get(name, {"statusCode": 200, "body": name})
            if name == "authorizer":
                statement = {
                    "Effect": "Allow",
                    "Action": "execute-api:Invoke",
                    "Resource": parsed["methodArn"],
                }
                answer = {"principalId": "u", "policyDocument": {"Statement": [statement]}}
            return Result(json.dumps(answer).encode())

        return invoke

    def ask(
        self, method: str, path: str, *headers: tuple[str, str], content: bytes = b""
    ) -> Response:
        """The response to a request."""
        return self._gateway.handle(Request(method, path, "", headers, content))

    def last_line(self) -> dict[str, str]:
        """The last line of the access log."""
        line: dict[str, str] = json.loads(self.log[-1].removeprefix("Api"))
        return line


def _resource(kind: str, properties: dict[str, Any]) -> Resource:
    return Resource(kind, f"AWS::ApiGateway::{kind}", "v1", "v1", "v1", properties)


def test_each_route_has_its_function_and_its_parameters() -> None:
    """The log has the route as the template writes it, and the event has both."""
    api = Api()
    for method, path, function, route, parameters in (
        ("GET", "/", "page", "/", None),
        ("GET", "/docs/a.css", "page", "/{proxy+}", {"proxy": "docs/a.css"}),
        ("POST", "/exports", "exports", "/exports", None),
        ("GET", "/exports/7", "exports", "/exports/{id}", {"id": "7"}),
    ):
        response = api.ask(method, path)
        assert (response.status, response.body) == (200, function.encode())
        event = api.events[function][-1]
        assert (event["resource"], event["path"]) == (route, path)
        assert event["requestContext"]["resourcePath"] == route
        assert event["pathParameters"] == parameters
        assert api.last_line()["route"] == route


def test_the_authorizer_gets_the_same_parameters_for_the_method_of_the_real_path() -> None:
    """A policy can be about one export."""
    api = Api()
    api.ask("GET", "/exports/7")
    (event,) = api.events["authorizer"]
    assert (event["resource"], event["pathParameters"]) == ("/exports/{id}", {"id": "7"})
    assert event["methodArn"].endswith("/v1/GET/exports/7")


def test_a_route_without_an_authorizer_is_open() -> None:
    """The authorizer is not asked, and the event knows no caller."""
    api = Api()
    assert api.ask("GET", "/").status == 200
    assert "authorizer" not in api.events
    assert "authorizer" not in api.events["page"][0]["requestContext"]


def test_a_body_reaches_the_function() -> None:
    """As text, and not the authorizer."""
    api = Api()
    api.ask("POST", "/exports", ("Content-Type", "application/json"), content=b'{"a":"\xc3\xa9"}')
    (event,) = api.events["exports"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"a":"é"}', False)
    assert "body" not in api.events["authorizer"][0]


def test_a_wrong_method_of_a_known_path_is_not_another_route_s() -> None:
    """GET /exports is not GET /{proxy+}: nothing is invoked."""
    api = Api()
    for method, path in (("GET", "/exports"), ("POST", "/exports/7"), ("POST", "/")):
        response = api.ask(method, path)
        assert response.status == 403  # this API has no gateway responses of its own
        assert b"Missing Authentication Token" in response.body
        assert api.last_line()["route"] == "-"
    assert api.events == {}


def test_a_preflight_is_answered_without_a_function() -> None:
    """Neither the authorizer nor the function is asked, and it is in the log."""
    api = Api()
    response = api.ask("OPTIONS", "/exports/7", ("Accept-Encoding", "gzip"))
    assert (response.status, response.body) == (204, b"")
    assert dict(response.headers)["Access-Control-Allow-Origin"] == "https://a.example"
    assert api.events == {}
    assert api.last_line()["route"] == "/exports/{id}"


FONT = bytes(range(256))
ENCODED = base64.b64encode(FONT).decode()


def test_without_binary_media_types_a_base64_body_stays_text() -> None:
    """As in API Gateway."""
    api = Api()
    api.answers["page"] = {"statusCode": 200, "body": ENCODED, "isBase64Encoded": True}
    assert api.ask("GET", "/a.woff2", ("Accept", "font/woff2")).body == ENCODED.encode()


def test_with_binary_media_types_bodies_are_decoded_and_encoded() -> None:
    """Only a body that says that it is base64 is decoded. A wrong one is a failure."""
    api = Api("*/*")
    api.answers["page"] = {"statusCode": 200, "body": ENCODED, "isBase64Encoded": True}
    assert api.ask("GET", "/a.woff2").body == FONT
    api.answers["page"] = {"statusCode": 200, "body": ENCODED}
    assert api.ask("GET", "/a.txt").body == ENCODED.encode()
    api.answers["page"] = {"statusCode": 200, "body": "no base64", "isBase64Encoded": True}
    assert api.ask("GET", "/a.woff2").status == 502
    api.ask("POST", "/exports", content=FONT)
    (event,) = api.events["exports"]
    assert (event["body"], event["isBase64Encoded"]) == (ENCODED, True)


def test_a_response_is_compressed_after_its_function_has_made_it() -> None:
    """From the minimum on, and not twice."""
    api = Api(MinimumCompressionSize="10")
    accepted = ("Accept-Encoding", "gzip, deflate, br")
    assert api.ask("GET", "/", accepted).body == b"page"
    api.answers["page"] = {"statusCode": 200, "body": "é" * 5}
    response = api.ask("GET", "/", accepted)
    assert dict(response.headers)["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.body).decode() == "é" * 5
    coded = {"Content-Encoding": "br"}
    api.answers["page"] = {"statusCode": 200, "headers": coded, "body": "é" * 5}
    assert api.ask("GET", "/", accepted).body.decode() == "é" * 5


def test_every_response_has_two_ids_that_are_in_the_log_and_in_the_events() -> None:
    """API Gateway's names for them."""
    api = Api()
    headers = dict(api.ask("POST", "/exports").headers)
    ids = (headers["x-amzn-RequestId"], headers["x-amz-apigw-id"])
    assert (api.last_line()["id"], api.last_line()["more"]) == ids
    for function in ("authorizer", "exports"):
        context = api.events[function][0]["requestContext"]
        assert (context["requestId"], context["extendedRequestId"]) == ids


def test_a_client_can_choose_the_request_id_but_not_the_extended_one() -> None:
    """If it is a UUID."""
    api = Api()
    chosen = "0A4d8c1e-1111-2222-3333-444455556666"
    for sent, is_kept in ((chosen, True), (f"{chosen}0", False), ('"},{"', False), ("", False)):
        headers = dict(
            api.ask("GET", "/", ("X-AMZN-requestid", sent), ("x-amz-apigw-id", "a")).headers
        )
        assert (headers["x-amzn-RequestId"] == sent) is is_kept
        assert headers["x-amz-apigw-id"] != "a"
