"""Limits of time that counting relies on, and what keeps to them."""

from workspace_usage.aws.clients import CALL_ATTEMPTS
from workspace_usage.aws.connections import CONNECT_SECONDS, RESPONSE_SECONDS
from workspace_usage.rollups.blocks import BUILD
from workspace_usage.rollups.counter import READ_ON
from workspace_usage.rollups.writing import COMMIT

BACKOFF_SECONDS = 1 + 2
"""The longest waits of botocore between the first three attempts of a call."""


def test_a_commit_has_taken_effect_or_never_will_when_its_time_is_over() -> None:
    """A second is left for a request that is still on its way when the last attempt is given up."""
    call = CALL_ATTEMPTS * (CONNECT_SECONDS + RESPONSE_SECONDS) + BACKOFF_SECONDS
    assert call + 1 <= COMMIT.total_seconds()


def test_a_block_that_is_begun_in_time_can_be_finished_in_time() -> None:
    """Reading goes on for so long that a block more can be built and written."""
    assert (READ_ON + COMMIT).total_seconds() + 10 <= BUILD.total_seconds()
