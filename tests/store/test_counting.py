"""Counts on the real engine: its transactions, while recorders, counters and readers meet."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event
from typing import TYPE_CHECKING

import pytest

from benchmarks.rows import row_of_age
from tests.support.database import NAMES, reader_of
from tests.support.memory_client import TABLES
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace
from workspace_usage.aws.reader import Reader
from workspace_usage.errors import StoreUnavailable
from workspace_usage.listing.page import Page, read_page
from workspace_usage.listing.query import Query
from workspace_usage.recording.changes import RowChange
from workspace_usage.recording.recorder import Recorder
from workspace_usage.rollups import counting, seek
from workspace_usage.rollups.counting import Counter
from workspace_usage.rollups.counts import Progress, read_head
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.row import Row, Source
from workspace_usage.rows.store import Meter, Store
from workspace_usage.rows.window import between

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WINDOW = between((NOW - timedelta(days=20)).date(), NOW.date(), UTC)
NOTHING_COUNTED = NAMES.edited_chats
"""A table of the same key that has no counts."""


def read(
    reader: Reader, scope: Scope, kind: str, page: int, rollups: str = NAMES.rollups
) -> tuple[Page, int]:
    """A page of the workspace, and how many rows were read for it."""
    meter = Meter(lambda: None)
    index = PageIndex(reader, rollups, UTC)
    query = Query.parse({"type": kind, "page": str(page), "per_page": "20"})
    found = read_page(Store(reader, TABLES), index, scope, query, WINDOW, meter)
    return found, meter.rows.total()


def assert_pages_are_right(reader: Reader) -> None:
    """Each page of each list is the same with counts as without."""
    for scope in (WholeWorkspace(11), OwnRuns(11, 1), OwnRuns(11, 2)):
        for kind in ("all", "chat", "image"):
            for page in range(1, 100):
                expected, _ = read(reader, scope, kind, page, NOTHING_COUNTED)
                assert read(reader, scope, kind, page)[0] == expected, (scope, kind, page)
                if not expected.has_more:
                    break


def recorder(client: "DynamoDBClient") -> Recorder:
    return Recorder(client, NAMES, UTC)


def counter(client: "DynamoDBClient") -> Counter:
    return Counter(client, NAMES, UTC)


def record(client: "DynamoDBClient", found: Row, version: int, now: datetime = NOW) -> None:
    """Records a row, as often as the store says that it can't just now."""
    while True:
        try:
            recorder(client).apply(RowChange(found, f"{version:06}"), now)
        except StoreUnavailable:
            continue
        return


def spread(number: int) -> timedelta:
    """Ages over ten days, of which many are within one."""
    return timedelta(minutes=10 + (number * 37) % (24 * 60 * (1 + number % 10)))


def test_recorders_counters_and_readers_meet(
    client: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wins: in the end each row is counted once, and nobody has been held up for good."""
    monkeypatch.setattr(counting, "WORTHWHILE", 10)
    monkeypatch.setattr(seek, "WORTHWHILE", 20)
    for number in range(1, 150):
        made = row_of_age(Source.CURRENT, number, spread(number), NOW)
        record(client, made, number, now=NOW - spread(number))
    reader, done = reader_of(client), Event()

    def count() -> None:
        while not done.is_set():
            counter(client).count(11, NOW)

    def write(seed: int) -> None:
        random = Random(seed)
        for version in range(1_000, 1_040):
            number = random.randrange(1, 300)
            made = row_of_age(random.choice(list(Source)), number, spread(number), NOW)
            record(client, made, version)

    with ThreadPoolExecutor(5) as executor:
        counters = [executor.submit(count) for _ in range(2)]
        writers = [executor.submit(write, seed) for seed in range(3)]
        try:
            for writer in writers:
                writer.result()
        finally:
            done.set()
        for one in counters:
            one.result()
    assert counter(client).count(11, NOW) is Progress.DONE
    head = read_head(client, NAMES.rollups, 11)
    assert head is not None
    assert head.is_usable(UTC)
    assert_pages_are_right(reader)
    everyone = WholeWorkspace(11)
    _, rows = read(reader, everyone, "all", 6)
    assert rows < read(reader, everyone, "all", 6, NOTHING_COUNTED)[1], "it is found by counts"


def test_counting_goes_on_where_it_ended(client: "DynamoDBClient") -> None:
    """A transaction at a time, over the end of a segment, of a day and of what one can hold."""
    for day in range(6):
        now = NOW - timedelta(days=5 - day)
        for number in range(60):
            made = row_of_age(
                Source.CURRENT, 100 * day + number, timedelta(seconds=600 - number), now
            )
            record(client, made, 1, now)
        counter(client).count(11, now)
    assert_pages_are_right(reader_of(client))
    head = read_head(client, NAMES.rollups, 11)
    assert head is not None
    assert head.generation == 1, "counted once from the beginning, and then further"
    assert head.revision > 0
