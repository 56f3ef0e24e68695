"""Counting that an operator asks for, and what doctor says of counts, on the real engine."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.counted_database import WORKSPACE, CountedDatabase, write_rows
from tests.support.database import NAMES
from usagectl.counts_check import CountsCheck, examine
from usagectl.findings import Problem
from usagectl.loading.loader import Loader
from usagectl.recount import CountProgress, Recount
from workspace_usage.rollups.marks import MarkWriter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")


@pytest.fixture
def database(client: "DynamoDBClient", tmp_path: Path) -> CountedDatabase:
    """A database with rows of a workspace, which were imported a moment ago."""
    made = CountedDatabase(client)
    Loader(made.resources()).load(write_rows(tmp_path / "rows", range(1, 401)))
    made.requests.sent.clear()
    return made


def wait(
    database: CountedDatabase, recount: Recount, count: Callable[[int], object]
) -> list[CountProgress]:
    """Returns the progress that waiting shows, while ``count`` is called at each poll."""
    polls = 0

    def pause(seconds: float) -> None:
        nonlocal polls
        polls += 1
        database.now += timedelta(seconds=seconds)
        count(polls)

    return list(recount.wait(pause))


def test_waiting_ends_when_the_counter_is_done(database: CountedDatabase) -> None:
    """With the marks that were there, and the rows; newer marks don't matter."""
    days = len(database.marks())
    recount = Recount.begin(database.resources(), WORKSPACE, from_scratch=False)
    assert database.requests.sent == [(WORKSPACE, 0)]

    def count(poll: int) -> None:
        if poll == 1:
            marks = MarkWriter(database.client, NAMES.rollups, lambda _: None)
            marks.mark(WORKSPACE, ["2026-03-04T00", "2026-01-01T00"], database.now)
        if poll % 40 == 0:
            database.count()

    first, *others = wait(database, recount, count)
    assert (first.marks, first.counted_to, first.is_done) == (days, None, False)
    assert others[-1].is_done
    assert others[-1].counted_to is not None
    assert database.marks().keys() <= {"2026-03-04T00", "2026-01-01T00"}
    database.now += timedelta(minutes=1)
    assert database.check_pages() > 0


def test_counting_is_requested_again_if_nothing_moves(database: CountedDatabase) -> None:
    """A message can be lost, or come too early."""
    recount = Recount.begin(database.resources(), WORKSPACE, from_scratch=False)

    def count(_: int) -> None:
        if len(database.requests.sent) == 3:
            database.count()

    wait(database, recount, count)
    assert database.requests.sent == [(WORKSPACE, 0)] * len(database.requests.sent)
    assert timedelta(minutes=6) <= database.now - recount.began_at <= timedelta(minutes=12)


def spoil(database: CountedDatabase, kind: str) -> None:
    """Deletes the rows of a day, or a workspace's items of one kind in the table of counts."""
    table, prefix = (NAMES.executions, "2026-03-03") if kind == "row" else (NAMES.rollups, kind)
    found: Any = database.client.query(
        TableName=table,
        KeyConditionExpression="workspace_id = :id AND begins_with(sort_key, :prefix)",
        ExpressionAttributeValues={":id": {"N": f"{WORKSPACE}"}, ":prefix": {"S": prefix}},
    )
    for item in found["Items"]:
        key = {name: item[name] for name in ("workspace_id", "sort_key")}
        database.client.delete_item(TableName=table, Key=key)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("row", r"from 2026-03-03 on are wrong \(rows between 2026-03-03"),
        ("2/day/2026-03-03", r"from 2026-03-03 on are wrong \(rows between 2026-03-03"),
        ("2/block/order/", "order is missing"),
        ("2/block/users/", "users/. is missing"),
    ],
)
def test_wrong_counts_are_found_and_counted_from_the_beginning(
    database: CountedDatabase, monkeypatch: pytest.MonkeyPatch, kind: str, reason: str
) -> None:
    """What was deleted past usagectl, for example in the console."""
    monkeypatch.setattr("usagectl.counts_check.MAX_BLOCKS", 100)
    Recount.begin(database.resources(), WORKSPACE, from_scratch=False)
    database.count_all()
    check = CountsCheck(database.resources(), WORKSPACE)
    spoil(database, kind)
    with pytest.raises(Problem, match=rf"{reason}.*usagectl recount -w 11 --reset"):
        check.check_sample()
    Recount.begin(database.resources(), WORKSPACE, from_scratch=True)
    assert check.check_sample() == "nothing is counted"
    database.count_all()
    assert database.check_pages() > 0


def test_a_row_that_is_deleted_with_its_mark_is_no_wrong_count(
    database: CountedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor looks again before it says so: the mark may come while it reads."""
    Recount.begin(database.resources(), WORKSPACE, from_scratch=False)
    database.count_all()
    check = CountsCheck(database.resources(), WORKSPACE)
    difference = CountsCheck._difference

    def delete_meanwhile(*arguments: Any) -> str | None:
        MarkWriter(database.client, NAMES.rollups, lambda _: None).mark(
            WORKSPACE,
            [f"2026-03-{day:02}T{hour:02}" for day in range(1, 19) for hour in range(9)],
            database.now,
        )
        spoil(database, "row")
        spoil(database, "2/block/order/")
        return difference(*arguments)

    monkeypatch.setattr(CountsCheck, "_difference", delete_meanwhile)
    assert check.check_sample().startswith("right")


def test_old_marks_and_rows_that_wait_are_found(database: CountedDatabase) -> None:
    """Rows that were imported wait from the import on, not from their own moment."""
    check = CountsCheck(database.resources(), WORKSPACE)
    assert check.check_age() == "the oldest mark is 0 min old; rows have waited for 0 min"
    database.now += timedelta(minutes=31)
    with pytest.raises(Problem, match="the oldest mark is 31 min old, so the counter does not"):
        check.check_age()
    spoil(database, "2/mark/")
    with pytest.raises(Problem, match=r"have waited for .* usagectl recount -w 11 asks for it"):
        check.check_age()
    Recount.begin(database.resources(), WORKSPACE, from_scratch=False)
    database.count_all()
    assert check.check_age() == "no marks; no rows wait"


def test_without_a_workspace_some_are_checked(database: CountedDatabase) -> None:
    """Those that have counts or marks, wherever a Scan begins."""

    class Deployment:
        resources = database.resources()

    deployment: Any = Deployment
    assert [f.check for f in examine(deployment, None)] == [
        "counts of workspace 11",
        "counts of workspace 11, a sample",
    ]
    assert all(finding.is_well for finding in examine(deployment, None))
    spoil(database, "2/mark/")
    (finding,) = examine(deployment, None)
    assert (finding.is_well, finding.detail) == (None, "no workspace is counted yet")
