"""Serves the API as API Gateway does.

The steps are the web ACL, the throttle, the authorizer, the cache and the function. Each can end in
a gateway response.

``context`` is API Gateway's ``$context``: the variables of a request that gateway responses and the
access log can use. It is a dictionary, to which each step adds its variables.
"""

import json
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from local.aws import ACCOUNT, REGION
from local.clock import Clock
from local.exchange import Request, Response
from local.functions.invocation import MAX_EVENT_BYTES, Invoke, NoResult
from local.gateway.authorizer import decide
from local.gateway.binary import BinaryMediaTypes
from local.gateway.compression import compress
from local.gateway.mock import MockIntegration
from local.gateway.proxy import make_request_context, to_authorizer_event, to_event, to_response
from local.gateway.request_ids import (
    EXTENDED_REQUEST_ID_HEADER,
    REQUEST_ID_HEADER,
    choose_request_id,
    make_extended_request_id,
)
from local.gateway.responses import (
    ACCESS_DENIED,
    AUTHORIZER_FAILURE,
    FUNCTION_FAILED,
    INTEGRATION_TIMEOUT,
    NO_ROUTE,
    REQUEST_TOO_LARGE,
    THROTTLED,
    WAF_FILTERED,
    Failure,
    GatewayResponses,
    Refusal,
    fill,
)
from local.gateway.routes import Route, make_routes
from local.gateway.web_acl import WebAcl
from local.log import Log, ServedRequest
from local.template.template import Template

MAX_WAIT_SECONDS: Final = 29.0
"""Seconds that API Gateway waits for a function or an authorizer."""

_HEADER: Final = "method.request.header."
_PARAMETER: Final = "method.request.querystring."
_CACHE_RESULT: Final = "local.cache"
"""A variable that API Gateway doesn't have: Hit or Miss, if the method has a cache."""


class Gateway:
    """The API of a template.

    Args:
        template: the expanded template.
        functions: invoke its functions, by each of their ARNs.
        clock: the time, for web ACL, throttle, cache and log.
        log: takes an entry for each request.

    Attributes:
        function_arns: the ARNs of those functions that the API uses.

    Raises:
        TemplateError: the template uses a feature that is not supported here.
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
        self._web_acl = WebAcl(template, clock)
        self._routes = make_routes(api, stage, functions, clock)
        self._binary = BinaryMediaTypes(
            api.properties["Body"].get("x-amazon-apigateway-binary-media-types", ())
        )
        minimum = api.properties.get("MinimumCompressionSize")
        self._least_compressed = None if minimum is None else int(minimum)
        definition = json.dumps(api.properties["Body"])
        self.function_arns = {arn for arn in functions if f"{arn}/invocations" in definition}

    def handle(self, request: Request) -> Response:
        """Returns the response to any request."""

        def serve(context: dict[str, str]) -> Response:
            return compress(self._serve(request, context), request, self._least_compressed)

        return self._respond(request, serve)

    def refuse(self, request: Request, failure: Failure) -> Response:
        """Returns the response to a request that the HTTP server refuses."""
        return self._respond(request, lambda context: self._responses.make(failure, context))

    def _respond(self, request: Request, serve: Callable[[dict[str, str]], Response]) -> Response:
        """Calls ``serve`` with the request's context; logs its response, and adds request ids."""
        started = self._clock()
        context = {
            "httpMethod": request.method,
            "requestId": choose_request_id(request),
            "extendedRequestId": make_extended_request_id(),
            "requestTime": f"{datetime.now(UTC):%d/%b/%Y:%H:%M:%S +0000}",
            "stage": self._stage,
        }
        try:
            response = serve(context)
        except Refusal as refusal:
            response = self._responses.make(refusal.failure, context)
        except Exception:  # noqa: BLE001 - the outermost edge: the client gets an answer
            self._log.note(traceback.format_exc())
            response = self._responses.make(FUNCTION_FAILED, context)
        context["status"] = str(response.status)
        context["responseLength"] = str(len(response.body))
        context["responseLatency"] = self._since(started)
        self._log.request(self._log_entry(request, response, context))
        added = [
            (REQUEST_ID_HEADER, context["requestId"]),
            (EXTENDED_REQUEST_ID_HEADER, context["extendedRequestId"]),
        ]
        if _CACHE_RESULT in context:
            added.append(("X-Cache", context[_CACHE_RESULT]))
        return response.with_headers(*added)

    def _log_entry(
        self, request: Request, response: Response, context: Mapping[str, str]
    ) -> ServedRequest:
        return ServedRequest(
            method=request.method,
            target=request.target,
            status=response.status,
            milliseconds=int(context["responseLatency"]),
            user_id=context.get("authorizer.user_id"),
            workspace_id=context.get("authorizer.workspace_id"),
            cache=context.get(_CACHE_RESULT, "").lower() or None,
            access_line=fill(self._log_format, context, missing="-"),
        )

    def _serve(self, request: Request, context: dict[str, str]) -> Response:
        """Returns the response of the request's route.

        Raises:
            Refusal: the gateway has to answer itself.
        """
        if not self._web_acl.admits(request):
            raise Refusal(WAF_FILTERED)
        found = self._routes.find(request.method, request.path)
        if found is None:
            raise Refusal(NO_ROUTE)
        route, path_parameters = found
        context["resourcePath"] = route.path
        if not route.bucket.take():
            raise Refusal(THROTTLED)
        request_context = make_request_context(request, context, self._api_id)
        event = to_event(
            request,
            request_context,
            path_parameters,
            is_binary=self._binary.is_request_binary(request),
        )
        if route.authorizer is not None:
            request_context["authorizer"] = self._authorize(route.authorizer, event, context)
        if route.cache is None:
            return self._integrate(route, request, event, context)
        key = tuple(_value(event, name) for name in route.cache_keys)
        cached = route.cache.get(key)
        context[_CACHE_RESULT] = "Miss" if cached is None else "Hit"
        if cached is not None:
            return cached
        response = self._integrate(route, request, event, context)
        route.cache.put(key, response)
        return response

    def _authorize(
        self, invoke: Invoke, event: Mapping[str, Any], context: dict[str, str]
    ) -> dict[str, Any]:
        """Invokes the authorizer; returns the caller's context for the function.

        Raises:
            Refusal: the caller may not invoke the method, or the authorizer failed.
        """
        arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{self._api_id}/{self._stage}"
        method_arn = f"{arn}/{event['httpMethod']}{event['path']}"
        started = self._clock()
        try:
            result = invoke(_json(to_authorizer_event(event, method_arn)), MAX_WAIT_SECONDS)
        except NoResult:
            raise Refusal(AUTHORIZER_FAILURE) from None
        context["authorizer.latency"] = self._since(started)
        context["authorizer.status"] = "500" if result.is_error else "200"
        decision = decide(result, method_arn)
        context.update({f"authorizer.{name}": text for name, text in decision.context.items()})
        if not decision.is_allowed:
            raise Refusal(ACCESS_DENIED)
        return {**decision.context, "integrationLatency": int(context["authorizer.latency"])}

    def _integrate(
        self, route: Route, request: Request, event: Mapping[str, Any], context: dict[str, str]
    ) -> Response:
        """Returns the response of the route's integration.

        Raises:
            Refusal: the integration doesn't accept the request, or its function failed or took too
                long.
        """
        if isinstance(route.integration, MockIntegration):
            return route.integration.respond(_header(event, "content-type"))
        payload = self._invoke(route.integration, event, context)
        return to_response(payload, is_decoded=self._binary.is_response_decoded(request))

    def _invoke(self, invoke: Invoke, event: Mapping[str, Any], context: dict[str, str]) -> bytes:
        """Invokes a route's function; returns its result.

        Raises:
            Refusal: the event is too large, or the function failed or took too long.
        """
        started = self._clock()
        content = _json(event)
        if len(content) > MAX_EVENT_BYTES:
            context["integration.status"] = "413"
            raise Refusal(REQUEST_TOO_LARGE)
        try:
            result = invoke(content, MAX_WAIT_SECONDS)
        except NoResult:
            raise Refusal(INTEGRATION_TIMEOUT) from None
        context["integration.latency"] = self._since(started)
        # The status of the call to Lambda, which succeeds even if the function fails.
        context["integration.status"] = "200"
        if result.is_error:
            raise Refusal(FUNCTION_FAILED)
        return result.payload

    def _since(self, started: float) -> str:
        """Returns the whole milliseconds since a moment, as API Gateway logs them."""
        return str(int((self._clock() - started) * 1000))


def _json(event: Mapping[str, Any]) -> bytes:
    """Returns an event as API Gateway writes it, whose bytes count for Lambda's limit."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _value(event: Mapping[str, Any], name: str) -> str | None:
    """Returns the value of a cache key parameter in a request, or None if it is missing."""
    if name.startswith(_PARAMETER):
        value: str | None = (event["queryStringParameters"] or {}).get(name[len(_PARAMETER) :])
        return value
    return _header(event, name.removeprefix(_HEADER).lower())


def _header(event: Mapping[str, Any], wanted: str) -> str | None:
    """Returns the value of a header, whose name is in lower case, or None if it is missing."""
    headers: Mapping[str, str] = event["headers"] or {}
    return next((value for name, value in headers.items() if name.lower() == wanted), None)
