"""Batches of writes: everything is written, or the store is unavailable."""

from typing import Any

import pytest

from workspace_usage.aws.batch_writes import write_batches
from workspace_usage.errors import StoreUnavailable


class Client:
    """A table that leaves a part of each batch unprocessed.

    Attributes:
        written: the writes that took effect, in their order.
        calls: how many batches were sent.

    Args:
        processed: the most writes of a batch that take effect.
    """

    def __init__(self, processed: int) -> None:
        self.written: list[int] = []
        self.calls = 0
        self._processed = processed

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Makes the first writes of a batch."""
        [(table, writes)] = RequestItems.items()
        assert 0 < len(writes) <= 25, "DynamoDB's limits"
        self.calls += 1
        self.written += writes[: self._processed]
        unprocessed = writes[self._processed :]
        return {"UnprocessedItems": {table: unprocessed} if unprocessed else {}}


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The longest possible pauses between attempts, which take no time here."""
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)
    return waits


def write(client: Any, number: int) -> None:
    write_batches(client, "table", range(number))


@pytest.mark.parametrize(("number", "calls"), [(0, 0), (25, 1), (60, 3)])
def test_a_call_has_at_most_25_writes(number: int, calls: int) -> None:
    client = Client(processed=25)
    write(client, number)
    assert (client.written, client.calls) == ([*range(number)], calls)


def test_what_is_left_unprocessed_is_sent_again() -> None:
    """Nothing is sent twice that took effect."""
    client = Client(processed=10)
    write(client, 30)
    assert (sorted(client.written), client.calls) == ([*range(30)], 4)


def test_a_table_that_processes_nothing_is_unavailable(waits: list[float]) -> None:
    """It has some seconds to recover; the caller does not wait for longer."""
    client = Client(processed=0)
    with pytest.raises(StoreUnavailable, match="BatchWriteItem leaves items unprocessed"):
        write(client, 1)
    assert client.calls == len(waits) + 1 == 6
    assert waits == sorted(waits)
    assert 1 < sum(waits) < 5
