"""Imports and erasures while a workspace is counted: its pages are right at every moment."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.counted_database import (
    CountedDatabase,
    Killed,
    Meanwhile,
    kill_after,
    write_rows,
)
from tests.support.database import NAMES
from usagectl.erasure.eraser import Eraser
from usagectl.loading.loader import Loader
from usagectl.resources import Resources
from usagectl.service_clock import ServiceClock
from workspace_usage.aws.packing import unpack
from workspace_usage.rollups.items import shard_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

ROWS = range(1, 361)
PAGES = range(6, 20, 4)
"""Some pages that are found by counts."""


type Command = Callable[[Resources], object]


@pytest.fixture
def database(client: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> CountedDatabase:
    """An empty database. Commands make one call at a time, so that time passes between calls."""
    monkeypatch.setattr("usagectl.loading.table_writer.CALLS_IN_FLIGHT", 1)
    monkeypatch.setattr("usagectl.parallel.CALLS_IN_FLIGHT", 1)
    return CountedDatabase(client)


def importing(folder: Path) -> Command:
    """Returns the import of a folder."""
    return lambda resources: Loader(resources).load(folder)


def erasing(*, delete_rows: bool) -> Command:
    """Returns the erasure of user 2."""
    return lambda resources: Eraser(resources, "User", delete_rows).erase(2)


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, Command]:
    """Commands that change a workspace of which ``ROWS`` are there or will be."""
    return {
        "new rows": importing(write_rows(tmp_path / "new", range(361, 561))),
        "between": importing(write_rows(tmp_path / "edited", ROWS[::3], "edited")),
        "archived": importing(write_rows(tmp_path / "archived", ROWS[::4], "archived")),
        "anonymise": erasing(delete_rows=False),
        "delete": erasing(delete_rows=True),
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("between", "archived"),
        ("new rows", "delete"),
        ("anonymise", "between"),
    ],
)
def test_two_commands_at_once_leave_every_page_right(
    database: CountedDatabase,
    commands: dict[str, Command],
    tmp_path: Path,
    first: str,
    second: str,
) -> None:
    """The counter and readers meet them everywhere. In the end, all is counted."""
    importing(write_rows(tmp_path / "rows", ROWS))(database.resources())
    database.count_all()
    assert database.check_pages(PAGES) > 0
    calls = 0

    def happens() -> None:
        nonlocal calls
        calls += 1
        database.now += timedelta(seconds=25)
        if calls == 7:
            commands[second](database.resources(Meanwhile(database.client, happens)))
        if calls % 22 in (4, 13):
            database.count()
        if calls % 30 == 0:
            database.now += timedelta(seconds=11)  # then the watermark is used
            database.check_pages([6, 17])
            database.check_sums(["user,agent"])

    commands[first](database.resources(Meanwhile(database.client, happens)))
    assert calls > 7
    database.check_pages(PAGES)
    database.check_sums()
    database.count_all()
    assert database.check_pages(PAGES) > 0
    database.check_sums()


def test_a_command_that_is_killed_leaves_nothing_to_clean_up(
    database: CountedDatabase, commands: dict[str, Command], tmp_path: Path
) -> None:
    """Counting was requested before the first write. The command can be started again."""
    importing(write_rows(tmp_path / "rows", ROWS))(database.resources())
    database.count_all()
    for name in ("between", "archived", "anonymise", "delete"):
        database.requests.sent.clear()
        with pytest.raises(Killed):
            commands[name](database.resources(Meanwhile(database.client, kill_after(5))))
        database.check_pages(PAGES)
        database.count_all()
        commands[name](database.resources())
        database.check_pages(PAGES)
        database.count_all()
        assert database.check_pages(PAGES) > 0


def test_marks_have_the_time_of_the_database_s_responses(
    database: CountedDatabase, tmp_path: Path
) -> None:
    """It runs on this machine, so both clocks are the same."""
    clock = ServiceClock(database.client, NAMES.rollups)
    resources = replace(database.resources(), clock=clock)
    importing(write_rows(tmp_path / "rows", [1]))(resources)
    (marked_at,) = database.marks().values()
    assert abs(marked_at / 1000 - time.time()) < 60
    assert abs(clock() - datetime.now(UTC)) < timedelta(seconds=3)


def test_an_erased_person_is_in_no_count(database: CountedDatabase, tmp_path: Path) -> None:
    """Counts have e-mail addresses and user ids until they are counted again."""
    importing(write_rows(tmp_path / "rows", ROWS))(database.resources())
    database.count_all()
    assert "user2@example.com" in contents(database)
    erasing(delete_rows=False)(database.resources())
    database.count_all()
    assert "user2@example.com" not in contents(database)
    assert f"/users/{shard_of(2)}/" in contents(database)
    erasing(delete_rows=True)(database.resources())
    database.count_all()
    assert f"/users/{shard_of(2)}/" not in contents(database)
    assert "user3@example.com" in contents(database)


def contents(database: CountedDatabase) -> str:
    """Returns all that the table of counts has, as text."""
    pages = database.client.get_paginator("scan").paginate(TableName=NAMES.rollups)
    items: list[Any] = [item for page in pages for item in page["Items"]]
    return str([(i["sort_key"], unpack(i["content"])) for i in items if "content" in i])
