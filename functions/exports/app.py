"""The exports function: starts exports, and says how they stand; the exporter writes them."""

from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from workspace_api.gateway import is_proxy_event
from workspace_api.outcomes import Outcomes
from workspace_api.responder import Request, Responder, Success
from workspace_api.scopes import caller_of_request
from workspace_api.settings import ExportsSettings
from workspace_usage.access.scope import Caller
from workspace_usage.aws.clients import dynamodb_client, sqs_client
from workspace_usage.aws.credentials import current_credentials
from workspace_usage.aws.reader import SSM, Reader
from workspace_usage.exporting.export import Export
from workspace_usage.exporting.exports import Exports
from workspace_usage.exporting.query import parse_body
from workspace_usage.exporting.queue import ExportQueue
from workspace_usage.exporting.store import ExportStore
from workspace_usage.listing.min_date import MinDate
from workspace_usage.listing.presigning import Bucket
from workspace_usage.messages import translate

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
outcomes = Outcomes(logger, metrics)
settings = ExportsSettings.from_environment()
responder = Responder(settings.default_locale, outcomes, settings.allowed_origin)


@cache
def exports() -> Exports:
    """Returns the exports that all requests in this execution environment share."""
    ssm = Reader.for_service(SSM, settings.aws, on_fallback=outcomes.count_fallback)
    return Exports(
        store=ExportStore(dynamodb_client(), settings.exports_table),
        queue=ExportQueue(sqs_client(), settings.exports_queue_url),
        min_date=MinDate(ssm, settings.min_date_parameter, settings.time_zone),
        bucket=Bucket(settings.exports_bucket, settings.aws.region, settings.s3_endpoint),
        credentials=current_credentials,
        url_lifetime=settings.url_lifetime,
        zone=settings.time_zone,
    )


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: Any, context: "LambdaContext") -> dict[str, Any]:
    """Returns the proxy response to a request: POST starts an export, GET asks for one.

    Raises:
        ValueError: the event is not a proxy event. An export belongs to a user, so services can't
            start one.
        StoreUnavailable: a table, the setting or the queue can't be reached in time.
    """
    if not is_proxy_event(event):
        outcomes.count("Refused")
        raise ValueError("exports are started over the API only")
    return responder.respond(event, context, _answer)


def _answer(request: Request) -> Success:
    caller = caller_of_request(request.headers, request.event["requestContext"])
    logger.append_keys(workspace_id=caller.scope.workspace_id)
    if request.event["httpMethod"] == "POST":
        return _start(request, caller)
    now = datetime.now(UTC)
    outcomes.count("ExportsLookedUp")
    export = exports().find(caller, request.event["pathParameters"]["id"], now)
    return Success(200, _describe(export, request, now))


def _start(request: Request, caller: Caller) -> Success:
    query, now = parse_body(request.event.get("body")), datetime.now(UTC)
    export = exports().start(caller, query, now, logger.warning)
    outcomes.count("ExportsStarted")
    # It is relative, because the path that callers see may begin with a stage, or not. If that path
    # ends with a slash, it is relative to another folder.
    folder = "" if request.event["path"].endswith("/") else "exports/"
    return Success(202, _describe(export, request, now), {"Location": f"{folder}{export.id}"})


def _describe(export: Export, request: Request, now: datetime) -> Any:
    return exports().describe(export, now, partial(translate, request.locale))
