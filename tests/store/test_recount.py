"""Counting that an operator asks for, and what doctor says of counts, on the real engine."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import pytest

from tests.support.counted_database import WORKSPACE, CountedDatabase, write_rows
from tests.support.database import NAMES
from usagectl.__main__ import main
from usagectl.counts_check import CountsCheck, examine
from usagectl.errors import CommandError
from usagectl.findings import Problem
from usagectl.loading.loader import Loader
from usagectl.recount import CountProgress, Recount
from workspace_usage.aws.dynamodb import item_key
from workspace_usage.aws.packing import pack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HOURS: Final = [f"2026-03-{day:02}T{hour:02}" for day in range(1, 19) for hour in range(9)]
"""Hours of all days that have rows."""

OTHER: Final = pack([1, 2])["B"]
"""A content that can be unpacked, but is none of ours."""

POLL_SECONDS: Final = 30

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


@pytest.fixture
def rare_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets more time pass between two looks: the tests need fewer of them."""
    monkeypatch.setattr("usagectl.recount.POLL_SECONDS", POLL_SECONDS)


@pytest.mark.usefixtures("rare_polls")
def test_waiting_ends_when_the_counter_is_done(database: CountedDatabase) -> None:
    """With the marks that were there, and the rows; newer marks don't matter."""
    days = len(database.marks())
    recount = Recount.begin(database.resources(), WORKSPACE, from_scratch=False)
    assert database.requests.sent == [(WORKSPACE, 0)]

    def count(poll: int) -> None:
        if poll == 1:
            database.mark(["2026-03-04T00", "2026-01-01T00"])
        if poll % 7 == 0:
            database.count()

    first, *others = wait(database, recount, count)
    assert (first.marks, first.counted_to, first.is_done) == (days, None, False)
    assert others[-1].is_done
    assert others[-1].counted_to is not None
    assert database.marks().keys() <= {"2026-03-04T00", "2026-01-01T00"}
    database.now += timedelta(minutes=1)
    assert database.check_pages() > 0


@pytest.mark.usefixtures("rare_polls")
def test_counting_is_requested_again_if_nothing_moves(database: CountedDatabase) -> None:
    """A message can be lost, or come too early."""
    recount = Recount.begin(database.resources(), WORKSPACE, from_scratch=False)

    def count(_: int) -> None:
        if len(database.requests.sent) == 3:
            database.count()

    wait(database, recount, count)
    assert database.requests.sent == [(WORKSPACE, 0)] * len(database.requests.sent)
    assert timedelta(minutes=6) <= database.now - recount.began_at <= timedelta(minutes=12)


@pytest.mark.usefixtures("rare_polls")
def test_waiting_says_when_nothing_changes(database: CountedDatabase) -> None:
    """Every six minutes. A commit of the counter is a change, also if it shows nowhere else."""
    database.requests.sent.append((WORKSPACE, 0))
    database.count_all()
    database.mark(HOURS)
    database.now += timedelta(minutes=1)
    recount = Recount.begin(database.resources(), WORKSPACE, from_scratch=False)
    six_minutes = 6 * 60 // POLL_SECONDS

    def count(poll: int) -> None:
        if poll == 2.5 * six_minutes:
            database.count()
        if poll > 4 * six_minutes:
            database.count()

    found = [progress.unchanged_for for progress in wait(database, recount, count)]
    quiet = [time for time in found if time is not None]
    assert quiet == [timedelta(minutes=minutes) for minutes in (6, 12, 6)]


def stored(database: CountedDatabase, kind: str) -> list[Any]:
    """Returns a workspace's items of one kind in the table of counts; ``row`` is a day's rows."""
    table, prefix = (NAMES.executions, "2026-03-03") if kind == "row" else (NAMES.rollups, kind)
    found: Any = database.client.query(
        TableName=table,
        KeyConditionExpression="workspace_id = :id AND begins_with(sort_key, :prefix)",
        ExpressionAttributeValues={":id": {"N": f"{WORKSPACE}"}, ":prefix": {"S": prefix}},
    )
    items: list[Any] = found["Items"]
    return items


def delete(database: CountedDatabase, kind: str) -> None:
    """Deletes what ``stored`` returns."""
    table = NAMES.executions if kind == "row" else NAMES.rollups
    for item in stored(database, kind):
        key = {name: item[name] for name in ("workspace_id", "sort_key")}
        database.client.delete_item(TableName=table, Key=key)


def spoil(database: CountedDatabase, kind: str, content: bytes | None) -> None:
    """Replaces the content of items of the table of counts, or removes it."""
    for item in stored(database, kind):
        others = {name: value for name, value in item.items() if name != "content"}
        new = others if content is None else {**others, "content": {"B": content}}
        database.client.put_item(TableName=NAMES.rollups, Item=new)


@pytest.fixture
def counted(database: CountedDatabase, monkeypatch: pytest.MonkeyPatch) -> CountedDatabase:
    """The database after its rows were counted. Doctor looks at all of its blocks."""
    monkeypatch.setattr("usagectl.counts_check.MAX_BLOCKS", 100)
    Recount.begin(database.resources(), WORKSPACE, from_scratch=False)
    database.count_all()
    return database


def check_reset(database: CountedDatabase) -> None:
    """Asserts that everything is counted from the beginning."""
    check = CountsCheck(database.resources(), WORKSPACE)
    Recount.begin(database.resources(), WORKSPACE, from_scratch=True)
    assert check.check_age() == "no marks; rows have waited for 0 min to be counted"
    assert check.check_sample() == "nothing is counted"
    database.count_all()
    assert check.check_age() == "no marks; no rows wait"


def check_answers(database: CountedDatabase) -> None:
    """Asserts that pages and sums are right, and that counts are used."""
    assert database.check_pages([6, 12, 20]) > 0
    database.check_sums()


def test_wrong_counts_are_found_and_counted_from_the_beginning(counted: CountedDatabase) -> None:
    """What was deleted past usagectl, for example in the console."""
    for kind, reason in (
        ("2/day/2026-03-03", "rows between 2026-03-03.* and 2026-03-04.* are not counted"),
        ("2/day/", "rows before 2026-03-0[56].* are not counted"),
        ("2/block/order/", "2026-03-0. are wrong .*2/block/order/2026-03-0.* is missing"),
        ("2/block/users/", "2/block/users/./2026.* is missing"),
        ("row", r"counts of 2026-03-03 are wrong \(number of rows between 2026-03-03"),
    ):
        delete(counted, kind)
        with pytest.raises(Problem, match=rf"{reason}.*usagectl recount -w 11 --reset"):
            CountsCheck(counted.resources(), WORKSPACE).check_sample()
        check_reset(counted)
    check_answers(counted)


def test_an_item_that_cannot_be_read_is_named(counted: CountedDatabase) -> None:
    """And everything can be counted from the beginning."""
    for kind in ("2/day/2026-03-03", "2/block/order/", "2/block/types/", "2/block/users/"):
        for content in (b"junk", OTHER, None):
            spoil(counted, kind, content)
            is_json = kind == "2/block/order/" and content == OTHER
            reason = "is wrong" if is_json else "can't be read"
            match = rf"the item {kind}[^ ]* {reason}.*recount -w 11 --reset"
            with pytest.raises(Problem, match=match):
                CountsCheck(counted.resources(), WORKSPACE).check_sample()
        check_reset(counted)
    check_answers(counted)


def test_a_day_without_rows_that_cannot_be_read_does_no_harm(counted: CountedDatabase) -> None:
    """Nobody replaces it, since there is nothing to count."""
    item = {**item_key(WORKSPACE, "2/day/2026-02-03"), "content": {"B": b"junk"}}
    counted.client.put_item(TableName=NAMES.rollups, Item=item)
    assert CountsCheck(counted.resources(), WORKSPACE).check_sample().startswith("right")
    check_reset(counted)


class Deployment:
    """A deployment, as far as its counts are checked."""

    def __init__(self, database: CountedDatabase) -> None:
        self.resources = database.resources()


def test_a_watermark_that_cannot_be_read_is_reported(
    counted: CountedDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By both checks, on a line or as JSON. The exit code is 1. Counting can begin again."""
    for content, has_revision in product((b"junk", OTHER, None), (True, False)):
        spoil(counted, "2/watermark", content)
        if not has_revision:
            (item,) = stored(counted, "2/watermark")
            del item["revision"]
            counted.client.put_item(TableName=NAMES.rollups, Item=item)
        check_report_of_watermark(counted, monkeypatch, capsys)
        check_reset(counted)
    check_answers(counted)


def check_report_of_watermark(
    counted: CountedDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asserts that doctor says that the watermark can't be read."""
    monkeypatch.setattr("usagectl.cli.doctor.find_deployment", lambda _: Deployment(counted))
    monkeypatch.setattr("usagectl.doctor.examine", lambda found, _, number: examine(found, number))
    assert main(["doctor", "-w", "11"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    sentence = (
        "the item 2/watermark can't be read; usagectl recount -w 11 --reset counts the workspace"
        " from the beginning"
    )
    assert all(line.startswith("FAIL") and line.endswith(sentence) for line in lines)
    assert main(["doctor", "-w", "11", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    assert [(finding["ok"], finding["detail"]) for finding in findings] == [(False, sentence)] * 2


def test_a_row_that_cannot_be_read_ends_the_command_with_a_sentence(
    counted: CountedDatabase,
) -> None:
    """The counter fails at it, so waiting might never end."""
    last = stored(counted, "row")[1]
    item = {**last, "credits": {"S": "spoiled"}}
    counted.client.put_item(TableName=NAMES.executions, Item=item)
    sentence = r"A row of workspace 11 behind 2026-03-03\S+ can't be read: "
    deployment: Any = Deployment(counted)
    age, sample = examine(deployment, WORKSPACE)
    assert (age.is_well, sample.is_well) == (True, False)
    assert re.search(sentence, sample.detail)
    recount = Recount.begin(counted.resources(), WORKSPACE, from_scratch=True)
    with pytest.raises(CommandError, match=sentence):
        wait(counted, recount, lambda _: None)


def test_a_row_that_is_deleted_with_its_mark_is_no_wrong_count(
    counted: CountedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor looks again before it says so: the mark may come while it reads."""
    check = CountsCheck(counted.resources(), WORKSPACE)
    fault = CountsCheck._fault

    def delete_meanwhile(*arguments: Any) -> str | None:
        counted.mark(HOURS)
        delete(counted, "row")
        delete(counted, "2/block/order/")
        return fault(*arguments)

    monkeypatch.setattr(CountsCheck, "_fault", delete_meanwhile)
    assert check.check_sample().startswith("right")


def test_blocks_that_are_not_believed_are_not_called_uncounted(counted: CountedDatabase) -> None:
    """Such as after an erasure, until the counter comes."""
    counted.mark(HOURS)
    assert CountsCheck(counted.resources(), WORKSPACE).check_sample() == (
        "no block can be believed at the moment, because rows have changed"
    )


def test_old_marks_and_rows_that_wait_are_found(database: CountedDatabase) -> None:
    """Rows that were imported wait from the import on, not from their own moment."""
    check = CountsCheck(database.resources(), WORKSPACE)
    assert check.check_age() == (
        "the oldest mark is 0 min old; rows have waited for 0 min to be counted"
    )
    database.now += timedelta(minutes=31)
    with pytest.raises(Problem, match="the oldest mark is 31 min old, so the counter does not"):
        check.check_age()
    delete(database, "2/mark/")
    with pytest.raises(Problem, match=r"row that waits to be counted is 92 days old; usagectl rec"):
        check.check_age()
    Recount.begin(database.resources(), WORKSPACE, from_scratch=True)
    database.now += timedelta(minutes=119)
    with pytest.raises(Problem, match=r"have waited for 119 min .* usagectl recount -w 11 asks f"):
        check.check_age()
    database.now += timedelta(minutes=1)
    with pytest.raises(Problem, match="rows have waited for 2 hours to be counted"):
        check.check_age()
    database.count_all()
    assert check.check_age() == "no marks; no rows wait"


def test_counts_of_another_time_zone_are_not_used(counted: CountedDatabase) -> None:
    """Everything is counted again when the next rows come, or on request."""
    resources = replace(counted.resources(), zone=ZoneInfo("Asia/Tokyo"))
    check = CountsCheck(resources, WORKSPACE)
    with pytest.raises(Problem, match="days old, and the counts are of another time zone or an"):
        check.check_age()
    assert check.check_sample() == "nothing is counted"


def test_without_a_workspace_some_are_checked(database: CountedDatabase) -> None:
    """Those that have counts or marks, wherever a Scan begins."""
    deployment: Any = Deployment(database)
    assert [f.check for f in examine(deployment, None)] == [
        "counts of workspace 11",
        "counts of workspace 11, a sample",
    ]
    assert all(finding.is_well for finding in examine(deployment, None))
    delete(database, "2/mark/")
    (finding,) = examine(deployment, None)
    assert (finding.is_well, finding.detail) == (None, "no workspace is counted yet")
