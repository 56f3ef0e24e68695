"""A row of the listing, and how the tables hold it.

A stored row holds what the listing shows, and one thing more: an archived medium's key in the
bucket, without which erasure could not find the object (``kept_output``). Outputs of types whose
output is never shown are not stored, so they can't leak. ``created_at`` and the id are in the sort
key alone.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple

from workspace_usage.aws.dynamodb import StoredItem
from workspace_usage.rows.position import RANK_EDITED, RANK_EXECUTION, Position

AGENT_TYPES: Final = frozenset({"chat", "image", "text", "voiceover", "video", "code"})
"""The agent types that can be asked for. Rows may have others, which are listed among all."""

MEDIA_TYPES: Final = frozenset({"image", "video", "voiceover"})
"""The agent types whose output is shown, and linked to."""

SUCCEEDED: Final = "succeeded"
"""The one stored status that counts as success; every other is shown as ``failed``."""

MAX_KEY_BYTES: Final = 1_024
"""The most bytes of UTF-8 that a key of a bucket takes: S3's limit."""

ARCHIVED_FLAG: Final = "archived"
"""The attribute that marks a row among the current ones as archived by now (``recording``)."""

_ABSENT: Final[Mapping[str, Any]] = {"S": None}


class Source(StrEnum):
    """Where a row of the listing comes from; the values are the answer's ``source``."""

    CURRENT = "current"
    ARCHIVED = "archived"
    EDITED = "edited"

    @property
    def rank(self) -> int:
        """The rank of this source's rows in the order (``position``)."""
        return RANK_EDITED if self is Source.EDITED else RANK_EXECUTION


class Tokens(NamedTuple):
    """Language-model tokens that an execution was billed by."""

    input: int | None
    output: int | None
    total: int | None


# Tuples rather than dataclasses: a page makes a hundred of them, in a fifth of the time.
class Row(NamedTuple):
    """One agent execution, current or archived, or one edited chat.

    ``credits`` is what was charged, exact as it was recorded; ``output`` is None where none was
    recorded or where none is kept (``kept_output``); ``tokens`` is None unless billing was by
    tokens.
    """

    source: Source
    workspace_id: int
    position: Position
    user_id: int
    user_email: str
    agent_type: str
    agent_title: str
    agent_slug: str
    status: str
    credits: Decimal
    output: str | None = None
    root_id: int | None = None
    execution_origin: str | None = None
    used_model: str | None = None
    tokens: Tokens | None = None


def is_url(output: str) -> bool:
    """Whether a medium is linked to as it stands; else it is a key of the media bucket."""
    return output.lower().startswith(("http://", "https://"))


def media_key(output: str | None) -> str | None:
    """Returns the key of the object that a medium's output names; None where it can't be one."""
    if not output or is_url(output) or len(output.encode()) > MAX_KEY_BYTES:
        return None
    return output


def kept_output(source: Source, agent_type: str, output: str | None) -> str | None:
    """Returns what a row of ``source`` keeps of an execution's output, or None.

    A current medium keeps its output, which is shown. An archived one keeps only the key of its
    object, whatever its status: it is never shown, but an object whose key nobody knows could never
    be erased.
    """
    if agent_type not in MEDIA_TYPES:
        return None
    match source:
        case Source.CURRENT:
            return output
        case Source.ARCHIVED:
            return media_key(output)
        case Source.EDITED:
            return None


def to_stored_item(row: Row) -> dict[str, dict[str, Any]]:
    """``row`` as its table's item, in DynamoDB JSON; absent values are absent attributes."""
    tokens = row.tokens
    attributes: dict[str, tuple[str, object]] = {
        "workspace_id": ("N", row.workspace_id),
        "sort_key": ("S", row.position.sort_key),
        "user_id": ("N", row.user_id),
        "user_email": ("S", row.user_email),
        "agent_type": ("S", row.agent_type),
        "agent_title": ("S", row.agent_title),
        "agent_slug": ("S", row.agent_slug),
        "status": ("S", row.status),
        "credits": ("N", row.credits),
        "output": ("S", row.output),
        "root_id": ("N", row.root_id),
        "execution_origin": ("S", row.execution_origin),
        "used_model": ("S", row.used_model),
        "token_billing": ("BOOL", None if tokens is None else True),
        "input_tokens": ("N", tokens and tokens.input),
        "output_tokens": ("N", tokens and tokens.output),
        "total_tokens": ("N", tokens and tokens.total),
    }
    return {
        name: {kind: value if kind == "BOOL" else str(value)}
        for name, (kind, value) in attributes.items()
        if value is not None
    }


def from_stored_item(source: Source, item: StoredItem) -> Row:
    """The row that ``to_stored_item`` made ``item`` from; ``source`` is the table's that it is in.

    Raises:
        KeyError, ValueError: the item isn't one that this service wrote.
    """
    get = item.get
    root_id = get("root_id")
    # In the order of Row's fields; names would take a third longer.
    return Row(
        Source.ARCHIVED if ARCHIVED_FLAG in item else source,
        int(item["workspace_id"]["N"]),
        Position.from_stored_key(item["sort_key"]["S"]),
        int(item["user_id"]["N"]),
        item["user_email"]["S"],
        item["agent_type"]["S"],
        item["agent_title"]["S"],
        item["agent_slug"]["S"],
        item["status"]["S"],
        Decimal(item["credits"]["N"]),
        get("output", _ABSENT)["S"],
        None if root_id is None else int(root_id["N"]),
        get("execution_origin", _ABSENT)["S"],
        get("used_model", _ABSENT)["S"],
        _tokens(item) if "token_billing" in item else None,
    )


def _tokens(item: StoredItem) -> Tokens:
    asked, answered, total = (
        item.get("input_tokens"),
        item.get("output_tokens"),
        item.get("total_tokens"),
    )
    return Tokens(
        None if asked is None else int(asked["N"]),
        None if answered is None else int(answered["N"]),
        None if total is None else int(total["N"]),
    )
