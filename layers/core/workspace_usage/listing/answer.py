"""The answer: its types, and a row as one of its items.

The docstrings of types and fields are their descriptions in ``openapi.json``.

A new field is a line in ``Item`` and a line in ``to_item``; docs/development.md names the other
places.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final, Literal, TypedDict
from urllib.parse import quote

from workspace_usage.rows.row import MEDIA_TYPES, SUCCEEDED, Row, Source, is_url

MAX_PER_PAGE: Final = 100
"""The most items of one answer."""

ONLY_ON_TESS: Final = "This content is only available on Tess"
WAS_DELETED: Final = "This item was deleted."
WAS_EDITED: Final = "This item was edited."

_CHATS_PATH: Final = "/dashboard/user/ai/chat/ai-chat"
_NO_CREDITS: Final = Decimal(0)


class ItemTokens(TypedDict):
    """The language-model tokens of an item; each number is null where it isn't known."""

    input: int | None
    """Tokens that the model was sent."""
    output: int | None
    """Tokens that it generated."""
    total: int | None
    """Tokens that were billed."""


class Item(TypedDict):
    """An execution or an edited chat, as the listing shows it."""

    id: int | str
    """The execution's id or, for an edited chat, the text ``chat-edited-<user_openai_id>``."""
    created_at: str
    """When it was run, in UTC: ``2026-01-05T19:35:21.000000Z``."""
    user_id: int
    """The user who ran it."""
    type: str
    """The agent's type."""
    status: Literal["succeeded", "failed"]
    """``failed`` until it has succeeded: a running execution is ``failed``, too."""
    email: str
    """The email address of the user who ran it."""
    credits: Decimal
    """The credits that were charged, exactly; 0 unless it succeeded."""
    name: str
    """The agent's title."""
    slug: str
    """The agent's slug."""
    output: str | None
    """The stored output of a current image, video or voiceover, or null; else a fixed text."""
    root_id: int | None
    """The execution that began the conversation, or null."""
    execution_origin: str | None
    """The origin in the execution's metadata, or null."""
    source: Literal["current", "archived", "edited"]
    """Whether this is a current execution, an archived one, or an edited chat."""
    used_model: str | None
    """The language model, or null; always null for an edited chat."""
    tokens: ItemTokens | None
    """The tokens that were billed, or null unless billing was by tokens."""
    link: str | None
    """Where the chat or the medium can be seen, or null if it can't.

    For a chat a path of the web application; for a medium a URL, which is presigned if the medium
    is in the bucket.
    """


class Body(TypedDict):
    """A page of the listing."""

    items: list[Item]
    """The executions and edited chats of this page, newest first."""
    has_more: bool
    """Whether older ones follow."""
    page: int | None
    """The number of this page, from 1 on; null if a cursor was sent."""
    per_page: int
    """The most items that this page could hold."""
    next_cursor: str | None
    """The ``cursor`` of the next page; null if there is none."""


# A dict, because an enum's ``value`` takes longer.
_SOURCE_NAMES: Final[dict[Source, Literal["current", "archived", "edited"]]] = {
    Source.CURRENT: "current",
    Source.ARCHIVED: "archived",
    Source.EDITED: "edited",
}


def to_item(row: Row, presign: Callable[[str], str]) -> Item:
    """Returns ``row`` as an item of the answer.

    Args:
        row: the row.
        presign: returns the presigned URL of a key of the media bucket.
    """
    succeeded = row.status == SUCCEEDED
    return {
        "id": _id(row),
        "created_at": row.position.created_at,
        "user_id": row.user_id,
        "type": row.agent_type,
        "status": "succeeded" if succeeded else "failed",
        "email": row.user_email,
        "credits": row.credits if succeeded else _NO_CREDITS,
        "name": row.agent_title,
        "slug": row.agent_slug,
        "output": _output(row),
        "root_id": row.root_id,
        "execution_origin": row.execution_origin,
        "source": _SOURCE_NAMES[row.source],
        "used_model": row.used_model,
        "tokens": _tokens(row),
        "link": _link(row, succeeded, presign),
    }


def plain_number(number: Decimal) -> str:
    """Returns a number's digits as the answer's JSON has them: all of them, and no exponent."""
    return f"{number:f}"


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


def _tokens(row: Row) -> ItemTokens | None:
    tokens = row.tokens
    if tokens is None:
        return None
    return {"input": tokens.input, "output": tokens.output, "total": tokens.total}


def _link(row: Row, succeeded: bool, presign: Callable[[str], str]) -> str | None:
    if row.source is not Source.CURRENT:
        return None
    if row.agent_type == "chat":
        return _chat_link(row)
    if row.agent_type not in MEDIA_TYPES or not succeeded or not row.output:
        return None
    return row.output if is_url(row.output) else presign(row.output)


def _chat_link(row: Row) -> str | None:
    # The slug is one segment of the path. "." and ".." can't be a segment: browsers resolve them,
    # even if their dots are percent-encoded.
    if row.agent_slug in {".", ".."}:
        return None
    conversation = row.position.id if row.root_id is None else row.root_id
    return f"{_CHATS_PATH}/{quote(row.agent_slug, safe='')}?_chat_id={conversation}"
