"""Requests to count don't multiply, however many late rows come, and no mark is forgotten."""

import heapq
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, cast

import pytest

from benchmarks.rows import row_of_age
from tests.support.memory_dynamodb import NAMES, MemoryDynamoDB
from workspace_usage.rollups.counter import Counter
from workspace_usage.rollups.items import state_of, state_query
from workspace_usage.rollups.marks import MarkWriter
from workspace_usage.rows.row import Row, Source

BEGINNING: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
DELAY: Final = timedelta(minutes=4)
"""The delay of the count queue."""

ROWS: Final = 500
"""One every three minutes: about a day of them."""


def row(number: int) -> Row:
    return row_of_age(Source.CURRENT, number, timedelta(minutes=3 * number), BEGINNING)


@dataclass
class Flow:
    """A counted workspace, late writes and the count queue, at a time of their own.

    Each message is a run by itself: that is the worst case, since messages that arrive together are
    counted together.

    Attributes:
        now: the time.
        client: the tables.
        queue: when the requests arrive.
    """

    now: datetime = BEGINNING
    client: Any = field(default_factory=lambda: MemoryDynamoDB(map(row, range(1, ROWS))))
    queue: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counter = Counter(cast(Any, self.client), NAMES, UTC, lambda: self.now)
        self.counter.count(11)
        self.marks = MarkWriter(cast(Any, self.client), NAMES.rollups, self.request)

    def request(self, _workspace_id: int, after: timedelta = DELAY) -> None:
        """Sends a request to count."""
        heapq.heappush(self.queue, self.now + after)

    def pass_time(self, until: datetime) -> None:
        """Counts for each request that arrives until a moment."""
        while self.queue and self.queue[0] <= until:
            self.now = heapq.heappop(self.queue)
            report = self.counter.count(11)
            if report.retry_after is not None:
                self.request(11, report.retry_after)
        self.now = until


@pytest.mark.parametrize(
    ("seconds", "hours"), [(20, "one"), (20, "many"), (45, "many"), (150, "many")]
)
def test_late_rows_lead_to_few_requests(seconds: int, hours: str) -> None:
    """Those of the writers in four minutes, and at most one for each mark of the last minute."""
    flow, random = Flow(), Random(1)
    for number in range(1, 3600 // seconds):
        flow.pass_time(BEGINNING + number * timedelta(seconds=seconds))
        late = row(random.randrange(100, ROWS) if hours == "many" else 100)
        flow.marks.mark(11, [late.position.sort_key], flow.now)
        assert len(flow.queue) <= timedelta(minutes=6) / timedelta(seconds=seconds) + 2
    flow.pass_time(flow.now + timedelta(minutes=30))
    assert flow.queue == []
    state = flow.client.query(**state_query(NAMES.rollups, 11))["Items"]
    assert not state_of(state)[1].marked_at


def test_a_mark_is_removed_though_the_run_that_built_its_block_was_killed() -> None:
    """A run that meets only marks of which no writer's request is left requests another run."""
    flow = Flow()
    flow.pass_time(BEGINNING + timedelta(hours=1))
    flow.marks.mark(11, [row(100).position.sort_key], flow.now)
    flow.now += DELAY - timedelta(seconds=30)
    assert flow.counter.count(11).retry_after is not None  # and nobody sends this request
    flow.pass_time(flow.now + timedelta(minutes=30))
    state = flow.client.query(**state_query(NAMES.rollups, 11))["Items"]
    assert not state_of(state)[1].marked_at
