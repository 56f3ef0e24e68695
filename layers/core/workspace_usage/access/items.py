"""Access tokens and memberships as items of their tables.

AccessTokens, keyed by ``token_id``::

    token_id N | tokenable_type S | tokenable_id N | token_hash S | abilities L of S
    created_at S, expires_at S: timestamps, each absent when there is none

Memberships, keyed by ``workspace_id`` and ``user_id``::

    workspace_id N | user_id N | permissions L of S

A revoked token or a removed member leaves a tombstone: the key, and the attribute ``removed``.
Items that an event or an operator wrote also have a ``version`` (``recording``).
"""

from datetime import datetime
from typing import Any, Final

from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.aws.dynamodb import Attributes, StoredItem
from workspace_usage.values import format_timestamp, parse_timestamp

TOMBSTONE_FLAG: Final = "removed"
"""The attribute that only tombstones have."""

BY_HASH_INDEX: Final = "by_hash"
"""The index of AccessTokens that finds a token by its hash alone."""


def token_key(token_id: int) -> Attributes:
    """Returns the key of a token's item."""
    return {"token_id": {"N": str(token_id)}}


def membership_key(workspace_id: int, user_id: int) -> Attributes:
    """Returns the key of a membership's item."""
    return {"workspace_id": {"N": str(workspace_id)}, "user_id": {"N": str(user_id)}}


def token_item(token: AccessToken) -> Attributes:
    """Returns the item of ``token``."""
    item: Attributes = {
        **token_key(token.token_id),
        "tokenable_type": {"S": token.tokenable_type},
        "tokenable_id": {"N": str(token.tokenable_id)},
        "token_hash": {"S": token.token_hash},
        "abilities": _text_list(token.abilities),
    }
    for name, moment in (("created_at", token.created_at), ("expires_at", token.expires_at)):
        if moment is not None:
            item[name] = {"S": format_timestamp(moment)}
    return item


def membership_item(membership: Membership) -> Attributes:
    """Returns the item of ``membership``."""
    return {
        **membership_key(membership.workspace_id, membership.user_id),
        "permissions": _text_list(membership.permissions),
    }


def token_from_item(item: StoredItem) -> AccessToken | None:
    """Returns the token that ``item`` holds, or None if it is a tombstone."""
    if TOMBSTONE_FLAG in item:
        return None
    return AccessToken(
        token_id=int(item["token_id"]["N"]),
        tokenable_type=item["tokenable_type"]["S"],
        tokenable_id=int(item["tokenable_id"]["N"]),
        token_hash=item["token_hash"]["S"],
        abilities=_texts(item["abilities"]),
        created_at=_moment(item, "created_at"),
        expires_at=_moment(item, "expires_at"),
    )


def membership_from_item(item: StoredItem) -> Membership | None:
    """Returns the membership that ``item`` holds, or None if it is a tombstone."""
    if TOMBSTONE_FLAG in item:
        return None
    return Membership(
        workspace_id=int(item["workspace_id"]["N"]),
        user_id=int(item["user_id"]["N"]),
        permissions=_texts(item["permissions"]),
    )


def _text_list(texts: frozenset[str]) -> dict[str, Any]:
    # A list, not a string set: DynamoDB has no empty sets.
    return {"L": [{"S": text} for text in sorted(texts)]}


def _texts(attribute: Any) -> frozenset[str]:
    return frozenset(element["S"] for element in attribute["L"])


def _moment(item: StoredItem, name: str) -> datetime | None:
    attribute = item.get(name)
    return None if attribute is None else parse_timestamp(attribute["S"])
