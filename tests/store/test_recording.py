"""Events applied to DynamoDB Local: its conditions and transactions, and writers that collide."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Barrier
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.dynamodb.process import DynamoDBLocal
from local.template.template import Template
from tests.support.database import NAMES, copy_to_memory, database, reader_of
from tests.support.listing import no_limit
from tests.support.memory_dynamodb import ROLLUPS, TABLES
from tests.support.recording import (
    LATER,
    NOW,
    Event,
    added,
    apply,
    apply_in_order,
    archived,
    edited,
    events,
    issued,
    let_in,
    listed,
    recorded,
    removed,
    revoked,
)
from workspace_usage.access.scope import OwnRuns, WholeWorkspace
from workspace_usage.aws.dynamodb import item_key
from workspace_usage.aws.reader import Reader
from workspace_usage.errors import RejectedByStore, StoreUnavailable, WriteConflict
from workspace_usage.listing.page import read_page
from workspace_usage.listing.query import Query
from workspace_usage.recording.changes import RowChange
from workspace_usage.recording.events import parse_event
from workspace_usage.recording.recorder import Recorder
from workspace_usage.recording.writes import Outcome
from workspace_usage.rollups.reading import Counts
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.row import ARRIVED_AT, Row, Source
from workspace_usage.rows.store import ALL_ROWS, Meter, QueryReader, Selection, Store
from workspace_usage.values import to_milliseconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef, QueryOutputTypeDef

pytestmark = pytest.mark.xdist_group("dynamodb-local")

LONGEST_RUN = timedelta(minutes=15)
"""How long Lambda lets a function run at most."""


def page(reader: QueryReader) -> tuple[Row, ...]:
    """What the listing shows of the events' workspace."""
    query = Query.parse({"range": "1d", "per_page": "100"})
    store = Store(reader, TABLES)
    scope, window = WholeWorkspace(11), query.window(NOW, UTC)
    index = PageIndex(Counts(cast(Any, reader), ROLLUPS, UTC))
    return read_page(store, index, scope, query, window, Meter(no_limit)).rows


def state(row: Row) -> tuple[Source, str, str | None]:
    return row.source, row.status, row.output


def test_a_later_status_replaces_an_earlier_one_and_never_the_other_way(
    client: "DynamoDBClient",
) -> None:
    """The latest status of an execution is listed, whichever event comes last."""
    apply(client, recorded(2), recorded(1, status="processing"))
    [row] = page(reader_of(client))
    assert state(row) == (Source.CURRENT, "succeeded", "images/1-succeeded.png")
    apply(client, recorded(3, status="failed"))
    [row] = page(reader_of(client))
    assert state(row) == (Source.CURRENT, "failed", "images/1-failed.png")


@pytest.mark.parametrize("order", [1, -1], ids=["recorded first", "archived first"])
def test_an_archived_execution_stays_archived_and_keeps_the_newest_key(
    client: "DynamoDBClient", order: int
) -> None:
    """In either order: it is archived with its latest status and that status's key."""
    sequence = [recorded(1), archived(2), recorded(3, status="failed")]
    apply(client, *sequence[::order])
    [row] = page(reader_of(client))
    assert state(row) == (Source.ARCHIVED, "failed", "images/1-failed.png")
    assert "images/1-succeeded.png" not in str(copy_to_memory(client).tables)


def test_an_edited_chat_is_listed_beside_the_execution_with_the_same_number(
    client: "DynamoDBClient",
) -> None:
    """An edited chat is a row of its own, in its latest version."""
    apply(client, recorded(1), edited(3, status="failed"), edited(2))
    assert [(row.source, row.status) for row in page(reader_of(client))] == [
        (Source.EDITED, "failed"),
        (Source.CURRENT, "succeeded"),
    ]


def test_the_same_events_again_change_nothing(client: "DynamoDBClient") -> None:
    """Every attribute of every item is the same as after the first time."""
    sequence = [recorded(1), recorded(1, 2), archived(2), edited(1), archived(1, 3)]
    apply(client, *sequence)
    before = copy_to_memory(client).tables
    apply(client, *sequence, *reversed(sequence))
    assert copy_to_memory(client).tables == before


def test_events_in_order_end_in_the_same_items_as_in_memory(client: "DynamoDBClient") -> None:
    """Other tests of recording use the tables in memory, so these must do what DynamoDB does."""
    sequence = [recorded(1), recorded(2, 2), archived(3), edited(3), archived(4, 3), recorded(5)]
    apply(client, *sequence)
    expected = apply_in_order(sequence).tables
    for table, items in copy_to_memory(client).tables.items():
        assert sorted(items.values(), key=str) == sorted(expected[table].values(), key=str)


def test_an_imported_row_is_older_than_any_event(client: "DynamoDBClient") -> None:
    """It has no version; the transaction checks that it still has none."""
    apply(client, recorded(1, status="processing"))
    [imported] = copy_to_memory(client).tables[TABLES[Source.CURRENT]].values()
    del imported["version"]
    client.put_item(TableName=TABLES[Source.CURRENT], Item=imported)
    apply(client, recorded(0))
    assert [row.status for row in page(reader_of(client))] == ["succeeded"]


def test_every_copy_keeps_the_arrival_in_the_table_and_its_indexes(
    client: "DynamoDBClient",
) -> None:
    """What an export reads to leave out later rows, whatever filter it has."""
    apply(client, recorded(1), now=NOW)
    apply(client, archived(2), recorded(3), now=NOW + timedelta(hours=1))
    reader = reader_of(client)
    for agent_type in (None, "image"):
        query = Query.parse({"range": "1d"})
        for scope in (WholeWorkspace(11), OwnRuns(11, 42)):
            selection = Selection.of(scope, agent_type, query.window(NOW, UTC))
            assert selection is not None
            streams = Store(reader, TABLES).streams(selection, ALL_ROWS, Meter(no_limit))
            items = [item for stream in streams for _, _, item in stream]
            assert [item.get(ARRIVED_AT) for item in items] == [
                {"N": str(to_milliseconds(NOW))}
            ] * 2


@pytest.fixture(scope="module")
def new_database(engine: DynamoDBLocal, template: Template) -> Callable[[], Any]:
    """Makes an empty database: a context manager that gives its client."""
    return lambda: database(engine.url, template)


@settings(max_examples=12, deadline=None)
@given(sequence=st.lists(events(), min_size=1, max_size=10), seed=st.integers(0, 2**32))
def test_order_and_repetition_make_no_difference(
    new_database: Callable[[], Any], sequence: list[Event], seed: int
) -> None:
    """Shuffled, and some of them twice, events lead to the same rows, tokens and members.

    ``tests.unit.recording`` has the same for many more events, in memory. This shows that it holds
    on DynamoDB's own conditions.
    """
    random = Random(seed)
    repeated = sequence + random.choices(sequence, k=random.randrange(len(sequence) + 1))
    random.shuffle(repeated)
    expected = apply_in_order(sequence)
    with new_database() as client:
        apply(client, *repeated)
        assert listed(copy_to_memory(client)) == listed(expected)
        assert let_in(client) == let_in(expected)


def test_two_recorders_at_once_end_as_one_would(client: "DynamoDBClient") -> None:
    """Whatever order their transactions come in, nothing is lost and both tables agree."""
    rounds = 25
    barrier = Barrier(2, timeout=60)

    def apply_all(sequences: list[list[Event]]) -> None:
        try:
            for sequence in sequences:
                barrier.wait()
                apply(client, *sequence)
        except StoreUnavailable:
            # The other thread would wait for this one for nothing.
            barrier.abort()
            raise

    recordings = [[recorded(1, n), recorded(3, n, "failed")] for n in range(1, rounds + 1)]
    archivings = [[archived(2, n)] for n in range(1, rounds + 1)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(apply_all, [recordings, archivings]))
    expected = apply_in_order([event for sequence in recordings + archivings for event in sequence])
    memory = copy_to_memory(client)
    assert listed(memory) == listed(expected)
    assert {state(row) for row in listed(memory)} == {
        (Source.ARCHIVED, "failed", f"images/{n}-failed.png") for n in range(1, rounds + 1)
    }
    assert {row.position for row in page(reader_of(client))} == {
        row.position for row in listed(expected)
    }
    assert len(memory.tables[TABLES[Source.ARCHIVED]]) == rounds


@dataclass
class Contended:
    """A client whose first transactions meet others' transactions on the same items.

    Attributes:
        conflicts: how many.
    """

    client: "DynamoDBClient"
    conflicts: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def transact_write_items(self, **request: Any) -> object:
        """Refuses it with the reasons that DynamoDB gives, or makes it."""
        if self.conflicts == 0:
            return self.client.transact_write_items(**request)
        self.conflicts -= 1
        reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
        error: Any = {"Error": {"Code": "x"}, "CancellationReasons": reasons}
        raise self.client.exceptions.TransactionCanceledException(error, "TransactWriteItems")


def test_a_row_that_another_transaction_holds_is_written_later(
    client: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conflict is no outage, for which the function would put back the whole batch."""
    monkeypatch.setattr("workspace_usage.recording.recorder.wait_before_retry", lambda *_: None)
    assert apply(Contended(client, 1), recorded(1)) == [Outcome.APPLIED]
    assert [state(row)[1] for row in page(reader_of(client))] == ["succeeded"]
    with pytest.raises(WriteConflict):
        apply(Contended(client, 1_000), recorded(2, status="failed"))
    assert [state(row)[1] for row in page(reader_of(client))] == ["succeeded"]


@dataclass
class Meanwhile:
    """A reader that makes one Query after another; after each, the next thing happens."""

    reader: Reader
    happen: Iterator[object]

    def query(self, requests: "list[QueryInputTypeDef]") -> "list[QueryOutputTypeDef]":
        """The responses to the requests."""
        responses = []
        for request in requests:
            responses += self.reader.query([request])
            next(self.happen, None)
        return responses


@pytest.mark.parametrize("moment", [0, 1, 2])
def test_a_row_that_is_archived_between_two_reads_is_listed_once(
    client: "DynamoDBClient", moment: int
) -> None:
    """Whichever table was read last before that: archived rows, current rows, or edited chats.

    ``moment`` is the number of that table. The current row, which is only flagged, is still there
    for a reader who takes as long as a function can run.
    """
    apply(client, recorded(1))

    def happen() -> Iterator[object]:
        for number in range(3):
            if number == moment:
                apply(client, archived(2), now=NOW)
                expire(client, NOW + LONGEST_RUN)
            yield number

    [row] = page(Meanwhile(reader_of(client), happen()))
    assert row.source is (Source.ARCHIVED if moment == 0 else Source.CURRENT)
    [row] = page(reader_of(client))
    assert state(row) == (Source.ARCHIVED, "succeeded", "images/1-succeeded.png")


def expire(client: "DynamoDBClient", now: datetime) -> None:
    """Deletes what DynamoDB may have deleted by ``now``."""
    for item in client.scan(TableName=NAMES.executions)["Items"]:
        if "purge_at" in item and int(item["purge_at"]["N"]) <= now.timestamp():
            key = item_key(11, item["sort_key"]["S"])
            client.delete_item(TableName=NAMES.executions, Key=key)


def test_a_reader_finds_every_row_while_they_are_archived(client: "DynamoDBClient") -> None:
    """A row is never in neither table, and never shown twice."""
    numbers = range(1, 41)
    apply(client, *(recorded(1, n) for n in numbers))
    reader = reader_of(client)
    with ThreadPoolExecutor(1) as archiver:
        archiving = archiver.submit(apply, client, *(archived(2, n) for n in numbers))
        while True:
            is_last = archiving.done()
            rows = page(reader)
            assert [row.position.id for row in rows] == list(reversed(numbers))
            if is_last:
                break
    archiving.result()
    assert {row.source for row in rows} == {Source.ARCHIVED}


def test_a_row_that_no_table_takes_is_refused_for_good(client: "DynamoDBClient") -> None:
    """It isn't mistaken for a store that doesn't respond, and nothing of it is written."""
    change = cast(RowChange, parse_event(recorded(1), LATER))
    row = change.row._replace(output="x" * 500_000)
    with pytest.raises(RejectedByStore):
        Recorder(client, NAMES, lambda _: None).apply(replace(change, row=row), NOW)
    assert page(reader_of(client)) == ()


def test_what_became_of_a_change_is_told(client: "DynamoDBClient") -> None:
    """The recorder knows it from the stored item that made the condition fail."""
    sequence = [issued(2), issued(2), issued(1), added(2), removed(1), revoked(1), issued(3)]
    assert apply(client, *sequence) == [
        Outcome.APPLIED,
        Outcome.REPEATED,
        Outcome.OVERTAKEN,
        Outcome.APPLIED,
        Outcome.OVERTAKEN,
        Outcome.APPLIED,
        Outcome.OVERTAKEN,
    ]
