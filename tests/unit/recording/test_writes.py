"""A failed write is either refused for good, or may succeed later."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import RejectedByStore, StoreUnavailable
from workspace_usage.recording.writes import validation_errors_as_rejected


def canceled(*codes: str) -> ClientError:
    """A transaction that failed; one reason for each of its items."""
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
        # The third item is of the counts, not of the change.
        (canceled("None", "None", "ValidationError"), StoreUnavailable),
        (canceled("ThrottlingError", "None"), StoreUnavailable),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutItem"), StoreUnavailable),
    ],
)
def test_only_what_no_table_takes_is_refused(error: ClientError, expected: type) -> None:
    """In a transaction, only the items of the change itself matter: here the first two."""
    with (
        pytest.raises((RejectedByStore, StoreUnavailable)) as raised,
        validation_errors_as_rejected(2),
        aws_errors_as_unavailable(),
    ):
        raise error
    assert type(raised.value) is expected
