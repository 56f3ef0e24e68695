"""Whole answers are the oracle's, for random questions about random data sets."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from tests.support.generator import question, write_dataset
from tests.support.listing import (
    RANDOM_DATA_SETS,
    listing_of,
    load_into_memory,
    no_limit,
    scope_of,
)
from tests.support.oracle import Caller, Oracle, assert_items
from workspace_usage.aws.credentials import Credentials
from workspace_usage.errors import Forbidden, InvalidRequest
from workspace_usage.listing.answer import Body
from workspace_usage.rows.store import Meter


@pytest.mark.parametrize(("seed", "zone", "now"), RANDOM_DATA_SETS)
def test_answers_are_the_oracle_s(tmp_path: Path, seed: int, zone: str, now: datetime) -> None:
    members = write_dataset(tmp_path, seed, now, ZoneInfo(zone), rows=600)
    oracle = Oracle(tmp_path, ZoneInfo(zone))
    listing = listing_of(tmp_path, cast(Any, load_into_memory(tmp_path)), zone)
    random = Random(seed)
    seen = dict.fromkeys((200, 403, 422), 0)
    for _ in range(100):
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


@pytest.mark.parametrize(("seed", "zone", "now"), RANDOM_DATA_SETS)
def test_walking_by_page_and_by_cursor_gives_the_whole_each_row_once(
    tmp_path: Path, seed: int, zone: str, now: datetime
) -> None:
    members = write_dataset(tmp_path, seed, now, ZoneInfo(zone), rows=600)
    oracle = Oracle(tmp_path, ZoneInfo(zone))
    listing = listing_of(tmp_path, cast(Any, load_into_memory(tmp_path)), zone)
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
            page = {**query, "per_page": "17", "page": str(number)}
            body = ask(scope_of(member), page)
            by_page += body["items"]
            following = {**query, "per_page": "17", "cursor": cursor}
            by_cursor += ask(scope_of(member), following)["items"]
            if not body["has_more"]:
                break
            number, cursor = number + 1, body["next_cursor"]
        assert [entry["id"] for entry in by_cursor] == [entry["id"] for entry in by_page]
        numbers = [int(str(entry["id"]).removeprefix("chat-edited-")) for entry in by_page]
        assert numbers == whole


def test_a_link_works_for_as_long_as_the_deployment_says(tmp_path: Path) -> None:
    """From the moment of the question on, with the credentials of that moment."""
    seed, zone, now = RANDOM_DATA_SETS[0]
    [member, *_] = write_dataset(tmp_path, seed, now, ZoneInfo(zone), rows=300)
    listing = listing_of(tmp_path, cast(Any, load_into_memory(tmp_path)), zone)
    listing = replace(
        listing, url_lifetime=1_234, credentials=lambda: Credentials("a-key", "secret", None)
    )
    first_day, last_day = now.date() - timedelta(days=80), now.date()
    query = {"start_date": str(first_day), "end_date": str(last_day), "per_page": "100"}
    body = listing.answer(scope_of(member), query, now=now, meter=Meter(no_limit), warn=print)
    links = [item["link"] or "" for item in body["items"]]
    questions = [parse_qs(urlsplit(link).query) for link in links if "X-Amz-Signature=" in link]
    assert len(questions) > 1
    for parameters in questions:
        assert parameters["X-Amz-Expires"] == ["1234"]
        assert parameters["X-Amz-Date"] == [f"{now:%Y%m%dT%H%M%SZ}"]
        assert parameters["X-Amz-Credential"][0].startswith("a-key/")
