"""Whole answers are the oracle's, for random questions about random data sets of 1,500 rows."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from tests.support.generator import Member, question, write_dataset
from tests.support.memory_client import ROLLUPS, TABLES, MemoryClient
from tests.support.oracle import Caller, Oracle, assert_items
from usagectl.data_set.payload_files import PAYLOAD_FILES, read_stored_items
from usagectl.data_set.rejections import Rejection
from usagectl.data_set.settings import read_min_date
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace
from workspace_usage.aws.credentials import Credentials
from workspace_usage.errors import Forbidden, InvalidRequest
from workspace_usage.listing.answer import Body
from workspace_usage.listing.listing import Listing
from workspace_usage.listing.min_date import MinDate
from workspace_usage.listing.presigning import Bucket
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.row import Source
from workspace_usage.rows.store import Meter, QueryReader, Store

SOURCES = {
    "executions": Source.CURRENT,
    "archived_executions": Source.ARCHIVED,
    "edited_chats": Source.EDITED,
}
# The days on which the clocks change, and one on which they don't.
CASES = [
    (1, "UTC", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),
    (2, "America/New_York", datetime(2026, 11, 1, 16, 0, tzinfo=UTC)),
    (3, "Europe/Berlin", datetime(2026, 3, 29, 12, 0, tzinfo=UTC)),
    (6, "Asia/Kathmandu", datetime(2026, 1, 5, 23, 59, 59, 999999, tzinfo=UTC)),
]


class Parameter:
    """Systems Manager, with one parameter."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """The parameter, whatever it is called."""
        assert Name
        return {"Parameter": {"Value": self._value}}


def loaded(folder: Path) -> MemoryClient:
    """The data set's rows, as loading stores them."""
    client = MemoryClient()
    for records in PAYLOAD_FILES:
        for _, item in read_stored_items(folder / records.name, records):
            assert not isinstance(item, Rejection), item
            if records.table in SOURCES:
                key = f"{item['workspace_id']['N']}/{item['sort_key']['S']}"
                client.tables[TABLES[SOURCES[records.table]]][key] = item
    return client


def listing_of(folder: Path, reader: QueryReader, zone: str) -> Listing:
    setting = read_min_date(folder)
    assert isinstance(setting, str)
    return Listing(
        store=Store(reader, TABLES),
        index=PageIndex(cast(Any, reader), ROLLUPS, ZoneInfo(zone)),
        min_date=MinDate(cast(Any, Parameter(setting)), "name", ZoneInfo(zone)),
        bucket=Bucket("media", "us-east-1"),
        credentials=lambda: Credentials("key", "secret", "token"),
        url_lifetime=3600,
        zone=ZoneInfo(zone),
    )


def scope_of(member: Member) -> Scope:
    if member.sees_everyone:
        return WholeWorkspace(member.workspace_id)
    return OwnRuns(member.workspace_id, member.user_id)


def no_limit() -> None:
    """There is always time."""


@pytest.mark.parametrize(("seed", "zone", "now"), CASES)
def test_answers_are_the_oracle_s(tmp_path: Path, seed: int, zone: str, now: datetime) -> None:
    members = write_dataset(tmp_path, seed, now, ZoneInfo(zone))
    oracle = Oracle(tmp_path, ZoneInfo(zone))
    listing = listing_of(tmp_path, cast(Any, loaded(tmp_path)), zone)
    random = Random(seed)
    seen = dict.fromkeys((200, 403, 422), 0)
    for _ in range(150):
        member, query = random.choice(members), question(random, now)
        caller = Caller(member.workspace_id, member.user_id, member.sees_everyone)
        status, expected = oracle.answer(caller, query, now)
        seen[status] += 1
        meter = Meter(no_limit)
        ask = partial(listing.answer, scope_of(member), query, now=now, meter=meter, warn=print)
        if status == 403:
            with pytest.raises(Forbidden):
                ask()
        elif status == 422:
            with pytest.raises(InvalidRequest) as refused:
                ask()
            assert {violation.field for violation in refused.value.violations} == expected
        else:
            body = ask()
            assert list(body) == list(Body.__annotations__)
            assert_items(body["items"], expected["items"])
            assert {**expected, "items": [], "next_cursor": None} == {
                **body,
                "items": [],
                "next_cursor": None,
            }
            assert (body["next_cursor"] is None) == (not body["has_more"])
            if body["page"] == 1:
                assert max(meter.rows.values(), default=0) <= body["per_page"] + 1
    assert min(seen.values()) > 0


@pytest.mark.parametrize(("seed", "zone", "now"), CASES)
def test_walking_by_page_and_by_cursor_gives_the_whole_each_row_once(
    tmp_path: Path, seed: int, zone: str, now: datetime
) -> None:
    members = write_dataset(tmp_path, seed, now, ZoneInfo(zone))
    oracle = Oracle(tmp_path, ZoneInfo(zone))
    listing = listing_of(tmp_path, cast(Any, loaded(tmp_path)), zone)
    ask = partial(listing.answer, now=now, meter=Meter(no_limit), warn=print)
    start = now.date() - timedelta(days=60)
    query = {"start_date": start.isoformat(), "end_date": now.date().isoformat()}
    for member in members:
        caller = Caller(member.workspace_id, member.user_id, member.sees_everyone)
        whole = [row["id"] for row in oracle.whole(caller, query, now)]
        by_page, by_cursor = list[Any](), list[Any]()
        number = 1
        cursor: str | None = ""
        while True:
            page = {**query, "per_page": "37", "page": str(number)}
            body = ask(scope_of(member), page)
            by_page += body["items"]
            following = {**query, "per_page": "37", "cursor": cursor}
            by_cursor += ask(scope_of(member), following)["items"]
            if not body["has_more"]:
                break
            number, cursor = number + 1, body["next_cursor"]
        assert [entry["id"] for entry in by_cursor] == [entry["id"] for entry in by_page]
        numbers = [int(str(entry["id"]).removeprefix("chat-edited-")) for entry in by_page]
        assert numbers == whole
