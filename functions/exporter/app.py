"""The exporter's Lambda function: a message names an export, whose file is written.

A file that can't be written in one run is continued by another one, for which this run sends a
message. A message that fails is retried by SQS. If it fails for the last time, so has the export.

A message is deleted only if its export does not run any more, or if there is another message for
it. If another run was faster, this one's message comes again, in case that run is killed.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import orjson
from aws_lambda_powertools import Logger, Metrics

from workspace_api.batches import Message, apply_batch, batch_response, message_id_of
from workspace_api.outcomes import Outcomes
from workspace_api.settings import ExporterSettings
from workspace_usage.aws.clients import dynamodb_client, s3_client, sqs_client
from workspace_usage.aws.reader import DYNAMODB, Reader
from workspace_usage.exporting.export import Export
from workspace_usage.exporting.exporter import Exporter
from workspace_usage.exporting.files import ExportFiles
from workspace_usage.exporting.queue import ExportQueue, parse_message
from workspace_usage.exporting.store import ExportStore, Overtaken
from workspace_usage.rows.store import Meter, Store

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

TIME_FOR_A_PART: Final = 60_000
"""Milliseconds that a part may take; with less left, another run continues."""

logger = Logger()
metrics = Metrics()
outcomes = Outcomes(logger, metrics)
settings = ExporterSettings.from_environment()


@cache
def exporter() -> Exporter:
    """Returns the exporter that all messages in this execution environment share."""
    reader = Reader.for_service(DYNAMODB, settings.aws, orjson.loads, outcomes.count_fallback)
    return Exporter(
        exports=ExportStore(dynamodb_client(), settings.exports_table),
        files=ExportFiles(s3_client(), settings.exports_bucket),
        store=Store(reader, settings.tables.by_source),
    )


@cache
def queue() -> ExportQueue:
    """Returns the queue through which another run is asked for."""
    return ExportQueue(sqs_client(), settings.exports_queue_url)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Writes a batch's exports; the response names the messages that SQS must deliver again."""

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > TIME_FOR_A_PART

    overtaken: list[Message] = []

    def write(message: Message) -> None:
        try:
            _write(message, has_time)
        except Overtaken:
            logger.info("overtaken", extra=message_id_of(message))
            overtaken.append(message)

    unapplied = apply_batch(event["Records"], write, has_time, logger, message_id_of)
    failed = unapplied.failed + unapplied.unavailable
    outcomes.count("ExportsReceived", len(event["Records"]))
    # If this fails, too, the export has failed all the same: TIME_TO_PROGRESS.
    apply_batch(filter(_is_last_attempt, failed), _give_up, lambda: True, logger, message_id_of)
    return batch_response(failed + unapplied.late + overtaken)


def _is_last_attempt(message: Message) -> bool:
    return int(message["attributes"]["ApproximateReceiveCount"]) >= settings.attempts


def _write(message: Message, has_time: Callable[[], bool]) -> None:
    """Writes the export that a message names, and asks for another run if it isn't complete.

    Raises:
        Overtaken: another run has begun, and continues it.
        StoreUnavailable: a table, the bucket or the queue can't be reached in time.
    """
    named = parse_message(message["body"])
    if named is None:
        logger.warning("dropped", extra=message_id_of(message))
        return
    owner, export_id = named
    logger.append_keys(exported_workspace_id=owner.workspace_id)
    meter = Meter(lambda: None)
    export = exporter().write(owner, export_id, has_time, meter)
    if export is not None:
        _record(export, meter)
        if export.status == "running":
            queue().send(owner, export_id)


def _give_up(message: Message) -> None:
    """Makes an export a failed one. SQS moves its message to the dead-letter queue."""
    named = parse_message(message["body"])
    if named is not None and exporter().give_up(*named):
        outcomes.count("ExportsFailed")


def _record(export: Export, meter: Meter) -> None:
    outcomes.measure("written", {"RowsRead": meter.rows.total()})
    if export.status == "failed":
        outcomes.count("ExportsFailed")
    elif export.status == "done":
        age = datetime.now(UTC) - export.created_at
        figures = {"ExportsDone": 1, "RowsExported": export.progress.rows}
        outcomes.measure("done", figures, {"ExportAge": age})
