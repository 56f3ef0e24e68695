"""A row as the answer shows it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from workspace_usage.rows.row import MEDIA_TYPES, SUCCEEDED, Row, Source, is_url

MAX_PER_PAGE: Final = 100
"""The most items that one answer holds."""

ONLY_ON_TESS: Final = "This content is only available on Tess"
WAS_DELETED: Final = "This item was deleted."
WAS_EDITED: Final = "This item was edited."

_NAMES: Final = {source: source.value for source in Source}
_NOTHING: Final = Decimal(0)

_CHATS: Final = "/dashboard/user/ai/chat/ai-chat"

type Item = dict[str, Any]
"""One entry of ``items``, its fields in the contract's order. Numbers are int or Decimal."""


def to_item(row: Row, sign: Callable[[str], str]) -> Item:
    """``row`` as an item of the answer; ``sign`` makes a link of a media key."""
    succeeded = row.status == SUCCEEDED
    return {
        "id": _id(row),
        "created_at": row.position.created_at,
        "user_id": row.user_id,
        "type": row.agent_type,
        "status": SUCCEEDED if succeeded else "failed",
        "email": row.user_email,
        "credits": row.credits if succeeded else _NOTHING,
        "name": row.agent_title,
        "slug": row.agent_slug,
        "output": _output(row),
        "root_id": row.root_id,
        "execution_origin": row.execution_origin,
        "source": _NAMES[row.source],
        "used_model": row.used_model,
        "tokens": _tokens(row),
        "link": _link(row, succeeded, sign),
    }


def _id(row: Row) -> int | str:
    return f"chat-edited-{row.position.id}" if row.source is Source.EDITED else row.position.id


def _output(row: Row) -> str | None:
    match row.source:
        case Source.CURRENT:
            return row.output if row.agent_type in MEDIA_TYPES else ONLY_ON_TESS
        case Source.ARCHIVED:
            return WAS_DELETED
        case Source.EDITED:
            return WAS_EDITED


def _tokens(row: Row) -> dict[str, int | None] | None:
    tokens = row.tokens
    if tokens is None:
        return None
    return {"input": tokens.input, "output": tokens.output, "total": tokens.total}


def _link(row: Row, succeeded: bool, sign: Callable[[str], str]) -> str | None:
    if row.source is not Source.CURRENT:
        return None
    if row.agent_type == "chat":
        return _chat_link(row)
    if row.agent_type not in MEDIA_TYPES or not succeeded or not row.output:
        return None
    return row.output if is_url(row.output) else sign(row.output)


def _chat_link(row: Row) -> str | None:
    # The slug is one segment of the path. These two can't be one: browsers resolve them, also when
    # their dots are percent-encoded.
    if row.agent_slug in {".", ".."}:
        return None
    conversation = row.position.id if row.root_id is None else row.root_id
    return f"{_CHATS}/{quote(row.agent_slug, safe='')}?_chat_id={conversation}"
