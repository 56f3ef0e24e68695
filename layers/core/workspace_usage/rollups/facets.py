"""A block's contents for pages: by what its rows are found, and where they are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, Self

from workspace_usage.access.scope import user_of
from workspace_usage.aws.packing import wrong_form_as_unreadable
from workspace_usage.rollups.items import rows_kind
from workspace_usage.rows.row import Row, Source
from workspace_usage.rows.store import Selection

FENCE_STEP: Final = 20
"""Rows from one fence to the next."""


class Facet(NamedTuple):
    """By what a row is found: its user and its type. Edited chats are found among the chats."""

    user_id: int
    agent_type: str

    @classmethod
    def of(cls, row: Row) -> Self:
        """Returns the facet of a row."""
        return cls(row.user_id, "chat" if row.source is Source.EDITED else row.agent_type)

    def is_in(self, selection: Selection) -> bool:
        """Returns whether such rows are selected, if they are in the selection's window."""
        is_users = user_of(selection.scope) in (None, self.user_id)
        return is_users and selection.agent_type in (None, self.agent_type)


type Facets = tuple[Facet, ...]
"""The facets of a row's copies: more than one if the copies differ."""


def page_contents(
    keys: Sequence[str], facets: Sequence[Facets], types: Iterable[str]
) -> dict[str, Any]:
    """Returns a block's contents for pages by their kind (``items``).

    Args:
        keys: the sort keys of its rows, oldest first.
        facets: the facets of each row.
        types: the types of its rows, in the order of ``Block.types``.
    """
    numbers: dict[Facets, int] = {}
    codes = [numbers.setdefault(some, len(numbers)) for some in facets]
    rows = Counter(
        user_id for some in facets for user_id in sorted({facet.user_id for facet in some})
    )
    rows_of_facet = Counter(facet for some in facets for facet in some)
    by_user: dict[str, list[Any]] = {}
    for user_id, number in rows.items():
        row = [user_id, number, *(rows_of_facet[Facet(user_id, kind)] for kind in types)]
        by_user.setdefault(rows_kind(user_id), []).append(row)
    listed = [[[*facet] for facet in some] for some in numbers]
    return {"order": [keys[::FENCE_STEP], listed, codes], **by_user}


def rows_of(content: Any, selection: Selection, types: Sequence[str]) -> int:
    """Returns how many rows of a user are selected.

    Args:
        content: the block's content of the user's kind (``rows_kind``).
        selection: the user's rows, of all types or of one that the block has.
        types: the types of the block's rows, in the order of ``Block.types``.

    Raises:
        Unreadable: ``page_contents`` has not made the content.
    """
    user_id, agent_type = user_of(selection.scope), selection.agent_type
    place = 1 if agent_type is None else 2 + types.index(agent_type)
    with wrong_form_as_unreadable():
        return sum(rows[place] for rows in content if rows[0] == user_id)


def fence_before(content: Any, selection: Selection, offset: int) -> tuple[str, int] | None:
    """Returns a fence near a row, and how many rows lie between them; None if none is above.

    Args:
        content: the block's content of the kind ``order``. A row's place in it is its number, from
            0 for the oldest one; the fences are the rows at the places 0, ``FENCE_STEP``, …
        selection: the rows that are listed.
        offset: how many of them come before the row, newest first.

    Raises:
        Unreadable: ``page_contents`` has not made the content.
    """
    with wrong_form_as_unreadable():
        fences, listed, codes = content
        found = {
            code
            for code, some in enumerate(listed)
            if any(Facet(*facet).is_in(selection) for facet in some)
        }
        places = (at for at in range(len(codes) - 1, -1, -1) if codes[at] in found)
        before = list(islice(places, offset + 1))
        fence = before[-1] // FENCE_STEP + 1
        if fence >= len(fences):
            return None
        return fences[fence], sum(at < fence * FENCE_STEP for at in before[:-1])
