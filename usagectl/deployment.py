"""A deployment of the stack: found by its name in AWS, or by its address on this machine."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from botocore.config import Config

from local.aws import session as local_session
from usagectl.errors import CommandError
from usagectl.load import Destination
from workspace_usage.aws.client_validation import reject_damaged_responses
from workspace_usage.rows.tables import Tables
from workspace_usage.rows.window import time_zone

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

DESCRIPTION_PATH: Final = "/_local/stack"
"""Where the local stack says what it is made of (``local.description``)."""

_CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 8},
    max_pool_connections=20,
)


@dataclass(frozen=True)
class Deployment:
    """A stack's outputs, and clients of the services that it lives in.

    Attributes:
        name: what to call it.
        outputs: the template's outputs.
        url: the listing's address.
        session: whose credentials are used.
        endpoints: where services answer, by boto3's names; those not named are AWS's own.
    """

    name: str
    outputs: Mapping[str, str]
    url: str
    session: boto3.Session
    endpoints: Mapping[str, str]

    @classmethod
    def in_aws(cls, stack: str, region: str | None = None, profile: str | None = None) -> Self:
        """The deployment that CloudFormation knows as ``stack``.

        Raises:
            CommandError: there is no such stack, or it is no such deployment.
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS doesn't answer.
        """
        session = boto3.Session(region_name=region, profile_name=profile)
        client = session.client("cloudformation", config=_CONFIG)
        try:
            (described,) = client.describe_stacks(StackName=stack)["Stacks"]
        except client.exceptions.ClientError as error:
            if "does not exist" in str(error):
                raise CommandError(
                    f"There is no stack {stack} in {session.region_name}; --stack and --region"
                    " name another."
                ) from None
            raise
        outputs = {
            output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])
        }
        return cls(stack, outputs, outputs.get("ApiUrl", ""), session, {})

    @classmethod
    def local(cls, address: str) -> Self:
        """The local stack that serves at ``address``, such as http://127.0.0.1:3000.

        Raises:
            CommandError: nothing answers there, or something else.
        """
        address = address.rstrip("/")
        try:
            with urllib.request.urlopen(f"{address}{DESCRIPTION_PATH}", timeout=10) as answer:  # noqa: S310
                described = json.load(answer)
            outputs, endpoints = described["outputs"], described["endpoints"]
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            raise CommandError(
                f"No local stack answers at {address}; make run starts one."
            ) from None
        return cls(
            "the local stack", outputs, f"{address}/workspaces/usage", local_session(), endpoints
        )

    @property
    def title(self) -> str:
        """Its name, as a sentence begins with it."""
        return "The local stack" if self.endpoints else f"Stack {self.name}"

    def output(self, name: str) -> str:
        """One of the stack's outputs.

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

    @property
    def destination(self) -> Destination:
        """The deployment, as the import wants to know it."""
        return Destination(
            tables=self.tables,
            bucket=self.output("MediaBucketName"),
            min_date_parameter=self.output("MinDateParameterName"),
            dynamodb=self.dynamodb,
            s3=self.s3,
            ssm=self.ssm,
            zone=time_zone(self.output("DaysTimeZone")),
        )

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

    def _client(self, service: Any) -> Any:
        if self.endpoints and service not in self.endpoints:
            raise CommandError(f"{self.title} has no {service} service.")
        client = self.session.client(
            service, endpoint_url=self.endpoints.get(service), config=_CONFIG
        )
        reject_damaged_responses(client)
        return client
