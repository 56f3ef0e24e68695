"""Event source mappings: a queue's messages become batches for a function, as Lambda polls SQS.

What the function reports as failed stays in the queue, and comes again when its visibility time-out
is over; so does the whole batch when the function fails. Everything else is deleted. See the Lambda
developer guide, "Using Lambda with Amazon SQS".
"""

import json
from collections.abc import Iterator
from hashlib import md5
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import REGION
from local.events.mapping import EventSourceMapping
from local.events.outcomes import Outcome, Outcomes, State
from local.functions.invocation import NoResult, Result
from local.log import WriteLine, parse_entry

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

PAUSE: Final = 0.3
"""Seconds between two looks at a queue that was empty."""

_LOGGED: Final = {"rejected": State.REJECTED, "overtaken": State.OVERTAKEN}
"""What the recorder logs, with ``message_id``, about a message that changes nothing."""


class QueuePoller:
    """Polls one queue in a thread, one batch at a time, unless it is paused.

    Args:
        mapping: the queue and its function.
        client: reaches the queue.
        outcomes: is told what became of each event.
        log: takes a line when the queue can't be polled.
    """

    def __init__(
        self, mapping: EventSourceMapping, client: "SQSClient", outcomes: Outcomes, log: WriteLine
    ) -> None:
        self.mapping = mapping
        self._client = client
        self._outcomes = outcomes
        self._log = log
        self._lock = Lock()
        self._enabled = mapping.enabled
        self._polls = False
        self._ended = Event()
        self._thread = Thread(target=self._run, daemon=True)

    @property
    def state(self) -> str:
        """How it stands, in Lambda's words; ``Disabling``: the last batch is still under way."""
        with self._lock:
            if self._enabled:
                return "Enabled"
            return "Disabling" if self._polls else "Disabled"

    def enable(self, enabled: bool) -> None:
        """Pauses or resumes polling; a batch under way is brought to its end."""
        with self._lock:
            self._enabled = enabled

    def start(self) -> None:
        """Starts to poll."""
        self._thread.start()

    def end(self) -> None:
        """Takes no further batch; the one under way may still be with the function."""
        self._ended.set()

    def join(self) -> None:
        """Waits until the last batch is done with."""
        self.end()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                self._polls = self._enabled
            found = self._poll_safely() if self._polls else 0
            with self._lock:
                self._polls = False
            if not found:
                self._ended.wait(PAUSE)

    def _poll_safely(self) -> int:
        try:
            return self.poll()
        except (BotoCoreError, ClientError) as error:
            if not self._ended.is_set():
                self._log(f"{self.mapping.queue_url} can't be polled: {error}")
            return 0

    def poll(self) -> int:
        """Passes on what is in the queue, a batch at most; how many messages that were.

        Raises:
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the queue fails.
        """
        messages = self._client.receive_message(
            QueueUrl=self.mapping.queue_url,
            MaxNumberOfMessages=self.mapping.batch_size,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return 0
        batch = {"Records": [_record(message, self.mapping.queue_arn) for message in messages]}
        try:
            result = self.mapping.invoke(json.dumps(batch).encode(), 3600.0)
        except NoResult:
            return len(messages)
        kept = _kept(result, [message["MessageId"] for message in messages], self.mapping)
        done = [message for message in messages if message["MessageId"] not in kept]
        if done:
            self._client.delete_message_batch(
                QueueUrl=self.mapping.queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(done)
                ],
            )
        for event_id, outcome in _outcomes(result, messages, kept):
            self._outcomes.add(event_id, self.mapping.queue_arn, outcome)
        return len(messages)


def _kept(result: Result, message_ids: list[str], mapping: EventSourceMapping) -> set[str]:
    """Those messages that must come again.

    An result that makes no sense keeps all of them, as does a name that is no message's.
    """
    everything = set(message_ids)
    if result.is_error:
        return everything
    if not mapping.reports_failures:
        return set()
    content = json.loads(result.payload)
    failures = content.get("batchItemFailures") if isinstance(content, dict) else None
    try:
        failed = {failure["itemIdentifier"] for failure in failures or ()}
    except (TypeError, KeyError):
        return everything
    return everything if failed - everything else failed


def _outcomes(
    result: Result, messages: "list[MessageTypeDef]", kept: set[str]
) -> Iterator[tuple[str, Outcome]]:
    """What became of those messages that are events, by the events' ids."""
    entries = [entry for line in result.log if (entry := parse_entry(line)) is not None]
    by_message = {entry["message_id"]: entry for entry in entries if "message_id" in entry}
    for message in messages:
        event_id = _event_id(message["Body"])
        if event_id is None:
            continue
        entry = by_message.get(message["MessageId"], {})
        reason = str(entry.get("reason", ""))
        if message["MessageId"] in kept:
            yield event_id, Outcome(State.RETRIED, reason or _failure(result))
        else:
            yield event_id, Outcome(_LOGGED.get(entry.get("message", ""), State.APPLIED), reason)


def _event_id(body: str) -> str | None:
    """The id that EventBridge gave to the event in a message; None if it is no event."""
    try:
        found = json.loads(body)["id"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _failure(result: Result) -> str:
    """The error of a function that failed."""
    if not result.is_error:
        return ""
    error = json.loads(result.payload)
    return f"{error.get('errorType')}: {error.get('errorMessage')}"


def _record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    """A message in the form in which Lambda passes it on."""
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
