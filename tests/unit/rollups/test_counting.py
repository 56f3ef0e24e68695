"""Pages found by counts are those found by reading, whatever happens to the rows meanwhile."""

from collections.abc import Callable, Iterator
from copy import deepcopy, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib.resources import files
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.rows import row_of_age
from tests.support.memory_client import ROLLUPS, TABLES
from tests.support.memory_writer import NAMES, MemoryWriter, TransactionCanceled
from tests.support.strategies import zones
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace
from workspace_usage.errors import StoreUnavailable
from workspace_usage.listing.page import Page, read_page
from workspace_usage.listing.query import Query
from workspace_usage.recording.changes import RowChange
from workspace_usage.recording.recorder import Recorder
from workspace_usage.rollups import counting, counts, items, rebuilding, seek
from workspace_usage.rollups.counting import Counter
from workspace_usage.rollups.counts import Progress, read_head
from workspace_usage.rollups.items import (
    UNTIL_RELEASED,
    Chunk,
    Head,
    Month,
    RowList,
    chunk_key,
    has_chunks,
    month_of,
)
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.row import Row, Source
from workspace_usage.rows.store import Meter, Store
from workspace_usage.rows.window import Window, between, zone_fingerprint
from workspace_usage.values import format_timestamp

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
"""Just after midnight, between two months: rows lie on both sides."""

SCOPES: tuple[Scope, ...] = (WholeWorkspace(11), OwnRuns(11, 1), OwnRuns(11, 2))
KINDS = ("all", "chat", "image")
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)

row = partial(row_of_age, now=NOW)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows do what many do: segments of two rows, chunks of two segments."""
    monkeypatch.setattr(items, "SEGMENT", 2)
    for module in (counts, rebuilding):
        monkeypatch.setattr(module, "SEGMENT", 2)
    for module in (counting, seek):
        monkeypatch.setattr(module, "WORTHWHILE", 1)
    for module in (counts, rebuilding):
        monkeypatch.setattr(module, "MARKS", 2)
    monkeypatch.setattr(counts, "CROWDED", 8)
    monkeypatch.setattr(counts, "_MOST_ITEMS", 40)


class Workspace:
    """A workspace in memory, whose rows are recorded and counted in one time zone.

    Attributes:
        window_ends: how many days ago the window ended that is asked for.
    """

    def __init__(self, zone: str = "UTC") -> None:
        self.client = MemoryWriter()
        self.zone = ZoneInfo(zone)
        self.now = NOW
        self.window_ends = 0
        self._versions = 0

    def record(self, row: Row) -> int | None:
        """Records a row as an event does, in a version later than all before."""
        self._versions += 1
        recorder = Recorder(cast(Any, self.client), NAMES, self.zone)
        change = RowChange(row, f"{self._versions:06}")
        return recorder.apply(change, self.now).workspace_to_count

    def count(self, has_time: Callable[[], bool] = lambda: True) -> Progress:
        """Counts what is old enough."""
        return self.counter.count(11, self.now, has_time)

    def fill(self, rows: int, oldest: timedelta = timedelta(hours=1)) -> None:
        """Puts so many rows into a table, a minute between them."""
        for number in range(rows):
            age = oldest - timedelta(minutes=number)
            self.client.put(row(Source.CURRENT, number + 1, age))

    @property
    def counter(self) -> Counter:
        return Counter(cast(Any, self.client), NAMES, self.zone)

    @property
    def head(self) -> Head | None:
        return read_head(cast(Any, self.client), ROLLUPS, 11)

    @property
    def window(self) -> Window:
        day = self.now.astimezone(self.zone).date() - timedelta(days=self.window_ends)
        return between(day - timedelta(days=40), day, self.zone)

    def page(self, scope: Scope, index: str = ROLLUPS, **parameters: object) -> tuple[Page, Meter]:
        """A page, and what was read for it; with another ``index`` without counts."""
        client = cast(Any, self.client)
        self.client.tables.setdefault(index, {})
        meter = Meter(lambda: None)
        query = Query.parse(parameters)
        found = read_page(
            Store(client, TABLES),
            PageIndex(client, index, self.zone),
            scope,
            query,
            query.window(self.now, self.zone) if query.range else self.window,
            meter,
        )
        return found, meter

    def assert_usable(self) -> None:
        """It is counted, and pages are found by that."""
        assert self.head is not None
        assert self.head.is_usable(self.zone)

    def assert_pages_are_right(self) -> None:
        """Each page of each list is the same with counts as without."""
        for scope in SCOPES:
            for kind in KINDS:
                unaided = list(self._walk(scope, kind))
                for number, expected in enumerate(unaided, 1):
                    found, _ = self.page(scope, type=kind, page=number, per_page=3)
                    assert found == expected, (scope, kind, number)
                beyond, _ = self.page(scope, type=kind, page=len(unaided) + 1, per_page=3)
                assert beyond == Page((), has_more=False)

    def assert_counts_fit(self) -> None:
        """Each day's chunks hold as many rows as the day: no page has to be found by reading."""
        head, items = self.head, self.client.tables[ROLLUPS]
        if head is None or not head.is_usable(self.zone):
            return
        for name, item in items.items():
            _, _, sort_key = name.partition("/")
            if not sort_key.startswith("days#") or item["generation"]["N"] != str(head.generation):
                continue
            user = sort_key.split("#")[2] if sort_key.startswith("days#user#") else None
            for kind, days in Month.from_item(item).days.items():
                row_list = RowList(None if user is None else int(user), kind)
                for day, chunks in days.items():
                    date = month_of(sort_key).replace(day=day)
                    for number, rows in enumerate(chunks if has_chunks(chunks) else []):
                        chunk = items[f"11/{chunk_key(row_list, date, number)}"]
                        assert chunk["generation"]["N"] == str(head.generation)
                        assert sum(Chunk.from_item(chunk).counts) == rows, (row_list, date)

    def _walk(self, scope: Scope, kind: str) -> Iterator[Page]:
        cursor: str | None = ""
        while cursor is not None:
            found, _ = self.page(scope, type=kind, per_page=3, cursor=cursor)
            yield found
            cursor = found.next_cursor


AGES = st.one_of(
    st.sampled_from([timedelta(), timedelta(minutes=4), timedelta(minutes=31), timedelta(days=1)]),
    st.integers(0, 40 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(0, 12).map(lambda minutes: timedelta(minutes=minutes)),
)
ROWS = st.tuples(st.sampled_from(Source), st.integers(1, 30), AGES)


@settings(max_examples=300)
@given(st.data(), zones(), st.lists(ROWS, max_size=40))
def test_pages_are_right_whatever_happens(
    data: st.DataObject, zone: str, begin: list[tuple[Source, int, timedelta]]
) -> None:
    """Rows come in time and late, change hands, are archived, and are counted in between."""
    workspace = Workspace(zone)
    workspace.window_ends = data.draw(st.sampled_from([0, 0, 1, 3]))
    known = [row(*given_) for given_ in begin]
    for given_ in known:
        workspace.record(given_)
    for _ in range(data.draw(st.integers(1, 6))):
        match data.draw(st.sampled_from(["count", "record", "archive", "rewrite", "wait"])):
            case "count":
                workspace.count()
            case "record":
                known.append(row(*data.draw(ROWS), now=workspace.now))
                workspace.record(known[-1])
            case "archive" if known:
                old = data.draw(st.sampled_from(known))
                if old.source is not Source.EDITED:
                    workspace.record(replace(old, source=Source.ARCHIVED, output=None))
            case "rewrite" if known:
                old = data.draw(st.sampled_from(known))
                workspace.record(replace(old, user_id=1 + old.user_id % 2))
            case _:
                workspace.now += timedelta(minutes=data.draw(st.integers(0, 30)))
        workspace.assert_pages_are_right()
        workspace.assert_counts_fit()


@pytest.mark.parametrize("late", [0, 1, 2])
def test_a_day_that_shrinks_and_grows_again_keeps_its_counts(late: int) -> None:
    """Within a segment its chunk is not kept up; beyond, it is made anew, by whoever goes there."""
    workspace = Workspace()
    rows = [row(Source.CURRENT, 2 * n, timedelta(hours=10) - n * SECOND) for n in range(1, 10)]
    workspace.now -= timedelta(hours=9)
    for made in rows[:3]:
        workspace.record(made)
    workspace.count()
    for changed in rows[:2]:
        workspace.record(replace(changed, user_id=2))
    for made in rows[3 : 3 + late]:
        workspace.record(made)
        workspace.assert_counts_fit()
    for made in rows[3 + late :]:
        workspace.client.put(made)
        workspace.now += timedelta(minutes=1)
        workspace.count()
        workspace.assert_counts_fit()
    workspace.assert_pages_are_right()


@pytest.mark.parametrize("counted_before", [0, 6], ids=["from the beginning", "further"])
def test_a_row_that_comes_late_while_rows_are_counted_is_counted_once(counted_before: int) -> None:
    """Whatever the counter has read by then: at each of its reads, another row comes."""
    moments = 0
    while True:
        workspace = Workspace()
        ages = [timedelta(minutes=60 - number) for number in range(12)]
        for number, age in enumerate(ages):
            if counted_before and number == counted_before:
                workspace.count()
            # Recorded in time, as it were: not corrected, but left to the counter.
            workspace.client.put(row(Source.CURRENT, number + 1, age))
        late = row(Source.CURRENT, 30, timedelta(minutes=57))
        reads = happens_at(workspace, moments, partial(workspace.record, late))
        workspace.count()
        seen = reads()
        workspace.assert_pages_are_right()
        workspace.count()
        workspace.assert_pages_are_right()
        assert workspace.head is not None
        assert workspace.head.counted_until[14:16] == "41", "all are counted"
        if seen <= moments:
            break
        moments += 1
    assert moments > 3


def test_pages_are_right_while_rows_are_counted() -> None:
    """Whatever the reader has read by then: at each of its reads, counting goes on, or begins."""
    for begins_anew in (False, True):
        moments = 0
        while True:
            workspace = Workspace()
            for number in range(20):
                # Across midnight, which is a month's end.
                workspace.client.put(
                    row(Source.CURRENT, number + 1, timedelta(minutes=42 - 2 * number))
                )
            workspace.now -= timedelta(minutes=20)
            workspace.count()
            workspace.now += timedelta(minutes=20)

            def count(workspace: Workspace = workspace, *, anew: bool = begins_anew) -> None:
                if anew:
                    give_up_counts(workspace)
                workspace.count()

            expected, _ = workspace.page(WholeWorkspace(11), "nothing", page=6, per_page=3)
            reads = happens_at(workspace, moments, count)
            found, _ = workspace.page(WholeWorkspace(11), page=6, per_page=3)
            assert found == expected
            if reads() <= moments:
                break
            moments += 1
        assert moments > 3


@pytest.mark.parametrize("age", [12, 21], ids=["above the page", "just below"])
def test_pages_are_right_while_rows_come_late(age: int) -> None:
    """At each of the reader's reads, one is recorded and counted: it is listed then, or not yet."""
    moments = 0
    while True:
        workspace = Workspace()
        for number in range(20):
            workspace.client.put(row(Source.CURRENT, number + 1, timedelta(minutes=29 - number)))
        workspace.count()
        late = row(Source.CURRENT, 30, timedelta(minutes=age))
        before, _ = workspace.page(WholeWorkspace(11), "nothing", page=4, per_page=3)
        reads = happens_at(workspace, moments, partial(workspace.record, late))
        found, _ = workspace.page(WholeWorkspace(11), page=4, per_page=3)
        seen = reads()
        after, _ = workspace.page(WholeWorkspace(11), "nothing", page=4, per_page=3)
        assert found in (before, after)
        if seen <= moments:
            break
        moments += 1
    assert moments > 3


def happens_at(
    workspace: Workspace, moment: int, happening: Callable[[], object]
) -> Callable[[], int]:
    """Has something happen at a read, counted from 0; returns what ends that, and how many were."""
    reads = 0

    def read() -> None:
        nonlocal reads
        reads += 1
        if reads == moment + 1:
            happening()

    client = workspace.client
    client.after_read = client.before_response = read

    def end() -> int:
        client.after_read = client.before_response = lambda: None
        return reads

    return end


def give_up_counts(workspace: Workspace) -> None:
    """What is counted is as good as gone."""
    head = workspace.head
    assert head is not None
    new = replace(head, generation=head.generation + 1, counted_until="")
    workspace.client.tables[ROLLUPS]["11/head"] = new.to_item(11)


def items_of(workspace: Workspace) -> dict[str, Any]:
    """The counts, but for their generation and the head."""
    return {
        name: {**item, "generation": None, "counted_until": None}
        for name, item in workspace.client.tables[ROLLUPS].items()
        if name != "11/head"
    }


@given(zones(), st.lists(ROWS, min_size=8, max_size=40), st.integers(0, 40 * 24 * 60))
def test_counting_at_once_and_little_by_little_come_to_the_same(
    zone: str, given_rows: list[tuple[Source, int, timedelta]], minutes: int
) -> None:
    """Item by item: who goes on with counts need not know how they were made."""
    at_once, gradual = Workspace(zone), Workspace(zone)
    for given_row in given_rows:
        for workspace in (at_once, gradual):
            workspace.client.put(row(*given_row))
    gradual.now -= timedelta(minutes=minutes)
    gradual.count()
    gradual.now = NOW
    for workspace in (at_once, gradual):
        workspace.count()
    assert items_of(at_once) == items_of(gradual)


def test_counting_without_time_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time a piece, which can be used at once."""
    monkeypatch.setattr(rebuilding, "BATCH", 5)
    workspace = Workspace()
    workspace.fill(30)
    untils = []
    while workspace.count(lambda: False) is Progress.UNFINISHED:
        assert workspace.head is not None
        untils.append(workspace.head.counted_until)
        workspace.assert_pages_are_right()
    assert len(untils) >= 2
    assert untils == sorted(untils)
    assert untils[0].endswith("05")
    assert untils[-1].endswith("30")


def test_counting_ends_with_its_time_however_often_it_is_overtaken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows come late again and again, so that nothing that is counted can be written."""
    workspace = Workspace()
    workspace.fill(20)
    workspace.count()
    for number in range(20):
        made = row(Source.CURRENT, 200 + number, timedelta(minutes=20) - number * SECOND)
        workspace.client.put(made)
    query, number, before = workspace.client.query, 1000, workspace.head

    def query_while_rows_come(**request: Any) -> Any:
        nonlocal number
        answer = query(**request)
        number += 1
        workspace.record(row(Source.CURRENT, number, timedelta(minutes=20)))
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(workspace.client, "query", query_while_rows_come)
        assert workspace.count(lambda: False) is Progress.UNFINISHED
    assert before is not None
    assert workspace.head is not None
    assert workspace.head.counted_until == before.counted_until
    workspace.assert_pages_are_right()


def test_who_is_overtaken_spoils_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody takes so long that another counts; what he still writes is not taken."""
    workspace = Workspace()
    workspace.fill(30)
    put_item, overtaken = workspace.client.put_item, False

    def put_late(**request: Any) -> Any:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            workspace.now += timedelta(minutes=21)
            workspace.count()
            # A row that only the other has seen, and that would be missing in what comes late.
            workspace.record(row(Source.CURRENT, 40, timedelta(minutes=50)))
        return put_item(**request)

    monkeypatch.setattr(workspace.client, "put_item", put_late)
    workspace.count()
    head = workspace.head
    assert head is not None
    assert not head.is_held
    workspace.assert_pages_are_right()
    workspace.count()
    workspace.assert_pages_are_right()


def late_rows_at_each_query(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, age: timedelta
) -> None:
    """Has a row come late whenever somebody begins to read a table to count it."""
    query, number = workspace.client.query, 1000

    def query_while_rows_come(requests: Any = None, **request: Any) -> Any:
        nonlocal number
        if request and "ExclusiveStartKey" not in request:
            number += 1
            workspace.record(row(Source.CURRENT, number, age))
        return query(requests, **request)

    monkeypatch.setattr(workspace.client, "query", query_while_rows_come)


def test_rows_that_come_late_by_little_leave_alone_who_counts_older_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who counts from the beginning is disturbed once, and then counts what is older."""
    workspace = Workspace()
    workspace.fill(30, timedelta(hours=10))
    with monkeypatch.context() as patch:
        late_rows_at_each_query(workspace, patch, timedelta(minutes=10))
        assert workspace.count() is Progress.UNFINISHED, "the newer ones are left"
        workspace.assert_pages_are_right()
    workspace.assert_usable()
    assert workspace.count() is Progress.DONE
    workspace.assert_pages_are_right()
    workspace.assert_counts_fit()
    _, meter = workspace.page(WholeWorkspace(11), page=9, per_page=3)
    assert meter.rows.total() <= 2 + 4


def test_rows_that_come_late_by_days_all_the_time_leave_a_workspace_uncounted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is tried again later; until then it is not held."""
    workspace = Workspace()
    workspace.fill(12, timedelta(days=5))
    with monkeypatch.context() as patch:
        late_rows_at_each_query(workspace, patch, timedelta(days=5))
        assert workspace.count() is Progress.HELD_UP
    head = workspace.head
    assert head is not None
    assert (head.counted_until, head.is_held) == ("", False)
    workspace.assert_pages_are_right()
    assert workspace.count() is Progress.DONE
    workspace.assert_usable()
    workspace.assert_pages_are_right()


def test_what_is_counted_when_everything_is_newer_is_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Disturbed once, who counts what is older finds none; the rest is added to that."""
    workspace = Workspace()
    workspace.fill(30)
    with monkeypatch.context() as patch:
        late_rows_at_each_query(workspace, patch, timedelta(minutes=50))
        assert workspace.count(lambda: False) is Progress.UNFINISHED
    workspace.assert_usable()
    workspace.assert_pages_are_right()
    assert workspace.count() is Progress.DONE
    workspace.assert_pages_are_right()
    workspace.assert_counts_fit()


class Away(ClientError):
    """A table is not to be had for now."""

    def __init__(self, **_: object) -> None:
        error: Any = {"Error": {"Code": "ProvisionedThroughputExceededException"}}
        super().__init__(error, "PutItem")


def fail(**_: object) -> Any:
    """What a table does that is not to be had."""
    raise Away


def test_what_failed_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one can try at once."""
    workspace = Workspace()
    workspace.fill(30)
    with monkeypatch.context() as patch:
        patch.setattr(workspace.client, "put_item", fail)
        with pytest.raises(StoreUnavailable):
            workspace.count()
    assert workspace.head is not None
    assert not workspace.head.is_held
    workspace.assert_pages_are_right()
    assert workspace.count() is Progress.DONE
    workspace.assert_pages_are_right()


def test_what_failed_and_could_not_be_let_go_is_tried_again_when_its_hold_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until then nobody may take it as done."""
    workspace = Workspace()
    workspace.fill(30)

    def fail_for_good(**_: object) -> Any:
        patch.setattr(workspace.client, "transact_write_items", fail)
        raise Away

    with monkeypatch.context() as patch:
        patch.setattr(workspace.client, "put_item", fail_for_good)
        with pytest.raises(StoreUnavailable):
            workspace.count()
    workspace.now += timedelta(minutes=19)
    assert workspace.count() is Progress.HELD_UP
    workspace.now += timedelta(minutes=1)
    assert workspace.count() is Progress.DONE
    workspace.assert_usable()
    workspace.assert_pages_are_right()


def test_one_row_late_by_days_in_each_reading_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As edits of old chats are. What is counted in a moment is gone on with, bit by bit."""
    monkeypatch.setattr(rebuilding, "BATCH", 5)
    monkeypatch.setattr(counting, "_ROWS_AT_ONCE", 5)
    monkeypatch.setattr(counts, "_MOST_ROWS", 3)
    workspace = Workspace()
    workspace.fill(30, timedelta(days=5))
    read, number, readings = counting.Counter._rows_between, 1000, 0

    def read_while_a_row_comes(self: Counter, *bounds: Any) -> Iterator[Any]:
        nonlocal number, readings
        readings += 1
        for place, found in enumerate(read(self, *bounds)):
            yield found
            if place == 20:
                number += 1
                workspace.record(row(Source.CURRENT, number, timedelta(days=5)))

    with monkeypatch.context() as patch:
        patch.setattr(counting.Counter, "_rows_between", read_while_a_row_comes)
        while workspace.count() is not Progress.DONE:
            assert readings < 30
            workspace.assert_pages_are_right()
    workspace.assert_usable()
    workspace.assert_pages_are_right()
    workspace.assert_counts_fit()


def test_counts_that_were_given_up_are_asked_for_again() -> None:
    """Should the recorder have been cut off before it could ask: its event comes again."""
    workspace = Workspace()
    workspace.fill(12)
    workspace.count()
    recorder = Recorder(cast(Any, workspace.client), NAMES, workspace.zone)
    for number in range(20, 60):
        change = RowChange(row(Source.CURRENT, number, timedelta(minutes=55)), f"{number:06}")
        asked = recorder.apply(change, NOW).workspace_to_count
        assert workspace.head is not None
        if not workspace.head.counted_until:
            break
    assert asked == 11
    assert recorder.apply(change, NOW).workspace_to_count == 11
    workspace.count()
    assert recorder.apply(change, NOW).workspace_to_count is None, "they are there again"


def test_a_deployment_in_another_time_zone_leaves_no_counts_that_lack_a_row() -> None:
    """It doesn't count by its days what comes late, and gives up what is counted by others."""
    workspace = Workspace()
    workspace.fill(12)
    workspace.count()
    workspace.zone, first = ZoneInfo("Asia/Tokyo"), workspace.zone
    workspace.record(row(Source.CURRENT, 20, timedelta(minutes=55)))
    workspace.zone = first
    workspace.assert_pages_are_right()


@pytest.mark.parametrize(("users", "rows", "least"), [(150, 500, 3), (1, 40, 4)])
def test_no_transaction_is_too_large_or_waits_too_long(
    monkeypatch: pytest.MonkeyPatch, users: int, rows: int, least: int
) -> None:
    """Rows of many lists fill one, and rows of few are not gathered for ever."""
    monkeypatch.setattr(counts, "_MOST_ITEMS", 100)
    monkeypatch.setattr(counts, "_MOST_ROWS", rows)
    workspace = Workspace()
    workspace.fill(12)
    workspace.count()
    for number in range(160):
        made = row(Source.CURRENT, 100 + number, timedelta(minutes=40) - number * SECOND)
        workspace.client.put(made._replace(user_id=1 + number % users))
    written, write = 0, workspace.client.transact_write_items

    def counted(**request: Any) -> Any:
        nonlocal written
        written += 1
        return write(**request)

    monkeypatch.setattr(workspace.client, "transact_write_items", counted)
    assert workspace.count() is Progress.DONE
    assert least <= written <= 20
    workspace.assert_pages_are_right()
    workspace.assert_counts_fit()


def test_a_transaction_that_failed_for_another_reason_was_not_overtaken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Trying it again at once would not help."""
    workspace = Workspace()
    workspace.fill(12)

    def refuse(**_: object) -> Any:
        refused = TransactionCanceled()
        refused.response["CancellationReasons"] = [{"Code": "ThrottlingError"}, {"Code": "None"}]
        raise refused

    monkeypatch.setattr(workspace.client, "transact_write_items", refuse)
    with pytest.raises(StoreUnavailable):
        workspace.count()


def test_many_rows_that_come_late_to_one_place_have_all_counted_anew() -> None:
    """No segment grows without end: a page reads one."""
    workspace = Workspace()
    workspace.fill(12)
    workspace.count()
    asked = [
        workspace.record(row(Source.CURRENT, number, timedelta(minutes=55)))
        for number in range(20, 40)
    ]
    assert asked.count(11) >= 1
    assert workspace.head is not None
    assert not workspace.head.counted_until
    workspace.assert_pages_are_right()
    workspace.count()
    found, meter = workspace.page(WholeWorkspace(11), page=9, per_page=3)
    assert len(found.rows) == 3
    assert meter.rows.total() <= 2 + 4
    workspace.assert_pages_are_right()


def test_a_row_that_comes_in_time_is_not_counted_before_it_is_written() -> None:
    """Its recorder looked at the clock, found it young enough, and wrote it a minute later."""
    workspace = Workspace()
    for number in range(60):
        workspace.client.put(row(Source.CURRENT, number + 1, timedelta(seconds=10 * number)))
    workspace.now = NOW + timedelta(seconds=59)
    workspace.count()
    workspace.now = NOW
    for number, seconds in enumerate((0, 60, 119)):
        workspace.record(row(Source.CURRENT, 100 + number, timedelta(seconds=seconds)))
        workspace.assert_pages_are_right()


def test_a_page_far_down_reads_little() -> None:
    """Of sixty counted rows, the page at the end reads its own and less than a segment more."""
    workspace = Workspace()
    for number in range(60):
        workspace.record(row(Source.CURRENT, number + 1, timedelta(minutes=90 - number)))
    assert workspace.count() is Progress.DONE
    found, meter = workspace.page(WholeWorkspace(11), page=19, per_page=3)
    assert [found_.position.id for found_ in found.rows] == [6, 5, 4]
    assert meter.rows.total() <= 2 + 4


def test_a_held_workspace_is_neither_counted_nor_are_its_counts_used() -> None:
    workspace = Workspace()
    for number in range(12):
        workspace.record(row(Source.CURRENT, number + 1, timedelta(minutes=60 - number)))
    held = Head(7, "UTC", "", 1, UNTIL_RELEASED)
    workspace.client.tables[ROLLUPS]["11/head"] = held.to_item(11)
    assert workspace.count() is Progress.DONE, "whoever holds it will have it counted"
    assert workspace.head == held
    workspace.assert_pages_are_right()


def test_another_time_zone_counts_anew() -> None:
    """Days are others then; until they are counted, pages are found by reading."""
    workspace = Workspace()
    for number in range(12):
        workspace.record(row(Source.CURRENT, number + 1, timedelta(minutes=60 - number)))
    workspace.count()
    workspace.zone = ZoneInfo("Asia/Tokyo")
    workspace.assert_pages_are_right()
    workspace.record(row(Source.CURRENT, 20, timedelta(minutes=50)))
    workspace.count()
    head = workspace.head
    assert head is not None
    assert head.is_usable(workspace.zone)
    assert head.generation > 1
    workspace.assert_pages_are_right()


def test_few_rows_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small workspace costs nothing."""
    workspace = Workspace()
    monkeypatch.setattr(counting, "WORTHWHILE", 5)
    for number in range(4):
        workspace.record(row(Source.CURRENT, number + 1, timedelta(minutes=60)))
    before = deepcopy(workspace.client.tables)
    assert workspace.count() is Progress.DONE
    assert workspace.client.tables == before


def test_new_rules_of_a_time_zone_count_anew() -> None:
    """A newer tzdata knows that a government has changed the clocks: days are others then."""
    workspace = Workspace("America/Sao_Paulo")
    for number in range(60):
        workspace.client.put(row(Source.CURRENT, number + 1, timedelta(minutes=30 * number + 5)))
    workspace.count()
    with files("tzdata.zoneinfo").joinpath("America", "Noronha").open("rb") as file:
        workspace.zone = ZoneInfo.from_file(file, key="America/Sao_Paulo")
    workspace.assert_pages_are_right()
    workspace.count()
    workspace.assert_pages_are_right()
    workspace.assert_usable()
    assert workspace.head is not None
    assert workspace.head.generation > 1


def test_months_are_read_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Query may end early; here it does after each item."""
    workspace = Workspace()
    for number in range(80):
        workspace.client.put(row(Source.CURRENT, number + 1, timedelta(hours=12 * number + 1)))
    workspace.count()
    query = workspace.client.query

    def one_at_a_time(requests: Any = None, **request: Any) -> Any:
        if requests is None or requests[0]["TableName"] != ROLLUPS:
            return query(requests, **request)
        [request] = requests
        [answer] = query([{k: v for k, v in request.items() if k != "ExclusiveStartKey"}])
        after = request.get("ExclusiveStartKey", {"sort_key": {"S": "~"}})["sort_key"]["S"]
        left = [item for item in answer["Items"] if item["sort_key"]["S"] < after]
        more = {"LastEvaluatedKey": left[0]} if len(left) > 1 else {}
        return [{"Items": left[:1], **more}]

    monkeypatch.setattr(workspace.client, "query", one_at_a_time)
    found, meter = workspace.page(WholeWorkspace(11), page=23, per_page=3)
    assert meter.rows.total() <= 2 + 4, "found by counts"
    assert found == workspace.page(WholeWorkspace(11), "nothing", page=23, per_page=3)[0]


def test_a_late_row_is_counted_with_few_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chunk in which it belongs is looked for by halves: here there are fifteen."""
    workspace = Workspace()
    for number in range(60):
        workspace.client.put(row(Source.CURRENT, 2 * number + 2, timedelta(minutes=900 - number)))
    workspace.count()
    reads, batch_get_item = 0, workspace.client.batch_get_item

    def counted(**request: Any) -> Any:
        nonlocal reads
        reads += 1
        return batch_get_item(**request)

    monkeypatch.setattr(workspace.client, "batch_get_item", counted)
    for age in (900, 870, 841):
        reads = 0
        workspace.record(row(Source.CURRENT, 1000 + 2 * age, timedelta(minutes=age)))
        assert reads <= 4 * (1 + 5), "of each of four lists a month, and five of fifteen chunks"
        workspace.assert_counts_fit()
    workspace.assert_pages_are_right()


def test_types_that_nobody_can_ask_for_have_no_counts_of_their_own() -> None:
    """A type for each row would fill a month's item, and keep rows from being recorded."""
    workspace = Workspace()
    for number in range(30):
        made = row(Source.CURRENT, number + 1, timedelta(minutes=60 - number))
        workspace.client.put(made._replace(agent_type=f"agent-{number}"))
    workspace.count()
    workspace.assert_pages_are_right()
    months = [
        Month.from_item(item)
        for name, item in workspace.client.tables[ROLLUPS].items()
        if name.startswith("11/days#")
    ]
    assert len(months) == 3
    assert all(month.days.keys() == {None} for month in months)


@pytest.mark.parametrize("is_held", [False, True])
def test_a_head_that_changes_between_look_and_write_is_noticed(is_held: bool) -> None:
    """A row comes late where nothing is counted; at each of its recorder's reads, somebody does.

    That is where nobody has counted yet, or where somebody holds it who counts only what is older.
    """
    moment, reads = 0, 1
    while moment < reads:
        workspace = Workspace()
        workspace.fill(12)
        older, later = (format_timestamp(NOW + hours * HOUR) for hours in (-2, 1))
        rules = zone_fingerprint(workspace.zone)
        held = Head(1, rules, held_until=later, counting_until=older).to_item(11)
        released = Head(1, rules, counted_until=older).to_item(11)
        if is_held:
            workspace.client.tables[ROLLUPS]["11/head"] = held
        reads = 0

        def count_meanwhile(
            workspace: Workspace = workspace,
            moment: int = moment,
            released: Any = released,
        ) -> None:
            nonlocal reads
            reads += 1
            if reads == moment + 1:
                workspace.client.after_read = lambda: None
                if is_held:
                    workspace.client.tables[ROLLUPS]["11/head"] = released
                assert workspace.count() is Progress.DONE
                workspace.client.after_read = count_meanwhile

        workspace.client.after_read = count_meanwhile
        workspace.record(row(Source.CURRENT, 100, timedelta(minutes=55)))
        workspace.client.after_read = lambda: None
        workspace.assert_pages_are_right()
        workspace.assert_counts_fit()
        moment += 1
    assert moment > 2


def test_what_an_older_generation_left_is_not_gone_on_with() -> None:
    """Rows have gone meanwhile, and nobody has swept."""
    workspace = Workspace()
    workspace.fill(12)
    workspace.count()
    rows = workspace.client.tables[TABLES[Source.CURRENT]]
    for name in [name for name, item in rows.items() if item["user_id"]["N"] == "2"]:
        del rows[name]
    give_up_counts(workspace)
    workspace.count()
    for number in (101, 103, 105, 107, 109):
        workspace.record(row(Source.CURRENT, number, timedelta(minutes=55)))
    workspace.assert_pages_are_right()


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(2026, 3, 8)], ids=["25 hours", "23 hours"])
def test_a_window_that_begins_within_a_day(day: date) -> None:
    """As ``1d`` does when the clocks change: the rest of its first day is in no page."""
    workspace = Workspace("America/New_York")
    workspace.now = datetime(day.year, day.month, day.day, 22, tzinfo=UTC)
    for number in range(120):
        age = timedelta(minutes=15 * number + 5)
        workspace.client.put(row_of_age(Source.CURRENT, number + 1, age, workspace.now))
    workspace.count()
    found = [
        [
            workspace.page(WholeWorkspace(11), index, page=number, per_page=3, range="1d")[0]
            for number in range(1, 45)
        ]
        for index in (ROLLUPS, "nothing")
    ]
    assert found[0] == found[1]
    assert found[0][0].rows
    assert not found[0][-1].rows
