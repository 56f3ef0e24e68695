"""The exporter's queue: each message names one export that is to be written, or written on."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.exporting.export import Owner
from workspace_usage.values import InvalidValue, parse_json

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class ExportQueue:
    """The queue, for sending.

    Attributes:
        client: sends to it.
        url: its URL.
    """

    client: "SQSClient"
    url: str

    def send(self, owner: Owner, export_id: str) -> None:
        """Asks for an export to be written.

        Raises:
            StoreUnavailable: the queue can't be reached in time.
        """
        body = {**owner._asdict(), "export_id": export_id}
        with aws_errors_as_unavailable():
            self.client.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))


def parse_message(body: str) -> tuple[Owner, str] | None:
    """Returns the export that a message names, or None if it is no message of ``ExportQueue``."""
    try:
        content = parse_json(body)
    except InvalidValue:
        return None
    match content:
        case {
            "workspace_id": int() as workspace_id,
            "user_id": int() as user_id,
            "export_id": str() as export_id,
        }:
            return Owner(workspace_id, user_id), export_id
    return None
