"""The platform's way in: a batch of events from the queue → changes to the tables.

Each message fails alone. One that can't be understood goes to the dead-letter queue at once, with
the reason beside it. When the store can't be reached, the rest of the batch stays in the queue and
comes again later.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from workspace_usage.aws import dynamodb_client, sqs_client
from workspace_usage.errors import Contended, StoreUnavailable
from workspace_usage.events import parse
from workspace_usage.failures import calling_aws
from workspace_usage.recording import Recorder
from workspace_usage.records import InvalidRecord
from workspace_usage.settings import RecorderSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

TIME_FOR_ONE: Final = 10_000
"""Milliseconds that a message may take; with less left, the rest of the batch is put back."""

LONGEST_REASON: Final = 1_000
"""Characters of a reason that are kept."""

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
            # The next ones would fare no better; they slow down by coming again later.
            store_answers = isinstance(error, Contended)
            logger.warning("put back", extra={"message_id": message_id, "reason": str(error)})
            yield message_id
        except Exception:
            # The edge: whatever is wrong with one message must not hold up the others.
            logger.exception("failed", extra={"message_id": message_id})
            yield message_id


def process(message: dict[str, Any]) -> None:
    """Applies one message's event, or rejects it for good.

    Raises:
        StoreUnavailable: the tables, or the queue for rejected messages, can't be reached in time.
    """
    try:
        change = parse(from_json(message["body"]))
    except InvalidRecord as error:
        reject(message, str(error))
        return
    workspace_id = recorder().apply(change, datetime.now(UTC))
    if workspace_id is not None:
        have_counted(workspace_id)


def have_counted(workspace_id: int) -> None:
    """Has a workspace's rows counted, once they are old enough."""
    try:
        with calling_aws():
            sqs().send_message(
                QueueUrl=settings.count_queue_url,
                MessageBody=json.dumps({"workspace_id": workspace_id}),
            )
    except StoreUnavailable as error:
        # The row is there. A later one asks again; until then more rows are read than counted.
        logger.warning("not counted", extra={"reason": str(error)})


def from_json(text: str) -> object:
    """The value that ``text`` spells, its numbers exact.

    Raises:
        InvalidRecord: it is no JSON.
    """
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise InvalidRecord("the message is not JSON") from None


def reject(message: dict[str, Any], reason: str) -> None:
    """Moves a message to the dead-letter queue, where its attribute ``reason`` says why."""
    logger.warning("rejected", extra={"message_id": message["messageId"], "reason": reason})
    metrics.add_metric("EventsRejected", MetricUnit.Count, 1)
    with calling_aws():
        sqs().send_message(
            QueueUrl=settings.dead_letter_queue_url,
            MessageBody=message["body"],
            MessageAttributes={
                "reason": {"DataType": "String", "StringValue": reason[:LONGEST_REASON]},
            },
        )
