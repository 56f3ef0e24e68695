"""An endpoint: answers the same question over API Gateway and in direct invocations.

API Gateway caches every response that a function returns, whatever its status. A response that must
not be cached is therefore raised as an error: the gateway's DEFAULT_5XX response makes a 503 of it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace_api.gateway import headers_of, is_proxy_event, request_id_of
from workspace_api.outcomes import Outcomes
from workspace_api.responses import proxy_response
from workspace_api.scopes import scope_of_invocation, scope_of_request
from workspace_usage.access.scope import Scope
from workspace_usage.errors import Forbidden, InvalidRequest, StoreUnavailable
from workspace_usage.messages import choose_locale, describe, translate

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
        default_locale: the language of messages for callers who ask for no other.
        outcomes: records refusals and failures.
        allowed_origin: the origin whose pages may read responses, besides the API's own.
    """

    answer: Callable[[Scope, Parameters, "LambdaContext"], Body]
    default_locale: str
    outcomes: Outcomes
    allowed_origin: str | None

    def handle(self, event: object, context: "LambdaContext") -> dict[str, Any] | Body:
        """Returns a proxy response for a proxy event, and the body of a 200 for any other event.

        Raises:
            InvalidRequest: a direct invocation breaks a rule; the text is a 422's body, as JSON.
            StoreUnavailable: a table or a setting can't be read in time.
        """
        if is_proxy_event(event):
            self.outcomes.logger.set_correlation_id(request_id_of(event, context))
            return self._respond(event, context)
        self.outcomes.logger.set_correlation_id(context.aws_request_id)
        return self._answer_invocation(event if isinstance(event, dict) else {}, context)

    def _respond(self, event: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
        headers = headers_of(event)
        locale = choose_locale(headers.get("accept-language"), self.default_locale)
        try:
            with self._record_failures():
                scope = scope_of_request(headers, event["requestContext"])
                body = self.answer(scope, event.get("queryStringParameters") or {}, context)
        except InvalidRequest as error:
            return self._response(422, _body_of_422(locale, error))
        except Forbidden as error:
            return self._response(403, {"message": translate(locale, error.message_key)})
        return self._response(200, body)

    def _response(self, status: int, body: Mapping[str, object]) -> dict[str, Any]:
        return proxy_response(status, body, self.allowed_origin)

    def _answer_invocation(self, fields: Parameters, context: "LambdaContext") -> Body:
        # IAM has authorized the caller, who may see the whole workspace.
        try:
            with self._record_failures():
                return self.answer(scope_of_invocation(fields.get("workspace_id")), fields, context)
        except InvalidRequest as error:
            text = json.dumps(_body_of_422(self.default_locale, error), ensure_ascii=False)
            raise InvalidRequest(error.violations, text) from None

    @contextmanager
    def _record_failures(self) -> Iterator[None]:
        try:
            yield
        except (InvalidRequest, Forbidden) as error:
            self.outcomes.logger.info("refused", extra={"reason": str(error)})
            self.outcomes.count("Refused")
            raise
        except StoreUnavailable as error:
            self.outcomes.record_unavailable(error)
            raise


def _body_of_422(locale: str, error: InvalidRequest) -> dict[str, object]:
    """Returns the body of a 422: a message, and the texts of each field's broken rules."""
    message, errors = describe(locale, error.violations)
    return {"message": message, "errors": errors}
