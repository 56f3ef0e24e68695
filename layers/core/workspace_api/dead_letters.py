"""The dead-letter queue: where messages go that will never be applied, with the reason."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

MAX_MESSAGE_BYTES: Final = 1_048_576
"""The most that SQS accepts: a message's body and its attributes, with their names and types."""

_NOT_ALLOWED: Final = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
"""Characters for which SQS refuses a whole message."""


class DeadLetterQueueUnavailable(StoreUnavailable):
    """The dead-letter queue can't be reached in time. Other messages can still be applied."""


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """A dead-letter queue, for sending."""

    client: "SQSClient"
    url: str

    def send(self, body: str, reason: str) -> None:
        """Sends a message's body, with the reason (``sendable``) as its attribute ``reason``.

        A message that is so large that the attribute does not fit is sent without it.

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


def sendable(text: str) -> str:
    """Returns ``text`` with a question mark for each character that SQS refuses."""
    return _NOT_ALLOWED.sub("?", text)
