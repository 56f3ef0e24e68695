"""Sums are the listing's, whatever happens to the rows of a workspace meanwhile."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.counted_database import CountedDatabase, Meanwhile, write_rows
from usagectl.erasure.eraser import Eraser
from usagectl.loading.loader import Loader

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

ROWS: Final = int(os.environ.get("SUMMARY_ROWS", "400"))
"""The rows of the workspace. ``SUMMARY_ROWS=100000`` takes some minutes."""

LATE_ROWS: Final = 80
USERS: Final = 3 if ROWS < 10_000 else 50
"""An erasure deletes rows one by one, so in a large workspace a user has few."""

CALLS_PER_CHECK: Final = ROWS // USERS // 2
CALLS_PER_COUNT: Final = ROWS // USERS // 3
STEP: Final = timedelta(days=24) / (ROWS + LATE_ROWS)
"""The time between two rows. They are of a few weeks: an erasure marks each day again and again."""


def test_sums_are_those_of_the_listing_while_rows_change(
    client: "DynamoDBClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows come late, are archived, edited and erased, and the counter runs between."""
    for module in ("usagectl.loading.table_writer", "usagectl.parallel"):
        monkeypatch.setattr(f"{module}.CALLS_IN_FLIGHT", 1)
    database = CountedDatabase(client)
    late = range(7, ROWS, ROWS // LATE_ROWS)
    there = [number for number in range(1, ROWS) if number not in late]
    write_rows(tmp_path / "rows", there, step=STEP, users=USERS)
    write_rows(tmp_path / "late", late, step=STEP, users=USERS)
    write_rows(tmp_path / "edited", range(3, ROWS, ROWS // 50), "edited", STEP, USERS)
    write_rows(tmp_path / "archived", range(5, ROWS, ROWS // 90), "archived", STEP, USERS)
    Loader(database.resources()).load(tmp_path / "rows")
    database.check_sums([""])
    database.count_all()
    database.check_sums()
    calls = 0

    def happens() -> None:
        nonlocal calls
        calls += 1
        database.now += timedelta(seconds=1)
        if calls % CALLS_PER_CHECK == 0:
            database.check_sums(["user"])
        if calls % CALLS_PER_COUNT == 0:
            database.count()
            database.now += timedelta(seconds=31)

    resources = database.resources(Meanwhile(client, happens))
    for name in ("late", "edited", "archived"):
        Loader(resources).load(tmp_path / name)
        database.check_sums()
    for delete_rows in (False, True):
        Eraser(resources, "User", delete_rows).erase(2)
        database.check_sums()
    database.count_all()
    database.check_sums()
