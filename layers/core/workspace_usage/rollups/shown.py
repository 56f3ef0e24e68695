"""What a row counts for in a summary, as the listing shows it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple, Self

from workspace_usage.rollups.facets import Facet
from workspace_usage.rows.row import SUCCEEDED, Row, Tokens

DIMENSIONS: Final = ("user", "type", "model", "agent", "origin", "source", "status")
"""What a summary can group by."""

LABELS: Final[Mapping[str, str]] = {"user": "email", "agent": "name"}
"""The dimensions whose values have labels, and the attribute of ``Shown`` that is the label."""

type Key = tuple[int | str | None, ...]
"""A cell's values, one for each of its dimensions."""


class Shown(NamedTuple):
    """What a row counts for in a summary, as the listing shows it.

    Attributes:
        facet: by what it is found.
        key: its values, one for each of ``DIMENSIONS``.
        credits: its credits; 0 unless it succeeded.
        input, output, total: its tokens; 0 without.
        name: its agent's name.
        email: its user's email.
    """

    facet: Facet
    key: Key
    credits: Decimal
    input: int
    output: int
    total: int
    name: str
    email: str

    @classmethod
    def of(cls, row: Row) -> Self:
        """Returns what ``row`` counts for."""
        succeeded = row.status == SUCCEEDED
        model, agent, origin = row.used_model, row.agent_slug, row.execution_origin
        status = SUCCEEDED if succeeded else "failed"
        tokens = row.tokens or Tokens(0, 0, 0)
        return cls(
            facet=Facet.of(row),
            key=(row.user_id, row.agent_type, model, agent, origin, row.source.value, status),
            credits=row.credits if succeeded else Decimal(0),
            input=tokens.input or 0,
            output=tokens.output or 0,
            total=tokens.total or 0,
            name=row.agent_title,
            email=row.user_email,
        )

    def label(self, dimension: str) -> str:
        """Returns the label of its value for a dimension."""
        text: str = getattr(self, LABELS[dimension])
        return text

    def to_content(self) -> list[Any]:
        """Returns this as JSON."""
        facet, key, credits_, *others = self
        return [list(facet), key, f"{credits_:f}", *others]

    @classmethod
    def from_content(cls, content: Any) -> Self:
        """Returns what ``to_content`` made ``content`` from."""
        facet, key, credits_, *others = content
        return cls(Facet(*facet), tuple(key), Decimal(credits_), *others)
