"""Attempts are spread over a time that doubles, up to a limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_usage.aws.backoff import wait_before_retry


@given(attempt=st.integers(0, 20), max_seconds=st.floats(0.01, 100))
def test_a_wait_is_within_its_limit(attempt: int, max_seconds: float) -> None:
    waits: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", waits.append)
        wait_before_retry(attempt, base_seconds=0.5, max_seconds=max_seconds)
    [wait] = waits
    assert 0 <= wait <= min(max_seconds, 0.5 * 2**attempt)


def test_writers_that_collided_do_not_come_back_together(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    for _ in range(100):
        wait_before_retry(3, base_seconds=0.02)
    assert len(set(waits)) > 50
    assert min(waits) < 0.04
    assert max(waits) > 0.12
