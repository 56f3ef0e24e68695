"""The platform's way in: a batch of events from the queue → changes to the tables.

Each message fails alone. One that can't be understood, or that no table takes, goes to the
dead-letter queue at once, with the reason beside it. When the store can't be reached, the rest of
the batch stays in the queue and comes again later.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from workspace_api.settings import RecorderSettings
from workspace_usage.aws.clients import dynamodb_client, sqs_client
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import Contended, Refused, StoreUnavailable
from workspace_usage.recording.changes import Change
from workspace_usage.recording.events import parse_event
from workspace_usage.recording.recorder import Recorder
from workspace_usage.recording.writes import Outcome
from workspace_usage.values import InvalidValue, parse_json

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

TIME_FOR_ONE: Final = 10_000
"""Milliseconds that a message may take; with less left, the rest of the batch is put back."""

MAX_MESSAGE_BYTES: Final = 1_048_576
"""The most that SQS takes: a message's body and its attributes, with their names and types."""

_NOT_IN_MESSAGES: Final = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
"""Characters that SQS refuses a whole message for."""

logger = Logger()
metrics = Metrics()
settings = RecorderSettings.from_environment()


@cache
def recorder() -> Recorder:
    """The recorder that this environment's batches share."""
    return Recorder(dynamodb_client(), settings.tables, settings.time_zone)


@cache
def sqs() -> "SQSClient":
    """The client that rejected messages leave by, and hints."""
    return sqs_client()


class NotRejected(StoreUnavailable):
    """The dead-letter queue can't be reached; that holds up no other message."""


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Applies a batch; answers which messages must come again, as SQS wants to know it."""
    failed = list(unprocessed(event["Records"], context))
    metrics.add_metric("EventsReceived", MetricUnit.Count, len(event["Records"]))
    metrics.add_metric("EventsPutBack", MetricUnit.Count, len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def unprocessed(messages: list[dict[str, Any]], context: "LambdaContext") -> Iterator[str]:
    """Processes ``messages``; yields the ids of those that must come again."""
    store_answers = True
    for message in messages:
        message_id = message["messageId"]
        if not store_answers or context.get_remaining_time_in_millis() < TIME_FOR_ONE:
            yield message_id
            continue
        try:
            process(message)
        except StoreUnavailable as error:
            # Without the store the next ones would fare no better: they come again later, too.
            store_answers = isinstance(error, Contended | NotRejected)
            logger.warning("put back", extra={"message_id": message_id, "reason": str(error)})
            yield message_id
        except Exception:
            # The edge: whatever is wrong with one message must not hold up the others.
            logger.exception("failed", extra={"message_id": message_id})
            yield message_id


def process(message: dict[str, Any]) -> None:
    """Applies one message's event, or rejects it for good.

    Raises:
        StoreUnavailable: the tables can't be reached in time.
        NotRejected: the queue for rejected messages can't be reached in time.
    """
    now = datetime.now(UTC)
    try:
        change = understand(message["body"], now)
        applied = recorder().apply(change, now)
    except (InvalidValue, Refused) as error:
        reject(message, str(error))
        return
    if applied.outcome is Outcome.OVERTAKEN:
        logger.info("overtaken", extra={"message_id": message["messageId"], **change.subject})
        metrics.add_metric("EventsOvertaken", MetricUnit.Count, 1)
    if applied.workspace_to_count is not None:
        have_counted(applied.workspace_to_count)


def understand(body: str, now: datetime) -> Change:
    """The change that a message is about.

    Raises:
        InvalidValue: it can't be understood.
    """
    try:
        envelope = parse_json(body)
    except InvalidValue as error:
        raise InvalidValue(f"the message {error}") from None
    return parse_event(envelope, now)


def have_counted(workspace_id: int) -> None:
    """Has a workspace's rows counted, once they are old enough."""
    try:
        with aws_errors_as_unavailable():
            sqs().send_message(
                QueueUrl=settings.count_queue_url,
                MessageBody=json.dumps({"workspace_id": workspace_id}),
            )
    except StoreUnavailable as error:
        # The row is there. A later one asks again; until then more rows are read than counted.
        logger.warning("not counted", extra={"reason": str(error)})


def reject(message: dict[str, Any], reason: str) -> None:
    """Moves a message to the dead-letter queue, where its attribute ``reason`` says why.

    A message that is so large that no attribute fits goes there without: the log has the reason.

    Raises:
        NotRejected: the queue can't be reached in time.
    """
    reason, body = _NOT_IN_MESSAGES.sub("?", reason), message["body"]
    logger.warning("rejected", extra={"message_id": message["messageId"], "reason": reason})
    metrics.add_metric("EventsRejected", MetricUnit.Count, 1)
    attributes: dict[str, MessageAttributeValueTypeDef] = {
        "reason": {"DataType": "String", "StringValue": reason}
    }
    if len(f"{body}reasonString{reason}".encode("utf-8", "replace")) > MAX_MESSAGE_BYTES:
        attributes = {}
    try:
        with aws_errors_as_unavailable():
            sqs().send_message(
                QueueUrl=settings.dead_letter_queue_url,
                MessageBody=body,
                MessageAttributes=attributes,
            )
    except StoreUnavailable as error:
        raise NotRejected(str(error)) from error
