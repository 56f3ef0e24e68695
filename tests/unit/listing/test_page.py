"""All pages together are the whole list, sorted, each row once, even while the data changes."""

from collections.abc import Iterable, Iterator
from copy import replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.listing import no_limit
from tests.support.memory_dynamodb import ROLLUPS, TABLES, MemoryDynamoDB
from tests.support.strategies import EPOCH, rows
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace
from workspace_usage.errors import StoreUnavailable
from workspace_usage.listing.page import Page, read_page
from workspace_usage.listing.query import Query
from workspace_usage.rollups.reading import Counts
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.position import Position, encode_cursor
from workspace_usage.rows.row import Row, Source
from workspace_usage.rows.store import Meter, Store
from workspace_usage.rows.window import Window
from workspace_usage.values import parse_timestamp

WINDOW = Window(EPOCH + timedelta(microseconds=1), EPOCH + timedelta(microseconds=5), UTC)
LATER = "2026-03-01T00:00:00.000006Z"
WIDE_WINDOW = Window(EPOCH, EPOCH + timedelta(microseconds=7), UTC)
SCOPES: tuple[Scope, ...] = (WholeWorkspace(1), OwnRuns(1, 2))
TYPES = ("all", "chat", "image", "text")


def store_of(client: MemoryDynamoDB) -> Store:
    return Store(cast(Any, client), TABLES)


def index_of(client: MemoryDynamoDB) -> PageIndex:
    return PageIndex(Counts(cast(Any, client), ROLLUPS, UTC))


def page_of(
    client: MemoryDynamoDB, scope: Scope, window: Window = WINDOW, **parameters: object
) -> Page:
    query = Query.parse(parameters)
    return read_page(store_of(client), index_of(client), scope, query, window, Meter(no_limit))


def expected(
    data: Iterable[Row], scope: Scope, kind: str = "all", window: Window = WINDOW
) -> list[Row]:
    """The whole list, the slow and obvious way."""
    visible = [
        row
        for row in data
        if row.workspace_id == scope.workspace_id
        and (isinstance(scope, WholeWorkspace) or row.user_id == scope.user_id)
        and kind in ("all", row.agent_type)
        and window.start <= parse_timestamp(row.position.created_at) < window.end
    ]
    archived = {row.position for row in visible if row.source is Source.ARCHIVED}
    once = [r for r in visible if r.source is not Source.CURRENT or r.position not in archived]
    return sorted(once, key=lambda row: row.position, reverse=True)


def unique(data: Iterable[Row]) -> list[Row]:
    """``data`` as the tables hold it: each source has one row at a position."""
    return list({(row.source, row.workspace_id, row.position): row for row in data}.values())


def walk_by_cursor(
    client: MemoryDynamoDB, scope: Scope, window: Window = WINDOW, **parameters: object
) -> Iterator[Page]:
    cursor: str | None = ""
    while cursor is not None:
        page = page_of(client, scope, window, **parameters, cursor=cursor)
        yield page
        cursor = page.next_cursor


DATA = st.lists(rows(), max_size=40).map(unique)


@given(DATA, st.sampled_from(SCOPES), st.sampled_from(TYPES), st.integers(1, 7), st.integers(1, 3))
def test_pages_concatenated_are_the_whole(
    data: list[Row], scope: Scope, kind: str, per_page: int, max_rows_per_response: int
) -> None:
    client = MemoryDynamoDB(data, max_rows_per_response)
    whole = expected(data, scope, kind)
    by_cursor = list(walk_by_cursor(client, scope, type=kind, per_page=per_page))
    assert [row for page in by_cursor for row in page.rows] == whole
    for number, page in enumerate(by_cursor, start=1):
        by_number = page_of(client, scope, type=kind, per_page=per_page, page=number)
        assert by_number == page
        assert page.has_more == (number * per_page < len(whole))
        assert (page.next_cursor is None) == (not page.has_more)


@given(DATA, st.data())
def test_no_row_is_lost_or_shown_twice_while_rows_come_and_move(
    data: list[Row], choices: st.DataObject
) -> None:
    """Between two pages, executions arrive at the top, are archived, and chats are edited."""
    client, scope = MemoryDynamoDB(data), WholeWorkspace(1)
    before = expected(data, scope, window=WIDE_WINDOW)
    seen: list[Row] = []
    for number, page in enumerate(walk_by_cursor(client, scope, WIDE_WINDOW, per_page=3)):
        seen += page.rows
        client.put(new_row(Source.CURRENT, number + 1))
        client.put(new_row(Source.EDITED, number + 1))
        current = [row for row in data if row.source is Source.CURRENT]
        if current:
            row = choices.draw(st.sampled_from(current))
            data.remove(row)
            client.delete(row)
            client.put(replace(row, source=Source.ARCHIVED))
    # Only positions are compared: rows that were archived later were shown as current.
    assert [row.position for row in seen] == [row.position for row in before]


def new_row(source: Source, number: int) -> Row:
    """A row newer than all others."""
    return Row(
        source=source,
        workspace_id=1,
        position=Position(LATER, source.rank, number),
        user_id=1,
        user_email="user1@example.com",
        agent_type="chat",
        agent_title="Agent",
        agent_slug="agent",
        status="succeeded",
        credits=Decimal(1),
    )


@given(DATA, st.integers(1, 7), st.integers(1, 3))
def test_nobody_sees_a_row_outside_their_scope(
    data: list[Row], per_page: int, max_rows_per_response: int
) -> None:
    for scope in (OwnRuns(1, 1), OwnRuns(1, 2), OwnRuns(2, 3), OwnRuns(3, 1), WholeWorkspace(2)):
        for kind in TYPES:
            client = MemoryDynamoDB(data, max_rows_per_response)
            for page in walk_by_cursor(client, scope, type=kind, per_page=per_page):
                assert {row.workspace_id for row in page.rows} <= {scope.workspace_id}
                if isinstance(scope, OwnRuns):
                    assert {row.user_id for row in page.rows} <= {scope.user_id}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("kind", TYPES)
def test_page_1_reads_at_most_one_row_more_than_it_holds_from_each_table(
    scope: Scope, kind: str
) -> None:
    client = MemoryDynamoDB(
        replace(
            new_row(source, number),
            user_id=2,
            agent_type="chat" if source is Source.EDITED else TYPES[1 + number % 3],
        )
        for source in Source
        for number in range(1, 80)
    )
    meter = Meter(no_limit)
    query = Query.parse({"type": kind, "per_page": 10})
    page = read_page(store_of(client), index_of(client), scope, query, WIDE_WINDOW, meter)
    assert len(page.rows) == 10
    assert set(meter.rows) == set(Source) - (set() if kind in ("all", "chat") else {Source.EDITED})
    assert max(meter.rows.values()) <= 11
    assert max(meter.calls.values()) == 1


def test_a_window_in_which_nothing_can_lie_is_not_read() -> None:
    client = MemoryDynamoDB([new_row(Source.CURRENT, 1)])
    page = page_of(client, WholeWorkspace(1), Window(EPOCH, EPOCH, UTC))
    assert page == Page((), has_more=False)
    assert client.requests == []


def test_a_cursor_beyond_the_window_starts_at_its_edge() -> None:
    inside, after = new_row(Source.CURRENT, 1), replace(new_row(Source.CURRENT, 2))
    client = MemoryDynamoDB([inside, after])
    far = encode_cursor(Position("2030-01-01T00:00:00.000000Z", 0, 1))
    page = page_of(client, WholeWorkspace(1), WIDE_WINDOW, cursor=far)
    assert page.rows == (after, inside)
    past = encode_cursor(Position("2020-01-01T00:00:00.000000Z", 0, 1))
    assert page_of(client, WholeWorkspace(1), WIDE_WINDOW, cursor=past).rows == ()


def test_a_page_far_beyond_the_end_is_empty_and_keeps_its_number() -> None:
    client = MemoryDynamoDB([new_row(Source.CURRENT, 1)])
    page = page_of(client, WholeWorkspace(1), WIDE_WINDOW, page=2**63 - 1, per_page=100)
    assert page == Page((), has_more=False)


@pytest.mark.parametrize("source", Source)
def test_a_table_that_fails_fails_the_page(source: Source) -> None:
    """A list that lacks rows, and doesn't say so, would be worse than no list."""
    client = MemoryDynamoDB([new_row(other, 1) for other in Source])
    client.failing_tables = {TABLES[source]}
    with pytest.raises(StoreUnavailable):
        page_of(client, WholeWorkspace(1), WIDE_WINDOW)


def test_reading_stops_when_time_is_up() -> None:
    client = MemoryDynamoDB([new_row(Source.CURRENT, n) for n in range(1, 10)], max_items=2)

    def time_is_up() -> None:
        raise StoreUnavailable("late")

    with pytest.raises(StoreUnavailable):
        read_page(
            store_of(client),
            index_of(client),
            WholeWorkspace(1),
            Query.parse({}),
            WIDE_WINDOW,
            Meter(time_is_up),
        )
