"""A page of a hundred rows of the largest size is small enough for Lambda to return."""

import gc
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import pytest

from local.functions.worker import serialize
from local.store.clients import Clients
from local.template.template import Template
from tests.support.functions import Context, environment_of, load_function
from tests.support.usage import EVERYONE, proxy_event, put_items
from workspace_usage.listing.answer import MAX_PER_PAGE
from workspace_usage.listing.sizes import MAX_RESPONSE_BYTES
from workspace_usage.recording.payloads import InvalidPayload, parse_row
from workspace_usage.rows.row import Source, to_stored_item
from workspace_usage.values import MAX_ID

MAX_BYTES_OF_AN_OBJECT: Final = 1_000
"""More bytes than the objects take on average that the garbage collector counts."""

type Payload = dict[str, Any]


def payload(text: str, **fields: Any) -> Payload:
    """Returns an execution with the longest numbers, ``text`` as its title, and ``fields``."""
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


def longest(make: Callable[[str], Payload], letter: str) -> Payload:
    """Returns the largest payload that is accepted.

    Args:
        make: returns the payload with a text.
        letter: what the text consists of.
    """
    accepted, too_long = 0, MAX_RESPONSE_BYTES // MAX_PER_PAGE
    while too_long - accepted > 1:
        length = (accepted + too_long) // 2
        try:
            parse_row(Source.CURRENT, make(letter * length))
            accepted = length
        except InvalidPayload:
            too_long = length
    return make(letter * accepted)


def with_title(text: str) -> Payload:
    return payload(text)


def with_slug(text: str) -> Payload:
    return payload("", agent=agent("chat", slug=text))


def with_link(text: str) -> Payload:
    return payload("", agent=agent("image"), output=f"https://example.com/{text}")


def with_error(text: str) -> Payload:
    return payload("", agent=agent("video"), output=text, status="failed")


def with_key_and_title(text: str) -> Payload:
    """Returns an image whose key is the longest that S3 allows, and takes the most in a link."""
    return payload("", agent=agent("image", title=text), output="😀" * 256)


def put_largest_rows(
    clients: Clients, template: Template, make: Callable[[str], Payload], letter: str, number: int
) -> None:
    """Stores rows of the largest size that is accepted, in place of those with the same ids."""
    row = parse_row(Source.CURRENT, longest(make, letter))
    rows = (
        row._replace(position=row.position._replace(id=MAX_ID - place)) for place in range(number)
    )
    put_items(clients, template, Source.CURRENT, map(to_stored_item, rows))


def sizes_of_page(usage: ModuleType, rows: int) -> tuple[int, int]:
    """Returns the sizes of a page, as a proxy response and as a body."""
    query = {"start_date": "2026-01-05", "end_date": "2026-01-05", "per_page": str(rows)}
    response = usage.lambda_handler(proxy_event(EVERYONE, query), Context())
    body = usage.lambda_handler({"workspace_id": 11, **query}, Context())
    assert len(body["items"]) == rows
    return len(serialize(response).encode()), len(serialize(body).encode())


@pytest.fixture
def long_session_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes presigned URLs as long as they may be."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "/" * 1_000)


@pytest.mark.usefixtures("long_session_token")
def test_a_full_page_of_the_largest_rows_can_be_returned(
    usage: ModuleType, clients: Clients, template: Template
) -> None:
    """As a proxy response and as a body."""
    put_largest_rows(clients, template, with_key_and_title, '"', MAX_PER_PAGE)
    assert max(sizes_of_page(usage, MAX_PER_PAGE)) <= MAX_RESPONSE_BYTES


@pytest.mark.usefixtures("long_session_token")
def test_the_limit_for_a_row_leaves_little_room_unused(
    usage: ModuleType, clients: Clients, template: Template
) -> None:
    """Whatever its texts consist of. Each row takes as much of a page as the one before."""
    for make, letter in (
        *((with_title, letter) for letter in ('"', "\\", "\x01", "\n", "é", "\u2028", "😀", "a")),
        *((with_slug, letter) for letter in ('"', "中", "/")),
        *((with_link, letter) for letter in ('"', "a")),
        (with_error, "\x1f"),
        (with_key_and_title, '"'),
    ):
        put_largest_rows(clients, template, make, letter, 3)
        one, two = sizes_of_page(usage, 1), sizes_of_page(usage, 2)
        response, body = (
            size + (MAX_PER_PAGE - 1) * (larger - size)
            for size, larger in zip(one, two, strict=True)
        )
        assert 0.9 * MAX_RESPONSE_BYTES < response <= MAX_RESPONSE_BYTES, (make, letter)
        assert body <= MAX_RESPONSE_BYTES, (make, letter)


def test_no_garbage_is_looked_for_while_a_page_is_made(
    usage: ModuleType, clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is loaded is never examined again; and there is room for the garbage of some pages."""
    frozen: list[str] = []
    thresholds: list[int] = []
    with monkeypatch.context() as cold:
        cold.setattr(gc, "freeze", lambda: frozen.append("all"))
        cold.setattr(gc, "set_threshold", lambda first, *_: thresholds.append(first))
        for name in ("authorizer", "usage", "summary"):
            load_function(name, environment_of(template, f"{name.capitalize()}Function"), cold)
            assert frozen.pop() == "all", name
    # The authorizer leaves it as it is; each load restores it at the end.
    _, usage_s, _, summary_s, _ = thresholds
    threshold = min(usage_s, summary_s)
    assert threshold > 0, "it would never run"
    memory = template.resources["UsageFunction"].properties["MemorySize"] * 1024**2
    assert max(usage_s, summary_s) * MAX_BYTES_OF_AN_OBJECT < memory / 4
    put_largest_rows(clients, template, with_title, "a", MAX_PER_PAGE)
    before, collections = gc.get_threshold(), []
    gc.collect()
    gc.set_threshold(threshold, *before[1:])
    gc.callbacks.append(lambda phase, _: collections.append(phase))
    try:
        sizes_of_page(usage, MAX_PER_PAGE)
    finally:
        gc.callbacks.pop()
        gc.set_threshold(*before)
    assert collections == []
