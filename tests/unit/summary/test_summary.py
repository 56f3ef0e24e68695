"""Whole summaries are what the listing's rows add up to, on days when clocks change and others."""

from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from tests.support.generator import write_dataset
from tests.support.listing import (
    RANDOM_DATA_SETS,
    load_into_memory,
    no_limit,
    scope_of,
    summary_of,
)
from tests.support.memory_dynamodb import NAMES, MemoryDynamoDB
from tests.support.oracle import Caller, Oracle
from tests.support.summary_oracle import expected_summary, summary_question
from workspace_usage.errors import Forbidden, InvalidRequest
from workspace_usage.rollups import build, counter
from workspace_usage.rollups.counter import Counter
from workspace_usage.rows.store import Meter


def count(client: MemoryDynamoDB, zone: str, now: datetime) -> None:
    """Counts both workspaces, long enough ago for readers to use that."""
    counting = Counter(cast(Any, client), NAMES, ZoneInfo(zone), lambda: now - timedelta(minutes=1))
    for workspace_id in (11, 12):
        assert counting.count(workspace_id).rows > 0


@pytest.mark.parametrize("is_counted", [False, True], ids=["read", "counted"])
@pytest.mark.parametrize(("seed", "zone", "now"), RANDOM_DATA_SETS)
def test_summaries_are_the_oracle_s(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    zone: str,
    now: datetime,
    is_counted: bool,
) -> None:
    """Whether the rows are read, or counted in many blocks."""
    monkeypatch.setattr(build, "MAX_ROWS", 10)
    monkeypatch.setattr(counter, "MIN_ROWS", 10)
    members = write_dataset(tmp_path, seed, now, ZoneInfo(zone), rows=500)
    oracle, client = Oracle(tmp_path, ZoneInfo(zone)), load_into_memory(tmp_path)
    if is_counted:
        count(client, zone, now)
    summary = summary_of(tmp_path, cast(Any, client), zone)
    random, seen = Random(seed), dict.fromkeys((200, 403, 422), 0)
    for _ in range(60):
        member, query = random.choice(members), summary_question(random, now)
        caller = Caller(member.workspace_id, member.user_id, member.sees_everyone)
        status, expected = expected_summary(oracle, caller, query, now)
        seen[status] += 1
        try:
            meter = Meter(no_limit)
            found: Any = summary.answer(scope_of(member), query, now=now, meter=meter, warn=print)
        except Forbidden:
            found = None
        except InvalidRequest as error:
            found = {violation.field for violation in error.violations}
        assert found == expected, query
    assert min(seen.values()) > 0


def test_a_window_that_is_hidden_has_no_days(tmp_path: Path) -> None:
    """The min-date of the data set of seed 3 is 20 days ago."""
    seed, zone, now = RANDOM_DATA_SETS[2]
    [member, *_] = write_dataset(tmp_path, seed, now, ZoneInfo(zone), rows=30)
    summary = summary_of(tmp_path, cast(Any, load_into_memory(tmp_path)), zone)
    day = str(now.date() - timedelta(days=30))
    query = {"start_date": day, "end_date": day}
    meter = Meter(no_limit)
    body = summary.answer(scope_of(member), query, now=now, meter=meter, warn=print)
    assert (body["start_date"], body["end_date"], body["buckets"]) == (None, None, [])
    assert (body["totals"]["runs"], body["groups"], meter.calls.total()) == (0, [], 0)


def test_a_window_may_end_with_the_calendar(tmp_path: Path) -> None:
    """No day comes after its last one."""
    seed, zone, now = RANDOM_DATA_SETS[0]
    [member, *_] = write_dataset(tmp_path, seed, now, ZoneInfo(zone), rows=30)
    summary = summary_of(tmp_path, cast(Any, load_into_memory(tmp_path)), zone)
    query = {"start_date": "9999-12-30", "end_date": str(date.max), "interval": "week"}
    meter = Meter(no_limit)
    body = summary.answer(scope_of(member), query, now=now, meter=meter, warn=print)
    assert [bucket["end_date"] for bucket in body["buckets"]] == ["9999-12-31"]
