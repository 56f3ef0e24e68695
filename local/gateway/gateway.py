"""The API, served as API Gateway would: throttle, authorizer, cache, function, and its own answers.

``$context``, the variables that gateway responses and the access log are made of, is a dictionary
that goes with a request and is filled on its way.
"""

import json
import traceback
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from local.aws import ACCOUNT, REGION
from local.clock import Clock
from local.exchange import Request, Response
from local.functions.invocation import MAX_EVENT_BYTES, Invoke, NoResult
from local.gateway.authorizer import decide
from local.gateway.proxy import request_context, to_authorizer_event, to_event, to_response
from local.gateway.responses import (
    ACCESS_DENIED,
    AUTHORIZER_FAILURE,
    FUNCTION_FAILED,
    INTEGRATION_TIMEOUT,
    NO_ROUTE,
    REQUEST_TOO_LARGE,
    THROTTLED,
    Failure,
    GatewayResponses,
    Refusal,
    fill,
)
from local.gateway.routes import make_routes
from local.log import Log, ServedRequest
from local.template.template import Template

MAX_WAIT_SECONDS: Final = 29.0
"""Seconds that API Gateway waits for a function."""

_HEADER: Final = "method.request.header."
_PARAMETER: Final = "method.request.querystring."
_FROM_CACHE: Final = "local.cache"
"""A variable that API Gateway doesn't have: Hit or Miss, once the cache was asked."""


class Gateway:
    """The API of a template.

    Args:
        template: the expanded template.
        functions: how to invoke its functions, by all of their ARNs.
        clock: what the throttle and the cache go by.
        log: is told of each request.

    Attributes:
        functions: the ARNs of those functions that the API has a use for.

    Raises:
        TemplateError: the template asks for something that isn't done here.
    """

    def __init__(
        self, template: Template, functions: Mapping[str, Invoke], clock: Clock, log: Log
    ) -> None:
        api = template.only("AWS::ApiGateway::RestApi")
        stage = template.only("AWS::ApiGateway::Stage")
        self._api_id = api.name
        self._stage = stage.name
        self._clock = clock
        self._log = log
        self._log_format = stage.properties.get("AccessLogSetting", {}).get("Format", "")
        self._responses = GatewayResponses(
            api.properties["Body"].get("x-amazon-apigateway-gateway-responses", {})
        )
        self._routes = make_routes(api, stage, functions, clock)
        definition = json.dumps(api.properties["Body"])
        self.functions = {arn for arn in functions if f"{arn}/invocations" in definition}

    def handle(self, request: Request) -> Response:
        """The answer to a request, whatever it is."""
        return self._answer(request, lambda context: self._serve(request, context))

    def refuse(self, request: Request, failure: Failure) -> Response:
        """The answer to a request that was no good before it got here."""
        return self._answer(request, lambda context: self._responses.make(failure, context))

    def _answer(self, request: Request, respond: Callable[[dict[str, str]], Response]) -> Response:
        """What ``respond`` makes of the request's context, with what every answer has."""
        started = self._clock()
        context = {
            "httpMethod": request.method,
            "requestId": str(uuid.uuid4()),
            "requestTime": f"{datetime.now(UTC):%d/%b/%Y:%H:%M:%S +0000}",
            "stage": self._stage,
        }
        try:
            response = respond(context)
        except Refusal as refused:
            response = self._responses.make(refused.failure, context)
        except Exception:  # noqa: BLE001 - the outermost edge: the client gets an answer
            self._log.note(traceback.format_exc())
            response = self._responses.make(FUNCTION_FAILED, context)
        context["status"] = str(response.status)
        context["responseLength"] = str(len(response.body))
        context["responseLatency"] = self._since(started)
        self._log.request(self._served(request, response, context))
        added = [("x-amzn-RequestId", context["requestId"])]
        if _FROM_CACHE in context:
            added.append(("X-Cache", context[_FROM_CACHE]))
        return response.with_headers(*added)

    def _served(
        self, request: Request, response: Response, context: Mapping[str, str]
    ) -> ServedRequest:
        return ServedRequest(
            method=request.method,
            target=request.target,
            status=response.status,
            milliseconds=int(context["responseLatency"]),
            user_id=context.get("authorizer.user_id"),
            workspace_id=context.get("authorizer.workspace_id"),
            cache=context.get(_FROM_CACHE, "").lower() or None,
            access_line=fill(self._log_format, context, missing="-"),
        )

    def _serve(self, request: Request, context: dict[str, str]) -> Response:
        """The answer of the request's route.

        Raises:
            Refused: the gateway has to answer itself.
        """
        route = self._routes.get((request.method, request.path))
        if route is None:
            raise Refusal(NO_ROUTE)
        context["resourcePath"] = request.path
        if not route.bucket.take():
            raise Refusal(THROTTLED)
        about = request_context(request, context, self._api_id)
        event = to_event(request, about)
        if route.authorizer is not None:
            about["authorizer"] = self._authorize(route.authorizer, event, context)
        if route.cache is None:
            return self._integrate(route.function, event, context)
        key = tuple(_value(event, name) for name in route.cache_keys)
        cached = route.cache.get(key)
        context[_FROM_CACHE] = "Miss" if cached is None else "Hit"
        if cached is not None:
            return cached
        response = self._integrate(route.function, event, context)
        route.cache.put(key, response)
        return response

    def _authorize(
        self, invoke: Invoke, event: Mapping[str, Any], context: dict[str, str]
    ) -> dict[str, Any]:
        """Asks the authorizer; what the function is told of its answer."""
        arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{self._api_id}/{self._stage}"
        method_arn = f"{arn}/{event['httpMethod']}{event['path']}"
        started = self._clock()
        try:
            answer = invoke(_json(to_authorizer_event(event, method_arn)), MAX_WAIT_SECONDS)
        except NoResult:
            raise Refusal(AUTHORIZER_FAILURE) from None
        context["authorizer.latency"] = self._since(started)
        context["authorizer.status"] = "500" if answer.is_error else "200"
        decision = decide(answer, method_arn)
        context.update({f"authorizer.{name}": text for name, text in decision.context.items()})
        if not decision.allowed:
            raise Refusal(ACCESS_DENIED)
        return {**decision.context, "integrationLatency": int(context["authorizer.latency"])}

    def _integrate(
        self, invoke: Invoke, event: Mapping[str, Any], context: dict[str, str]
    ) -> Response:
        """Asks the route's function."""
        started = self._clock()
        content = _json(event)
        if len(content) > MAX_EVENT_BYTES:
            context["integration.status"] = "413"
            raise Refusal(REQUEST_TOO_LARGE)
        try:
            answer = invoke(content, MAX_WAIT_SECONDS)
        except NoResult:
            raise Refusal(INTEGRATION_TIMEOUT) from None
        context["integration.latency"] = self._since(started)
        # That of the call to Lambda, which succeeds even if the function fails.
        context["integration.status"] = "200"
        if answer.is_error:
            raise Refusal(FUNCTION_FAILED)
        return to_response(answer.payload)

    def _since(self, started: float) -> str:
        """Milliseconds since then, in the whole numbers that API Gateway logs."""
        return str(int((self._clock() - started) * 1000))


def _json(event: Mapping[str, Any]) -> bytes:
    """As API Gateway writes it: what counts for Lambda's limit are its bytes."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _value(event: Mapping[str, Any], name: str) -> str | None:
    """What a cache key parameter is in a request; None when it isn't there."""
    if name.startswith(_PARAMETER):
        value: str | None = (event["queryStringParameters"] or {}).get(name[len(_PARAMETER) :])
        return value
    wanted = name.removeprefix(_HEADER).lower()
    headers: Mapping[str, str] = event["headers"] or {}
    return next((value for name, value in headers.items() if name.lower() == wanted), None)
