"""A batch of a queue's messages: the event that Lambda makes of it, and what its result means."""

import json
from collections.abc import Iterator
from hashlib import md5
from typing import TYPE_CHECKING, Any, Final

from local.aws import REGION
from local.events.mapping import EventSourceMapping
from local.events.outcomes import Outcome, State
from local.functions.invocation import Result
from local.log import parse_entry

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_LOGGED_STATES: Final = {"rejected": State.REJECTED, "overtaken": State.OVERTAKEN}
"""Messages that the recorder logs, with a ``message_id``, about an event that changes nothing."""


def to_event(messages: "list[MessageTypeDef]", queue_arn: str) -> bytes:
    """Returns the event for a batch of messages."""
    return json.dumps({"Records": [_record(message, queue_arn) for message in messages]}).encode()


def retried_ids(result: Result, message_ids: list[str], mapping: EventSourceMapping) -> set[str]:
    """Returns the ids of the messages that stay in the queue.

    All stay if the result has another format than Lambda's, or names a message that is not there.
    """
    all_ids = set(message_ids)
    if result.is_error:
        return all_ids
    if not mapping.reports_failures:
        return set()
    content = json.loads(result.payload)
    failures = content.get("batchItemFailures") if isinstance(content, dict) else None
    try:
        failed_ids = {failure["itemIdentifier"] for failure in failures or ()}
    except (TypeError, KeyError):
        return all_ids
    return failed_ids if all_ids.issuperset(failed_ids) else all_ids


def outcomes_of(
    result: Result, messages: "list[MessageTypeDef]", retried: set[str]
) -> Iterator[tuple[str, Outcome]]:
    """Yields the id and the outcome of each message that is an event."""
    entries = [entry for line in result.log if (entry := parse_entry(line)) is not None]
    by_message = {entry["message_id"]: entry for entry in entries if "message_id" in entry}
    for message in messages:
        event_id = _event_id(message["Body"])
        if event_id is None:
            continue
        entry = by_message.get(message["MessageId"], {})
        state = _LOGGED_STATES.get(entry.get("message", ""), State.APPLIED)
        reason = str(entry.get("reason", ""))
        if message["MessageId"] in retried:
            yield event_id, Outcome(State.RETRIED, reason or _failure(result))
        else:
            yield (
                event_id,
                Outcome(state, reason),
            )


def _event_id(body: str) -> str | None:
    """Returns the id that EventBridge gave to the event in a message, or None if it has none."""
    try:
        event_id = json.loads(body)["id"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return event_id if isinstance(event_id, str) else None


def _failure(result: Result) -> str:
    """Returns the error of a function, or an empty text if it did not fail."""
    if not result.is_error:
        return ""
    error = json.loads(result.payload)
    return f"{error.get('errorType')}: {error.get('errorMessage')}"


def _record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    """Returns a message in the format of Lambda's events."""
    body = message["Body"]
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": body,
        "attributes": message.get("Attributes", {}),
        "messageAttributes": message.get("MessageAttributes", {}),
        "md5OfBody": md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }
