"""The listing's way in: an API Gateway proxy event, or a direct invocation → a page of history.

API Gateway caches whatever the function returns, whatever its status. An answer that must not be
kept is therefore raised: the gateway's DEFAULT_5XX response makes a 503 of it.
"""

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import orjson
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from workspace_api.settings import UsageSettings
from workspace_usage.access.context import from_context
from workspace_usage.access.scope import Scope, WholeWorkspace
from workspace_usage.aws.snapshot import prepare_snapshot
from workspace_usage.errors import Forbidden, InvalidRequest, StoreUnavailable, Violation
from workspace_usage.listing.listing import Body, Circumstances, Listing
from workspace_usage.messages import choose_locale, describe, translate
from workspace_usage.rows.store import Meter
from workspace_usage.rows.window import rules_of
from workspace_usage.values import MAX_ID, parse_id, trim

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

TIME_FOR_ANSWERING: Final = 4_000
"""Milliseconds to keep for one more read and the answer; with less left, reading stops."""

logger = Logger()
metrics = Metrics()
settings = UsageSettings.from_environment()

# What is loaded by now stays: the garbage collector need not look at it again and again. Nor at the
# thousands of objects of a page, in which there are no cycles: they go when the page does.
gc.freeze()
gc.set_threshold(50_000)


@cache
def listing() -> Listing:
    """The listing that this environment's requests share."""
    return Listing.from_settings(settings, count_repeated)


def count_repeated(_: str) -> None:
    """Measures that a call did not succeed at once."""
    metrics.add_metric("CallsRepeated", MetricUnit.Count, 1)


prepare_snapshot(listing, partial(rules_of, settings.time_zone))


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: Any, context: "LambdaContext") -> dict[str, Any]:
    """Answers an API Gateway proxy event with a proxy response, any other event with the body."""
    if is_from_gateway(event):
        request_id = event["requestContext"].get("requestId", context.aws_request_id)
        logger.set_correlation_id(request_id)
        return answer_request(event, context)
    logger.set_correlation_id(context.aws_request_id)
    return answer_invocation(event, context)


def is_from_gateway(event: object) -> TypeGuard[dict[str, Any]]:
    """Whether ``event`` has API Gateway's form; one that names a workspace itself never has."""
    return (
        isinstance(event, dict)
        and "workspace_id" not in event
        and "httpMethod" in event
        and isinstance(event.get("requestContext"), dict)
        and isinstance(event["requestContext"].get("authorizer") or {}, dict)
        and has_texts(event.get("headers"))
        and has_texts(event.get("queryStringParameters"))
    )


def has_texts(value: object) -> bool:
    """Whether ``value`` is an object of texts, or nothing."""
    return value is None or (
        isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    )


def answer_request(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """The proxy response to a request that the authorizer let through.

    Raises:
        StoreUnavailable: a table or a setting can't be read in time.
    """
    headers = lower_case(event)
    locale = choose_locale(headers.get("accept-language"), settings.default_locale)
    try:
        with observed():
            scope = requested_scope(headers.get("x-workspace-id"), event["requestContext"])
            body = read(scope, event.get("queryStringParameters") or {}, context)
    except InvalidRequest as error:
        message, fields = describe(locale, error.violations)
        return respond(422, {"message": message, "errors": fields})
    except Forbidden as error:
        return respond(403, {"message": translate(locale, error.message_key)})
    return respond(200, body)


def lower_case(event: Mapping[str, Any]) -> Mapping[str, str]:
    """The request's headers, with names in lower case: clients write them as they like."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def requested_scope(workspace: str | None, request_context: Mapping[str, Any]) -> Scope:
    """What the authorizer says that the caller may see, of the workspace that the header names.

    Raises:
        InvalidRequest: the header names no workspace.
        Forbidden: the authorizer spoke of another workspace.
    """
    workspace_id = parse_id(workspace)
    if workspace_id is None:
        raise InvalidRequest((Violation("x-workspace-id", "invalid_workspace"),))
    return from_context(request_context.get("authorizer") or {}, workspace_id)


def answer_invocation(event: object, context: "LambdaContext") -> Body:
    """The 200 body, for another AWS service. IAM let it in: it sees the whole workspace.

    Raises:
        InvalidRequest: a field breaks its rule; the text is the 422 body, as JSON.
        StoreUnavailable: a table or a setting can't be read in time.
    """
    try:
        with observed():
            fields = event if isinstance(event, dict) else {}
            return read(invoked_scope(fields.get("workspace_id")), fields, context)
    except InvalidRequest as error:
        message, errors = describe(settings.default_locale, error.violations)
        text = json.dumps({"message": message, "errors": errors}, ensure_ascii=False)
        raise InvalidRequest(error.violations, text) from None


def invoked_scope(given: object) -> Scope:
    """Returns the whole workspace that a direct invocation names, by a number or by its digits.

    Raises:
        InvalidRequest: ``given`` is not a workspace id.
    """
    workspace_id = None
    if isinstance(given, str):
        workspace_id = parse_id(trim(given))
    elif isinstance(given, int) and not isinstance(given, bool) and 0 < given <= MAX_ID:
        workspace_id = given
    if workspace_id is None:
        raise InvalidRequest((Violation("workspace_id", "invalid_workspace"),))
    return WholeWorkspace(workspace_id)


@contextmanager
def observed() -> Iterator[None]:
    """Logs and counts what goes wrong within it, and lets it pass."""
    try:
        yield
    except (InvalidRequest, Forbidden) as error:
        logger.info("refused", extra={"reason": str(error)})
        metrics.add_metric("Refused", MetricUnit.Count, 1)
        raise
    except StoreUnavailable as error:
        logger.error("unavailable", extra={"reason": str(error)})
        metrics.add_metric("StoreUnavailable", MetricUnit.Count, 1)
        raise


def read(scope: Scope, parameters: Mapping[str, object], context: "LambdaContext") -> Body:
    """The 200 body; what reading it took is logged and measured."""

    def check_time() -> None:
        if context.get_remaining_time_in_millis() < TIME_FOR_ANSWERING:
            raise StoreUnavailable("the function's time is up before the page is reached")

    logger.append_keys(workspace_id=scope.workspace_id)
    meter = Meter(check_time)
    body = listing().answer(
        scope, parameters, Circumstances(datetime.now(UTC), meter, logger.warning)
    )
    report(body, meter)
    return body


def report(body: Body, meter: Meter) -> None:
    """Logs and measures what one answer cost: counts only, nothing that the rows say."""
    figures: dict[str, int] = {
        "RowsRead": meter.rows.total(),
        "RowsReturned": len(body["items"]),
        "CallsMade": meter.calls.total() + meter.lookups,
        **{f"{source.capitalize()}RowsRead": number for source, number in meter.rows.items()},
    }
    if body["page"] is not None:
        figures["PageDepth"] = body["page"]
    for name, number in figures.items():
        metrics.add_metric(name, MetricUnit.Count, number)
    logger.info("answered", extra=figures)


def respond(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """A proxy response with ``body`` as JSON."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-store"},
        "body": orjson.dumps(body, default=exact).decode(),
        "isBase64Encoded": False,
    }


def exact(value: object) -> orjson.Fragment:
    """A Decimal as a JSON number, digit for digit.

    Raises:
        TypeError: the value is something else that JSON has no form for.
    """
    if not isinstance(value, Decimal):
        raise TypeError
    return orjson.Fragment(f"{value:f}")
