"""Rows for the usage function in the stack's tables, and requests that API Gateway sends to it."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from types import ModuleType
from typing import Any, Final

from local.store.clients import Clients
from local.template.template import Template
from tests.support.functions import Context
from workspace_usage.recording.payloads import parse_row
from workspace_usage.rows.row import Source, to_stored_item
from workspace_usage.values import format_timestamp

NOW = datetime.now(UTC)
EVERYONE: Final = {"user_id": "1", "workspace_id": "11", "sees": "everyone"}
"""The authorizer's context of user 1, who sees all rows of workspace 11."""

OWN: Final = {"user_id": "2", "workspace_id": "11", "sees": "own"}
"""The authorizer's context of user 2, who sees only their own rows."""

_TABLES: Final = {
    Source.CURRENT: "ExecutionsTable",
    Source.ARCHIVED: "ArchivedExecutionsTable",
    Source.EDITED: "EditedChatsTable",
}


def put_row(
    clients: Clients, template: Template, source: Source, number: int, **fields: Any
) -> None:
    """Stores a row of workspace 11 and user 2, unless ``fields`` say otherwise.

    Args:
        clients: the stack's clients.
        template: knows the tables' names.
        source: the row's source.
        number: the row's id, and its age in minutes.
        fields: fields of the payload.
    """
    put_rows(clients, template, source, [{"number": number, **fields}])


def put_rows(
    clients: Clients, template: Template, source: Source, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Stores rows of one source; see ``put_row``.

    Args:
        clients: the stack's clients.
        template: knows the tables' names.
        source: the rows' source.
        rows: the number and the fields of each.
    """
    put_items(
        clients,
        template,
        source,
        (to_stored_item(parse_row(source, _payload(**row))) for row in rows),
    )


def put_items(clients: Clients, template: Template, source: Source, items: Iterable[Any]) -> None:
    """Stores items in the table of a source."""
    table = template.resources[_TABLES[source]].name
    for batch in batched(items, 25, strict=False):
        requests: Any = [{"PutRequest": {"Item": item}} for item in batch]
        clients.dynamodb.batch_write_item(RequestItems={table: requests})


def _payload(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "user_openai_id": number,
        "workspace_id": 11,
        "user_id": 2,
        "user_email": "bo@example.com",
        "created_at": format_timestamp(NOW - timedelta(minutes=number)),
        "agent": {"title": "Chat", "slug": "chat", "type": "chat"},
        "status": "succeeded",
        "credits": Decimal("0.006145"),
        **fields,
    }


def proxy_event(
    context: Mapping[str, Any],
    parameters: Mapping[str, str] | None = None,
    workspace: str | None = "11",
    language: str = "en",
) -> dict[str, Any]:
    """Returns what API Gateway sends for a request that the authorizer has allowed.

    Args:
        context: what the authorizer says about the caller.
        parameters: the query parameters.
        workspace: the value of ``x-workspace-id``, or None to leave the header out.
        language: the value of ``Accept-Language``.
    """
    headers = {"Authorization": "Bearer 1|secret", "Accept-Language": language}
    if workspace is not None:
        headers["X-Workspace-Id"] = workspace
    return {
        "httpMethod": "GET",
        "headers": headers,
        "queryStringParameters": parameters,
        "requestContext": {"requestId": "the-request", "authorizer": context},
    }


def answer(usage: ModuleType, event: dict[str, Any]) -> tuple[int, Any]:
    """Returns the status and the body of the usage function's proxy response."""
    response = usage.lambda_handler(event, Context())
    assert response["headers"] == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
    }
    return response["statusCode"], json.loads(response["body"], parse_float=Decimal)
