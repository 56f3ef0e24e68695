"""The usage function: connects the listing to AWS and Lambda, and counts what an answer reads."""

import gc
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from workspace_api.endpoint import Endpoint, Parameters
from workspace_api.history import History, costs_of, start_meter
from workspace_api.outcomes import Outcomes
from workspace_api.responder import Responder
from workspace_api.settings import UsageSettings
from workspace_usage.access.scope import Scope
from workspace_usage.aws.credentials import current_credentials
from workspace_usage.aws.snapshot import prepare_snapshot
from workspace_usage.listing.answer import Body
from workspace_usage.listing.listing import Listing
from workspace_usage.listing.presigning import Bucket
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.window import zone_fingerprint

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

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
    history = History.connect(settings, outcomes.count_fallback)
    return Listing(
        store=history.store,
        index=PageIndex(history.counts),
        min_date=history.min_date,
        bucket=Bucket(settings.media_bucket, settings.aws.region, settings.media_endpoint),
        credentials=current_credentials,
        url_lifetime=settings.url_lifetime,
        zone=settings.time_zone,
    )


prepare_snapshot(listing, partial(zone_fingerprint, settings.time_zone))


def answer(scope: Scope, parameters: Parameters, context: "LambdaContext") -> Body:
    """Returns the body of a 200, and records what it cost, as numbers and nothing else."""
    logger.append_keys(workspace_id=scope.workspace_id)
    meter, now = start_meter(context), datetime.now(UTC)
    body = listing().answer(scope, parameters, now=now, meter=meter, warn=logger.warning)
    costs = {**costs_of(meter), "RowsReturned": len(body["items"])}
    if body["page"] is not None:
        costs["PageDepth"] = body["page"]
    outcomes.measure("answered", costs)
    return body


responder = Responder(settings.default_locale, outcomes, settings.allowed_origin)
endpoint = Endpoint(answer, responder)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: Any, context: "LambdaContext") -> Mapping[str, Any]:
    """Returns a proxy response for API Gateway's proxy events, and the body for other events."""
    return endpoint.handle(event, context)
