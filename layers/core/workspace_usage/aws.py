"""botocore's clients with limits: how long a service may take, and how often it is asked.

A caller waits for the answer, so a call gets a second to connect and three to answer, and is tried
three times in all, with botocore's backoff between. Importing botocore and making a client takes
longer than all the rest of a cold start: what only reads goes through ``calls``, and comes here
when its own attempt, the first of the three, has failed.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from botocore import xform_name
from botocore.config import Config

from workspace_usage.connections import CONNECT_SECONDS, READ_SECONDS
from workspace_usage.errors import StoreUnavailable
from workspace_usage.failures import calling_aws
from workspace_usage.signing import Credentials

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

ATTEMPTS: Final = 3
"""How often a call is tried in all."""

_session = cache(botocore.session.get_session)


def dynamodb_client() -> "DynamoDBClient":
    """A DynamoDB client within the limits above."""
    client: DynamoDBClient = _client("dynamodb", ATTEMPTS)
    return client


def sqs_client() -> "SQSClient":
    """An SQS client within the limits above."""
    client: SQSClient = _client("sqs", ATTEMPTS)
    return client


def call(service: str, operation: str, request: Mapping[str, Any]) -> Any:
    """Makes a call, such as ``Query`` of ``dynamodb``, whose first attempt was made elsewhere.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: it can't be made.
    """
    client = _client(service, ATTEMPTS - 1)
    return getattr(client, xform_name(operation))(**request)


@cache
def _client(service: str, attempts: int) -> Any:
    limits = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=10,
        tcp_keepalive=True,
    )
    return _session().create_client(service, config=limits)


def prepare_for_credentials() -> None:
    """Makes what finding credentials takes, and looks for none."""
    _session().get_component("credential_provider")


def found_credentials() -> Credentials:
    """The credentials that botocore finds at this moment; it renews them as they age.

    Raises:
        StoreUnavailable: there are none, or they could not be renewed.
    """
    with calling_aws():
        found = _session().get_credentials()
        if found is None:
            raise StoreUnavailable("there are no AWS credentials")
        frozen = found.get_frozen_credentials()
    return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)
