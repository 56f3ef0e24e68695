"""The dead-letter queue: keeps messages that can never be applied, each with the reason."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

MAX_MESSAGE_BYTES: Final = 1_048_576
"""SQS's limit for a message: its body, and the names, types and values of its attributes."""

_UNSENDABLE: Final = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
"""A character that makes SQS refuse the whole message."""


class DeadLetterQueueUnavailable(StoreUnavailable):
    """The dead-letter queue could not be reached in time. Other messages can still be applied."""


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """Sends messages to a dead-letter queue."""

    client: "SQSClient"
    url: str

    def send(self, body: str, reason: str) -> None:
        """Sends the body of a message with an attribute ``reason``.

        If the body leaves no room for the attribute, the body is sent alone.

        Args:
            body: the message's body, as it was received.
            reason: why the message can't be applied, in characters that SQS accepts
                (``make_sendable``).

        Raises:
            DeadLetterQueueUnavailable: the queue can't be reached in time.
        """
        attributes: dict[str, MessageAttributeValueTypeDef] = {
            "reason": {"DataType": "String", "StringValue": reason}
        }
        if len(f"{body}reasonString{reason}".encode("utf-8", "replace")) > MAX_MESSAGE_BYTES:
            attributes = {}
        try:
            with aws_errors_as_unavailable():
                self.client.send_message(
                    QueueUrl=self.url, MessageBody=body, MessageAttributes=attributes
                )
        except StoreUnavailable as error:
            raise DeadLetterQueueUnavailable(str(error)) from error


def make_sendable(text: str) -> str:
    """Returns ``text`` with a question mark in place of each character that SQS refuses."""
    return _UNSENDABLE.sub("?", text)
