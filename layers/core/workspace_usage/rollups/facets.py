"""A block's contents for pages: by what its rows are found, and where they are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple, Self

from workspace_usage.rollups.items import rows_kind
from workspace_usage.rows.row import Row, Source

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

    def matches(self, user_id: int | None, agent_type: str | None) -> bool:
        """Returns whether a question by user and type (None: by all) finds such rows."""
        return user_id in (None, self.user_id) and agent_type in (None, self.agent_type)


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


def rows_of(content: Any, user_id: int, agent_type: str | None, types: Sequence[str]) -> int:
    """Returns how many rows a question by user, and by type or not, finds.

    Args:
        content: the block's content of the user's kind (``rows_kind``).
        user_id, agent_type: the question; None for all types.
        types: the types of the block's rows, in the order of ``Block.types``.
    """
    if agent_type is not None and agent_type not in types:
        return 0
    place = 1 if agent_type is None else 2 + types.index(agent_type)
    return sum(rows[place] for rows in content if rows[0] == user_id)


@dataclass(frozen=True, slots=True)
class Order:
    """A block's rows, oldest first; a row's place is its number, from 0.

    Attributes:
        fences: the sort keys of the rows at the places 0, ``FENCE_STEP``, twice that, …
        facets: the different facets of rows.
        codes: for each row, which of ``facets`` it has.
    """

    fences: Sequence[str]
    facets: Sequence[Sequence[Any]]
    codes: Sequence[int]

    def fence_before(
        self, offset: int, user_id: int | None, agent_type: str | None
    ) -> tuple[str, int] | None:
        """Returns a fence near a row, and how many rows lie between them; None if none is above.

        Args:
            offset: how many of the rows that a question finds come before the row, newest first.
            user_id, agent_type: the question, or None for all.
        """
        found = {
            code
            for code, facets in enumerate(self.facets)
            if _is_found(facets, user_id, agent_type)
        }
        places = (at for at in range(len(self.codes) - 1, -1, -1) if self.codes[at] in found)
        before = list(islice(places, offset + 1))
        fence = before[-1] // FENCE_STEP + 1
        if fence >= len(self.fences):
            return None
        return self.fences[fence], sum(at < fence * FENCE_STEP for at in before[:-1])


def _is_found(facets: Sequence[Any], user_id: int | None, agent_type: str | None) -> bool:
    return any(Facet(*facet).matches(user_id, agent_type) for facet in facets)
