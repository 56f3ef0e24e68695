"""Rows that a busy table does not take at once."""

import pytest

from tests.support.loading import NAMES, Store, resources_of
from usagectl.data_set.encoded_items import EncodedItem
from usagectl.errors import LoadError
from usagectl.late_writes import LateWrites
from usagectl.loading.table_writer import put_rows
from workspace_usage.aws.dynamodb import item_key


def put(store: Store, rows: int) -> None:
    """Puts some rows into the table of executions."""
    items = [EncodedItem.of(item_key(11, f"2026-01-05T{row:02}")) for row in range(rows)]
    resources = resources_of(store)
    put_rows(LateWrites(resources), resources.row_batches, NAMES.executions, items)


def test_rows_that_a_table_does_not_take_are_offered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A throttled table makes the import slower, and loses no row."""
    waits: list[float] = []
    monkeypatch.setattr("workspace_usage.aws.backoff.time.sleep", waits.append)
    left = iter([24, 20, 1, 0])
    store = Store(refuses=lambda: next(left))
    put(store, 24)
    assert len(store.items[NAMES.executions]) == 24
    assert len(waits) == 3
    assert all(0 <= wait <= 20 for wait in waits)


def test_a_table_that_never_takes_a_row_ends_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some attempts, with a sentence."""
    monkeypatch.setattr("workspace_usage.aws.backoff.time.sleep", lambda _: None)
    with pytest.raises(LoadError, match="The table executions takes no more items"):
        put(Store(refuses=lambda: 25), 1)
