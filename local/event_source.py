"""Event source mappings: a queue's messages become batches for a function, as Lambda polls SQS.

What the function reports as failed stays in the queue, and comes again when its visibility time-out
is over; so does the whole batch when the function fails. Everything else is deleted. See the Lambda
developer guide, "Using Lambda with Amazon SQS".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import md5
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import REGION
from local.errors import TemplateError
from local.functions import Answer, Log, NoAnswer
from local.routes import Invoke
from local.template import Resource, Template

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

PAUSE: Final = 0.3
"""Seconds between two looks at a queue that was empty."""

_UNDERSTOOD: Final = {
    "BatchSize",
    "EventSourceArn",
    "FunctionName",
    "FunctionResponseTypes",
    "ScalingConfig",
}


@dataclass(frozen=True, slots=True)
class Mapped:
    """A queue, and the function that its batches go to."""

    queue_url: str
    queue_arn: str
    batch_size: int
    reports_failures: bool
    invoke: Invoke


def mappings(template: Template, functions: Mapping[str, Invoke]) -> list[Mapped]:
    """The template's event source mappings; ``functions`` are its functions, by name.

    Raises:
        TemplateError: one of them is not between a queue and a function of the template.
    """
    queues = {queue.arn: queue for queue in template.of_type("AWS::SQS::Queue")}
    return [
        _mapped(resource, queues, functions)
        for resource in template.of_type("AWS::Lambda::EventSourceMapping")
    ]


def _mapped(
    resource: Resource, queues: Mapping[str, Resource], functions: Mapping[str, Invoke]
) -> Mapped:
    given = resource.properties
    unknown = given.keys() - _UNDERSTOOD
    if unknown:
        raise TemplateError(f"{resource.logical_id}: {min(unknown)} is not understood here")
    queue, invoke = queues.get(given["EventSourceArn"]), functions.get(given["FunctionName"])
    if queue is None or invoke is None:
        raise TemplateError(f"{resource.logical_id}: only queues and functions of the template")
    return Mapped(
        queue_url=queue.ref,
        queue_arn=queue.arn,
        batch_size=int(given.get("BatchSize", 10)),
        reports_failures="ReportBatchItemFailures" in given.get("FunctionResponseTypes", ()),
        invoke=invoke,
    )


class EventSource:
    """Polls one queue in a thread, one batch at a time."""

    def __init__(self, mapped: Mapped, client: "SQSClient", log: Log) -> None:
        self._mapped = mapped
        self._client = client
        self._log = log
        self._ended = Event()
        self._thread = Thread(target=self._run, daemon=True)

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
            try:
                found = self.poll()
            except (BotoCoreError, ClientError) as error:
                if self._ended.is_set():
                    return
                self._log(f"{self._mapped.queue_url}  can't be polled: {error}")
                found = 0
            if not found:
                self._ended.wait(PAUSE)

    def poll(self) -> int:
        """Passes on what is in the queue, a batch at most; how many messages that were.

        Raises:
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the queue fails.
        """
        messages = self._client.receive_message(
            QueueUrl=self._mapped.queue_url,
            MaxNumberOfMessages=self._mapped.batch_size,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return 0
        batch = {"Records": [_record(message, self._mapped.queue_arn) for message in messages]}
        try:
            answer = self._mapped.invoke(json.dumps(batch).encode(), 3600.0)
        except NoAnswer:
            return len(messages)
        kept = _kept(answer, [message["MessageId"] for message in messages], self._mapped)
        done = [message for message in messages if message["MessageId"] not in kept]
        if done:
            self._client.delete_message_batch(
                QueueUrl=self._mapped.queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(done)
                ],
            )
        return len(messages)


def _kept(answer: Answer, message_ids: list[str], mapped: Mapped) -> set[str]:
    """Those messages that must come again.

    An answer that makes no sense keeps all of them, as does a name that is no message's.
    """
    everything = set(message_ids)
    if answer.failed:
        return everything
    if not mapped.reports_failures:
        return set()
    content = json.loads(answer.payload)
    failures = content.get("batchItemFailures") if isinstance(content, dict) else None
    try:
        failed = {failure["itemIdentifier"] for failure in failures or ()}
    except (TypeError, KeyError):
        return everything
    return everything if failed - everything else failed


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
