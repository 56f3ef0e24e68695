"""The usage function: connects the listing to AWS and Lambda, and counts what an answer reads."""

import gc
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import orjson
from aws_lambda_powertools import Logger, Metrics

from workspace_api.endpoint import Endpoint
from workspace_api.outcomes import Outcomes
from workspace_api.settings import UsageSettings
from workspace_usage.access.scope import Scope
from workspace_usage.aws.credentials import current_credentials
from workspace_usage.aws.reader import DYNAMODB, SSM, Reader
from workspace_usage.aws.snapshot import prepare_snapshot
from workspace_usage.errors import StoreUnavailable
from workspace_usage.listing.answer import Body
from workspace_usage.listing.listing import Listing
from workspace_usage.listing.min_date import MinDate
from workspace_usage.listing.presigning import Bucket
from workspace_usage.rollups.reading import Counts
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.store import Meter, Store
from workspace_usage.rows.window import zone_fingerprint

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

TIME_TO_ANSWER: Final = 4_000
"""Milliseconds that one more read and the answer may take. If less time is left, reading stops."""

logger = Logger()
metrics = Metrics()
outcomes = Outcomes(logger, metrics)
settings = UsageSettings.from_environment()

# What is loaded so far stays loaded, so the garbage collector does not have to examine it again.
# It may run rarely: the thousands of objects of a page have no cycles, and are freed with the page.
gc.freeze()
gc.set_threshold(50_000)


@cache
def listing() -> Listing:
    """Returns the listing that all requests in this execution environment share."""
    return build_listing(settings, outcomes.count_fallback)


def build_listing(settings: UsageSettings, on_fallback: Callable[[str], object]) -> Listing:
    """Returns a listing that reads from AWS as ``settings`` say.

    Args:
        settings: the function's environment.
        on_fallback: is called with the operation's name when botocore makes a failed call again.
    """
    zone, aws = settings.time_zone, settings.aws
    reader = Reader.for_service(DYNAMODB, aws, orjson.loads, on_fallback)
    ssm = Reader.for_service(SSM, aws, on_fallback=on_fallback)
    return Listing(
        store=Store(reader, settings.tables.by_source),
        index=PageIndex(Counts(reader, settings.tables.rollups, zone)),
        min_date=MinDate(ssm, settings.min_date_parameter, zone),
        bucket=Bucket(settings.media_bucket, aws.region, settings.media_endpoint),
        credentials=current_credentials,
        url_lifetime=settings.url_lifetime,
        zone=zone,
    )


prepare_snapshot(listing, partial(zone_fingerprint, settings.time_zone))


def answer(scope: Scope, parameters: Mapping[str, object], context: "LambdaContext") -> Body:
    """Returns the body of a 200, and records what it cost, as numbers and nothing else."""

    def check_time() -> None:
        if context.get_remaining_time_in_millis() < TIME_TO_ANSWER:
            raise StoreUnavailable("the function's time is up before the page is reached")

    logger.append_keys(workspace_id=scope.workspace_id)
    meter = Meter(check_time)
    now = datetime.now(UTC)
    body = listing().answer(scope, parameters, now=now, meter=meter, warn=logger.warning)
    outcomes.measure("answered", _costs(body, meter))
    return body


def _costs(body: Body, meter: Meter) -> dict[str, int]:
    costs: dict[str, int] = {
        "RowsRead": meter.rows.total(),
        "RowsReturned": len(body["items"]),
        "CallsMade": meter.calls.total() + meter.lookups,
        **{f"{source.capitalize()}RowsRead": rows for source, rows in meter.rows.items()},
    }
    if body["page"] is not None:
        costs["PageDepth"] = body["page"]
    return costs


endpoint = Endpoint(answer, settings.default_locale, outcomes, settings.allowed_origin)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: Any, context: "LambdaContext") -> Mapping[str, Any]:
    """Returns a proxy response for API Gateway's proxy events, and the body for other events."""
    return endpoint.handle(event, context)
