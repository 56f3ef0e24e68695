"""Transactions of DynamoDB: all writes take effect, or none if an item has changed meanwhile."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from workspace_usage.aws.errors import aws_errors_as_unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def write_all_or_nothing(
    client: "DynamoDBClient", writes: "list[TransactWriteItemTypeDef]"
) -> bool:
    """Writes everything, or returns False if an item has changed since it was read.

    Raises:
        StoreUnavailable: the tables can't be written in time.
    """
    with aws_errors_as_unavailable():
        try:
            client.transact_write_items(TransactItems=writes)
        except client.exceptions.TransactionCanceledException as error:
            if not _is_overtaken(error):
                raise
            return False
    return True


def _is_overtaken(error: ClientError) -> bool:
    """Whether a transaction failed because another writer changed the same items."""
    reasons = error.response.get("CancellationReasons", [])
    codes = {reason.get("Code") for reason in reasons} - {"None", None}
    return bool(codes) and codes <= {"ConditionalCheckFailed", "TransactionConflict"}
