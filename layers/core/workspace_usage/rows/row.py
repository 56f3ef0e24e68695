"""A row of the listing, and how its table holds it.

A stored row holds what the listing shows, and one thing more: an archived medium's key in the
bucket, without which erasure could not find the object (``kept_output``). Outputs of types whose
output is never shown are not stored, so they can't leak. ``created_at`` and the id are in the sort
key alone. What the recorder adds (the version, the flag of an archived row, ``ARRIVED_AT``) is not
part of the ``Row``.

A new field is an attribute of ``Row``, and a line in ``to_stored_item`` and ``from_stored_item``;
docs/development.md names the other places.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple, get_args

from workspace_usage.aws.dynamodb import Attributes, StoredItem
from workspace_usage.rows.position import RANK_EDITED, RANK_EXECUTION, Position
from workspace_usage.values import to_milliseconds

AgentType = Literal["chat", "image", "text", "voiceover", "video", "code"]
"""The agent types that can be asked for. Rows may have others, which are listed under all types."""

AGENT_TYPES: Final[tuple[AgentType, ...]] = get_args(AgentType)
"""The same types, in the contract's order."""

MEDIA_TYPES: Final[frozenset[AgentType]] = frozenset({"image", "video", "voiceover"})
"""The agent types whose output is shown and linked to."""

SUCCEEDED: Final = "succeeded"
"""The one stored status that counts as success; every other status is shown as ``failed``."""

MAX_KEY_BYTES: Final = 1_024
"""The longest key that an S3 bucket takes, in bytes of UTF-8."""

ARCHIVED_FLAG: Final = "archived"
"""The attribute that says that a row among the current ones is archived by now (``recording``)."""

ARRIVED_AT: Final = "arrived_at"
"""The attribute that says when the recorder first wrote a row, in milliseconds since 1970.

Later changes of the row keep it. Imported rows don't have it, not even if they replace a row that
had it.
"""

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
    """The numbers of language-model tokens that an execution was billed by; None where unknown."""

    input: int | None
    output: int | None
    total: int | None


# Tuples, because a page makes a hundred of them: 0.25 ms of CPU. Frozen dataclasses take 0.37 ms,
# the same tuples with arguments by position 0.20 ms; a whole request takes about 3 ms.
class Row(NamedTuple):
    """One agent execution, current or archived, or one edited chat.

    Attributes:
        source: where the row comes from.
        workspace_id: the workspace that it belongs to.
        position: its place in the listing, with its ``created_at`` and its id.
        user_id: the user who ran it.
        user_email: that user's address at that time.
        agent_type: the agent's type; not always one of ``AGENT_TYPES``.
        agent_title: the agent's title.
        agent_slug: the agent's slug.
        status: the stored status (``SUCCEEDED`` or any other text).
        credits: what was charged, with exactly the digits that were recorded.
        output: the stored output, or None if none was recorded or none is kept (``kept_output``).
        root_id: the id of the execution that began the conversation, or None.
        execution_origin: from the execution's metadata, or None.
        used_model: the language model, or None; always None for an edited chat.
        tokens: the tokens that were billed, or None unless billing was by tokens.
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
    """Returns whether a medium's output is a URL; any other output is a key of the media bucket."""
    return output.lower().startswith(("http://", "https://"))


def media_key(output: str | None) -> str | None:
    """Returns the key of the object that a medium's output names, or None if it can't be a key."""
    if not output or is_url(output) or len(output.encode()) > MAX_KEY_BYTES:
        return None
    return output


def kept_output(source: Source, agent_type: str, output: str | None) -> str | None:
    """Returns what a row of ``source`` keeps of an execution's output, or None.

    A current medium keeps its output, which is shown. An archived one keeps only the key of its
    object, whatever its status. The key is never shown, but without it the object could never be
    erased.
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


def to_stored_item(row: Row) -> Attributes:
    """Returns ``row`` as its table holds it; a value that is None has no attribute."""
    item = {
        "workspace_id": _number(row.workspace_id),
        "sort_key": _text(row.position.sort_key),
        "user_id": _number(row.user_id),
        "user_email": _text(row.user_email),
        "agent_type": _text(row.agent_type),
        "agent_title": _text(row.agent_title),
        "agent_slug": _text(row.agent_slug),
        "status": _text(row.status),
        "credits": _number(row.credits),
        "output": _text(row.output),
        "root_id": _number(row.root_id),
        "execution_origin": _text(row.execution_origin),
        "used_model": _text(row.used_model),
    }
    if row.tokens is not None:
        item |= {
            "token_billing": {"BOOL": True},
            "input_tokens": _number(row.tokens.input),
            "output_tokens": _number(row.tokens.output),
            "total_tokens": _number(row.tokens.total),
        }
    return {name: value for name, value in item.items() if value is not None}


def _text(value: str | None) -> dict[str, Any] | None:
    return None if value is None else {"S": value}


def _number(value: int | Decimal | None) -> dict[str, Any] | None:
    return None if value is None else {"N": str(value)}


def from_stored_item(source: Source, item: StoredItem) -> Row:
    """Returns the row that ``to_stored_item`` made ``item`` from.

    Args:
        source: the source whose table the item is in.
        item: what the table holds.

    Raises:
        KeyError, ValueError: this service didn't write the item.
    """
    get = item.get
    root_id = get("root_id")
    return Row(
        source=Source.ARCHIVED if ARCHIVED_FLAG in item else source,
        workspace_id=int(item["workspace_id"]["N"]),
        position=Position.from_stored_key(item["sort_key"]["S"]),
        user_id=int(item["user_id"]["N"]),
        user_email=item["user_email"]["S"],
        agent_type=item["agent_type"]["S"],
        agent_title=item["agent_title"]["S"],
        agent_slug=item["agent_slug"]["S"],
        status=item["status"]["S"],
        credits=Decimal(item["credits"]["N"]),
        output=get("output", _ABSENT)["S"],
        root_id=None if root_id is None else int(root_id["N"]),
        execution_origin=get("execution_origin", _ABSENT)["S"],
        used_model=get("used_model", _ABSENT)["S"],
        tokens=_tokens(item) if "token_billing" in item else None,
    )


def _tokens(item: StoredItem) -> Tokens:
    get = item.get
    sent, generated, total = get("input_tokens"), get("output_tokens"), get("total_tokens")
    return Tokens(
        None if sent is None else int(sent["N"]),
        None if generated is None else int(generated["N"]),
        None if total is None else int(total["N"]),
    )


def has_arrived_after(item: StoredItem, moment: datetime) -> bool:
    """Returns whether a row was first written after ``moment`` (aware).

    A row without ``ARRIVED_AT`` counts as one that was always there.
    """
    return ARRIVED_AT in item and int(item[ARRIVED_AT]["N"]) > to_milliseconds(moment)
