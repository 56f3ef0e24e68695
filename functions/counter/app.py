"""Rows counted, by which pages far down are found: a batch of workspaces from the queue → counts.

Each workspace is counted once, however often it is named. It is asked for by its new rows, again
and again; so what can't be understood is dropped, and nothing is lost for good.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from workspace_api.settings import CounterSettings
from workspace_usage.aws.clients import dynamodb_client, sqs_client
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rollups.counting import Counter
from workspace_usage.rollups.counts import Progress

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

TIME_TO_STOP: Final = 60_000
"""Milliseconds that it may take to write what has been counted."""

SECONDS_TO_RECOVER: Final = 300
"""What a store that does not answer is given until it is asked again."""

SECONDS_TO_WAIT: Final = 600
"""What a workspace that is held, or disturbed all the time, is given until it is tried again."""

logger = Logger()
metrics = Metrics()
settings = CounterSettings.from_environment()


@cache
def counter() -> Counter:
    """The counter that this environment's batches share."""
    return Counter(dynamodb_client(), settings.tables, settings.time_zone)


@cache
def sqs() -> "SQSClient":
    """The client that workspaces are put back by."""
    return sqs_client()


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Counts a batch; answers which messages must come again, as SQS wants to know it."""
    workspaces = by_workspace(event["Records"])
    metrics.add_metric("WorkspacesReceived", MetricUnit.Count, len(workspaces))
    return {
        "batchItemFailures": [
            {"itemIdentifier": message_id}
            for workspace_id in failing(workspaces, context)
            for message_id in workspaces[workspace_id]
        ]
    }


def by_workspace(messages: list[dict[str, Any]]) -> dict[int, list[str]]:
    """The workspaces that messages name, and the ids of those of each."""
    found: dict[int, list[str]] = {}
    for message in messages:
        workspace_id = named_in(message["body"])
        if workspace_id is None:
            logger.warning("dropped", extra={"message_id": message["messageId"]})
        else:
            found.setdefault(workspace_id, []).append(message["messageId"])
    return found


def named_in(body: str) -> int | None:
    """The workspace that a message names; None if it names none."""
    try:
        found = json.loads(body)["workspace_id"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return found if type(found) is int and found > 0 else None


def failing(workspaces: Iterable[int], context: "LambdaContext") -> Iterator[int]:
    """Counts workspaces; yields those whose messages must stay in the queue."""

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > TIME_TO_STOP

    store_answers = True
    for workspace_id in workspaces:
        try:
            if store_answers:
                store_answers = process(workspace_id, has_time)
            else:
                # It would fare no better.
                put_back(workspace_id, SECONDS_TO_RECOVER)
        except Exception:
            # The edge: whatever is wrong with one workspace must not hold up the others.
            logger.exception("failed", extra={"counted_workspace_id": workspace_id})
            yield workspace_id


def process(workspace_id: int, has_time: Callable[[], bool]) -> bool:
    """Counts a workspace as far as there is time; False if the store doesn't answer.

    Raises:
        StoreUnavailable: the queue can't be reached in time.
    """
    progress = Progress.UNFINISHED
    try:
        if has_time():
            progress = counter().count(workspace_id, datetime.now(UTC), has_time)
    except StoreUnavailable as error:
        logger.warning("put back", extra={"reason": str(error)})
        put_back(workspace_id, SECONDS_TO_RECOVER)
        return False
    if progress is not Progress.DONE:
        put_back(workspace_id, 0 if progress is Progress.UNFINISHED else SECONDS_TO_WAIT)
    return True


def put_back(workspace_id: int, seconds: int) -> None:
    """Has a workspace counted again, or further, in some seconds.

    A new message can: one that is not deleted would come again when a run can't be under way any
    more, much later.

    Raises:
        StoreUnavailable: the queue can't be reached in time.
    """
    metrics.add_metric("WorkspacesPutBack", MetricUnit.Count, 1)
    with aws_errors_as_unavailable():
        sqs().send_message(
            QueueUrl=settings.count_queue_url,
            MessageBody=json.dumps({"workspace_id": workspace_id}),
            DelaySeconds=seconds,
        )
