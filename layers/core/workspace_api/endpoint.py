"""An endpoint: answers the same question over API Gateway and in direct invocations."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace_api.gateway import is_proxy_event
from workspace_api.responder import Request, Responder, Success, body_of_422
from workspace_api.scopes import caller_of_request, scope_of_invocation
from workspace_usage.access.scope import Scope
from workspace_usage.errors import InvalidRequest

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

type Parameters = Mapping[str, object]
"""Parameters by their names. Over HTTP the values are strings; invocations may pass any JSON."""


@dataclass(frozen=True, slots=True)
class Endpoint[Body: Mapping[str, Any]]:
    """Answers an endpoint's events.

    Attributes:
        answer: returns the body of a 200 for a scope and parameters, or raises InvalidRequest,
            Forbidden or StoreUnavailable.
        responder: makes the responses to API Gateway's requests.
    """

    answer: Callable[[Scope, Parameters, "LambdaContext"], Body]
    responder: Responder

    def handle(self, event: object, context: "LambdaContext") -> dict[str, Any] | Body:
        """Returns a proxy response for a proxy event, and the body of a 200 for any other event.

        Raises:
            InvalidRequest: a direct invocation breaks a rule; the text is a 422's body, as JSON.
            StoreUnavailable: a table or a setting can't be read in time.
        """
        if is_proxy_event(event):
            return self.responder.respond(event, context, lambda r: self._answer(r, context))
        return self._answer_invocation(event if isinstance(event, dict) else {}, context)

    def _answer(self, request: Request, context: "LambdaContext") -> Success:
        caller = caller_of_request(request.headers, request.event["requestContext"])
        parameters = request.event.get("queryStringParameters") or {}
        return Success(200, self.answer(caller.scope, parameters, context))

    def _answer_invocation(self, fields: Parameters, context: "LambdaContext") -> Body:
        outcomes = self.responder.outcomes
        outcomes.logger.set_correlation_id(context.aws_request_id)
        # IAM has authorized the caller, who may see the whole workspace.
        try:
            with outcomes.recorded_failures():
                return self.answer(scope_of_invocation(fields.get("workspace_id")), fields, context)
        except InvalidRequest as error:
            body = body_of_422(self.responder.default_locale, error)
            text = json.dumps(body, ensure_ascii=False)
            raise InvalidRequest(error.violations, text) from None
