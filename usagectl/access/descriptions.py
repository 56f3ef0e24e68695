"""Tokens and memberships as an operator may see them; never a token's secret or hash."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workspace_usage.access.items import TOMBSTONE_FLAG
from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.values import format_timestamp


def describe_token(item: StoredItem, now: datetime) -> dict[str, Any]:
    """Returns whose a token is, what it may do, and whether it is valid ``now``."""
    token_id = int(item["token_id"]["N"])
    if TOMBSTONE_FLAG in item:
        return {"id": token_id, "state": "revoked"}
    expires_at = item["expires_at"]["S"] if "expires_at" in item else None
    is_expired = expires_at is not None and expires_at <= format_timestamp(now)
    return {
        "id": token_id,
        "state": "expired" if is_expired else "valid",
        "tokenable_type": item["tokenable_type"]["S"],
        "tokenable_id": int(item["tokenable_id"]["N"]),
        "abilities": _texts(item["abilities"]),
        "created_at": item["created_at"]["S"] if "created_at" in item else None,
        "expires_at": expires_at,
    }


def membership_payload(item: StoredItem) -> dict[str, Any]:
    """Returns a membership in the import's format."""
    return {
        "workspace_id": int(item["workspace_id"]["N"]),
        "user_id": int(item["user_id"]["N"]),
        "permissions": _texts(item["permissions"]),
    }


def _texts(attribute: Mapping[str, Any]) -> list[str]:
    return [text["S"] for text in attribute["L"]]
