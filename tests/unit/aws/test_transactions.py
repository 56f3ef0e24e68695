"""A transaction that lost against another writer is told from one that failed."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from workspace_usage.aws.transactions import write_all_or_nothing
from workspace_usage.errors import StoreUnavailable


class Canceled(ClientError):
    """DynamoDB has canceled a transaction."""


class Client:
    """Tables that take a transaction, or cancel it.

    Args:
        codes: the reasons, one for each write, or None if the transaction is taken.
    """

    class exceptions:  # noqa: N801 - boto3's name
        TransactionCanceledException = Canceled

    def __init__(self, codes: list[str] | None) -> None:
        self.written: list[Any] = []
        self._codes = codes

    def transact_write_items(self, *, TransactItems: list[Any]) -> None:  # noqa: N803
        """Takes a transaction, or cancels it."""
        if self._codes is not None:
            error: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": code} for code in self._codes],
            }
            raise Canceled(error, "TransactWriteItems")
        self.written += TransactItems


def write(client: Client) -> bool:
    return write_all_or_nothing(client, [{"Put": {}}, {"Put": {}}])  # type: ignore[arg-type, typeddict-item]


def test_all_writes_are_made() -> None:
    client = Client(None)
    assert write(client)
    assert len(client.written) == 2


@pytest.mark.parametrize(
    "codes",
    [
        ["None", "ConditionalCheckFailed"],
        ["TransactionConflict", "None"],
        ["ConditionalCheckFailed", "TransactionConflict"],
    ],
)
def test_a_transaction_that_met_another_writer_is_overtaken(codes: list[str]) -> None:
    """An item has changed, or is being changed: the caller reads again. That is no outage."""
    assert not write(Client(codes))


@pytest.mark.parametrize(
    "codes",
    [
        ["ThrottlingError", "None"],
        ["ConditionalCheckFailed", "ThrottlingError"],
        ["ProvisionedThroughputExceeded", "TransactionConflict"],
        ["None", "ValidationError"],
        ["None", "None"],
        [],
    ],
)
def test_a_transaction_that_failed_for_another_reason_makes_the_store_unavailable(
    codes: list[str],
) -> None:
    """Reading again would not help."""
    with pytest.raises(StoreUnavailable, match="TransactionCanceledException"):
        write(Client(codes))
