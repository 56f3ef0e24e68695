"""Tokens and memberships in the stack's tables, and requests to the authorizer function."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import ModuleType
from typing import Any, Final

from local.store.clients import Clients
from local.template.template import Template
from tests.support.functions import Context
from workspace_usage.access.items import membership_item, token_item
from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken

TOKEN_SECRET: Final = "s3cr3t|with|bars"
_METHOD_ARN: Final = "arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/workspaces/usage"


def put_token(clients: Clients, template: Template, **fields: Any) -> None:
    """Stores token 7 of user 42 with ``TOKEN_SECRET``, unless ``fields`` say otherwise."""
    values: dict[str, Any] = {
        "token_id": 7,
        "tokenable_type": "App\\Models\\User",
        "tokenable_id": 42,
        "token_hash": sha256(TOKEN_SECRET.encode()).hexdigest(),
        "abilities": frozenset({"use_agents"}),
        "created_at": datetime.now(UTC) - timedelta(minutes=10),
        "expires_at": None,
    }
    item = token_item(AccessToken(**{**values, **fields}))
    table = template.resources["AccessTokensTable"].name
    clients.dynamodb.put_item(TableName=table, Item=item)


def put_membership(clients: Clients, template: Template, *permissions: str) -> None:
    """Makes user 42 a member of workspace 11."""
    item = membership_item(Membership(11, 42, frozenset(permissions)))
    table = template.resources["MembershipsTable"].name
    clients.dynamodb.put_item(TableName=table, Item=item)


def authorize(
    authorizer: ModuleType,
    authorization: str | None = f"Bearer 7|{TOKEN_SECRET}",
    workspace: str | None = "11",
    language: str = "en",
) -> tuple[str, Mapping[str, str]]:
    """Returns the effect and the context of the authorizer's policy for a request.

    Args:
        authorizer: the function's module.
        authorization: the value of ``Authorization``, or None to leave the header out.
        workspace: the value of ``x-workspace-id``, or None to leave the header out.
        language: the value of ``Accept-Language``.
    """
    values = {
        "Authorization": authorization,
        "x-workspace-id": workspace,
        "Accept-Language": language,
    }
    headers = {name: value for name, value in values.items() if value is not None}
    event = {"methodArn": _METHOD_ARN, "headers": headers, "requestContext": {"requestId": "r"}}
    response = authorizer.lambda_handler(event, Context())
    [statement] = response["policyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("execute-api:Invoke", _METHOD_ARN)
    assert all(isinstance(value, str) for value in response["context"].values())
    return statement["Effect"], response["context"]
