"""What the tool works on: the tables, the bucket and the setting of one deployment.

The code that makes ``Resources`` decides whether the deployment is in AWS or on this machine
(``usagectl.deployment``, ``local.stack``). All code that changes data takes it as an argument.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final

from botocore.config import Config

from usagectl.row_batches import RowBatches
from workspace_usage.recording.count_requests import CountQueue
from workspace_usage.rows.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

ONE_ATTEMPT: Final = Config(
    connect_timeout=5,
    read_timeout=15,
    retries={"mode": "standard", "total_max_attempts": 1},
)
"""The limits of a client that writes rows which may be counted.

A write must end within a minute from the check of its marks (``workspace_usage.rollups.blocks``).
With these limits it takes 35 seconds at most, with 15 of them for the body of the response.
"""


@dataclass(frozen=True, slots=True)
class Resources:
    """One deployment's resources, and clients that reach them.

    Attributes:
        tables: the names of the tables.
        bucket: the name of the media bucket.
        min_date_parameter: the name of the parameter that holds ``usage_history_min_date``.
        dynamodb_once: a DynamoDB client with the limits of ``ONE_ATTEMPT``.
        row_batches: puts rows, with the limits of ``ONE_ATTEMPT`` for a call of botocore.
        count_queue: takes requests to count.
        clock: gives the current time (aware) by DynamoDB's clock.
        zone: the time zone whose days the deployment counts.
    """

    tables: Tables
    bucket: str
    min_date_parameter: str
    dynamodb: "DynamoDBClient"
    dynamodb_once: "DynamoDBClient"
    row_batches: RowBatches
    count_queue: CountQueue
    clock: Callable[[], datetime]
    s3: "S3Client"
    ssm: "SSMClient"
    zone: tzinfo

    def read_min_date(self) -> str:
        """Returns ``usage_history_min_date`` as JSON text.

        Raises:
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: it can't be read.
        """
        return self.ssm.get_parameter(Name=self.min_date_parameter)["Parameter"]["Value"]

    def write_min_date(self, text: str) -> None:
        """Sets ``usage_history_min_date``.

        Args:
            text: the setting as JSON.

        Raises:
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: it can't be set.
        """
        self.ssm.put_parameter(
            Name=self.min_date_parameter, Value=text, Type="String", Overwrite=True
        )
