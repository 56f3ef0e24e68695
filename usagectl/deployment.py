"""A deployment of the stack, in AWS or on this machine: its outputs, and clients of its services.

A client is made only when a command asks for it, and an output need not exist before. ``lookup``
finds deployments. boto3 is not imported here, because the doctor's function has botocore only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfoNotFoundError

from botocore.config import Config

from usagectl.errors import CommandError
from usagectl.resources import ONE_ATTEMPT, Resources
from usagectl.row_batches import row_batches
from usagectl.service_clock import ServiceClock
from workspace_usage.aws.client_validation import reject_damaged_responses
from workspace_usage.recording.count_requests import CountQueue
from workspace_usage.rows.tables import Tables
from workspace_usage.rows.window import time_zone

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 8},
    max_pool_connections=20,
)
"""The limits of all other clients."""


@dataclass(frozen=True)
class Deployment:
    """A stack's outputs, and clients of the services that it uses.

    Attributes:
        name: what messages call it.
        outputs: the template's outputs.
        url: the listing's address.
        session: makes clients with the operator's credentials, or with the local stack's. It is
            boto3's session, or has the same method ``client``.
        endpoints: the local stack's URL of each service, by boto3's name for it; empty in AWS.
    """

    name: str
    outputs: Mapping[str, str]
    url: str
    session: Any
    endpoints: Mapping[str, str]

    @property
    def is_local(self) -> bool:
        """Whether it is the stack on this machine, not one in AWS."""
        return bool(self.endpoints)

    @property
    def title(self) -> str:
        """Its name at the beginning of a sentence."""
        return "The local stack" if self.is_local else f"Stack {self.name}"

    def output(self, name: str) -> str:
        """Returns one of the stack's outputs.

        Raises:
            CommandError: it has no such output.
        """
        if name not in self.outputs:
            raise CommandError(f"{self.title} has no output {name}: deploy the current template.")
        return self.outputs[name]

    @cached_property
    def tables(self) -> Tables:
        """The names of the tables."""
        return Tables(
            executions=self.output("ExecutionsTableName"),
            archived_executions=self.output("ArchivedExecutionsTableName"),
            edited_chats=self.output("EditedChatsTableName"),
            access_tokens=self.output("AccessTokensTableName"),
            memberships=self.output("MembershipsTableName"),
            rollups=self.output("RollupsTableName"),
        )

    @cached_property
    def resources(self) -> Resources:
        """What commands that change data work on."""
        dynamodb_once = self._client("dynamodb", CONFIG.merge(ONE_ATTEMPT))
        return Resources(
            tables=self.tables,
            bucket=self.output("MediaBucketName"),
            min_date_parameter=self.output("MinDateParameterName"),
            dynamodb=self.dynamodb,
            dynamodb_once=dynamodb_once,
            row_batches=row_batches(self.session, dynamodb_once),
            count_queue=CountQueue(self.sqs, self.output("CountQueueUrl")),
            clock=ServiceClock(dynamodb_once, self.tables.rollups),
            s3=self.s3,
            ssm=self.ssm,
            zone=self._zone(),
        )

    def _zone(self) -> tzinfo:
        name = self.output("DaysTimeZone")
        try:
            return time_zone(name)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise CommandError(
                f"{self.title} has the time zone {name!r}, which this machine does not know."
            ) from None

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """A DynamoDB client."""
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def events(self) -> "EventBridgeClient":
        """An EventBridge client."""
        client: EventBridgeClient = self._client("events")
        return client

    @cached_property
    def lambda_(self) -> "LambdaClient":
        """A Lambda client."""
        client: LambdaClient = self._client("lambda")
        return client

    @cached_property
    def s3(self) -> "S3Client":
        """An S3 client."""
        client: S3Client = self._client("s3")
        return client

    @cached_property
    def sqs(self) -> "SQSClient":
        """An SQS client."""
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def ssm(self) -> "SSMClient":
        """A Systems Manager client."""
        client: SSMClient = self._client("ssm")
        return client

    def _client(self, service: Any, config: Config = CONFIG) -> Any:
        if self.is_local and service not in self.endpoints:
            raise CommandError(f"{self.title} has no {service} service.")
        client = self.session.client(
            service, endpoint_url=self.endpoints.get(service), config=config
        )
        reject_damaged_responses(client)
        return client
