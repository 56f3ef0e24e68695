"""Versions: which of the changes of one subject counts, and what is left of something removed.

A version is a text, and the greatest one counts::

    2026-01-05T19:35:21.000000Z#1#9f86d081884c7d65
    when it happened, UTC       |  digest of what it says
                                final: a success, a removal
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from workspace_usage.access.items import TOMBSTONE_FLAG
from workspace_usage.aws.dynamodb import Attributes
from workspace_usage.values import format_timestamp, parse_timestamp

MAX_AHEAD: Final = timedelta(minutes=5)
"""How far ahead of this service's clock a change may say that it happened."""

_MOMENT_LENGTH: Final = len("2026-01-05T19:35:21.000000Z")


def version_of(occurred_at: datetime, is_final: bool, content: Mapping[str, Any]) -> str:
    """Returns the version of a change; versions compare by time, then finality, then content."""
    digest = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    return f"{format_timestamp(occurred_at)}#{int(is_final)}#{digest}"


def moment_of(item: Mapping[str, Any]) -> datetime | None:
    """Returns when the change happened that wrote ``item``; None for an imported item."""
    try:
        return parse_timestamp(item["version"]["S"][:_MOMENT_LENGTH])
    except (KeyError, ValueError):
        return None


def tombstone(key: Attributes) -> Attributes:
    """Returns what stays of a revoked token or a removed membership: its key and a mark."""
    return {**key, TOMBSTONE_FLAG: {"BOOL": True}}
