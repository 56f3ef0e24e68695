"""Batches: which messages are tried, and which are retried, after each kind of failure."""

import pytest
from aws_lambda_powertools import Logger

from workspace_api.batches import Message, apply_batch
from workspace_usage.errors import StoreUnavailable, WriteConflict

MESSAGES = [{"messageId": message_id, "body": ""} for message_id in ("m0", "m1", "m2")]


@pytest.mark.parametrize(
    ("failure", "attempted"),
    [
        (StoreUnavailable("no table"), ["m0"]),
        (WriteConflict("others write the same row"), ["m0", "m1", "m2"]),
        (ValueError("unexpected"), ["m0", "m1", "m2"]),
    ],
)
def test_only_an_unavailable_store_stops_a_batch(failure: Exception, attempted: list[str]) -> None:
    """Conflicts and unexpected failures concern one message, so the others are tried."""
    attempts: list[str] = []

    def apply(message: Message) -> None:
        attempts.append(message["messageId"])
        if message["messageId"] == "m0":
            raise failure

    retried = apply_batch(
        MESSAGES, apply, lambda: True, Logger(), failures_of_one_message=(WriteConflict,)
    )
    assert attempts == attempted
    assert retried == (["m0"] if len(attempted) == 3 else ["m0", "m1", "m2"])
