"""Items that a busy table does not take at once."""

from typing import Any, cast

import pytest

from tests.support.loading import Store, items_of
from usagectl.errors import LoadError
from usagectl.loading.table_writer import put_batch


def test_items_that_a_table_does_not_take_are_offered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A throttled table makes the import slower, and loses no item."""
    waits: list[float] = []
    monkeypatch.setattr("workspace_usage.aws.backoff.time.sleep", waits.append)
    left = iter([25, 20, 1, 0])
    store = Store(refuses=lambda: next(left))
    put_batch(cast(Any, store), "members", items_of(*range(1, 26)))
    assert len(store.items["members"]) == 25
    assert len(waits) == 3
    assert all(0 <= wait <= 20 for wait in waits)


def test_a_table_that_never_takes_an_item_ends_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some attempts, with a sentence."""
    monkeypatch.setattr("workspace_usage.aws.backoff.time.sleep", lambda _: None)
    with pytest.raises(LoadError, match="The table members takes no more items"):
        put_batch(cast(Any, Store(refuses=lambda: 25)), "members", items_of(1))
