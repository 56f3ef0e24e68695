"""What doctor says of a workspace's counts, in memory."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from benchmarks.rows import row_of_age
from tests.support.database import resources_of
from tests.support.memory_dynamodb import NAMES, ROLLUPS, MemoryDynamoDB
from usagectl.counts_check import MAX_MARK_AGE, MAX_WAIT, CountsCheck
from usagectl.findings import Problem
from workspace_usage.aws.dynamodb import item_key
from workspace_usage.rollups.blocks import Block
from workspace_usage.rollups.counter import MIN_ROWS, Counter
from workspace_usage.rollups.items import Day, mark_key
from workspace_usage.rows.row import Source
from workspace_usage.values import to_milliseconds

NOW = datetime(2026, 1, 9, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ROWS = MIN_ROWS + 100


class Workspace:
    """Workspace 11 in memory: its rows are a minute apart, and all of them are counted."""

    def __init__(self) -> None:
        self.client, self.now = MemoryDynamoDB(), NOW
        for number in range(ROWS):
            self.put(timedelta(minutes=10 + ROWS - number), number + 1)
        self.count()

    def put(self, age: timedelta, number: int) -> None:
        """Stores a row of some age."""
        self.client.put(row_of_age(Source.CURRENT, number, age, self.now))

    def count(self) -> None:
        """Counts what there is to count."""
        Counter(cast(Any, self.client), NAMES, UTC, lambda: self.now).count(11)

    def mark(self, hour: str, age: timedelta) -> None:
        """Stores a mark that was put some time ago."""
        marked_at = {"N": str(to_milliseconds(self.now - age))}
        item = {**item_key(11, mark_key(hour)), "marked_at": marked_at}
        self.client.put_item(TableName=ROLLUPS, Item=item)

    def change_first_block(self, change: Callable[[Block], Block]) -> None:
        """Changes the oldest block."""
        rollups = self.client.tables[ROLLUPS]
        key = min(key for key in rollups if key.startswith("11/2/day/"))
        day = Day.from_item(rollups[key])
        first, *others = day.blocks
        rollups[key] = dict(replace(day, blocks=(change(first), *others)).to_item(11))

    @property
    def check(self) -> CountsCheck:
        """The check of its counts."""
        return CountsCheck(resources_of(self.client, lambda: self.now), 11)


@pytest.fixture
def workspace() -> Workspace:
    """A workspace whose counts are right."""
    return Workspace()


def test_right_counts_are_right(workspace: Workspace) -> None:
    sample = workspace.check.check_sample()
    assert sample.startswith("right: ")
    assert f"{ROWS:,} rows in " in sample
    assert workspace.check.check_age() == "no marks; no rows wait"


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda b: replace(b, rows=b.rows + 1), "number of rows between "),
        (
            lambda b: replace(b, types={**b.types, "video": 1}),
            "types or users of the rows between ",
        ),
        (lambda b: replace(b, shards=b.shards ^ 1), "types or users of the rows between "),
        (lambda b: replace(b, id=b.id.rpartition("/")[0] + "/0-0"), "is missing"),
    ],
)
def test_a_block_that_differs_from_its_rows_is_found(
    workspace: Workspace, change: Callable[[Block], Block], difference: str
) -> None:
    """In each of its parts. The sentence says what to do."""
    workspace.change_first_block(change)
    with pytest.raises(Problem) as problem:
        workspace.check.check_sample()
    assert difference in str(problem.value)
    assert "are wrong (" in str(problem.value)
    assert "; usagectl recount -w 11 --reset counts the workspace" in str(problem.value)


def test_rows_between_blocks_are_found(workspace: Workspace) -> None:
    """They came late, and without a mark."""
    workspace.put(timedelta(days=20), 9_999)
    with pytest.raises(Problem, match=r"rows before .* are not counted; usagectl recount -w 11"):
        workspace.check.check_sample()


def test_an_old_mark_is_found(workspace: Workspace) -> None:
    """It is older than any that a counter which works leaves."""
    workspace.mark("2026-01-09T01", MAX_MARK_AGE)
    assert workspace.check.check_age().startswith("the oldest mark is 30 min old; ")
    workspace.mark("2026-01-09T02", MAX_MARK_AGE + MINUTE)
    with pytest.raises(Problem, match=r"^the oldest mark is 31 min old, so the counter does not"):
        workspace.check.check_age()


def test_rows_that_wait_for_too_long_are_found(workspace: Workspace) -> None:
    """So many that the counter should have counted them."""
    workspace.now += timedelta(hours=3)
    for number in range(MIN_ROWS):
        workspace.put(timedelta(minutes=170 - number / 10), 5_000 + number)
    with pytest.raises(Problem, match=r"wait.* old; usagectl recount -w 11 asks for it"):
        workspace.check.check_age()
    workspace.now -= timedelta(hours=2)
    assert "that waits to be counted is 50 min old" in workspace.check.check_age()
    assert timedelta(minutes=50) < MAX_WAIT < timedelta(minutes=170)
