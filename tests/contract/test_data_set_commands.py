"""What operators do with data sets and exports, on a running stack."""

import csv
import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.contract.service import Service
from tests.support.command import run
from tests.support.functions import ROOT
from tests.support.generator import write_dataset
from workspace_usage.values import format_timestamp

pytestmark = pytest.mark.xdist_group("operated")


ROW_FILES = {
    "executions.ndjson": "ExecutionsTable",
    "archived.ndjson": "ArchivedExecutionsTable",
    "edited.ndjson": "EditedChatsTable",
}


@pytest.fixture
def empty(restricted: Service) -> Iterator[Service]:
    """A service without rows, also afterwards."""
    yield restricted
    remove_rows(restricted)


def remove_rows(service: Service) -> None:
    """Makes the tables of rows again, empty."""
    for table in ROW_FILES.values():
        service.stack.clients.dynamodb.delete_table(TableName=service.name(table))
    service.repair()


def archive(service: Service, **fields: Any) -> None:
    """Lets the recorder record an execution and archive it."""
    for name in ("recorded", "archived"):
        event = json.loads((ROOT / "events" / f"event-execution-{name}.json").read_text("utf-8"))
        event["detail"]["execution"] |= fields
        applied = service.client.post(f"{service.stack.url}/_local/events", json=event)
        assert applied.status_code == 200, applied.text


@pytest.mark.xdist_group("restricted")
def test_an_exported_workspace_that_is_imported_again_is_listed_the_same(
    empty: Service, tmp_path: Path
) -> None:
    """Its files, loaded into empty tables, give the same pages.

    A row that was archived by an event is in the archived rows only.
    """
    now, folder = datetime.now(UTC), tmp_path / "out"
    write_dataset(tmp_path / "in", 1, now, rows=400)
    empty.said("import", str(tmp_path / "in"))
    archive(empty, id=4_711, user_id=1, created_at=format_timestamp(now - timedelta(hours=1)))
    said = empty.said("export", str(folder), "-w", "11")
    files = {name: (folder / name).read_text("utf-8").splitlines() for name in ROW_FILES}
    for name, lines in files.items():
        assert len(lines) > 20
        assert f"{len(lines):,} rows in {folder / name}.\n" in said
    ids = {name: [json.loads(line).get("id") for line in lines] for name, lines in files.items()}
    assert [name for name, numbers in ids.items() if 4_711 in numbers] == ["archived.ndjson"]
    refused = empty.command("export", str(folder), "-w", "11").sentence
    assert refused.endswith("is there already; choose another folder.")
    query = {"per_page": "100", "range": "30d"}
    expected = empty.ask(empty.members[0], query).body
    remove_rows(empty)
    empty.clock.now += 1000
    assert empty.ask(empty.members[0], query).body["items"] == []
    empty.said("import", str(folder))
    empty.clock.now += 1000
    assert _unsigned(empty.ask(empty.members[0], query).body) == _unsigned(expected)
    assert not (folder / ".import-checkpoint.json").exists()


def _unsigned(body: dict[str, Any]) -> dict[str, Any]:
    """Returns a page without those parts of its links that differ from moment to moment."""
    items = [
        {**item, "link": re.sub(r"\?X-Amz.*", "", item["link"] or "")} for item in body["items"]
    ]
    return {**body, "items": items}


def test_an_export_can_have_some_days_only_and_be_a_table(
    operated: Service, tmp_path: Path
) -> None:
    """It has the rows of these days as the listing shows them, with media's keys for links."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    days = ("--start-date", today, "--end-date", today)
    operated.said("export", str(tmp_path), "-w", "11", *days, "--csv")
    with (tmp_path / "usage.csv").open(encoding="utf-8-sig", newline="") as file:
        text = file.read()
    assert "\r\r" not in text
    rows = list(csv.DictReader(StringIO(text, newline="")))
    query = {"start_date": today, "end_date": today, "per_page": "100"}
    operated.clock.now += 1000
    body = operated.ask(operated.members[0], query).body
    assert rows
    assert [_shown(row) for row in rows[:100]] == [_shown(item) for item in body["items"]]
    assert len(rows) > 100 or not body["has_more"]
    assert {row["created_at"][:10] for row in rows} == {today}
    assert not [row for row in rows if row["output"].startswith(("=", "+", "-", "@"))]
    links = {row["link"] for row in rows if row["type"] == "image"}
    assert not [link for link in links if "X-Amz-" in link]


def _shown(item: dict[str, Any]) -> list[str]:
    """Returns those values of a listed or exported item that are the same in both."""
    names = ("id", "created_at", "user_id", "type", "status", "source")
    return [str(item[name]) for name in names] + [f"{Decimal(item['credits']):f}"]


def test_an_export_of_nothing_fails(operated: Service, tmp_path: Path) -> None:
    """It says so, and leaves no file. The last day of the calendar is a day like others."""
    folder = tmp_path / "out"
    nothing = "There is nothing to export: workspace 51 has neither rows"
    sentence = operated.command("export", str(folder), "-w", "51").sentence
    assert sentence == f"{nothing} nor members."
    days = ("--start-date", "9999-12-30", "--end-date", "9999-12-31")
    assert operated.command("export", str(folder), "-w", "51", *days).sentence == (
        f"{nothing} on these days nor members."
    )
    assert operated.command("export", str(folder), "-w", "11", "--csv", *days).sentence == (
        "There is nothing to export: workspace 11 has no rows on these days."
    )
    assert not folder.exists()
    said = operated.said("export", str(folder), "-w", "11", "--end-date", "9999-12-31", "--json")
    written = json.loads(said)["files"]
    assert written["executions.ndjson"] > 50
    assert sorted(written) == sorted(path.name for path in folder.iterdir())


def test_an_import_reports_lines_that_can_not_be_used(operated: Service, tmp_path: Path) -> None:
    """The rest is loaded, the report names the lines, and the exit code is 3."""
    write_dataset(tmp_path / "in", 5, datetime.now(UTC), rows=50)
    plain = tmp_path / "in" / "executions.ndjson"
    lines = plain.read_bytes().splitlines()
    spoiled = b"\n".join([lines[0], b"", b'{"id": "x"}', b"no JSON", *lines[1:]])
    with gzip.open(f"{plain}.gz", "wb") as file:
        file.write(spoiled)
    rejected = tmp_path / "rejected.txt"
    both = ("import", str(tmp_path / "in"), "--rejected", str(rejected))
    assert "are both there" in operated.command(*both).sentence
    plain.unlink()
    dry = run("import", str(tmp_path / "in"), "--dry-run", "--rejected", str(rejected))
    wet = run("--endpoint", operated.stack.url, *both)
    for done in (dry, wet):
        assert done.code == 3
        assert f"{len(lines)} from executions.ndjson" in done.out
        assert f"2 lines or files can't be used; {rejected} says which, and why." in done.out
        report = rejected.read_text("utf-8").splitlines()
        assert [line.partition(": ")[0] for line in report] == [
            "executions.ndjson.gz:3",
            "executions.ndjson.gz:4",
        ]


def test_an_import_brings_back_no_revoked_token(operated: Service, tmp_path: Path) -> None:
    """Nor a removed member. It says how many it has left as they are."""
    token = operated.said("token", "issue", "-u", "502").strip()
    number, _, secret = token.partition("|")
    record = {
        "id": int(number),
        "tokenable_type": "App\\Models\\User",
        "tokenable_id": 502,
        "token": sha256(secret.encode()).hexdigest(),
        "abilities": ["use_agents"],
    }
    (tmp_path / "tokens.ndjson").write_text(json.dumps(record), "utf-8")
    members: list[Any] = [
        {"workspace_id": 11, "user_id": user, "permissions": []} for user in (502, 503)
    ]
    text = "\n".join(map(json.dumps, members))
    (tmp_path / "members.ndjson").write_text(text, "utf-8")
    for user in ("502", "503"):
        operated.said("member", "set", "-w", "11", "-u", user)
    headers = {"Authorization": f"Bearer {token}", "x-workspace-id": "11"}
    assert operated.ask(None, headers=headers).status == 200
    operated.said("token", "revoke", number)
    operated.said("member", "remove", "-w", "11", "-u", "502")
    assert operated.said("import", str(tmp_path)).splitlines() == [
        "Loaded: nothing.",
        "1 token was changed or revoked since and stays as it is.",
        "2 members were changed or removed since and stay as they are.",
    ]
    assert operated.ask(None, headers=headers).status == 401
    kept = json.loads(operated.said("import", str(tmp_path), "--json"))["kept"]
    assert kept == {"tokens.ndjson": 1, "members.ndjson": 2}
