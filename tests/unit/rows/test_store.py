"""Reading rows: no more are read than are wanted, in whatever pieces DynamoDB returns them."""

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from tests.support.listing import no_limit
from tests.support.memory_dynamodb import TABLES, MemoryDynamoDB
from tests.support.strategies import EPOCH
from workspace_usage.access.scope import WholeWorkspace
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.copies import read_copies
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import Row, Source
from workspace_usage.rows.store import ALL_ROWS, MAX_ROWS_PER_QUERY, Meter, Selection, Store
from workspace_usage.rows.window import Window
from workspace_usage.values import format_timestamp

WINDOW = Window(EPOCH, EPOCH + timedelta(days=1), UTC)


def row(number: int, source: Source = Source.CURRENT) -> Row:
    return Row(
        source=source,
        workspace_id=1,
        position=Position(format_timestamp(EPOCH), source.rank, number),
        user_id=1,
        user_email="ana@example.com",
        agent_type="image",
        agent_title="Images",
        agent_slug="images",
        status="succeeded",
        credits=Decimal(1),
    )


def read(client: MemoryDynamoDB, wanted: int, meter: Meter) -> list[int]:
    """Returns the ids of current and archived rows, in the order of their tables."""
    selection = Selection.of(WholeWorkspace(1), "image", WINDOW)
    assert selection is not None
    streams = Store(cast(Any, client), TABLES).streams(selection, wanted, meter)
    return [int(sort_key[-20:]) for stream in streams for sort_key, _, _ in stream]


@pytest.mark.parametrize(
    ("wanted", "limits"),
    # After the last row, DynamoDB says that there may be more; then it finds none.
    [(5, [5, 2]), (6, [6, 3]), (7, [7, 4, 1]), (ALL_ROWS, [MAX_ROWS_PER_QUERY] * 4)],
)
def test_each_call_asks_for_no_more_rows_than_are_still_wanted(
    wanted: int, limits: list[int]
) -> None:
    """Here DynamoDB returns three at once, as if they were large."""
    client = MemoryDynamoDB(map(row, range(1, 10)), max_items=3)
    meter = Meter(no_limit)
    assert read(client, wanted, meter) == [*range(9, 0, -1)][:wanted]
    asked = [call["Limit"] for call in client.requests if call["TableName"] == "current"]
    assert asked == limits
    assert meter.rows[Source.CURRENT] == min(wanted, 9)
    assert meter.calls[Source.CURRENT] == len(limits)
    assert (meter.rows[Source.ARCHIVED], meter.calls[Source.ARCHIVED]) == (0, 1)


def test_time_is_checked_before_each_call_but_the_first() -> None:
    """The first calls are made while the function has just begun."""
    client = MemoryDynamoDB(map(row, range(1, 10)), max_items=3)
    seconds_left = iter([1, 0])

    def check() -> None:
        if next(seconds_left) == 0:
            raise StoreUnavailable("late")

    with pytest.raises(StoreUnavailable):
        read(client, ALL_ROWS, Meter(check))
    asked = [call for call in client.requests if call["TableName"] == "current"]
    assert len(asked) == 2


def test_the_copy_that_is_shown_comes_first() -> None:
    """An execution that is being archived is in two tables. Rows come oldest first."""
    client = MemoryDynamoDB(
        [row(2), row(1), row(2, Source.ARCHIVED), row(3, Source.ARCHIVED), row(1, Source.EDITED)]
    )
    low, high = format_timestamp(WINDOW.start), format_timestamp(WINDOW.end)
    copies = list(read_copies(cast(Any, client), TABLES, 1, low, high))
    assert [sort_key for sort_key, _ in copies] == [rows[0].position.sort_key for _, rows in copies]
    assert [[(copy.source, copy.position.id) for copy in rows] for _, rows in copies] == [
        [(Source.CURRENT, 1)],
        [(Source.ARCHIVED, 2), (Source.CURRENT, 2)],
        [(Source.ARCHIVED, 3)],
        [(Source.EDITED, 1)],
    ]
    assert all(request["ConsistentRead"] for request in client.requests)


def test_a_range_of_copies_has_its_first_sort_key_and_not_its_last() -> None:
    """A range without a sort key is not read: DynamoDB would refuse the question."""
    client = MemoryDynamoDB(map(row, range(1, 6)))
    keys = [row(number).position.sort_key for number in range(6)]
    found = read_copies(cast(Any, client), TABLES, 1, keys[2], keys[4], limit=1)
    assert [sort_key for sort_key, _ in found] == keys[2:4]
    assert {request["Limit"] for request in client.requests} == {1}
    client.requests.clear()
    assert list(read_copies(cast(Any, client), TABLES, 1, keys[2], keys[2])) == []
    assert client.requests == []
