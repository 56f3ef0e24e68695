"""Exports over HTTP are the listing over HTTP, walked to its end."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

import httpx
import pytest

from tests.contract.service import Answer, Service
from tests.support.exports import finish_export, read_export, start_export
from tests.support.generator import Member
from tests.support.oracle import parse

pytestmark = pytest.mark.xdist_group("contract")


def walk(service: Service, member: Member, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yields the listing's items by cursor. A presigned link is the medium's key."""
    asked = {**query, "per_page": "100"}
    while True:
        answer: Answer = service.ask(member, asked)
        for item in answer.body["items"]:
            is_presigned = "X-Amz-Signature=" in (item["link"] or "")
            yield {**item, "link": item["output"] if is_presigned else item["link"]}
        if answer.body["next_cursor"] is None:
            return
        asked["cursor"] = answer.body["next_cursor"]


def headers_of(member: Member) -> dict[str, str]:
    """Returns the headers of a member's requests."""
    return {"Authorization": f"Bearer {member.token}", "x-workspace-id": str(member.workspace_id)}


@pytest.mark.parametrize(
    ("number", "query"), [(0, {"range": "7d", "type": "chat"}), (1, {}), (3, {})]
)
def test_an_export_is_the_listing_walked_by_cursor(
    service: Service, number: int, query: dict[str, str]
) -> None:
    """For members who see everyone in two workspaces, and for another one, in both formats."""
    member = service.members[number]
    headers, client, url = headers_of(member), service.client, service.stack.url
    started = {
        name: start_export(client, url, headers, format=name, **query) for name in ("ndjson", "csv")
    }
    done = {name: finish_export(client, export, headers) for name, export in started.items()}
    items = list(walk(service, member, query))
    assert {body["rows"] for body in done.values()} == {len(items)}
    text = {name: read_export(body["link"]) for name, body in done.items()}
    assert [parse(line) for line in text["ndjson"].splitlines()] == items
    table = csv.DictReader(StringIO(text["csv"], newline=""))
    assert [(row["id"], row["created_at"]) for row in table] == [
        (str(item["id"]), item["created_at"]) for item in items
    ]


def test_the_link_saves_the_file_under_a_name_that_says_what_it_is(service: Service) -> None:
    member = service.members[4]
    export = start_export(
        service.client,
        service.stack.url,
        headers_of(member),
        format="csv",
        start_date="2026-03-01",
        end_date="2026-03-31",
        type="image",
    )
    link = finish_export(service.client, export, headers_of(member))["link"]
    disposition = httpx.get(link).headers["Content-Disposition"]
    name = f"usage-{member.workspace_id}-image-2026-03-01-to-2026-03-31.csv.gz"
    assert disposition == f'attachment; filename="{name}"'


def test_only_the_paths_of_exports_have_methods(service: Service) -> None:
    """Everything else is an unknown address, also with a valid token."""
    for method, path in (
        ("GET", "/workspaces/usage/exports"),
        ("DELETE", "/workspaces/usage/exports/x"),
        ("POST", "/workspaces/usage/exports/x"),
        ("GET", "/workspaces/usage/exports/x/y"),
    ):
        response = service.client.request(
            method, f"{service.stack.url}{path}", headers=headers_of(service.members[0])
        )
        assert response.status_code == 404, (method, path)
