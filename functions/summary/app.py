"""The summary function: connects the summary to AWS and Lambda, and counts what an answer reads."""

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
from workspace_api.responses import check_size
from workspace_api.settings import HistorySettings
from workspace_usage.access.scope import Scope
from workspace_usage.aws.snapshot import prepare_snapshot
from workspace_usage.rows.window import zone_fingerprint
from workspace_usage.summary.answer import SummaryBody
from workspace_usage.summary.summary import Summary

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
outcomes = Outcomes(logger, metrics)
settings = HistorySettings.from_environment()

# As in the usage function: sums have no cycles either.
gc.freeze()
gc.set_threshold(50_000)


@cache
def summary() -> Summary:
    """Returns the summary that all requests in this execution environment share."""
    history = History.connect(settings, outcomes.count_fallback)
    return Summary(history.store, history.counts, history.min_date, settings.time_zone)


prepare_snapshot(summary, partial(zone_fingerprint, settings.time_zone))


def answer(scope: Scope, parameters: Parameters, context: "LambdaContext") -> SummaryBody:
    """Returns the body of a 200, and records what it cost, as numbers and nothing else."""
    logger.append_keys(workspace_id=scope.workspace_id)
    meter, now = start_meter(context), datetime.now(UTC)
    body = summary().answer(scope, parameters, now=now, meter=meter, warn=logger.warning)
    check_size(body)
    outcomes.measure("answered", costs_of(meter))
    return body


responder = Responder(settings.default_locale, outcomes, settings.allowed_origin)
endpoint = Endpoint(answer, responder)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: Any, context: "LambdaContext") -> Mapping[str, Any]:
    """Returns a proxy response for API Gateway's proxy events, and the body for other events."""
    return endpoint.handle(event, context)
