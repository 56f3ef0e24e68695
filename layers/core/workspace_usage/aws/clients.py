"""botocore's clients with limits: how long a service may take, and how often a call is tried.

A caller waits for the response. A call therefore gets one second to connect and three seconds for
the response, and is tried three times in all, with botocore's back-off in between.

Importing botocore and making a client takes longer than all the rest of a cold start. Functions
that only read therefore use ``reader``. It makes the first of the three attempts itself, and comes
here only if that attempt fails.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from botocore import xform_name
from botocore.config import Config

from workspace_usage.aws.client_validation import reject_damaged_responses
from workspace_usage.aws.connections import CONNECT_SECONDS, RESPONSE_SECONDS
from workspace_usage.aws.session import botocore_session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

CALL_ATTEMPTS: Final = 3
"""How often a call is tried in all."""

UPLOAD_SECONDS: Final = 30
"""How long S3 may take to respond to an upload."""


def dynamodb_client() -> "DynamoDBClient":
    """Returns a DynamoDB client within the limits above."""
    client: DynamoDBClient = _client("dynamodb", CALL_ATTEMPTS)
    return client


def sqs_client() -> "SQSClient":
    """Returns an SQS client within the limits above."""
    client: SQSClient = _client("sqs", CALL_ATTEMPTS)
    return client


def s3_client() -> "S3Client":
    """Returns an S3 client for uploads: parts are large, and nobody waits for the response."""
    client: S3Client = _client("s3", CALL_ATTEMPTS, UPLOAD_SECONDS)
    return client


def retry_call(service: str, operation: str, request: Mapping[str, Any]) -> Any:
    """Makes a call whose first attempt was made elsewhere and failed.

    Args:
        service: the service's name, such as ``dynamodb``.
        operation: the operation's name, such as ``Query``.
        request: the operation's parameters.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: all attempts failed.
    """
    client = _client(service, CALL_ATTEMPTS - 1)
    return getattr(client, xform_name(operation))(**request)


@cache
def _client(service: str, attempts: int, response_seconds: float = RESPONSE_SECONDS) -> Any:
    limits = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=response_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=10,
        tcp_keepalive=True,
    )
    client = botocore_session().create_client(service, config=limits)
    reject_damaged_responses(client)
    return client
