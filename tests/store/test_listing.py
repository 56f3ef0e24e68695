"""Answers from the real engine are the oracle's: every scope, filter, page and cursor."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from local.dynamodb.process import DynamoDBLocal
from local.template.template import Template
from tests.support.database import database, load, reader_of
from tests.support.generator import USERS, Member, write_dataset
from tests.support.listing import RANDOM_DATA_SETS, listing_of, no_limit, scope_of
from tests.support.oracle import TYPES, Caller, Oracle, assert_items
from workspace_usage.listing.answer import Body
from workspace_usage.listing.listing import Listing
from workspace_usage.rows.row import Source
from workspace_usage.rows.store import Meter

pytestmark = pytest.mark.xdist_group("dynamodb-local")

PER_PAGE = 100
NOBODY = 77
"""A user who has no rows."""


@dataclass(frozen=True)
class History:
    """A data set in the engine, and an oracle that reads its files."""

    now: datetime
    members: tuple[Member, ...]
    oracle: Oracle
    listing: Listing

    def ask(self, member: Member, query: Mapping[str, str]) -> tuple[Body, Meter]:
        """Returns the answer to ``member``, and what was read for it."""
        meter = Meter(no_limit)
        body = self.listing.answer(scope_of(member), query, now=self.now, meter=meter, warn=print)
        return body, meter

    def queries(self, member: Member) -> Iterator[dict[str, str]]:
        """Yields a query for every type and every user that ``member`` may ask for."""
        users = [*USERS, NOBODY] if member.sees_everyone else [member.user_id]
        first = (self.now - timedelta(days=88)).date().isoformat()
        dates = {"start_date": first, "end_date": self.now.date().isoformat()}
        for kind, user in product(TYPES, [None, *users]):
            asked_for = {} if user is None else {"user_id": str(user)}
            yield {**dates, "type": kind, "per_page": str(PER_PAGE), **asked_for}


@pytest.fixture(
    scope="module",
    params=[RANDOM_DATA_SETS[0], RANDOM_DATA_SETS[2]],
    ids=lambda data_set: str(data_set[1]),
)
def history(
    request: pytest.FixtureRequest,
    engine: DynamoDBLocal,
    template: Template,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[History]:
    """A random data set, loaded as an operator loads one."""
    seed, zone, now = cast(tuple[int, str, datetime], request.param)
    folder = tmp_path_factory.mktemp("data")
    members = write_dataset(folder, seed, now, ZoneInfo(zone))
    with database(engine.url, template) as client:
        load(folder, client)
        listing = listing_of(folder, reader_of(client), zone)
        yield History(now, members, Oracle(folder, ZoneInfo(zone)), listing)


def test_every_scope_and_filter_gives_the_oracle_s_pages(history: History) -> None:
    """Page by page, up to the last, and a page beyond it, each answer is what the oracle says."""
    rows = 0
    for member in history.members:
        caller = Caller(member.workspace_id, member.user_id, member.sees_everyone)
        for query in history.queries(member):
            number, has_more = 1, True
            while has_more:
                page = {**query, "page": str(number)}
                _, expected = history.oracle.answer(caller, page, history.now)
                body, _ = history.ask(member, page)
                assert_items(body["items"], expected["items"])
                assert (body["has_more"], body["page"]) == (expected["has_more"], number)
                rows, number, has_more = rows + len(body["items"]), number + 1, body["has_more"]
            beyond, _ = history.ask(member, {**query, "page": str(number)})
            assert (beyond["items"], beyond["next_cursor"]) == ([], None)
    assert rows > 1000


def test_every_scope_and_filter_is_walked_by_cursor_reading_a_page_per_table(
    history: History,
) -> None:
    """Cursors show each row once, in order; no table is read further than a page and one row."""
    for member in history.members:
        caller = Caller(member.workspace_id, member.user_id, member.sees_everyone)
        for query in history.queries(member):
            whole = [row["id"] for row in history.oracle.whole(caller, query, history.now)]
            shown = list[int]()
            cursor: str | None = ""
            while cursor is not None:
                body, meter = history.ask(member, {**query, "cursor": cursor})
                shown += [int(str(i["id"]).removeprefix("chat-edited-")) for i in body["items"]]
                cursor = body["next_cursor"]
                assert max(meter.rows.values()) <= PER_PAGE + 1
                edited = {Source.EDITED} if query["type"] in ("all", "chat") else set()
                sources = {Source.CURRENT, Source.ARCHIVED, *edited}
                assert meter.calls == dict.fromkeys(sources, 1)
            assert shown == whole


def test_a_page_continues_where_dynamodb_stops_at_a_megabyte(
    engine: DynamoDBLocal, template: Template, tmp_path: Path
) -> None:
    """In the table and in every index the next call begins where the last one ended."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with (tmp_path / "executions.ndjson").open("w", encoding="utf-8") as file:
        for number in range(1, 131):
            line = {
                "id": number,
                "workspace_id": 11,
                "user_id": 1,
                "user_email": "ana@example.com",
                "created_at": f"2026-03-01T11:00:00.{number:06}Z",
                "agent": {"title": "Painter", "slug": "painter", "type": "image"},
                "status": "succeeded",
                "output": f"https://example.com/{'x' * 16_000}",
            }
            file.write(json.dumps(line) + "\n")
    (tmp_path / "settings.json").write_text(
        '{"usage_history_min_date": {"enabled": false, "date": null}}', "utf-8"
    )
    with database(engine.url, template) as client:
        load(tmp_path, client)
        listing = listing_of(tmp_path, reader_of(client), "UTC")
        for sees_everyone, kind in product([True, False], ["all", "image"]):
            member = Member("", 11, 1, sees_everyone=sees_everyone)
            meter = Meter(no_limit)
            query = {"type": kind, "per_page": "100"}
            body = listing.answer(scope_of(member), query, now=now, meter=meter, warn=print)
            assert [item["id"] for item in body["items"]] == list(range(130, 30, -1))
            assert body["has_more"]
            assert meter.calls[Source.CURRENT] == 2
            assert meter.rows[Source.CURRENT] == 101
