"""The endpoints of the services behind the functions, and clients of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from local.aws import CLIENT_CONFIG, session
from usagectl.resources import ONE_ATTEMPT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The URLs of the services."""

    dynamodb: str
    events: str
    s3: str
    sqs: str
    ssm: str

    @classmethod
    def all_at(cls, url: str, dynamodb: str | None = None) -> Self:
        """Returns endpoints that are all ``url``, except DynamoDB's if ``dynamodb`` is given."""
        return cls(dynamodb=dynamodb or url, events=url, s3=url, sqs=url, ssm=url)

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that lead botocore to the endpoints."""
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb,
            "AWS_ENDPOINT_URL_EVENTS": self.events,
            "AWS_ENDPOINT_URL_S3": self.s3,
            "AWS_ENDPOINT_URL_SQS": self.sqs,
            "AWS_ENDPOINT_URL_SSM": self.ssm,
        }


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients of the services. ``dynamodb_once`` is for ``usagectl.resources``."""

    dynamodb: "DynamoDBClient"
    dynamodb_once: "DynamoDBClient"
    events: "EventBridgeClient"
    s3: "S3Client"
    sqs: "SQSClient"
    ssm: "SSMClient"

    @classmethod
    def at(cls, endpoints: Endpoints) -> Self:
        """Returns clients that reach ``endpoints`` and nothing else."""
        aws = session()
        once = CLIENT_CONFIG.merge(ONE_ATTEMPT)
        return cls(
            dynamodb=aws.client("dynamodb", endpoint_url=endpoints.dynamodb, config=CLIENT_CONFIG),
            dynamodb_once=aws.client("dynamodb", endpoint_url=endpoints.dynamodb, config=once),
            events=aws.client("events", endpoint_url=endpoints.events, config=CLIENT_CONFIG),
            s3=aws.client("s3", endpoint_url=endpoints.s3, config=CLIENT_CONFIG),
            sqs=aws.client("sqs", endpoint_url=endpoints.sqs, config=CLIENT_CONFIG),
            ssm=aws.client("ssm", endpoint_url=endpoints.ssm, config=CLIENT_CONFIG),
        )
