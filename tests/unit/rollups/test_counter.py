"""The counter, step by step: what it puts into blocks, what it removes, and when it stops."""

import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from benchmarks.rows import row_of_age
from tests.support.memory_dynamodb import NAMES, ROLLUPS, TABLES, MemoryDynamoDB
from tests.support.truth import CountsCheck, Truth, check_sums
from workspace_usage.access.scope import OwnRuns, WholeWorkspace
from workspace_usage.aws.dynamodb import item_key
from workspace_usage.rollups import build, items
from workspace_usage.rollups.blocks import BUILD, MARGIN, UNREAD, Block
from workspace_usage.rollups.counter import MIN_ROWS, Counter
from workspace_usage.rollups.items import SETTLED, Day, Watermark
from workspace_usage.rollups.marks import MarkWriter
from workspace_usage.rollups.reading import Counts
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rollups.sums import add_up
from workspace_usage.rollups.writing import COMMIT, Overtaken
from workspace_usage.rows.row import ARCHIVED_FLAG, Row, Source, from_stored_item, to_stored_item
from workspace_usage.rows.store import Meter, Selection, Store
from workspace_usage.rows.window import one_day
from workspace_usage.values import format_timestamp, to_milliseconds

NOW = datetime(2026, 1, 9, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Workspace:
    """A workspace in memory, with a clock."""

    def __init__(self, rows: int = 0, zone: tzinfo = UTC) -> None:
        self.client, self.now, self.zone = MemoryDynamoDB(), NOW, zone
        for number in range(rows):
            self.client.put(self.row(number))

    def row(self, number: int) -> Row:
        """Returns a row; the rows are a minute apart, and the last one is ten minutes old."""
        age = timedelta(minutes=10 + 1_000 - number)
        return row_of_age(Source.CURRENT, number + 1, age, NOW)

    @property
    def counter(self) -> Counter:
        return Counter(cast(Any, self.client), NAMES, self.zone, lambda: self.now)

    @property
    def days(self) -> list[Day]:
        """The days that count."""
        watermark, _ = items.state_of(self.client.tables[ROLLUPS].values())
        found = map(Day.from_item, self._found("2/day/"))
        return [day for day in found if watermark and day.epoch == watermark.epoch]

    def contents(self) -> list[str]:
        """The sort keys of blocks' contents."""
        return [item["sort_key"]["S"] for item in self._found("2/block/")]

    def _found(self, prefix: str) -> list[dict[str, Any]]:
        stored = self.client.tables[ROLLUPS].values()
        found = [item for item in stored if item["sort_key"]["S"].startswith(prefix)]
        return sorted(found, key=lambda item: str(item["sort_key"]["S"]))

    def truth(self) -> Truth:
        """Returns what is true now."""
        return Truth.of(
            {
                source: [
                    from_stored_item(source, i) for i in self.client.tables[TABLES[source]].values()
                ]
                for source in Source
            }
        )

    def believed_blocks(self) -> int:
        """Returns how many blocks are believed, all of which must be right."""
        selection = self.selection("2000-01-01", "2030-01-01", date(2000, 1, 1), date(2030, 1, 1))
        check = CountsCheck()
        counts = Counts(cast(Any, self.client), ROLLUPS, self.zone)
        check.check(counts, selection, self.now + COMMIT + SETTLED, self.truth())
        return check.blocks

    def selection(self, low: str, high: str, first: date, last: date) -> Selection:
        return Selection(WholeWorkspace(11), None, low, high, first, last)


def test_few_rows_are_not_counted() -> None:
    """A small workspace costs nothing."""
    workspace = Workspace(MIN_ROWS - 1)
    report = workspace.counter.count(11)
    assert (report.rows, report.retry_after) == (0, None)
    assert workspace.client.tables[ROLLUPS] == {}
    workspace.client.put(workspace.row(MIN_ROWS))
    assert workspace.counter.count(11).rows == MIN_ROWS


def test_a_day_s_last_block_is_read_again_until_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a day has few blocks, however often it is counted."""
    monkeypatch.setattr("workspace_usage.rollups.counter.MIN_ROWS", 5)
    monkeypatch.setattr("workspace_usage.rollups.blocks.ENOUGH_ROWS", 10)
    workspace = Workspace()
    workspace.now = NOW.replace(hour=1)
    blocks = []
    for _ in range(5):
        workspace.now += timedelta(hours=1)
        for number in range(6):
            age = timedelta(minutes=10, seconds=number)
            workspace.client.put(row_of_age(Source.CURRENT, number + 1, age, workspace.now))
        workspace.counter.count(11)
        blocks.append([block.rows for block in workspace.days[-1].blocks])
    assert blocks == [[6], [12], [12, 6], [12, 12], [12, 12, 6]]
    assert workspace.believed_blocks()


def test_blocks_with_long_texts_fit_into_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB takes 400 kB: a block ends at a size of texts, not only at a number of rows."""
    workspace = Workspace()
    for number in range(400):
        text = f"{number:06}" + "äöüß€" * 200
        row = workspace.row(number)._replace(
            agent_title=text, agent_slug=text, user_email=text, used_model=text, user_id=1
        )
        workspace.client.put(row)
    sizes: list[int] = []
    monkeypatch.setattr("workspace_usage.aws.packing.zlib.compress", lambda text: text)
    monkeypatch.setattr("workspace_usage.aws.packing.zlib.decompress", lambda text: text)
    workspace.counter.count(11)
    sizes = [len(item["content"]["B"]) for item in workspace._found("2/block/")]
    assert max(sizes) < 400_000
    assert workspace.believed_blocks()


def test_flagged_copies_of_another_user_are_not_counted() -> None:
    """DynamoDB deletes them without a mark. Rows around them are counted, and many between them."""
    workspace = Workspace(MIN_ROWS)
    table = workspace.client.tables[Source.CURRENT.value]
    keys = {item["sort_key"]["S"]: key for key, item in table.items()}
    for number in (100, 120, 121, 230):
        archived = workspace.row(number)._replace(source=Source.ARCHIVED)
        flagged = to_stored_item(archived._replace(user_id=archived.user_id + 1))
        workspace.client.put(archived)
        table[keys[archived.position.sort_key]] = {**flagged, ARCHIVED_FLAG: {"BOOL": True}}
    workspace.counter.count(11)
    [day] = workspace.days
    assert [block.rows for block in day.blocks] == [100, 0, 230 - 122, 0, MIN_ROWS - 231]
    assert workspace.believed_blocks() == 3
    for key in [key for key, item in table.items() if ARCHIVED_FLAG in item]:
        del table[key]
    assert workspace.believed_blocks() == 3


@pytest.mark.parametrize("content", [{"B": b"junk"}, {"B": zlib.compress(b"[7]")}, None])
@pytest.mark.parametrize("name", ["2/watermark", "2/day/"])
def test_counts_that_can_t_be_read_are_not_believed_and_are_made_again(
    name: str, content: dict[str, bytes] | None
) -> None:
    """Nothing is lost but time, and a restart mends it."""
    workspace = Workspace(MIN_ROWS)
    workspace.counter.count(11)
    [item] = workspace._found(name)
    item.pop("content")
    if content is not None:
        item["content"] = content
    assert workspace.believed_blocks() == 0
    workspace.counter.restart(11)
    workspace.now += MINUTE
    assert workspace.counter.count(11).rows == MIN_ROWS
    assert workspace.believed_blocks() == 1


@pytest.mark.parametrize("content", [{"B": b"junk"}, {"B": zlib.compress(b"[1,2]")}, None])
def test_contents_that_can_t_be_read_are_replaced_by_rows(
    content: dict[str, bytes] | None,
) -> None:
    """A page far down is the same, and so are sums."""
    workspace = Workspace(MIN_ROWS)
    workspace.counter.count(11)
    for item in workspace._found("2/block/"):
        del item["content"]
        if content is not None:
            item["content"] = content
    counts = Counts(cast(Any, workspace.client), ROLLUPS, UTC)
    index = PageIndex(counts, lambda: workspace.now + COMMIT + SETTLED)
    whole = workspace.selection("2026-01-01", "2026-02", date(2026, 1, 1), date(2026, 1, 31))
    own, meter = replace(whole, scope=OwnRuns(11, 1)), Meter(lambda: None)
    store = Store(cast(Any, workspace.client), TABLES)
    truth = workspace.truth()
    for selection, offset in ((whole, 150), (own, 110)):
        start = index.find(store, selection, offset, meter)
        assert start is not None
        assert truth.page(start.selection, start.offset) == truth.page(selection, offset)
        sums = add_up(store, counts, selection, ["user"], index.clock(), meter)
        check_sums(sums, truth, selection, ["user"], UTC)


def test_a_user_s_sums_are_read_with_one_query() -> None:
    """Contents are divided by users, so that a user's sums cost as little as possible."""
    workspace = Workspace(MIN_ROWS)
    workspace.counter.count(11)
    whole = workspace.selection("2026-01-01", "2026-02", date(2026, 1, 1), date(2026, 1, 31))
    for selection, queries in (
        (whole, items.USER_SHARDS),
        (replace(whole, scope=OwnRuns(11, 1)), 1),
        (replace(whole, scope=OwnRuns(11, 1), agent_type="chat"), 1),
    ):
        meter = Meter(lambda: None)
        counts = Counts(cast(Any, workspace.client), ROLLUPS, UTC)
        store, now = Store(cast(Any, workspace.client), TABLES), NOW + COMMIT + SETTLED
        workspace.client.requests.clear()
        sums = add_up(store, counts, selection, ["user"], now, meter)
        check_sums(sums, workspace.truth(), selection, ["user"], UTC)
        found = [r["ExpressionAttributeValues"][":low"]["S"] for r in workspace.client.requests]
        assert sum(low.startswith("2/block/") for low in found) == queries


def test_a_part_that_stays_unread_is_not_written_again() -> None:
    """Otherwise the mark of its day would stay as well, and the counter would run all the time."""
    workspace = Workspace(MIN_ROWS)
    archived = workspace.row(100)._replace(source=Source.ARCHIVED)
    flagged = to_stored_item(archived._replace(user_id=archived.user_id + 1))
    table = workspace.client.tables[Source.CURRENT.value]
    [key] = [key for key, item in table.items() if item["sort_key"] == flagged["sort_key"]]
    table[key] = {**flagged, ARCHIVED_FLAG: {"BOOL": True}}
    workspace.client.put(archived)
    workspace.counter.count(11)
    marks = MarkWriter(cast(Any, workspace.client), ROLLUPS, lambda _: None)
    marks.mark(11, [archived.position.sort_key], workspace.now)
    for _ in range(3):
        workspace.now += 3 * MINUTE
        report = workspace.counter.count(11)
    assert report.retry_after is None
    assert workspace.believed_blocks() == 2


def test_types_are_in_the_same_order_in_each_process() -> None:
    """Contents refer to a type by its place. The order of a set of texts is another each time."""
    kinds = ("chat", "code", "image", "text", "video")
    workspace = Workspace()
    copies = [workspace.row(1)._replace(agent_type=kind) for kind in kinds]
    copies[0] = copies[0]._replace(source=Source.ARCHIVED)
    rows = iter([(copies[0].position.sort_key, copies)])
    block, _ = build.build(rows, NOW.date(), "2026", "2027", NOW)
    assert tuple(block.types) == kinds


def test_days_are_void_if_the_watermark_is_lost() -> None:
    """A counter begins again; what it finds of earlier days is not believed."""
    workspace = Workspace(MIN_ROWS)
    workspace.counter.count(11)
    table = workspace.client.tables[ROLLUPS]
    [lost] = [key for key, item in table.items() if item["sort_key"]["S"] == "2/watermark"]
    del table[lost]
    workspace.client.put(workspace.row(MIN_ROWS))
    workspace.now += MINUTE
    assert workspace.counter.count(11).rows == MIN_ROWS + 1
    assert workspace.believed_blocks() == 1


def test_items_of_other_versions_are_removed() -> None:
    """Readers ignore them, so they would only cost storage."""
    workspace = Workspace(MIN_ROWS)
    for sort_key in ("days#all#2026-01", "head", "1/x"):
        workspace.client.put_item(TableName=ROLLUPS, Item=item_key(11, sort_key))
    workspace.counter.count(11)
    kept = {item["sort_key"]["S"][:2] for item in workspace.client.tables[ROLLUPS].values()}
    assert kept <= {"2/", "1/"}


def test_a_restart_makes_all_void_and_leaves_nothing_behind() -> None:
    """Days of the old epoch don't count, and contents of old blocks are removed."""
    workspace = Workspace(MIN_ROWS)
    workspace.counter.count(11)
    old = set(workspace.contents())
    workspace.counter.restart(11)
    assert workspace.days == []
    workspace.now += 2 * MINUTE
    workspace.counter.count(11)
    assert old
    assert old.isdisjoint(workspace.contents())
    assert workspace.believed_blocks()


def test_another_time_zone_begins_again() -> None:
    """Days are others there."""
    workspace = Workspace(MIN_ROWS)
    workspace.counter.count(11)
    workspace.zone = ZoneInfo("Asia/Tokyo")
    assert workspace.counter.count(11).rows == MIN_ROWS
    assert workspace.believed_blocks()


def test_a_run_without_time_leaves_the_rest_to_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each commit stays; what is left is asked for at once."""
    monkeypatch.setattr("workspace_usage.rollups.build.MAX_ROWS", 100)
    workspace = Workspace(350)
    runs = 0
    while True:
        report = workspace.counter.count(11, partial(next, iter([True, True]), False))
        assert workspace.believed_blocks()
        runs += 1
        if report.retry_after is None:
            break
    assert runs > 2


def test_a_mark_goes_when_no_reader_can_miss_it() -> None:
    """It stays for two more minutes after its margin and its blocks' commit, not longer."""
    workspace = Workspace(MIN_ROWS)
    workspace.counter.count(11)
    marks = MarkWriter(cast(Any, workspace.client), ROLLUPS, lambda _: None)
    late = workspace.row(10)._replace(credits=Decimal(7))
    marks.mark(11, [late.position.sort_key], workspace.now)
    workspace.client.put(late)
    removed_at = None
    for _ in range(20):
        workspace.now += MINUTE / 2
        report = workspace.counter.count(11)
        assert workspace.believed_blocks() == (workspace.now > NOW + MARGIN)
        if report.oldest_mark is not None and report.retry_after is None:
            _, left = items.state_of(workspace.client.tables[ROLLUPS].values())
            if not left.marked_at:
                removed_at = workspace.now
                break
    assert removed_at is not None
    assert NOW + MARGIN + 2 * MINUTE <= removed_at <= NOW + MARGIN + 3 * MINUTE


def test_a_mark_where_nothing_is_counted_waits_for_blocks_that_are_being_built() -> None:
    """Another counter may have read that range before the mark, and commit it within a minute."""
    workspace = Workspace()
    marks = MarkWriter(cast(Any, workspace.client), ROLLUPS, lambda _: None)
    marks.mark(11, ["2026-01-01T01"], NOW)
    workspace.now += MARGIN + BUILD
    workspace.counter.count(11)
    assert workspace.counter.counts_of(11).marks.marked_at
    workspace.now += timedelta(seconds=1)
    assert workspace.counter.count(11).retry_after is None
    assert not workspace.counter.counts_of(11).marks.marked_at


def test_a_mark_whose_time_is_over_only_since_a_run_began_is_left_to_the_next_run() -> None:
    """What this run has read of the counts may be older than the last block that another built."""
    workspace = Workspace()
    marks = MarkWriter(cast(Any, workspace.client), ROLLUPS, lambda _: None)
    marks.mark(11, ["2026-01-01T01"], NOW)
    seconds = count()

    def clock() -> datetime:
        return NOW + MARGIN + BUILD + timedelta(seconds=next(seconds))

    report = Counter(cast(Any, workspace.client), NAMES, UTC, clock).count(11)
    assert report.retry_after is not None
    assert workspace.counter.counts_of(11).marks.marked_at


def test_a_mark_that_was_put_again_is_not_removed() -> None:
    """A write relies on it that the counter may not have seen."""
    workspace = Workspace()
    marks = MarkWriter(cast(Any, workspace.client), ROLLUPS, lambda _: None)
    marks.mark(11, ["2026-01-01T01"], NOW)
    counts = workspace.counter.counts_of(11)
    marks.mark(11, ["2026-01-01T01"], NOW + MINUTE)
    counts.remove_mark("2026-01-01T01")
    assert workspace.counter.counts_of(11).marks.marked_at


def test_a_commit_counts_from_the_moment_at_which_it_has_surely_taken_effect() -> None:
    """A reader may read what was there before, up to this moment."""
    workspace = Workspace(MIN_ROWS)
    workspace.counter.count(11)
    moment = to_milliseconds(workspace.now + COMMIT)
    assert workspace.counter.counts_of(11).watermark.moved_at == moment
    assert {day.committed_at for day in workspace.days} == {moment}


def test_a_block_whose_commit_may_take_effect_too_late_is_thrown_away() -> None:
    """A mark may be gone by then that would have made it unbelievable."""
    workspace, day = Workspace(), date(2026, 1, 5)

    def commit(age: timedelta) -> None:
        read_at = to_milliseconds(workspace.now - age)
        counts = workspace.counter.counts_of(11)
        block = Block("2026-01-05T01", "2026-01-05T02", read_at, f"{day}/{read_at}", rows=1)
        counts.commit(counts.day(day), block, {})

    with pytest.raises(Overtaken):
        commit(BUILD - COMMIT + timedelta(milliseconds=1))
    assert workspace.days == []
    commit(BUILD - COMMIT)
    assert [len(found.blocks) for found in workspace.days] == [1]


def test_a_reader_uses_a_watermark_that_was_there_before_it_began() -> None:
    """It may have read the days before the watermark moved: what lies between would be a gap."""
    watermark = Watermark(1, 1, "UTC")
    for second, sort_key in ((0, "a"), (5, "b"), (20, "c")):
        moment = NOW + timedelta(seconds=second)
        watermark = watermark.moved(sort_key, moment, moved_at=moment)
    assert watermark.settled(NOW + timedelta(seconds=29)) == "b"
    assert watermark.settled(NOW + timedelta(seconds=30)) == "c"
    assert watermark.settled(NOW + timedelta(seconds=14)) == items.NOTHING


def test_a_commit_that_leaves_the_watermark_does_not_make_readers_wait() -> None:
    """Late rows lead to many such commits: otherwise readers could never use the watermark."""
    watermark = Watermark(1, 1, "UTC").moved("a", NOW, moved_at=NOW)
    for second in (4, 8, 12):
        moment = NOW + timedelta(seconds=second)
        watermark = watermark.moved("a", moment, moved_at=moment)
    assert watermark.revision == 5
    assert watermark.settled(NOW + SETTLED) == "a"


def test_of_a_window_that_begins_within_a_day_only_the_first_block_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As ``1d`` does when clocks change: the block before its beginning can't be divided."""
    monkeypatch.setattr(build, "MAX_ROWS", 100)
    zone = ZoneInfo("America/New_York")
    workspace = Workspace(zone=zone)
    workspace.now = datetime(2026, 11, 1, 22, tzinfo=UTC)
    for number in range(1_000):
        age = timedelta(minutes=2 * number + 10)
        workspace.client.put(row_of_age(Source.CURRENT, number + 1, age, workspace.now))
    workspace.counter.count(11)
    window = one_day(workspace.now, zone)
    low, high = format_timestamp(window.start), format_timestamp(window.end)
    selection = workspace.selection(low, high, window.first_day, window.last_day)
    counts = Counts(cast(Any, workspace.client), ROLLUPS, zone)
    now = workspace.now + COMMIT + SETTLED
    counted = counts.read(selection, [], now, Meter(lambda: None))
    assert counted is not None
    newest, *counted_blocks, first = counted.blocks
    assert {newest.read_at, first.read_at} == {UNREAD}, "rows that are not counted, and the rest"
    assert first.low == low
    assert sum(block.rows for block in counted_blocks) > 400


def test_items_hold_what_was_put_into_them() -> None:
    """A day and a watermark are the same after their way through the table."""
    read_at = to_milliseconds(NOW)
    block_id = items.new_block_id(NOW.date(), read_at)
    block = Block("a", "b", read_at, block_id, 2, {"chat": 2}, 5)
    day = Day(NOW.date(), 3, read_at, (block, Block("b", "c", -1)))
    assert Day.from_item(day.to_item(11)) == day
    watermark = Watermark(7, 2, "UTC").moved("2026", NOW, moved_at=NOW)
    found, _ = items.state_of([watermark.to_item(11)])
    assert found == watermark
