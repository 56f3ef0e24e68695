"""A page of a hundred rows, each as large as a row may be, is within what Lambda returns."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from local.functions.worker import serialize
from local.store.clients import Clients
from local.template.template import Template
from tests.support.functions import Context
from tests.support.usage import EVERYONE, proxy_event
from workspace_usage.listing.answer import MAX_PER_PAGE
from workspace_usage.listing.sizes import MAX_RESPONSE_BYTES
from workspace_usage.recording.payloads import InvalidPayload, parse_row
from workspace_usage.rows.row import Source, to_stored_item
from workspace_usage.values import MAX_ID

type Record = dict[str, Any]


def record(text: str, **fields: Any) -> Record:
    """A row of the longest numbers, which has its ``text`` where ``fields`` say, else as title."""
    return {
        "id": MAX_ID,
        "workspace_id": 11,
        "user_id": MAX_ID,
        "user_email": "bo@example.com",
        "created_at": "2026-01-05T19:35:21.000000Z",
        "agent": {"title": text, "slug": "chat", "type": "chat"},
        "status": "succeeded",
        "credits": f"-{'1' * 38}E-167",
        "root_id": MAX_ID,
        "detailed_credits": {
            "billing": "tokens",
            **dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), MAX_ID),
        },
        **fields,
    }


def agent(kind: str, title: str = "", slug: str = "") -> dict[str, str]:
    return {"title": title, "slug": slug, "type": kind}


def longest(make: Callable[[str], Record], letter: str) -> Record:
    """The record of the longest text of ``letter`` that is accepted."""
    fitting, too_long = 0, MAX_RESPONSE_BYTES // MAX_PER_PAGE
    while too_long - fitting > 1:
        length = (fitting + too_long) // 2
        try:
            parse_row(Source.CURRENT, make(letter * length))
            fitting = length
        except InvalidPayload:
            too_long = length
    return make(letter * fitting)


def titled(text: str) -> Record:
    return record(text)


def slugged(text: str) -> Record:
    return record("", agent=agent("chat", slug=text))


def linked(text: str) -> Record:
    return record("", agent=agent("image"), output=f"https://example.com/{text}")


def failing(text: str) -> Record:
    return record("", agent=agent("video"), output=text, status="failed")


def keyed(text: str) -> Record:
    """A key as long as S3 allows, of a character that takes the most in a link; then a title."""
    return record("", agent=agent("image", title=text), output="😀" * 256)


@pytest.mark.parametrize(
    ("make", "letter"),
    [
        *((titled, letter) for letter in ('"', "\\", "\x01", "\n", "é", "中", "\u2028", "😀", "a")),
        *((slugged, letter) for letter in ('"', "中", "/")),
        *((linked, letter) for letter in ('"', "a")),
        (failing, "\x1f"),
        (keyed, '"'),
    ],
)
def test_a_page_of_the_largest_rows_can_be_returned(
    usage: ModuleType,
    clients: Clients,
    template: Template,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[str], Record],
    letter: str,
) -> None:
    """As a proxy response and as an object; little of the room for rows is left unused."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "/" * 1_000)
    row = parse_row(Source.CURRENT, longest(make, letter))
    table = template.resources["ExecutionsTable"].name
    for number in range(MAX_PER_PAGE):
        position = row.position._replace(id=MAX_ID - number)
        clients.dynamodb.put_item(
            TableName=table, Item=to_stored_item(row._replace(position=position))
        )
    query = {"start_date": "2026-01-05", "end_date": "2026-01-05", "per_page": str(MAX_PER_PAGE)}
    response = usage.lambda_handler(proxy_event(EVERYONE, query), Context())
    body = usage.lambda_handler({"workspace_id": 11, **query}, Context())
    assert len(body["items"]) == MAX_PER_PAGE
    assert len(serialize(body).encode()) <= MAX_RESPONSE_BYTES
    assert 0.9 * MAX_RESPONSE_BYTES < len(serialize(response).encode()) <= MAX_RESPONSE_BYTES
