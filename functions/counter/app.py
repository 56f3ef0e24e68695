"""The counter's Lambda function: a batch of requests from SQS → the workspaces' rows are counted.

A workspace is counted once, however many messages of the batch name it. What is left to do is
requested with a new message: a message that is retried comes only after the queue's visibility
timeout, which is long. A run takes at least one message from the queue for each workspace, and
sends one at most, so it never makes the queue longer.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics

from workspace_api.batches import Message, apply_batch, batch_response, message_id_of
from workspace_api.outcomes import Outcomes
from workspace_api.settings import CounterSettings
from workspace_usage.aws.clients import dynamodb_client, sqs_client
from workspace_usage.recording.count_requests import CountQueue, parse_request
from workspace_usage.rollups.counter import Counter, Report

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

TIME_TO_STOP: Final = 60_000
"""Milliseconds that the last block may take; with less left, counting continues in another run."""

TIME_TO_RECOVER: Final = timedelta(minutes=5)
"""After what time a workspace is tried again if the tables can't be read or written."""

logger = Logger()
metrics = Metrics()
outcomes = Outcomes(logger, metrics)
settings = CounterSettings.from_environment()


@cache
def counter() -> Counter:
    """Returns the counter that all batches in this execution environment share."""
    return Counter(dynamodb_client(), settings.tables, settings.time_zone)


@cache
def queue() -> CountQueue:
    """Returns the queue through which what is left to do is requested."""
    return CountQueue(sqs_client(), settings.count_queue_url)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Counts a batch; the response names the messages that SQS must deliver again."""

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > TIME_TO_STOP

    def count(workspace_id: int) -> None:
        _count(workspace_id, has_time)

    messages = _messages_by_workspace(event["Records"])
    unapplied = apply_batch(messages, count, has_time, logger, _workspace)
    failed = [
        *unapplied.failed,
        *_request_again(unapplied.unavailable, TIME_TO_RECOVER),
        *_request_again(unapplied.late, timedelta()),
    ]
    outcomes.count("WorkspacesReceived", len(messages))
    outcomes.count("WorkspacesUnavailable", len(unapplied.unavailable))
    outcomes.count("WorkspacesFailed", len(failed))
    return batch_response(message for workspace_id in failed for message in messages[workspace_id])


def _messages_by_workspace(messages: Sequence[Message]) -> dict[int, list[Message]]:
    """Returns the workspaces that messages ask for, each with its messages."""
    found: dict[int, list[Message]] = {}
    for message in messages:
        workspace_id = parse_request(message["body"])
        if workspace_id is None:
            logger.warning("dropped", extra=message_id_of(message))
        else:
            found.setdefault(workspace_id, []).append(message)
    return found


def _count(workspace_id: int, has_time: Callable[[], bool]) -> None:
    """Counts a workspace as far as there is time, and requests what is left to do.

    Raises:
        StoreUnavailable: a table or the queue can't be reached in time.
    """
    report = counter().count(workspace_id, has_time)
    _measure(workspace_id, report)
    if report.retry_after is not None:
        _request(workspace_id, report.retry_after)


def _measure(workspace_id: int, report: Report) -> None:
    ages = {"WatermarkLag": report.lag}
    if report.oldest_mark is not None:
        ages["OldestMarkAge"] = datetime.now(UTC) - report.oldest_mark
    logger.append_keys(**_workspace(workspace_id))
    outcomes.measure("counted", {"RowsCounted": report.rows, "StaleBlocks": report.stale}, ages)


def _request(workspace_id: int, after: timedelta) -> None:
    queue().request(workspace_id, after)
    outcomes.count("WorkspacesPutBack")


def _request_again(workspaces: Iterable[int], after: timedelta) -> list[int]:
    """Requests that workspaces are counted; returns those whose request can't be sent."""

    def request(workspace_id: int) -> None:
        _request(workspace_id, after)

    unsent = apply_batch(workspaces, request, lambda: True, logger, _workspace)
    return [*unsent.failed, *unsent.unavailable]


def _workspace(workspace_id: int) -> dict[str, object]:
    """Returns the field of a log line that names a workspace."""
    return {"counted_workspace_id": workspace_id}
