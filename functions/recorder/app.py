"""The recorder function: a batch of the platform's events from SQS → the tables.

Messages don't depend on each other. A message that can never be applied is sent to the dead-letter
queue at once; a message that may be applied later is retried.
"""

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics

from workspace_api.batches import Message, apply_batch, batch_response, message_id_of
from workspace_api.dead_letters import DeadLetterQueue, DeadLetterQueueUnavailable, make_sendable
from workspace_api.outcomes import Outcomes
from workspace_api.settings import RecorderSettings
from workspace_usage.aws.clients import dynamodb_client, sqs_client
from workspace_usage.errors import RejectedByStore, StoreUnavailable, WriteConflict
from workspace_usage.recording.changes import Change
from workspace_usage.recording.count_requests import CountQueue
from workspace_usage.recording.events import is_about_access, parse_event
from workspace_usage.recording.recorder import Recorder
from workspace_usage.recording.writes import Outcome
from workspace_usage.values import InvalidValue, parse_json

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

TIME_TO_APPLY: Final = 10_000
"""Milliseconds that a message may take. If less time is left, the rest of the batch is retried."""

logger = Logger()
metrics = Metrics()
outcomes = Outcomes(logger, metrics)
settings = RecorderSettings.from_environment()


@cache
def recorder() -> Recorder:
    """Returns the recorder that all batches in this execution environment share."""
    return Recorder(dynamodb_client(), settings.tables, count_queue().request)


@cache
def sqs() -> "SQSClient":
    """Returns the client that sends to the dead-letter queue and to the counter's queue."""
    return sqs_client()


@cache
def count_queue() -> CountQueue:
    """Returns the queue through which workspaces' rows are counted."""
    return CountQueue(sqs(), settings.count_queue_url)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Applies a batch of messages; the response names those that SQS must deliver again."""

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() >= TIME_TO_APPLY

    unapplied = apply_batch(
        event["Records"],
        _apply,
        has_time,
        logger,
        message_id_of,
        failures_of_one_part=(WriteConflict, DeadLetterQueueUnavailable),
    )
    retried = [*unapplied.failed, *unapplied.unavailable, *unapplied.late]
    outcomes.count("EventsReceived", len(event["Records"]))
    outcomes.count("EventsPutBack", len(retried))
    if unapplied.failed:
        # A metric of its own costs money for each hour in which it is emitted.
        outcomes.count("EventsFailed", len(unapplied.failed))
    return batch_response(retried)


def _apply(message: Message) -> None:
    """Applies the event of one message, or rejects the message for good.

    Raises:
        StoreUnavailable: the tables can't be reached in time.
        DeadLetterQueueUnavailable: the dead-letter queue can't be reached in time.
    """
    now = datetime.now(UTC)
    try:
        change = _parse(message["body"], now)
        applied = recorder().apply(change, now)
    except (InvalidValue, RejectedByStore) as error:
        _reject(message, str(error))
        return
    if applied.outcome is Outcome.OVERTAKEN:
        logger.info("overtaken", extra={**message_id_of(message), **change.subject})
        outcomes.count("EventsOvertaken")
    if applied.workspace_to_count is not None:
        _request_count(applied.workspace_to_count)


def _parse(body: str, now: datetime) -> Change:
    """Returns the change that the event in a message's body makes.

    Raises:
        InvalidValue: the body is not JSON, or its event can never be applied.
    """
    try:
        envelope = parse_json(body)
    except InvalidValue as error:
        raise InvalidValue(f"the message {error}") from None
    return parse_event(envelope, now)


def _reject(message: Message, reason: str) -> None:
    reason = make_sendable(reason)
    logger.warning("rejected", extra={**message_id_of(message), "reason": reason})
    outcomes.count("EventsRejected")
    if is_about_access(message["body"]):
        # A person has to know at once. As for EventsFailed, nothing is emitted if there are none.
        outcomes.count("AccessEventsRejected")
    DeadLetterQueue(sqs(), settings.dead_letter_queue_url).send(message["body"], reason)


def _request_count(workspace_id: int) -> None:
    """Asks the counter to count the workspace's new rows, once they are old enough."""
    try:
        count_queue().request(workspace_id)
    except StoreUnavailable as error:
        # The row is stored, and a later row asks again. Until then, pages far down read more rows.
        logger.warning("not counted", extra={"reason": str(error)})
