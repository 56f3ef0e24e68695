"""Versions: which change of a subject wins, and what stays of a subject that was removed.

A subject is an execution, an edited chat, an access token or a membership. Each change of it has a
version. That is a text, and the greatest text wins::

    2026-01-05T19:35:21.000000Z # 1 # 9f86d081884c7d65      (without the spaces)
    when it happened, UTC         |   digest of what the change says
                                  1 if it is final (a success, a removal), else 0

So the latest change wins. Of changes at the same moment a final one wins. If both or neither is
final, the greater digest wins: it only matters that it is always the same one.

This is what is stored in the end::

    execution       the row of the greatest version; an archived one if any change archived it
    edited chat     the row of the greatest version
    access token    the greatest version; a tombstone if any change revoked it
    membership      the greatest version; a tombstone if that is a removal

No change undoes archiving or revoking, whatever its version. The result is the same in any order of
changes, and if a change comes more than once.

A tombstone is never deleted. Without it, an event or an import that is older than the removal would
bring back the token or the member. An imported item has no version, and is older than any change.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from workspace_usage.access.items import TOMBSTONE_FLAG
from workspace_usage.aws.dynamodb import Attributes
from workspace_usage.values import format_timestamp, parse_timestamp

MAX_CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far ahead of this service's clock the moment of a change may be."""

_TIMESTAMP_LENGTH: Final = len("2026-01-05T19:35:21.000000Z")


def version_of(occurred_at: datetime, is_final: bool, content: Mapping[str, Any]) -> str:
    """Returns the version of a change.

    Args:
        occurred_at: when the change happened.
        is_final: whether it wins over other changes of the same moment: a success, a removal.
        content: what the change says, as JSON values.
    """
    digest = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    return f"{format_timestamp(occurred_at)}#{int(is_final)}#{digest}"


def moment_of(item: Mapping[str, Any]) -> datetime | None:
    """Returns the moment of the change that wrote ``item``, or None if ``item`` was imported."""
    try:
        return parse_timestamp(item["version"]["S"][:_TIMESTAMP_LENGTH])
    except (KeyError, ValueError):
        return None


def tombstone_item(key: Attributes) -> Attributes:
    """Returns what stays of a revoked token or a removed membership: its key and a flag."""
    return {**key, TOMBSTONE_FLAG: {"BOOL": True}}
