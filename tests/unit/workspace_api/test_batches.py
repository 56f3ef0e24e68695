"""Batches: which messages are tried, and which are retried, after each kind of failure."""

import pytest
from aws_lambda_powertools import Logger

from workspace_api.batches import Unapplied, apply_batch, batch_response
from workspace_usage.errors import StoreUnavailable, WriteConflict


def apply(failure: Exception, times: list[bool]) -> tuple[list[str], Unapplied[str]]:
    """Applies a batch of three parts; returns what was tried, and what was not applied.

    Args:
        failure: fails the first part.
        times: whether there is time for each part that could be tried.
    """
    tried: list[str] = []
    has_time = iter(times)

    def apply_part(part: str) -> None:
        tried.append(part)
        if part == "a":
            raise failure

    unapplied = apply_batch(
        ["a", "b", "c"],
        apply_part,
        lambda: next(has_time),
        Logger(),
        lambda part: {"part": part},
        failures_of_one_part=(WriteConflict,),
    )
    return tried, unapplied


@pytest.mark.parametrize(
    ("failure", "tried", "unapplied"),
    [
        (StoreUnavailable("no table"), ["a"], Unapplied(unavailable=["a", "b", "c"])),
        (WriteConflict("others write it"), ["a", "b", "c"], Unapplied(unavailable=["a"])),
        (ValueError("unexpected"), ["a", "b", "c"], Unapplied(failed=["a"])),
    ],
)
def test_only_an_unavailable_store_stops_a_batch(
    failure: Exception, tried: list[str], unapplied: Unapplied[str]
) -> None:
    """Conflicts and unexpected failures concern one part, so the others are tried."""
    assert apply(failure, [True] * 3) == (tried, unapplied)


def test_without_time_the_rest_is_not_tried() -> None:
    """That is no failure of the store."""
    tried, unapplied = apply(ValueError("unexpected"), [True, False, False])
    assert (tried, unapplied) == (["a"], Unapplied(failed=["a"], late=["b", "c"]))


def test_the_response_names_the_messages_to_deliver_again() -> None:
    response = batch_response([{"messageId": "m1", "body": ""}])
    assert response == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
