"""A write that failed: refused for good, or to be repeated."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import RejectedByStore, StoreUnavailable
from workspace_usage.recording.writes import refusals


def canceled(*codes: str) -> ClientError:
    """A transaction that failed for these reasons, one an item."""
    error: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(error, "TransactWriteItems")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ClientError({"Error": {"Code": "ValidationException"}}, "PutItem"), RejectedByStore),
        (canceled("None", "ValidationError", "None"), RejectedByStore),
        (canceled("ValidationError", "TransactionConflict"), RejectedByStore),
        # The counts' item, which is not the change's own.
        (canceled("None", "None", "ValidationError"), StoreUnavailable),
        (canceled("ThrottlingError", "None"), StoreUnavailable),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutItem"), StoreUnavailable),
    ],
)
def test_only_what_no_table_takes_is_refused(error: ClientError, expected: type) -> None:
    """Of a transaction, the items of the change itself count."""
    with (
        pytest.raises((RejectedByStore, StoreUnavailable)) as raised,
        refusals(2),
        aws_errors_as_unavailable(),
    ):
        raise error
    assert type(raised.value) is expected
