"""A row's place in the listing: sort key, order, and the cursor that continues after it.

The order is ``created_at``, then rank, then id, all descending. Each part of a sort key has a fixed
width, so that sort keys compare as texts in this order, in every table::

    2026-01-05T19:35:21.000000Z#0#00000000000000000042
    created_at, UTC             rank  id, 20 digits
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Final, NamedTuple

from workspace_usage.values import MAX_ID, parse_timestamp

RANK_EXECUTION: Final = 0
"""Rank of executions, current and archived: the same, so an archived row keeps its place."""

RANK_EDITED: Final = 1
"""Rank of edited chats, which come before executions of the same moment."""

_SORT_KEY: Final = re.compile(r"(?P<created_at>[^#]{27})#(?P<rank>[01])#(?P<id>[0-9]{20})")
_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Position(NamedTuple):
    """One place in the listing; compares as the listing's order does, oldest first.

    Attributes:
        created_at: UTC timestamp text, ``2026-01-05T19:35:21.000000Z``.
        rank: ``RANK_EXECUTION`` or ``RANK_EDITED``.
        id: the execution's id, or the edited chat's ``user_openai_id``; 0 to ``MAX_ID``.
    """

    created_at: str
    rank: int
    id: int

    @property
    def sort_key(self) -> str:
        """The sort key of the row at this position."""
        return f"{self.created_at}#{self.rank}#{self.id:020d}"

    @classmethod
    def from_sort_key(cls, sort_key: str) -> "Position":
        """Returns the position of a sort key, which is checked first.

        Raises:
            ValueError: it isn't a sort key.
        """
        match = _SORT_KEY.fullmatch(sort_key)
        if match is None:
            raise ValueError("not a sort key")
        parse_timestamp(match["created_at"])
        position = cls(match["created_at"], int(match["rank"]), int(match["id"]))
        if position.id > MAX_ID:
            raise ValueError("id out of range")
        return position

    @classmethod
    def from_stored_key(cls, sort_key: str) -> "Position":
        """Returns the position of a sort key that this service has stored; it needs no check.

        Raises:
            ValueError: it isn't a sort key at all.
        """
        return cls(sort_key[:27], int(sort_key[28:29]), int(sort_key[30:]))

    @property
    def just_before(self) -> str:
        """The greatest possible sort key below this one, as an inclusive upper bound.

        DynamoDB's ``BETWEEN`` includes both ends; the listing continues *after* the last row shown.
        """
        if self.id == 0:
            return f"{self.created_at}#{self.rank}#"
        return Position(self.created_at, self.rank, self.id - 1).sort_key


def moment_of(sort_key: str) -> datetime:
    """Returns the moment (aware) that a sort key begins with; what follows it may be missing.

    Raises:
        ValueError: it doesn't begin with a timestamp.
    """
    return parse_timestamp(sort_key[:27])


def just_after(sort_key: str) -> str:
    """Returns the least text above ``sort_key``, as an inclusive lower bound."""
    return f"{sort_key}\0"


def encode_cursor(position: Position) -> str:
    """Returns ``position`` as the URL-safe ``next_cursor``, which is not a secret."""
    text = f"{position.created_at}#{position.rank}#{position.id}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Position:
    """Returns the position that ``encode_cursor`` made ``cursor`` from.

    Raises:
        ValueError: this service didn't make the cursor; every position has exactly one.
    """
    if not _CURSOR.fullmatch(cursor):
        raise ValueError("not a cursor")
    text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    created_at, rank, number = text.split("#")
    position = Position.from_sort_key(f"{created_at}#{rank}#{number:0>20}")
    if encode_cursor(position) != cursor:
        raise ValueError("not a cursor that this service made")
    return position
