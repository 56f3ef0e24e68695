"""Marks: which are put, how long a writer relies on them, and which blocks they make stale."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from tests.support.memory_dynamodb import ROLLUPS, MemoryDynamoDB
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rollups.blocks import LATE, MARGIN, REUSE, Block, Marks, with_gaps
from workspace_usage.rollups.items import state_of
from workspace_usage.rollups.marks import MarkWriter
from workspace_usage.values import format_timestamp, to_milliseconds

NOW = datetime(2026, 1, 9, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


def put_marks(client: MemoryDynamoDB) -> dict[str, int]:
    """Returns the marks that are there."""
    _, marks = state_of(client.tables[ROLLUPS].values())
    return dict(marks.marked_at)


def writer(client: MemoryDynamoDB) -> MarkWriter:
    return MarkWriter(cast(Any, client), ROLLUPS, lambda _: None)


def test_a_row_is_late_from_two_minutes_on() -> None:
    """A younger row needs no mark, since it is not in a block yet."""
    client = MemoryDynamoDB()
    writer(client).mark(11, [format_timestamp(NOW - LATE)], NOW)
    assert put_marks(client) == {}
    writer(client).mark(11, [format_timestamp(NOW - LATE - MICROSECOND)], NOW)
    assert put_marks(client) == {"2026-01-09T07": to_milliseconds(NOW)}


def test_many_hours_of_a_day_are_marked_as_a_day() -> None:
    """An import of unordered rows would otherwise put 24 marks a day."""
    client = MemoryDynamoDB()
    hours = [
        "2026-01-01T01",
        "2026-01-02T01",
        "2026-01-02T02",
        *(f"2026-01-03T0{n}" for n in "123"),
    ]
    writer(client).mark(11, [f"{hour}:30" for hour in hours], NOW)
    assert put_marks(client).keys() == {*hours[:3], "2026-01-03"}


@pytest.mark.parametrize("marked", [["2026-01-01T01"], [f"2026-01-01T0{n}" for n in range(1, 5)]])
def test_a_mark_is_relied_on_for_half_a_minute(marked: list[str]) -> None:
    """Also a day's mark, for each of its hours."""
    client = MemoryDynamoDB()
    marks = writer(client)
    marks.mark(11, marked, NOW)
    writes = client.writes
    marks.mark(11, marked[:1], NOW + REUSE)
    assert client.writes == writes
    marks.mark(11, marked[:1], NOW + REUSE + MICROSECOND)
    assert client.writes == writes + 1


def test_a_mark_never_goes_back() -> None:
    """Writers' clocks differ a little."""
    client = MemoryDynamoDB()
    for moment in (NOW, NOW - SECOND):
        writer(client).mark(11, ["2026-01-01T01"], moment)
    assert put_marks(client) == {"2026-01-01T01": to_milliseconds(NOW)}


def test_counting_is_requested_before_a_mark_is_put() -> None:
    """A mark that nobody knows of would stay for ever."""
    client = MemoryDynamoDB()
    seen: list[int] = []
    marks = MarkWriter(cast(Any, client), ROLLUPS, lambda _: seen.append(len(put_marks(client))))
    marks.mark(11, ["2026-01-01T01", "2026-01-02T01"], NOW)
    assert seen == [0]


def test_a_mark_that_could_not_be_put_is_not_relied_on() -> None:
    """The late row comes again, perhaps at once, and must not be written without a mark."""
    client = MemoryDynamoDB()
    marks = writer(client)

    def fail(_table: str, _key: str) -> None:
        raise StoreUnavailable("no table")

    client.before_write = fail
    with pytest.raises(StoreUnavailable):
        marks.mark(11, ["2026-01-01T01"], NOW)
    client.before_write = lambda _table, _key: None
    marks.mark(11, ["2026-01-01T01"], NOW + SECOND)
    assert put_marks(client) == {"2026-01-01T01": to_milliseconds(NOW + SECOND)}


def test_counting_that_could_not_be_requested_is_requested_again() -> None:
    """A mark is put only once somebody will come for it."""
    client = MemoryDynamoDB()
    requests: list[int] = []

    def request(workspace_id: int) -> None:
        requests.append(workspace_id)
        if len(requests) == 1:
            raise StoreUnavailable("no queue")

    marks = MarkWriter(cast(Any, client), ROLLUPS, request)
    with pytest.raises(StoreUnavailable):
        marks.mark(11, ["2026-01-01T01"], NOW)
    assert put_marks(client) == {}
    marks.mark(11, ["2026-01-01T01"], NOW + SECOND)
    assert requests == [11, 11]
    assert put_marks(client).keys() == {"2026-01-01T01"}


def test_a_block_is_believed_again_if_it_was_read_after_the_margin() -> None:
    """A write that relies on the mark may end exactly at the margin's end."""
    end_of_margin = to_milliseconds(NOW + MARGIN)
    marks = Marks({"2026-01-05T19": to_milliseconds(NOW)})
    block = Block("2026-01-05T19:30", "2026-01-05T21", read_at=end_of_margin)
    assert marks.is_stale(block)
    assert not marks.is_stale(Block(block.low, block.high, read_at=end_of_margin + 1))
    assert not marks.is_stale(Block("2026-01-05T20", block.high, read_at=1))
    assert Marks({"2026-01-05": 1}).is_stale(Block("2026-01-05T20", block.high))


def test_what_is_not_in_a_block_is_a_gap() -> None:
    """A gap has no rows unless there is a mark, since it counts as read before all time."""
    first, second = Block("b", "c", 5), Block("d", "e", 5)
    assert list(with_gaps([first, second], "a", "e")) == [
        Block("a", "b"),
        first,
        Block("c", "d"),
        second,
    ]
    assert list(with_gaps([first], "b", "d")) == [first, Block("c", "d")]
