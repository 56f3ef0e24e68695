"""Random histories of a workspace: writers, counters and readers between each other's calls.

Writers record, import, archive, expire and erase rows, and put marks as they must. Counters count,
by requests from a queue and at any other moment. Each process may be killed at any call, and calls
may take long. After each turn it is checked that every number that is believed is right, and that
pages found by counts are those found by reading alone. At the end nothing may be left to do.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import pytest

from tests.support.databases import LAG, Database, MemoryDatabase, SlowReader
from tests.support.memory_dynamodb import NAMES, ROLLUPS, TABLES
from tests.support.row_writers import RowWriters
from tests.support.truth import CountsCheck, Truth, check_sums, is_fleeting
from tests.support.virtual_time import Killed, Pace, TimedClient, World
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace
from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.errors import StoreUnavailable
from workspace_usage.recording import recorder
from workspace_usage.rollups import blocks, build, counter, facets, items, seek
from workspace_usage.rollups.counter import Counter
from workspace_usage.rollups.reading import Counts
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rollups.shown import DIMENSIONS
from workspace_usage.rollups.sums import add_up
from workspace_usage.rows.row import Row, Source, from_stored_item
from workspace_usage.rows.store import Meter, Selection, Store
from workspace_usage.rows.window import between, day_of, one_day
from workspace_usage.values import format_timestamp

WORKSPACE: Final = 11

SMALL: Final[dict[tuple[Any, str], int]] = {
    (counter, "MIN_ROWS"): 3,
    (build, "MAX_ROWS"): 7,
    (blocks, "ENOUGH_ROWS"): 5,
    (facets, "FENCE_STEP"): 2,
    (seek, "MIN_OFFSET"): 1,
    (recorder, "NEW_ROWS_PER_COUNT_REQUEST"): 2,
}
"""Limits with which few rows do what many rows do."""

BEGINNINGS: Final = [
    ("UTC", datetime(2026, 1, 10, 0, 4, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 1, 10, 18, 10, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 9, 3, 57, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 2, 5, 2, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 5, 1, 55, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 2, 18, 3, 1, tzinfo=UTC)),
]
"""Time zones, and moments near midnight: clocks change on the day before, or that very night."""

QUEUE_DELAY: Final = timedelta(minutes=4)
MAX_QUEUE_DELAY: Final = timedelta(minutes=15)
TIME_TO_RECOVER: Final = timedelta(minutes=5)
VISIBILITY_TIMEOUT: Final = timedelta(minutes=15)
TIME_TO_SETTLE: Final = timedelta(minutes=50)
"""Within this time from the last mishap all is counted: what was killed is delivered once more."""


_COUNTER_PACE: Final = Pace(killed=0.01, slow=0.02, stuck=0.003, usual=0.5)
_READER_PACE: Final = Pace(slow=0.1, usual=1)


@dataclass(frozen=True, slots=True)
class Style:
    """What is frequent in a history.

    Attributes:
        counter_pace: how fast and how reliable counters are.
        counters: how many counters run at random moments, at most, beside those of the queue.
        rows: how many rows are there at the beginning, at most.
        has_little_time: the probability that a counter has only a minute.
        readers: how many slow readers there are.
        reader_pace: how slow they are.
    """

    counter_pace: Pace
    counters: int = 2
    rows: int = 50
    has_little_time: float = 0.2
    readers: int = 2
    reader_pace: Pace = _READER_PACE


USUAL: Final = Style(_COUNTER_PACE)
ROUGH: Final = Style(
    counters=5,
    counter_pace=Pace(killed=0.05, slow=0.1, stuck=0.03, usual=2),
    has_little_time=0.5,
)
"""Counters are killed, are stuck and get into each other's way."""

MUCH_READ: Final = Style(_COUNTER_PACE, counters=3, readers=6, reader_pace=Pace(slow=0.4, usual=1))
"""Readers are slow, and there are many of them."""

BUSY: Final = Style(Pace(usual=0.2), counters=6, has_little_time=0, rows=10, readers=0)
"""Counters are fast and run all the time, so that the watermark follows close behind."""

STYLES: Final = (USUAL, ROUGH, MUCH_READ, BUSY)


@dataclass
class Figures:
    """What histories have shown."""

    turns: int = 0
    checks: int = 0
    blocks: int = 0
    pages: int = 0
    counted_pages: int = 0
    slow_reads: int = 0
    quiet_reads: int = 0
    counter_runs: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        numbers = zip(vars(self).values(), vars(other).values(), strict=True)
        return Figures(*(ours + theirs for ours, theirs in numbers))


class History:
    """One random history.

    Args:
        seed: of everything that is random.
        database: where it happens, or None for tables in memory.
        style: what is frequent, or None for a random style.
        check_probability: how often a turn is followed by a check.
    """

    def __init__(
        self,
        seed: int,
        database: Database | None = None,
        style: Style | None = None,
        check_probability: float = 1,
    ) -> None:
        zone, beginning = BEGINNINGS[seed % len(BEGINNINGS)]
        self.world = World(seed, beginning)
        self.random = self.world.random
        self.zone: tzinfo = UTC if zone == "UTC" else ZoneInfo(zone)
        self.figures = Figures()
        self.database: Database = database or MemoryDatabase(clock=self.world.clock)
        self.rows_changed_at = self._calm_at = self._counted_at = beginning
        self._ends_by = beginning + timedelta(hours=5)
        self._check_probability = check_probability
        self._counts_check = CountsCheck()
        self._parsed: dict[int, tuple[StoredItem, Row]] = {}
        self._is_changed = True
        self._truth = Truth.of({source: [] for source in Source})
        self._busy = 0
        self._running_counters = 0
        self._is_message_waiting = False
        self._max_counters = self.random.randint(1, 3)
        self._writer_pace = Pace(killed=0.01, slow=0.05)
        self._style = style or self.random.choice(STYLES)
        self._counter_pace = self._style.counter_pace

    # --- The course of events ---------------------------------------------------------------------

    def run(self) -> None:
        """Lets everything happen.

        Raises:
            AssertionError: something that is believed is wrong, or something is left to do.
        """
        random, world = self.random, self.world
        writers = RowWriters(self)
        writers.fill(random.randint(0, self._style.rows))
        if random.random() < 0.5:
            Counter(self.database.client(10**9), NAMES, self.zone, world.clock).count(WORKSPACE)
        jobs = [writers.record] * random.randint(1, 2)
        jobs += [writers.import_rows] * random.randint(0, 1)
        jobs += [writers.erase] * random.randint(0, 1) + [writers.expire]
        jobs += [self._count_at_random] * random.randint(0, self._style.counters)
        if random.random() < 0.2:
            jobs.append(self._restart)
        if random.random() < 0.1:
            jobs.append(self._move_to_another_zone)
        for job in jobs:
            self._busy += 1
            world.start(partial(self._run_to_end, job), world.seconds(0, 300))
        for _ in range(self._style.readers):
            world.start(self._read_slowly, world.seconds(0, 300))
        self.request(world.seconds(0, 200))
        world.after_turn = self._after_turn
        world.run()
        self._assert_nothing_is_left()
        self.figures.blocks = self._counts_check.blocks

    def _run_to_end(self, job: Callable[[], None]) -> None:
        job()
        self._busy -= 1
        if self._busy == 0:
            # From now on nothing goes wrong. The next new row asks for counting.
            self._writer_pace = self._counter_pace = Pace()
            self._calm_at = self.world.now
            self.request()

    def _after_turn(self) -> None:
        self.figures.turns += 1
        assert self.world.now < self._ends_by, "it never ends"
        if self._is_changed and self.random.random() < self._check_probability:
            self._is_changed = False
            self._check()

    # --- Counting ---------------------------------------------------------------------------------

    def request(self, after: timedelta = QUEUE_DELAY) -> None:
        """Puts a message into the counter's queue."""
        self.world.start(self._receive, min(after, MAX_QUEUE_DELAY))

    def _receive(self) -> None:
        if self._running_counters >= self._max_counters:
            self._is_message_waiting = True
            return
        self._running_counters += 1
        try:
            report = self._count()
        except Killed:
            self.request(VISIBILITY_TIMEOUT)
        except StoreUnavailable:
            self.request(TIME_TO_RECOVER)
        else:
            if report.retry_after is not None:
                self.request(report.retry_after)
        self._counted_at = self.world.now
        self._running_counters -= 1
        if self._is_message_waiting:
            self._is_message_waiting = False
            self.request(timedelta())

    def _count(self) -> counter.Report:
        self.figures.counter_runs += 1
        end = self.world.now + timedelta(
            minutes=1 if self.random.random() < self._style.has_little_time else 14
        )
        return self._counter().count(WORKSPACE, lambda: self.world.now < end)

    def _counter(self) -> Counter:
        client = self.database.client(self.random.choice([2, 10**9]))
        timed = TimedClient(client, self.world, lambda: self._counter_pace, self._note_change)
        return Counter(cast(Any, timed), NAMES, self.zone, self.world.clock)

    def _count_at_random(self) -> None:
        for _ in range(self.random.randint(1, 12)):
            with suppress(Killed, StoreUnavailable):
                self._count()
            self.world.wait(self.world.seconds(0, 90))

    def _restart(self) -> None:
        self.world.wait(self.world.seconds(0, 400))
        with suppress(Killed, StoreUnavailable):
            self._counter().restart(WORKSPACE)
        self.request()

    def _move_to_another_zone(self) -> None:
        self.world.wait(self.world.seconds(0, 400))
        self.zone = ZoneInfo(self.random.choice(["Asia/Tokyo", "America/New_York"]))
        self._is_changed = True
        self.request()

    # --- Writing ----------------------------------------------------------------------------------

    def writer_client(self) -> TimedClient:
        """Returns a client for a process that writes rows."""
        client = self.database.client(10**9)
        return TimedClient(client, self.world, lambda: self._writer_pace, self.note_row_change)

    def note_row_change(self) -> None:
        """Notes that rows may be others now."""
        self.rows_changed_at = self.world.now
        self._note_change()

    def _note_change(self) -> None:
        self._is_changed = True

    # --- What must hold ---------------------------------------------------------------------------

    def truth(self) -> Truth:
        """Returns what is true now."""
        found = {
            source: [self._parse(source, i) for i in self.database.items(source)]
            for source in Source
        }
        return Truth.of(found)

    def _parse(self, source: Source, item: StoredItem) -> Row:
        known = self._parsed.get(id(item))
        if known is None or known[0] is not item:
            known = self._parsed[id(item)] = item, from_stored_item(source, item)
        return known[1]

    def _check(self) -> None:
        self.figures.checks += 1
        truth = self.truth()
        counts = Counts(self.database.reader(), ROLLUPS, self.zone)
        selection = self._selection()
        whole = self._between(date(2000, 1, 1), date(2030, 1, 1))
        self._counts_check.check(counts, whole, self.world.now, truth)
        index, store = PageIndex(counts, self.world.clock), Store(self.database.reader(), TABLES)
        meter = Meter(lambda: None)
        offset = self.random.randint(1, len(truth.keys) + 2)
        start = index.find(store, selection, offset, meter)
        found = [] if start is None else truth.page(start.selection, start.offset)
        assert found == truth.page(selection, offset), (selection, offset, start)
        rows_read = meter.rows.total()
        dimensions = self._dimensions()
        sums = add_up(store, counts, selection, dimensions, self.world.now, meter)
        check_sums(sums, truth, selection, dimensions, self.zone)
        self.figures.pages += 1
        self.figures.counted_pages += rows_read < offset

    def _read_slowly(self) -> None:
        for _ in range(25):
            self.world.wait(self.world.seconds(0, 90))
            self.figures.slow_reads += 1
            begin, selection, zone = self.world.now, self._selection(), self.zone
            reader = SlowReader(self.database, self.world, self._style.reader_pace)
            counts, store = Counts(reader, ROLLUPS, self.zone), Store(reader, TABLES)
            index = PageIndex(counts, self.world.clock)
            offset, dimensions = self.random.randint(1, 40), self._dimensions()
            start, sums = None, None
            meter = Meter(lambda: None)
            try:
                if self.random.random() < 0.5:
                    start = index.find(store, selection, offset, meter)
                else:
                    sums = add_up(store, counts, selection, dimensions, self.world.now, meter)
            except Killed:
                continue
            if self.rows_changed_at >= begin - LAG:
                continue  # what it found may be partly of one moment and partly of another one
            self.figures.quiet_reads += 1
            truth = self.truth()
            if sums is not None:
                check_sums(sums, truth, selection, dimensions, zone)
                continue
            found = [] if start is None else truth.page(start.selection, start.offset)
            assert found == truth.page(selection, offset), ("slow", begin, selection, offset, start)

    def _selection(self) -> Selection:
        random, today = self.random, day_of(self.world.now, self.zone)
        own = OwnRuns(WORKSPACE, random.choice((1, 2)))
        scope: Scope = own if random.random() < 0.5 else WholeWorkspace(WORKSPACE)
        agent_type = random.choice([None, None, "chat", "image"])
        chance = random.random()
        if chance < 0.6:
            window = between(today - timedelta(days=20), today, self.zone)
        elif chance < 0.8:
            last = today - timedelta(days=random.randint(0, 2))
            window = between(last - timedelta(days=random.randint(0, 2)), last, self.zone)
        else:
            window = one_day(self.world.now - timedelta(days=random.randint(0, 2)), self.zone)
        low, high = format_timestamp(window.start), format_timestamp(window.end)
        return Selection(scope, agent_type, low, high, window.first_day, window.last_day)

    def _dimensions(self) -> list[str]:
        """Returns what a summary groups by."""
        return self.random.sample(DIMENSIONS, self.random.choice([0, 1, 1, 2]))

    def _between(self, first: date, last: date) -> Selection:
        low, high = f"{first}", f"{last}"
        return Selection(WholeWorkspace(WORKSPACE), None, low, high, first, last)

    def _assert_nothing_is_left(self) -> None:
        """Asserts that counters have done everything, only by following requests."""
        self._check()
        client = self.database.client(10**9)
        watermark, marks = items.state_of(
            client.query(**items.state_query(ROLLUPS, WORKSPACE), ConsistentRead=True)["Items"]
        )
        assert not marks.marked_at, "marks are left"
        counted_to = "" if watermark is None else watermark.sort_key
        waiting = [key for key in self.truth().keys if key >= counted_to]
        assert len(waiting) < counter.MIN_ROWS, "rows are not counted"
        found = client.query(
            **items.days_query(ROLLUPS, WORKSPACE, date(2000, 1, 1), date(2030, 1, 1)),
            ConsistentRead=True,
        )["Items"]
        days = [items.Day.from_item(item) for item in found]
        parts = [
            part
            for day in days
            if watermark and day.epoch == watermark.epoch
            for part in day.blocks
        ]
        truth = self.truth()
        unread = [truth.between(part.low, part.high) for part in parts if marks.is_stale(part)]
        # What DynamoDB deletes without a mark can't be counted before.
        assert all(any(map(is_fleeting, rows)) for rows in unread), "parts are unread"
        assert self._counted_at - self._calm_at < TIME_TO_SETTLE, "it took too long"


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Sets the limits so that few rows do what many rows do; nothing really waits."""
    for (module, name), value in SMALL.items():
        patch.setattr(module, name, value)
    patch.setattr(recorder, "wait_before_retry", lambda *_: None)
