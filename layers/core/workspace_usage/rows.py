"""A row of the listing, and how the tables hold it.

A stored row holds what the listing shows and nothing else: outputs of types whose output is never
shown are not stored, so they can't leak. ``created_at`` and the id are in the sort key alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from workspace_usage.position import RANK_EDITED, RANK_EXECUTION, Position

type StoredItem = Mapping[str, Mapping[str, Any]]
"""An item in DynamoDB JSON: attribute name → ``{"S": …}`` or ``{"N": …}``."""

MEDIA_TYPES: Final = frozenset({"image", "video", "voiceover"})
"""The agent types whose output is shown, and linked to."""

SUCCEEDED: Final = "succeeded"
"""The one stored status that counts as success; every other is shown as ``failed``."""

ARCHIVED_MARK: Final = "archived"
"""The attribute that marks a row among the current ones as archived by now (``recording``)."""


class Source(StrEnum):
    """Where a row of the listing comes from; the values are the answer's ``source``."""

    CURRENT = "current"
    ARCHIVED = "archived"
    EDITED = "edited"

    @property
    def rank(self) -> int:
        """The rank of this source's rows in the order (``position``)."""
        return RANK_EDITED if self is Source.EDITED else RANK_EXECUTION


@dataclass(frozen=True, slots=True)
class Tokens:
    """Language-model tokens that an execution was billed by."""

    input: int | None
    output: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One agent execution, current or archived, or one edited chat.

    ``credits`` is what was charged, exact as it was recorded; ``output`` is None where none was
    recorded or where none is ever shown; ``tokens`` is None unless billing was by tokens.
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


def to_item(row: Row) -> dict[str, dict[str, Any]]:
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


def from_item(source: Source, item: StoredItem) -> Row:
    """The row that ``to_item`` made ``item`` from; ``source`` is the table's that it is in.

    Raises:
        KeyError, ValueError: the item isn't one that this service wrote.
    """
    return Row(
        source=Source.ARCHIVED if ARCHIVED_MARK in item else source,
        workspace_id=int(item["workspace_id"]["N"]),
        position=Position.from_sort_key(item["sort_key"]["S"]),
        user_id=int(item["user_id"]["N"]),
        user_email=item["user_email"]["S"],
        agent_type=item["agent_type"]["S"],
        agent_title=item["agent_title"]["S"],
        agent_slug=item["agent_slug"]["S"],
        status=item["status"]["S"],
        credits=Decimal(item["credits"]["N"]),
        output=_text(item, "output"),
        root_id=_number(item, "root_id"),
        execution_origin=_text(item, "execution_origin"),
        used_model=_text(item, "used_model"),
        tokens=_tokens(item),
    )


def _text(item: StoredItem, name: str) -> str | None:
    attribute = item.get(name)
    return None if attribute is None else attribute["S"]


def _number(item: StoredItem, name: str) -> int | None:
    attribute = item.get(name)
    return None if attribute is None else int(attribute["N"])


def _tokens(item: StoredItem) -> Tokens | None:
    if "token_billing" not in item:
        return None
    return Tokens(
        _number(item, "input_tokens"), _number(item, "output_tokens"), _number(item, "total_tokens")
    )
