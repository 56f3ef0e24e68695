"""Clients of AWS with limits: how long a service may take, and what its failures become.

A caller waits for the answer, so a call gets a second to connect and three to answer, and is tried
three times in all, with botocore's backoff between. A service that does not answer in that time is
``StoreUnavailable``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError

from workspace_usage.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

_LIMITS: Final = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=10,
    tcp_keepalive=True,
)


_session = cache(boto3.Session)


def dynamodb_client() -> "DynamoDBClient":
    """A DynamoDB client within the limits above."""
    return _session().client("dynamodb", config=_LIMITS)


def ssm_client() -> "SSMClient":
    """A Systems Manager client within the limits above."""
    return _session().client("ssm", config=_LIMITS)


def sqs_client() -> "SQSClient":
    """An SQS client within the limits above."""
    return _session().client("sqs", config=_LIMITS)


def credentials() -> ReadOnlyCredentials:
    """The credentials of this moment; botocore renews them as they age.

    Raises:
        StoreUnavailable: there are none, or they could not be renewed.
    """
    with reading():
        found = _session().get_credentials()
        if found is None:
            raise StoreUnavailable("there are no AWS credentials")
        return found.get_frozen_credentials()


@contextmanager
def reading() -> Iterator[None]:
    """Turns a failed call to AWS into ``StoreUnavailable``, which keeps the cause for the log.

    Raises:
        StoreUnavailable: the service refused, failed, or did not answer in time.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise StoreUnavailable(f"{error.operation_name} failed: {code}") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"a call to AWS failed: {type(error).__name__}") from error
