"""Conditional writes: what becomes of a change that may be older than what is there, or refused.

A token's revocation is absorbing: it is applied whatever version the token has, and nothing is
applied after it but a later revocation, so that any order ends alike.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import ClientError

from workspace_usage.access.items import TOMBSTONE_FLAG
from workspace_usage.aws.dynamodb import Attributes
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import RejectedByStore, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_IS_NEWER: Final = "attribute_not_exists(version) OR version < :version"
_IS_NOT_REMOVED: Final = f"attribute_not_exists({TOMBSTONE_FLAG})"


class Outcome(Enum):
    """What became of a change.

    Attributes:
        APPLIED: the tables have changed.
        REPEATED: the tables say already what the change says.
        OVERTAKEN: the tables hold something newer, or a revoked token; the change has no effect.
    """

    APPLIED = auto()
    REPEATED = auto()
    OVERTAKEN = auto()


def put_token(client: "DynamoDBClient", table: str, item: Attributes, version: str) -> Outcome:
    """Stores a token, or the tombstone of a revoked one, unless what is there is to stay.

    Raises:
        RejectedByStore: the table will never take it.
        StoreUnavailable: the table can't be written in time.
    """
    if TOMBSTONE_FLAG in item:
        return _put(client, table, item, version, f"{_IS_NOT_REMOVED} OR {_IS_NEWER}")
    return _put(client, table, item, version, f"{_IS_NOT_REMOVED} AND ({_IS_NEWER})")


def put_membership(client: "DynamoDBClient", table: str, item: Attributes, version: str) -> Outcome:
    """Stores a membership, or the tombstone of one, unless what is there is as new or newer.

    Raises:
        RejectedByStore: the table will never take it.
        StoreUnavailable: the table can't be written in time.
    """
    return _put(client, table, item, version, _IS_NEWER)


def _put(
    client: "DynamoDBClient", table: str, item: Attributes, version: str, condition: str
) -> Outcome:
    stored: Mapping[str, Any] | None = None
    with refusals(1), aws_errors_as_unavailable():
        try:
            client.put_item(
                TableName=table,
                Item={**item, "version": {"S": version}},
                ConditionExpression=condition,
                ExpressionAttributeValues={":version": {"S": version}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except client.exceptions.ConditionalCheckFailedException as error:
            stored = cast(Mapping[str, Any], error.response)["Item"]
    if stored is None:
        return Outcome.APPLIED
    is_gone_already = TOMBSTONE_FLAG in item and TOMBSTONE_FLAG in stored
    is_same = is_gone_already or stored.get("version") == {"S": version}
    return Outcome.REPEATED if is_same else Outcome.OVERTAKEN


@contextmanager
def refusals(items: int) -> Iterator[None]:
    """Tells a write that no table will ever take from one that may be taken later.

    Args:
        items: how many of the items of a transaction, from the first, are the change's own.

    Raises:
        RejectedByStore: one of them is too large for its table, or malformed.
        StoreUnavailable: the write failed for another reason, and may be repeated.
    """
    try:
        yield
    except StoreUnavailable as error:
        if isinstance(error.__cause__, ClientError) and _is_refusal(error.__cause__, items):
            raise RejectedByStore("the store does not take it") from error
        raise


def _is_refusal(error: ClientError, items: int) -> bool:
    reasons = error.response.get("CancellationReasons", [])[:items]
    is_refused = any(reason.get("Code") == "ValidationError" for reason in reasons)
    return is_refused or error.response["Error"]["Code"] == "ValidationException"
