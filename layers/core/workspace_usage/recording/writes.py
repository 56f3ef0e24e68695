"""Conditional writes: they take effect only if what is stored allows it.

A token or a membership is written by one call, whose condition compares the versions
(``versions``). A row is read, merged (``merge``) and written on the condition that it has not
changed since it was read.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict, cast

from botocore.exceptions import ClientError

from workspace_usage.access.items import TOMBSTONE_FLAG
from workspace_usage.aws.dynamodb import Attributes, StoredItem
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import RejectedByStore, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_IS_NEWER: Final = "attribute_not_exists(version) OR version < :version"
_IS_NOT_REMOVED: Final = f"attribute_not_exists({TOMBSTONE_FLAG})"


class Condition(TypedDict):
    """The part of a request that says when a write takes effect."""

    ConditionExpression: str
    ExpressionAttributeValues: NotRequired[Attributes]


class Outcome(Enum):
    """What became of a change that the tables did not refuse.

    Attributes:
        APPLIED: the tables have changed.
        REPEATED: the tables already say what the change says.
        OVERTAKEN: the tables hold a newer version or a revoked token, so nothing has changed.
    """

    APPLIED = auto()
    REPEATED = auto()
    OVERTAKEN = auto()


def put_token(client: "DynamoDBClient", table: str, item: Attributes, version: str) -> Outcome:
    """Stores a token or its tombstone, unless what is stored wins over it.

    Raises:
        RejectedByStore: the table will never take it.
        StoreUnavailable: the table can't be written in time.
    """
    if TOMBSTONE_FLAG in item:
        return _put(client, table, item, version, f"{_IS_NOT_REMOVED} OR {_IS_NEWER}")
    return _put(client, table, item, version, f"{_IS_NOT_REMOVED} AND ({_IS_NEWER})")


def put_membership(client: "DynamoDBClient", table: str, item: Attributes, version: str) -> Outcome:
    """Stores a membership or its tombstone, unless what is stored has this version or a newer one.

    Raises:
        RejectedByStore: the table will never take it.
        StoreUnavailable: the table can't be written in time.
    """
    return _put(client, table, item, version, _IS_NEWER)


def _put(
    client: "DynamoDBClient", table: str, item: Attributes, version: str, condition: str
) -> Outcome:
    stored: StoredItem | None = None
    with validation_errors_as_rejected(1), aws_errors_as_unavailable():
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
    is_removed_already = TOMBSTONE_FLAG in item and TOMBSTONE_FLAG in stored
    is_same = is_removed_already or stored.get("version") == {"S": version}
    return Outcome.REPEATED if is_same else Outcome.OVERTAKEN


def guarded_write(
    table: str, key: Attributes, stored: StoredItem | None, merged: StoredItem | None
) -> "TransactWriteItemTypeDef":
    """Returns the part of a transaction that puts ``merged``, if ``stored`` is still in the table.

    If nothing is to change, it only checks that ``stored`` is still there. A row is never deleted.

    Args:
        table: the table's name.
        key: the row's key.
        stored: what was read, or None if there was no item.
        merged: what the table should hold, or None if there should be no item.
    """
    guard = {"TableName": table, **unchanged_condition("sort_key", stored)}
    if merged is None or merged == stored:
        return {"ConditionCheck": {**guard, "Key": key}}  # type: ignore[typeddict-item]
    return {"Put": {**guard, "Item": dict(merged)}}  # type: ignore[typeddict-item]


def unchanged_condition(key_attribute: str, stored: StoredItem | None) -> Condition:
    """Returns the condition that the table still holds what was read.

    Args:
        key_attribute: an attribute of the table's key.
        stored: the item that was read, or None if there was none.
    """
    if stored is None:
        return {"ConditionExpression": f"attribute_not_exists({key_attribute})"}
    if "version" not in stored:
        is_there = f"attribute_exists({key_attribute})"
        return {"ConditionExpression": f"{is_there} AND attribute_not_exists(version)"}
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": dict(stored["version"])},
    }


@contextmanager
def validation_errors_as_rejected(items: int) -> Iterator[None]:
    """Turns a failed write into ``RejectedByStore`` if no table will ever accept it.

    Args:
        items: how many of a transaction's items, counted from the first, belong to the change.

    Raises:
        RejectedByStore: one of these items is too large for its table, or malformed.
        StoreUnavailable: the write failed for another reason, and may succeed later.
    """
    try:
        yield
    except StoreUnavailable as error:
        if isinstance(error.__cause__, ClientError) and _is_refusal(error.__cause__, items):
            raise RejectedByStore("the store does not take it") from error
        raise


def _is_refusal(error: ClientError, items: int) -> bool:
    reasons = error.response.get("CancellationReasons", [])[:items]
    is_item_refused = any(reason.get("Code") == "ValidationError" for reason in reasons)
    return is_item_refused or error.response["Error"]["Code"] == "ValidationException"
