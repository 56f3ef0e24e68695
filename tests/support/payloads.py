"""Payloads as the platform sends them, and what is said of those that are refused."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from workspace_usage.recording.payloads import InvalidPayload, parse_row
from workspace_usage.rows.row import Row, Source

type JsonObject = dict[str, Any]

HASH = "0123456789abcdef" * 4
EXECUTION: JsonObject = {
    "id": 7,
    "user_openai_id": 8,
    "workspace_id": 11,
    "user_id": 42,
    "user_email": "ana@example.com",
    "created_at": "2026-01-05T19:35:21.000000Z",
    "agent": {"title": "Chat with Tess", "slug": "chat-with-tess", "type": "chat"},
    "status": "succeeded",
    "credits": Decimal("0.006145"),
    "output": "What it said",
    "root_id": 5,
    "metadata": {"execution_origin": "api", "more": 1},
    "used_model": "a-model",
    "detailed_credits": {
        "billing": "tokens",
        "input_tokens": 1,
        "output_tokens": 2,
        "total_tokens": 3,
    },
    "unknown": {"fields": "are ignored"},
}
"""A payload that can be of any source: it has the ids of all of them."""

TOKEN: JsonObject = {
    "id": 7,
    "tokenable_type": "App\\Models\\User",
    "tokenable_id": 42,
    "name": "my token",
    "token": HASH,
    "abilities": ["use_agents"],
    "last_used_at": "is ignored",
    "expires_at": "2027-01-01T00:00:00.000000Z",
    "created_at": "2026-01-01T00:00:00.000001Z",
}
MEMBER: JsonObject = {"workspace_id": 11, "user_id": 42, "permissions": ["read_users_activity"]}


def row(source: Source = Source.CURRENT, **changes: object) -> Row:
    """The row of an execution's payload in which some fields are changed."""
    return parse_row(source, {**EXECUTION, **changes})


def agent(kind: str) -> JsonObject:
    """An agent of a type."""
    return {**EXECUTION["agent"], "type": kind}


def without(payload: JsonObject, field: str) -> JsonObject:
    """A payload without one of its fields."""
    return {name: value for name, value in payload.items() if name != field}


def reason(parse: Callable[[object], object], payload: object) -> str:
    """The reason why a payload is refused."""
    with pytest.raises(InvalidPayload) as caught:
        parse(payload)
    return str(caught.value)


def refused_field(source: Source, **changes: object) -> str:
    """The one field that is named when an execution with these changes is refused."""
    text = reason(lambda payload: parse_row(source, payload), {**EXECUTION, **changes})
    field, colon, why = text.partition(": ")
    assert colon
    assert why
    assert ";" not in text
    return field
