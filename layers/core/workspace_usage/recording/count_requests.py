"""Requests to count: messages that ask the counter for a workspace."""

import json
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Final

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.values import MAX_ID, InvalidValue, parse_json

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageRequestTypeDef

_MAX_DELAY: Final = timedelta(minutes=15)
"""The longest delay of a message: SQS's limit."""


@dataclass(frozen=True, slots=True)
class CountQueue:
    """The counter's queue, for sending."""

    client: "SQSClient"
    url: str

    def request(self, workspace_id: int, after: timedelta | None = None) -> None:
        """Asks for a workspace to be counted, after some time or the queue's own delay.

        Raises:
            StoreUnavailable: the queue can't be reached in time.
        """
        message: SendMessageRequestTypeDef = {
            "QueueUrl": self.url,
            "MessageBody": json.dumps({"workspace_id": workspace_id}),
        }
        if after is not None:
            message["DelaySeconds"] = ceil(min(after, _MAX_DELAY).total_seconds())
        with aws_errors_as_unavailable():
            self.client.send_message(**message)


def parse_request(body: str) -> int | None:
    """Returns the workspace that a message asks for, or None if it is not such a message."""
    try:
        content = parse_json(body)
    except InvalidValue:
        return None
    workspace_id = content.get("workspace_id") if isinstance(content, dict) else None
    return workspace_id if type(workspace_id) is int and 0 < workspace_id <= MAX_ID else None
