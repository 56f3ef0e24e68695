"""Responds to API Gateway's requests: a success, or the refusal that an error stands for.

API Gateway caches every response of a method with a cache, whatever its status. A response that
must not be cached is therefore raised as an error: the gateway's DEFAULT_5XX response makes a 503
of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

from workspace_api.gateway import headers_of, request_id_of
from workspace_api.outcomes import Outcomes
from workspace_api.responses import proxy_response
from workspace_usage.errors import Forbidden, InvalidRequest, NotFound, TooManyRequests
from workspace_usage.messages import choose_locale, describe, translate

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@dataclass(frozen=True, slots=True)
class Request:
    """A request of API Gateway.

    Attributes:
        event: the proxy event.
        headers: its headers by their names in lower case.
        locale: the language of texts for the caller.
    """

    event: Mapping[str, Any]
    headers: Mapping[str, str]
    locale: str


@dataclass(frozen=True, slots=True)
class Success:
    """The response to a request that is not refused.

    Attributes:
        status: the HTTP status.
        body: what becomes JSON.
        headers: headers besides those that every response has.
    """

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Responder:
    """Makes proxy responses.

    Attributes:
        default_locale: the language of messages for callers who ask for no other.
        outcomes: records refusals and failures.
        allowed_origin: the origin whose pages may read responses, besides the API's own.
    """

    default_locale: str
    outcomes: Outcomes
    allowed_origin: str | None

    def respond(
        self,
        event: Mapping[str, Any],
        context: "LambdaContext",
        answer: Callable[[Request], Success],
    ) -> dict[str, Any]:
        """Returns the proxy response to a request.

        Args:
            event: the proxy event.
            context: the invocation's.
            answer: answers the request, or raises one of the domain's errors.

        Raises:
            StoreUnavailable: a table or a setting can't be read in time.
        """
        self.outcomes.logger.set_correlation_id(request_id_of(event, context))
        headers = headers_of(event)
        locale = choose_locale(headers.get("accept-language"), self.default_locale)
        try:
            with self.outcomes.recorded_failures():
                success = answer(Request(event, headers, locale))
        except InvalidRequest as error:
            return self._response(422, body_of_422(locale, error))
        except Forbidden as error:
            return self._response(403, _message(locale, error.message_key))
        except NotFound as error:
            return self._response(404, _message(locale, error.message_key))
        except TooManyRequests as error:
            seconds = str(ceil(error.retry_after.total_seconds()))
            body = _message(locale, error.message_key)
            return self._response(429, body, {"Retry-After": seconds})
        return self._response(success.status, success.body, success.headers)

    def _response(
        self, status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        return proxy_response(status, body, self.allowed_origin, headers or {})


def body_of_422(locale: str, error: InvalidRequest) -> dict[str, object]:
    """Returns the body of a 422: a message, and the texts of each field's broken rules."""
    message, errors = describe(locale, error.violations)
    return {"message": message, "errors": errors}


def _message(locale: str, key: str) -> dict[str, object]:
    return {"message": translate(locale, key)}
